"""Reading the current table back, format by format."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.errors import InputError, StoreError, UsageError
from tasks.export import AUDFORMAT_COLUMNS, export
from tasks.tables import SCORES
from tests.support.tables import corpus, score_row, scores

TABLES = list(corpus([f"s3://media/show {n}.mp4" for n in range(5)], segments=4, per_table=2))
ROWS = 20


def _failing() -> Iterator[pa.Table]:
    yield TABLES[0]
    raise StoreError("the store went away")


def test_parquet_holds_every_row_as_it_was(tmp_path: Path) -> None:
    result = export(TABLES, "parquet", tmp_path / "new folder" / "all.parquet")
    assert result.rows == ROWS
    assert result.files == (tmp_path / "new folder" / "all.parquet",)
    assert pq.read_table(result.files[0]).equals(pa.concat_tables(TABLES))


def test_tables_are_taken_one_at_a_time(tmp_path: Path) -> None:
    alive = 0

    def watched() -> Iterator[pa.Table]:
        nonlocal alive
        for _ in range(50):
            before = pa.total_allocated_bytes()
            yield scores(*[score_row(start_s=n, end_s=n + 1) for n in range(500)])
            alive = max(alive, pa.total_allocated_bytes() - before)

    for form in ("parquet", "csv", "audformat", "srt"):
        assert export(watched(), form, tmp_path / form).rows == 25_000
    one = scores(*[score_row(start_s=n, end_s=n + 1) for n in range(500)]).nbytes
    assert alive < 10 * one


def test_csv_joins_flags_and_writes_short_figures(tmp_path: Path) -> None:
    row = score_row('s3://media/한국, "a".wav', confidence=0.7, flags=["short", "truncated"])
    export([scores(row, score_row(emotion=None, start_s=4, end_s=5))], "csv", tmp_path / "all.csv")
    with (tmp_path / "all.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert list(first) == SCORES.names
    assert (first["media_uri"], first["flags"], first["confidence"]) == (row["media_uri"], "short;truncated", "0.7")
    assert (second["emotion"], second["confidence"], second["p_sad"]) == ("", "", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_leaves_no_text_that_a_spreadsheet_would_run(tmp_path: Path, start: str) -> None:
    export([scores(score_row(model=f"{start}HYPERLINK(1)"))], "csv", tmp_path / "all.csv")
    with (tmp_path / "all.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["model"] == f"'{start}HYPERLINK(1)"


def test_audformat_reads_back_as_a_segmented_table(tmp_path: Path) -> None:
    table = scores(score_row(start_s=1.001, end_s=4.0), score_row(start_s=4.0, end_s=3601.25, emotion=None))
    export([table, *TABLES], "audformat", tmp_path / "db.csv")
    read = pd.read_csv(tmp_path / "db.csv", index_col=["file", "start", "end"])
    assert list(read.columns) == list(AUDFORMAT_COLUMNS)
    assert len(read) == ROWS + 2
    text = (tmp_path / "db.csv").read_text().splitlines()
    assert text[1].startswith("s3://media/a.wav,0 days 00:00:01.001000,0 days 00:00:04.000000,angry,0.7,en,0.95,")
    assert pd.to_timedelta(read.index.get_level_values("end"))[1].total_seconds() == 3601.25
    assert read["emotion"].isna().sum() == 1


def test_srt_mirrors_the_mediums_path_in_order_of_time(tmp_path: Path) -> None:
    table = scores(
        score_row("s3://media/s1/e1.mp4", 3661.5, 3662.0, "sad", 0.5),
        score_row("s3://media/s1/e1.mp4", 0.25, 3.9996, "angry", 0.71),
        score_row("s3://media/s1/e1.mp4", 4.0, 5.0, None),
    )
    result = export([table], "srt", tmp_path)
    assert result.files == (tmp_path / "media/s1/e1.srt",)
    assert result.files[0].read_text() == (
        "1\n00:00:00,250 --> 00:00:04,000\n[angry 0.71]\n\n"
        "2\n00:00:04,000 --> 00:00:05,000\n[undecided]\n\n"
        "3\n01:01:01,500 --> 01:01:02,000\n[sad 0.50]\n\n"
    )


def test_srt_of_two_media_that_differ_in_suffix_are_two_files(tmp_path: Path) -> None:
    rows = [score_row(f"s3://media/{name}") for name in ("a.mp3", "A.wav", "b.mp3", "b", "c.mp3")]
    result = export([scores(row) for row in rows], "srt", tmp_path)
    assert [str(file.relative_to(tmp_path / "media")) for file in result.files] == [
        "A.wav.srt", "a.mp3.srt", "b.mp3.srt", "b.srt", "c.srt",
    ]  # fmt: skip


HOSTILE = [
    "../../escape.mp3",
    "..",
    "/etc/passwd.mp3",
    "a/../../../b.mp3",
    "..\\..\\c.mp3",
    "C:\\d.mp3",
    "e\nf.mp3",
    "x.srt/y.mp3",
    "x.mp3",
    "가" * 300 + ".mp3",
    ".hidden.mp3",
    "nul\0l.mp3",
]


def test_srt_of_hostile_names_stays_below_the_destination(tmp_path: Path) -> None:
    destination = tmp_path / "deep" / "out"
    result = export([scores(*(score_row(f"s3://media/{name}") for name in HOSTILE))], "srt", destination)
    assert len(result.files) == len(HOSTILE)
    assert all(file.resolve().is_relative_to(destination.resolve()) for file in result.files)
    everything = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert everything == {file.absolute() for file in result.files}


@pytest.mark.parametrize("form", ["parquet", "csv", "audformat", "srt"])
def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path, form: str) -> None:
    destination = tmp_path / "out"
    if form != "srt":
        destination.write_text("the last export")
    with pytest.raises(StoreError, match="went away"):
        export(_failing(), form, destination)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ([] if form == "srt" else [destination])
    assert form == "srt" or destination.read_text() == "the last export"


@pytest.mark.parametrize("form", ["parquet", "csv", "audformat", "srt"])
def test_an_empty_corpus_exports_as_an_empty_table(tmp_path: Path, form: str) -> None:
    result = export([], form, tmp_path / "out")
    assert result.rows == 0
    assert len(result.files) == (0 if form == "srt" else 1)
    if form in {"csv", "audformat"}:
        assert "emotion" in (tmp_path / "out").read_text()


def test_only_the_rows_of_the_filter_are_written(tmp_path: Path) -> None:
    result = export(TABLES, "parquet", tmp_path / "some.parquet", where="language == 'ko'")
    assert set(pq.read_table(result.files[0])["language"].to_pylist()) == {"ko"}
    assert result.rows == 4


def test_an_unknown_format_or_filter_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected one of parquet, csv, audformat, srt"):
        export(TABLES, "xlsx", tmp_path / "out.xlsx")
    with pytest.raises(UsageError, match="no column 'mood'"):
        export(TABLES, "csv", tmp_path / "out.csv", where="mood == 'sad'")
    assert not list(tmp_path.iterdir())


def test_a_destination_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=str(tmp_path)):
        export(TABLES, "csv", tmp_path)
