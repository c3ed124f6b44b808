"""Label files that are tables: CSV (comma, semicolon or tab) and Parquet, audformat's `file,start,end` among them."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infra.errors import InputError
from tasks.labels.problems import Problem, ProblemKind, shown
from tasks.labels.text import MAX_BYTES, check_size, lines_of

MEDIA = ("media", "video", "file")
"""Columns that may name the medium; the first that is there does."""

SCORES = ("audio_scores", "text_scores", "combined_scores")
"""Columns of recorded posteriors: mass by emotion (in CSV as JSON)."""

COLUMNS = frozenset(
    {*MEDIA, *SCORES, "start", "end", "label", "emotion", "skipped", "speaker", "language", "rater", "text", "pick"}
    # A table of ours has these: there, `emotion` is what a model said.
    | {"p_neutral", "predicted_emotion"}
)
"""What is read of a table; other columns are left alone."""

_DELIMITERS = ",;\t"
_MAGIC = b"PAR1"
_ROWS = 8192


def is_parquet(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def is_header(data: bytes) -> bool:
    """Whether a text begins with the header of a CSV that can be read."""
    return _header(data)[2]


def csv_records(data: bytes, name: str) -> Iterator[tuple[int, Mapping[str, Any]] | Problem]:
    """The rows of a CSV, with the lines where they begin.

    Args:
        data: UTF-8; the first line that is not blank is the header, whose case does not matter.
        name: For messages.

    Raises:
        InputError: The header lacks the medium, start or end.
    """
    delimiter, columns, usable = _header(data)
    rows = _rows(data, delimiter)
    header = next(rows, None)
    if header is None:
        return
    if not usable:
        raise InputError(header.told(name) if isinstance(header, Problem) else f"{name}: {_lacking(columns)}")
    wanted = _positions(columns)
    for row in rows:
        if isinstance(row, Problem):
            yield row
            continue
        line, cells = row
        yield line, _with_scores({column: cells[at] for column, at in wanted if at < len(cells)})


def parquet_records(data: bytes, name: str, most: int = MAX_BYTES) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows of a Parquet file, numbered from 1; unpacked, it may have `most` bytes.

    Raises:
        InputError: It is damaged, too large once unpacked, or lacks the medium, start or end.
    """
    number = 0
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        groups = range(file.metadata.num_row_groups)
        check_size(sum(file.metadata.row_group(group).total_byte_size for group in groups), f"{name}, unpacked,", most)
        columns = [each.strip().lower() for each in file.schema_arrow.names]
        if not _is_enough(columns):
            raise InputError(f"{name}: {_lacking(columns)}")
        wanted = [(column, file.schema_arrow.names[at]) for column, at in _positions(columns)]
        for batch in file.iter_batches(_ROWS, columns=[own for _, own in wanted]):
            lists = {column: batch.column(own).to_pylist() for column, own in wanted}
            for row in zip(*lists.values(), strict=True):
                number += 1
                yield number, dict(zip(lists, row, strict=True))
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        raise InputError(
            f"{name} is no Parquet file that can be read (row {number + 1}): {str(error)[:200]}"
        ) from error


def _header(data: bytes) -> tuple[str, list[str], bool]:
    """Delimiter and columns of the header, and whether the columns are enough."""
    best: list[str] = []
    for delimiter in _DELIMITERS:
        first = next(_rows(data, delimiter), None)
        columns = [cell.strip().lower() for cell in first[1]] if isinstance(first, tuple) else []
        if _is_enough(columns):
            return delimiter, columns, True
        best = max(best, columns, key=len)
    return ",", best, False


def _rows(data: bytes, delimiter: str) -> Iterator[tuple[int, list[str]] | Problem]:
    """The rows that are not blank, with the line where each begins. After a broken one the next line is tried."""
    reader = csv.reader(lines_of(data, ""), delimiter=delimiter, strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # All lines that it took: an open quote swallows many, and each may have held a label.
            for line in range(begins, max(reader.line_num, begins) + 1):
                yield Problem(line, ProblemKind.BAD_LINE, f"no CSV: {error}")
            continue
        # Spreadsheets end their tables with rows of commas.
        if any(map(str.strip, cells)):
            yield begins, cells


def _positions(columns: Sequence[str]) -> list[tuple[str, int]]:
    """The columns that are read and their places; of two with one name the first."""
    places = {column: at for at, column in reversed(list(enumerate(columns))) if column in COLUMNS}
    return sorted(places.items(), key=lambda item: item[1])


def _is_enough(columns: Sequence[str]) -> bool:
    return {"start", "end"} <= set(columns) and not set(MEDIA).isdisjoint(columns)


def _lacking(columns: Sequence[str]) -> str:
    found = ", ".join(map(shown, columns[:8])) + (", …" if len(columns) > 8 else "")
    return f"no segment can be read from the columns {found}. Expected: {', '.join(MEDIA)} (one of them), start, end."


def _with_scores(values: dict[str, Any]) -> Mapping[str, Any]:
    for column in SCORES:
        if cell := values.get(column):
            try:
                values[column] = json.loads(cell)
            except (ValueError, RecursionError):
                continue  # A text stays: no posterior, which is told where posteriors are read.
    return values
