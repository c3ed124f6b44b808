"""Label files of every format → records: which line, and what stands there by column name.

Told by content first (Parquet's magic bytes, a bracket, a header with the columns), by name second. What the columns
hold is read in rows.py; Label Studio's nested exports are flattened in label_studio.py.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra.errors import InputError
from tasks.labels.label_studio import flatten, is_task
from tasks.labels.problems import Problem, ProblemKind
from tasks.labels.tables import csv_records, is_header, is_parquet, parquet_records
from tasks.labels.text import check_size, is_clean, lines_of, to_utf8

MAX_LINE = 10_000_000
"""Characters of one JSON line; a longer one is a problem, not a record."""

Record = tuple[int, Mapping[str, Any]]
"""Line (see `Problem.line`), and values by column: those of the earlier tools, `rater` and `language` besides."""


def read_records(data: bytes, name: str) -> Iterator[Record | Problem]:
    """The records of a label file, in order; what is none comes as the problem that it is.

    Args:
        data: JSON lines, a JSON array, CSV, Parquet, an audformat table or an export of Label Studio.
        name: Of the file, for messages, and for its suffix where the content does not tell.

    Raises:
        InputError: Too large, no text, or a document (array, Parquet) that is damaged.
    """
    check_size(len(data), name)
    if is_parquet(data):
        yield from parquet_records(data, name)
        return
    text = to_utf8(data, name)
    first = text[:1000].lstrip()
    if first.startswith(b"["):
        yield from _flat(_array(text, name))
    elif first.startswith(b"{") or (name.lower().endswith((".json", ".jsonl", ".ndjson")) and not is_header(text)):
        yield from _flat(_json_lines(text))
    else:
        yield from csv_records(text, name)


def _json_lines(data: bytes) -> Iterator[tuple[int, Any] | Problem]:
    # Ended by "\n" alone: JSON texts may hold U+2028 and the like as they are.
    for number, line in enumerate(lines_of(data, "\n"), start=1):
        if line.isspace():
            continue
        try:
            yield number, _loads(line)
        except (ValueError, RecursionError) as error:
            yield Problem(number, ProblemKind.BAD_LINE, f"no JSON: {error}")


def _loads(line: str) -> Any:
    if len(line) > MAX_LINE:
        raise ValueError(f"a line of {len(line):,} characters, {MAX_LINE:,} are allowed")
    if not is_clean(line):
        raise ValueError("no UTF-8 text")
    return json.loads(line)


def _array(data: bytes, name: str) -> Iterator[tuple[int, Any]]:
    """The elements one by one: all of them as objects would take ten times the room of the text.

    A document that ends or breaks midway is refused: nobody can tell how many labels are lost.
    """
    line = 1
    try:
        text = data.decode("utf-8")
        decoder = json.JSONDecoder()
        at = _skip(text, 0) + 1
        counted = 0
        while (at := _skip(text, at)) < len(text) and text[at] != "]":
            line, counted = line + text.count("\n", counted, at), at
            value, at = decoder.raw_decode(text, at)
            yield line, value
            at = _after(text, at)
        _expect_end(text, at)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no UTF-8 text: {error}. Save it as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        remedy = "Export it again, or give one record a line (JSON lines)"
        raise InputError(f"{name}:{line}: no JSON array from here on: {error}. {remedy}.") from error


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _after(text: str, at: int) -> int:
    """Where the next element, or the closing bracket, is looked for."""
    at = _skip(text, at)
    if text[at : at + 1] == "]":
        return at
    if text[at : at + 1] != ",":
        raise ValueError("expected a comma or the closing bracket")
    following = _skip(text, at + 1)
    if text[following : following + 1] == "]":
        raise ValueError("a comma before the closing bracket")
    return following


def _expect_end(text: str, at: int) -> None:
    if text[at : at + 1] != "]":
        raise ValueError("it ends before its closing bracket")
    if _skip(text, at + 1) != len(text):
        raise ValueError("more text behind the closing bracket")


def _flat(values: Iterator[tuple[int, Any]] | Iterator[tuple[int, Any] | Problem]) -> Iterator[Record | Problem]:
    for item in values:
        if isinstance(item, Problem):
            yield item
            continue
        line, value = item
        if not isinstance(value, dict):
            text = f"expected an object, not {type(value).__name__}"
            yield Problem(line, ProblemKind.BAD_LINE, text)
        elif is_task(value):
            yield from flatten(value, line)
        else:
            yield line, value
