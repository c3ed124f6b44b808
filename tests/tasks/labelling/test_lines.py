"""tasks/labelling/lines.py and writing.py: files to fill in, and that they read back."""

import csv
import io
import json
from pathlib import Path

import pytest

from actors.contract import TAXONOMY
from infra.errors import InputError, UsageError
from tasks.labelling.label_studio import tasks_of
from tasks.labelling.lines import csv_lines, json_lines
from tasks.labelling.writing import check_format, write_segments
from tasks.labels import read_labelled, read_spans
from tests.support.labelling import to_label

SEGMENTS = [to_label(0), to_label(1, emotion="sad", text="그래, 알았어"), to_label(2, emotion=None, why=None)]


def test_a_json_line_is_one_of_the_labelled_set_with_the_label_left_open() -> None:
    first, second, third = map(json.loads, json_lines(SEGMENTS))
    assert (first["video"], first["start"], first["end"]) == (SEGMENTS[0].uri, 0.0, 4.0)
    assert (first["label"], first["skipped"]) == (None, False)
    assert (first["predicted_emotion"], first["confidence"]) == ("angry", 0.6)
    assert first["audio_scores"] == SEGMENTS[0].posterior
    assert (first["pick"], first["draw"]) == ("random", 0.125)
    assert "audio_scores" not in second
    assert second["combined_scores"] == SEGMENTS[1].posterior
    assert third["predicted_emotion"] is None
    assert "pick" not in third


def test_a_file_that_nobody_filled_in_has_no_labels_but_its_segments_can_be_left_out() -> None:
    data = "".join(json_lines(SEGMENTS)).encode()
    with pytest.raises(InputError, match="no labelled segment"):
        read_labelled(data, "queue.jsonl")
    assert [len(spans) for spans in read_spans(data, "queue.jsonl").spans.values()] == [3]


def test_json_lines_that_were_filled_in_are_a_labelled_set_with_recorded_scores() -> None:
    lines = [json.loads(line) | {"label": "fear"} for line in json_lines(SEGMENTS[:1])]
    labelled = read_labelled("\n".join(map(json.dumps, lines)).encode(), "queue.jsonl")
    assert [TAXONOMY[code] for code in labelled.truth] == ["fear"]
    assert labelled.recorded["audio"][0].argmax() == TAXONOMY.index("angry")
    assert labelled.pick.tolist() == ["random"]


def test_csv_that_was_filled_in_is_a_labelled_set() -> None:
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(SEGMENTS)))))
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(rows[0]))
    writer.writeheader()
    writer.writerows(row | {"label": "기쁨", "rater": "ann"} for row in rows)
    labelled = read_labelled(sink.getvalue().encode(), "queue.csv")
    assert [TAXONOMY[code] for code in labelled.truth] == ["happy"] * 3
    assert labelled.text.tolist() == [None, "그래, 알았어", None]
    assert labelled.pick.tolist() == ["random", "random", None]


def test_a_text_that_a_spreadsheet_would_run_is_made_harmless() -> None:
    (row,) = csv.DictReader(io.StringIO("".join(csv_lines([to_label(text="=1+1")]))))
    assert row["text"] == "'=1+1"


def test_blind_lines_say_nothing_of_what_a_model_says() -> None:
    for text in ("".join(json_lines(SEGMENTS, blind=True)), "".join(csv_lines(SEGMENTS[:1], blind=True))):
        for word in ("angry", "0.6", "Drawn"):
            assert word not in text
        assert "random" in text


@pytest.mark.parametrize("kind", ["label-studio", "jsonl", "csv"])
def test_a_file_is_written_whole_with_as_many_segments_as_it_says(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "below" / "queue"
    assert write_segments(iter(SEGMENTS), file, check_format(kind), audio=str) == 3
    text = file.read_text(encoding="utf-8")
    if kind == "label-studio":
        assert json.loads(text) == list(tasks_of(SEGMENTS, str))
    assert [each.name for each in file.parent.iterdir()] == ["queue"]


def test_no_segments_are_an_empty_array(tmp_path: Path) -> None:
    assert write_segments([], tmp_path / "q.json", "label-studio", audio=str) == 0
    assert json.loads((tmp_path / "q.json").read_text()) == []


def test_what_breaks_off_leaves_the_earlier_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text("before")

    def broken():  # type: ignore[no-untyped-def]
        yield to_label()
        raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        write_segments(broken(), file, "jsonl", audio=str)
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]


def test_a_place_that_cannot_be_written_and_an_unknown_format_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_segments([], tmp_path / "file" / "q", "jsonl", audio=str)
    with pytest.raises(UsageError, match="expected one of label-studio, jsonl, csv"):
        check_format("xml")
