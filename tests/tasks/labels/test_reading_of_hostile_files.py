"""tasks/labels/reading.py: files that mean harm, or are damaged, are read or refused, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.contract import TAXONOMY
from infra.errors import InputError
from tasks.labels import ProblemKind, read_labelled
from tests.support.labelled import Said, Writer, json_lines, label_studio, parquet, separated


class _Huge(bytes):
    def __len__(self) -> int:
        return 2_000_000_000


HOSTILE = {
    "too large": _Huge(b"{}"),
    "deep array": b"[" * 200_000,
    "deep line": b'{"a":' * 200_000,
    "null bytes": b"\x00" * 4000,
    "utf-16 without its mark": separated([Said()]).decode().encode("utf-16-le"),
    "half a utf-16 text": separated([Said()]).decode().encode("utf-16")[:-1],
    "cp949": "media,start,end,label\n드라마,0,1,슬픔\n".encode("cp949"),
    "half a parquet file": parquet([Said()])[:-20],
    "parquet in name only": b"PAR1" + b"\x00" * 100,
    "parquet of another table": parquet([Said()]).replace(b"media", b"medio"),
    "a million columns": b"," * 1_000_000 + b"\n" + b"1," * 1_000_000,
    "half an array": b'[{"video": "a", "start": 0, "end": 1, "label": "sad"},',
    "two arrays": b'[{"video": "a", "start": 0, "end": 1, "label": "sad"}] []',
    "an array without commas": b'[{"video": "a", "start": 0, "end": 1, "label": "sad"} {}]',
    "a stray comma": b'[{"video": "a", "start": 0, "end": 1, "label": "sad"},]',
    "prose": b"It was a dark and stormy night; the rain fell in torrents.",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "an open quote": b'media,start,end,label\n"a,0,1,sad\nb,0,1,sad\n',
    "a huge number": b'{"video": "a", "start": 0, "end": 1' + b"0" * 5000 + b', "label": "sad"}',
    "label studio gone wrong": b'[{"annotations": [1, {"result": [2, {"value": 3}]}], "data": {"audio": 4}}]',
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_is_no_labelled_set_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^labels"):
        read_labelled(data, "labels")


def test_a_million_columns_beside_those_that_are_read_do_no_harm() -> None:
    wide = b"," * 1_000_000
    data = b"media,start,end,label" + wide + b"\na,0,1,sad" + wide + b"\n"
    assert read_labelled(data, "labels.csv").truth.tolist() == [TAXONOMY.index("sad")]


def test_a_huge_line_is_a_problem_and_no_record() -> None:
    good = json_lines([Said(start=n, end=n + 1) for n in range(9)])
    labelled = read_labelled(good + b"\n{" + b" " * 11_000_000 + b"}", "labels.jsonl")
    assert [problem.line for problem in labelled.problems] == [10]
    assert "11,000,002 characters" in labelled.problems[0].text


SEEDS = [json_lines, separated, parquet, label_studio]
LINES = [Said("a", 0, 1, "sad", "s", "ko", "ann", "하나"), Said("a", 2, 3, "joy", rater="bob")]


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(write: Writer, data: st.DataObject) -> None:
    text = write(LINES)
    at = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(at, min(at + 12, len(text))))
    _read_or_refuse(text[:at] + data.draw(st.binary(max_size=12)) + text[until:])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([b"", b"PAR1", b"[", b"{", b"\xff\xfe", b"media,start,end,label\n"]), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_nothing_else(mark: bytes, data: bytes) -> None:
    _read_or_refuse(mark + data)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(10**400), 10**400) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["start", "end", "labels"]), inner),
    max_leaves=6,
)
FIELDS = ["video", "start", "end", "label", "rater", "audio_scores", "annotations", "data", "annotator", "skipped"]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), anything), min_size=1, max_size=3))
def test_any_values_are_read_or_refused_and_nothing_else(records: list[dict[str, Any]]) -> None:
    plain = {"video": "a", "start": 0, "end": 1, "label": "sad"}
    _read_or_refuse("\n".join(json.dumps(plain | record) for record in records).encode())


def _read_or_refuse(data: bytes) -> None:
    try:
        labelled = read_labelled(data, "labels", max_problems_share=1.0)
    except InputError as error:
        str(error).encode()
        return
    for problem in labelled.problems:
        problem.told("labels").encode()
        assert problem.kind in ProblemKind
    assert len(labelled) > 0
