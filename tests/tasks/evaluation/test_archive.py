"""Where evaluations lie: stored whole, found again, and every answer beside them."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from infra.errors import InputError, StoreError
from infra.shelf import FolderShelf
from tasks.evaluation.answers import from_recorded
from tasks.evaluation.archive import PREDICTIONS, Archive, predictions_table
from tasks.evaluation.gather import gather
from tasks.numerics.decision import Decision
from tasks.tables import from_parquet
from tests.support.evaluation import labelled, line, one_hot, segments
from tests.support.evaluations import evaluation

EMPTY = PREDICTIONS.empty_table()


class FullShelf(FolderShelf):
    """Has no room for one kind of file."""

    def __init__(self, folder: Path, refuse: str) -> None:
        super().__init__(folder)
        self._refuse = refuse

    def put(self, name: str, data: bytes, content_type: str = "application/octet-stream") -> str:
        if name.endswith(self._refuse):
            raise StoreError(f"no room for {name}")
        return super().put(name, data, content_type)


def test_a_stored_evaluation_comes_back_as_it_was(tmp_path: Path) -> None:
    archive = Archive(FolderShelf(tmp_path))
    one = evaluation()

    archive.save(one, "<html>", EMPTY)

    assert archive.get(one.evaluation_id) == one
    assert (tmp_path / "evaluations" / one.evaluation_id / "report.html").read_text() == "<html>"


def test_outputs_say_where_the_files_will_lie(tmp_path: Path) -> None:
    archive = Archive(FolderShelf(tmp_path))

    outputs = archive.outputs("20260101T000000-abcdef")
    archive.save(evaluation(evaluation_id="20260101T000000-abcdef"), "page", EMPTY)

    assert all(Path(each).is_file() for each in (outputs.report, outputs.evaluation, outputs.predictions))


def test_an_evaluation_whose_page_could_not_be_stored_has_no_record(tmp_path: Path) -> None:
    archive = Archive(FullShelf(tmp_path, "report.html"))

    with pytest.raises(StoreError):
        archive.save(evaluation(), "page", EMPTY)

    assert archive.history() == []


def test_the_history_begins_with_the_newest_and_ends_at_its_limit(tmp_path: Path) -> None:
    archive = Archive(FolderShelf(tmp_path))
    names = [f"2026010{day}T000000-abcdef" for day in (2, 1, 3)]
    for name in names:
        archive.save(evaluation(evaluation_id=name), "", EMPTY)
    archive.save_leaderboard(lambda found: str(len(found)))

    assert [each.evaluation_id for each in archive.history()] == sorted(names, reverse=True)
    assert [each.evaluation_id for each in archive.history(limit=1)] == [max(names)]
    assert (tmp_path / "evaluations" / "leaderboard.html").read_text() == "3"


def test_a_damaged_record_is_left_out_of_the_history_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive = Archive(FolderShelf(tmp_path))
    archive.save(evaluation(), "", EMPTY)
    archive.save(evaluation(evaluation_id="20260909T000000-000000"), "", EMPTY)
    (tmp_path / "evaluations" / "20260909T000000-000000" / "evaluation.json").write_text('{"n": 1}')

    with caplog.at_level(logging.WARNING):
        found = archive.history()

    assert [each.evaluation_id for each in found] == [evaluation().evaluation_id]
    assert "20260909T000000-000000" in caplog.text


def test_an_evaluation_that_is_not_there_or_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    archive = Archive(FolderShelf(tmp_path))
    archive.save(evaluation(evaluation_id="broken"), "", EMPTY)
    (tmp_path / "evaluations" / "broken" / "evaluation.json").write_text("{}")

    with pytest.raises(InputError, match="no evaluation 'absent': see"):
        archive.get("absent")
    with pytest.raises(InputError, match="record of evaluation 'broken' cannot be read"):
        archive.get("broken")


def test_predictions_have_a_row_for_each_segment_and_candidate_joined_by_the_segment() -> None:
    chosen = gather([labelled(line("b.wav", 1, 2, speaker="s", language="ko"), line("a.wav", 3, 4, "happy"))])
    rows = one_hot(["happy", "fear"])
    rows[1] = np.nan
    first = from_recorded({"audio": rows}, "audio", 0.5, Decision())
    second = replace(first, name="other", posterior=one_hot(["sad", "sad"]))

    table = predictions_table(chosen, [first, second]).to_pylist()

    shown = [(each["media"], each["start_s"], each["truth"], each["candidate"], each["emotion"]) for each in table]
    assert shown == [
        ("a.wav", 3.0, "happy", "recorded audio", "happy"),
        ("b.wav", 1.0, "sad", "recorded audio", None),
        ("a.wav", 3.0, "happy", "other", "sad"),
        ("b.wav", 1.0, "sad", "other", "sad"),
    ]
    assert table[1]["p_sad"] is None
    assert table[0]["p_happy"] == pytest.approx(0.9)
    assert (table[3]["speaker"], table[3]["language"]) == ("s", "ko")
    assert table[0]["segment_key"] == table[2]["segment_key"] == chosen.key[0]


def test_predictions_of_an_earlier_version_have_the_later_columns_empty(tmp_path: Path) -> None:
    found = from_recorded({"audio": one_hot(["sad", "happy"])}, "audio", 0.5, Decision())
    table = predictions_table(segments(["sad", "happy"]), [found])
    archive = Archive(FolderShelf(tmp_path))
    archive.save(evaluation(), "", table.select(table.column_names[: table.column_names.index("emotion") + 1]))

    frame = archive.predictions(evaluation().evaluation_id)

    assert list(frame.columns) == PREDICTIONS.names
    assert frame[["audio_p_sad", "text", "text_p_sad"]].isna().all(axis=None)
    assert list(frame["emotion"]) == ["sad", "happy"]


def test_predictions_without_a_candidate_are_an_empty_table(tmp_path: Path) -> None:
    table = predictions_table(segments(["sad"]), [])

    Archive(FolderShelf(tmp_path)).save(evaluation(), "", table)

    stored = tmp_path / "evaluations" / evaluation().evaluation_id / "predictions.parquet"
    assert from_parquet(stored.read_bytes()).schema.names == PREDICTIONS.names
