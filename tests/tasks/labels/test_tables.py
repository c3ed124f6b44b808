"""tasks/labels/tables.py: CSV as people save it, and Parquet as tables are written."""

import datetime as dt

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.errors import InputError
from tasks.labels import read_labelled, read_spans
from tasks.labels.problems import Problem
from tasks.labels.tables import csv_records, parquet_records
from tests.support.labelled import Said, parquet


def _lines(text: str) -> list[tuple[int, str]]:
    """Line of each row, and its medium or what is wrong."""
    return [
        (each.line, each.text) if isinstance(each, Problem) else (each[0], each[1]["media"])
        for each in csv_records(text.encode(), "labels.csv")
    ]


def _parquet(frame: pd.DataFrame) -> bytes:
    return frame.to_parquet(index=False)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_is_read_by_its_header_whatever_the_delimiter_case_and_order(delimiter: str) -> None:
    rows = ["Speaker,MEDIA, start ,end,x", "S1,a.wav,0,1.5,1"]
    ((line, values),) = csv_records("\n".join(rows).replace(",", delimiter).encode(), "labels.csv")
    assert (line, values) == (2, {"speaker": "S1", "media": "a.wav", "start": "0", "end": "1.5"})


def test_a_row_is_named_by_the_line_where_it_begins_even_behind_a_text_of_several_lines() -> None:
    text = 'media,start,end,text\na.wav,0,1,"one\ntwo"\n\nb.wav,2,1,x\n,,,\n"c\n.wav",1\nd.wav\n'
    assert _lines(text) == [(2, "a.wav"), (5, "b.wav"), (7, "c\n.wav"), (9, "d.wav")]


def test_after_a_broken_row_the_next_line_is_read() -> None:
    text = 'media,start,end\na,0,1\n"b"x,0,1\nc,0,' + "1" * 200_000 + "\nd,0,1\n"
    assert [media for _, media in _lines(text)] == ["a", "no CSV: ',' expected after '\"'", _TOO_LARGE, "d"]


_TOO_LARGE = "no CSV: field larger than field limit (131072)"


def test_all_lines_that_an_open_quote_swallows_are_told() -> None:
    assert [line for line, _ in _lines('media,start,end\na,0,1\n"b,0,1\nc,0,1\nd,0,1\n')] == [2, 3, 4, 5]


def test_a_header_without_the_columns_is_refused_with_what_was_found() -> None:
    with pytest.raises(InputError) as caught:
        _lines("name,begin,end\na,0,1\n")
    assert "columns 'name', 'begin', 'end'. Expected: media, video, file (one of them), start, end." in str(
        caught.value
    )


def test_a_table_that_a_model_wrote_has_no_labels_in_its_column_emotion() -> None:
    ours = "file,start,end,emotion,p_neutral\na,0 days,0 days 00:00:01,sad,0.1\n"
    with pytest.raises(InputError, match="1 have no label"):
        read_labelled(ours.encode(), "scores.csv")
    assert len(read_labelled(ours.replace("p_neutral", "x").encode(), "labels.csv")) == 1


def test_parquet_of_any_column_types_is_read() -> None:
    frame = pd.DataFrame(
        {
            "Media": pd.Categorical(["a", "a"]),
            "start": pd.array([0, 1], dtype="Int64"),
            "end": [dt.timedelta(milliseconds=500), dt.timedelta(seconds=2)],
            "label": pd.Categorical(["sad", None]),
            "rater": [3.0, float("nan")],
            "unused": [{"deep": [1]}, {"deep": [2]}],
        }
    )
    labelled = read_labelled(_parquet(frame), "labels.parquet")
    assert (labelled.end_s.tolist(), labelled.truth.tolist(), labelled.counts.unlabelled) == ([0.5], [2], 1)


def test_rows_of_parquet_are_numbered_through_all_its_row_groups() -> None:
    table = pa.table({"media": ["a"] * 5, "start": [0.0] * 5, "end": [1.0] * 5})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=2)
    assert [row for row, _ in parquet_records(sink.getvalue().to_pybytes(), "p")] == [1, 2, 3, 4, 5]


def test_parquet_without_the_columns_is_refused_with_what_was_found() -> None:
    with pytest.raises(InputError, match=r"columns 'start', 'x'\. Expected: media"):
        list(parquet_records(_parquet(pd.DataFrame({"start": [1], "x": [2]})), "labels.parquet"))


def test_parquet_that_is_cut_is_refused() -> None:
    with pytest.raises(InputError, match=r"labels\.parquet is no Parquet file that can be read"):
        list(parquet_records(parquet([Said()])[:-9], "labels.parquet"))


def test_parquet_that_unpacks_to_more_than_is_allowed_is_refused() -> None:
    # One value 20,000 times: a hundredth as large as a file.
    table = pa.table({"media": ["a" * 100] * 20_000, "start": [0.0] * 20_000, "end": [1.0] * 20_000})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, use_dictionary=False, compression="zstd")
    data = sink.getvalue().to_pybytes()
    assert len(data) < 100_000
    with pytest.raises(InputError, match=r"p, unpacked, has 2,[\d,]+ bytes, label files may have 1,000,000"):
        list(parquet_records(data, "p", most=1_000_000))


def test_segments_alone_are_read_from_parquet_too() -> None:
    assert list(read_spans(parquet([Said("a.wav", label=None)]), "x").spans) == ["a.wav"]
