"""tasks/labelling/importing.py: annotations become label files, each rating once."""

import json
from pathlib import Path
from typing import Any

import pytest

from actors.contract import TAXONOMY
from infra.errors import InputError, UsageError
from infra.shelf import FolderShelf
from tasks.labelling.importing import Imported, import_labels
from tasks.labelling.label_studio import tasks_of
from tasks.labels import LabelledSet, read_labelled
from tests.support.labelling import annotated, to_label

TASKS = list(tasks_of([to_label(number) for number in range(3)], lambda uri: uri))
SAID = [{"ann": "sad", "bob": "fear"}, {"ann": "happy"}, {"ann": None}]


@pytest.fixture
def shelf(tmp_path: Path) -> FolderShelf:
    return FolderShelf(tmp_path)


def _bring(shelf: FolderShelf, export: object, name: str = "export.json", **options: Any) -> Imported:
    return import_labels(json.dumps(export).encode(), name, shelf, **options)


def _stored(shelf: FolderShelf) -> list[LabelledSet]:
    return [read_labelled(shelf.get(name), name) for name in shelf.names()]


def _line(label: str | None, rater: str | None = "ann", **changes: Any) -> dict[str, Any]:
    return {"video": "a.wav", "start": 0, "end": 1, "label": label, "rater": rater} | changes


def test_what_was_exported_and_what_is_stored_read_the_same(shelf: FolderShelf) -> None:
    export = annotated(TASKS, SAID)
    imported = _bring(shelf, export)
    (stored,) = _stored(shelf)
    expected = read_labelled(json.dumps(export).encode(), "export.json")
    for column in ("media", "start_s", "end_s", "truth", "ratings", "key", "pick", "language", "speaker", "text"):
        assert getattr(stored, column).tolist() == getattr(expected, column).tolist(), column
    assert stored.raters == expected.raters == ("ann", "bob")
    assert (imported.added, imported.known, imported.problems[0].kind.value) == (3, 0, "tied_raters")


def test_importing_twice_is_nothing_however_often_addresses_are_signed_anew(shelf: FolderShelf) -> None:
    first = _bring(shelf, annotated(TASKS, SAID))
    again = _bring(shelf, annotated(TASKS, SAID, signed="?X-Amz-Signature=2")[::-1])
    assert [shelf.address(name) for name in shelf.names()] == [first.address]
    assert (again.address, again.added, again.known) == (None, 0, 3)


def test_of_a_later_export_only_what_is_new_is_stored(shelf: FolderShelf) -> None:
    _bring(shelf, annotated(TASKS, SAID))
    later = _bring(shelf, annotated(TASKS, [*SAID[:2], {"bob": "angry"}]))
    assert (later.added, later.known) == (1, 3)
    assert sorted(len(each) for each in _stored(shelf)) == [1, 2]


def test_what_contradicts_a_stored_label_is_told_with_both_lines_and_left_out(shelf: FolderShelf) -> None:
    _bring(shelf, [_line("sad")])
    changed = _bring(shelf, [_line("fear"), _line("fear", "bob")])
    (problem, *_) = [each for each in changed.problems if each.kind.value == "conflicting_labels"]
    assert "ann says fear, but in import-" in problem.text
    assert ":1 sad about the same segment: left out" in problem.text
    assert changed.added == 1
    assert sorted(TAXONOMY[code] for each in _stored(shelf) for code in each.truth) == ["fear", "sad"]


def test_under_a_name_a_later_import_takes_the_place_of_the_earlier_one(shelf: FolderShelf) -> None:
    _bring(shelf, [_line("sad"), _line("happy", start=5, end=6)], file="project-7")
    changed = _bring(shelf, [_line("fear")], file="project-7")
    assert changed.address == shelf.address("project-7.jsonl")
    (stored,) = _stored(shelf)
    assert [TAXONOMY[code] for code in stored.truth] == ["fear"]
    assert _bring(shelf, [_line("fear")], file="project-7").address is None


def test_what_one_person_says_twice_about_a_segment_is_not_stored(shelf: FolderShelf) -> None:
    lines = [_line("sad"), _line("fear"), *(_line("happy", start=n, end=n + 1) for n in range(2, 20))]
    imported = _bring(shelf, lines)
    assert (imported.added, imported.counts.conflicting) == (18, 2)


def test_skipped_lines_and_words_outside_the_taxonomy_are_counted_and_not_stored(shelf: FolderShelf) -> None:
    lines = [_line("sad"), _line(None, start=2, end=3), _line("fear", start=4, end=5, skipped=True)]
    imported = _bring(shelf, [*lines, _line("bored", start=6, end=7)], aliases={"bored": None})
    assert (imported.added, imported.counts.unlabelled, imported.counts.rejected) == (1, 2, 1)


def test_a_rating_of_nobody_stays_one_of_nobody(shelf: FolderShelf) -> None:
    _bring(shelf, [_line("sad", rater=None)])
    (stored,) = _stored(shelf)
    assert stored.raters == ()
    assert "rater" not in shelf.get(next(iter(shelf.names()))).decode()


def test_a_file_beside_that_is_no_label_file_is_told_and_stands_in_nobodys_way(shelf: FolderShelf) -> None:
    shelf.put("notes.csv", b"a,b\n1,2\n")
    imported = _bring(shelf, [_line("sad")])
    assert imported.added == 1
    assert "notes.csv is passed over" in imported.problems[0].text


def test_a_file_without_a_label_and_a_name_with_a_path_are_refused(shelf: FolderShelf) -> None:
    with pytest.raises(InputError, match="no labelled segment"):
        _bring(shelf, [_line(None)])
    with pytest.raises(UsageError, match="is no name for a label file"):
        _bring(shelf, [_line("sad")], file="../elsewhere")
    assert list(shelf.names()) == []


def test_a_results_store_takes_no_labels_at_its_top(shelf: FolderShelf) -> None:
    shelf.put("commits/config=f0/a.json", b"{}")
    with pytest.raises(UsageError, match="holds results"):
        _bring(shelf, annotated(TASKS, SAID))
    assert list(shelf.names()) == ["commits/config=f0/a.json"]
