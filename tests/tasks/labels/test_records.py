"""tasks/labels/records.py: formats told by content before name, and lines that are counted right."""

import json

import pytest

from infra.errors import InputError
from tasks.labels.problems import Problem
from tasks.labels.records import read_records
from tests.support.labelled import WRITERS, Said, Writer, json_lines, separated

ONE = '{"video": "a.mp4", "start": 1.5, "end": 3}'


def _read(data: bytes | str, name: str = "labels") -> list[tuple[int, str | None]]:
    """Line and medium of each record, None for a problem."""
    records = list(read_records(data.encode() if isinstance(data, str) else data, name))
    return [
        (each.line, None) if isinstance(each, Problem) else (each[0], each[1].get("media", each[1].get("video")))
        for each in records
    ]


@pytest.mark.parametrize("name", ["labels", "labels.csv", "labels.jsonl", "labels.parquet"])
@pytest.mark.parametrize("write", [write for key, write in WRITERS.items() if not key.startswith("audformat")])
def test_a_format_is_told_by_its_content_whatever_the_name(write: Writer, name: str) -> None:
    assert [media for _, media in _read(write([Said("m.wav")]), name)] == ["m.wav"]


def test_what_looks_like_nothing_is_read_as_its_name_says() -> None:
    assert _read(f"no json\n{ONE}", "labels.jsonl") == [(1, None), (2, "a.mp4")]
    with pytest.raises(InputError, match="columns 'no json'"):
        _read(f"no json\n{ONE}", "labels.csv")


def test_lines_are_numbered_with_the_blank_ones() -> None:
    assert _read(f"\n{ONE}\r\n  \n{ONE}") == [(2, "a.mp4"), (4, "a.mp4")]


def test_elements_of_an_array_are_named_by_the_line_where_they_begin() -> None:
    text = json.dumps([json.loads(ONE), 7, json.loads(ONE)], indent=1)
    assert _read(text) == [(2, "a.mp4"), (7, None), (8, "a.mp4")]


def test_unusual_line_separators_inside_a_text_end_no_line() -> None:
    line = json.dumps({"video": "a.mp4", "text": "one\u2028two\u0085three"}, ensure_ascii=False)
    assert _read(f"{line}\nno json", "labels.jsonl") == [(1, "a.mp4"), (2, None)]


def test_a_line_in_another_encoding_is_told_and_the_rest_is_read() -> None:
    lines = [ONE.encode(), '{"video": "드라마"}'.encode("cp949"), ONE.encode()]
    assert _read(b"\n".join(lines)) == [(1, "a.mp4"), (2, None), (3, "a.mp4")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("write", [json_lines, separated])
def test_a_byte_order_mark_tells_the_encoding_and_is_no_part_of_the_text(write: Writer, encoding: str) -> None:
    assert _read(write([Said("드라마")]).decode().encode(encoding)) == [(1 if write is json_lines else 2, "드라마")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2", "labels:1: no JSON array from here on: expected a comma"),
        ("[1,\n2,\n", "labels:2: no JSON array from here on: it ends before its closing bracket"),
        ("[1,\n{]", "labels:2: no JSON array from here on: Expecting property name"),
        ("[1]\n[2]", "more text behind the closing bracket"),
        ("[1,]", "a comma before the closing bracket"),
    ],
)
def test_an_array_that_breaks_midway_is_refused_for_nobody_knows_what_is_lost(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        _read(text)
    assert words in str(caught.value)
