"""Reading the current table back: Parquet, CSV, audformat, SRT. One shard's rows in memory at a time.

Owns the formats. Where the tables come from is tasks/store.py, which rows are wanted tasks/filters.py. Files are
written under temporary names and renamed once they are whole.
"""

import hashlib
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from infra.errors import InputError, UsageError
from tasks.filters import parse_filter
from tasks.tables import FLAGS, POSTERIOR, SCORES

Format = Literal["parquet", "csv", "audformat", "srt"]

AUDFORMAT_COLUMNS = ("emotion", "confidence", "language", "language_confidence", *POSTERIOR, "dropped_mass", "flags")
"""Columns of the audformat table, after its index file, start, end."""

_FORMULA = "^[=+\\-@\t\r]"
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')
_MAX_NAME_BYTES = 180


@dataclass(frozen=True)
class ExportResult:
    """The files that were written, sorted, and the rows in all of them."""

    files: tuple[Path, ...]
    rows: int


def export(tables: Iterable[pa.Table], format: str, destination: Path, where: str | None = None) -> ExportResult:  # noqa: A002
    """Write the rows of `scores` tables, one table at a time.

    - `parquet`: one file with the columns of `scores`.
    - `csv`: the same as UTF-8 text, flags joined by `;`. A text that a spreadsheet would run as a formula gets a
      leading apostrophe (OWASP, "CSV injection"); the other formats are for programs, and leave texts as they are.
    - `audformat`: a CSV with the index file, start, end, as `audformat.Table.save` writes it.
    - `srt`: a folder with one subtitle file for each medium, under the medium's own path.

    Args:
        tables: The shards of a current table, schema `SCORES`; all rows of a medium in one table.
        format: One of `Format`.
        destination: The file to write; for `srt` the folder, in which other files stay.
        where: Which rows, such as `emotion == 'angry' and confidence > 0.6`; see `tasks.filters`.

    Raises:
        UsageError: The format is unknown, or the filter cannot be read.
        InputError: The destination cannot be written.
    """
    if format not in _WRITERS:
        raise UsageError(f"cannot export as {format!r}; expected one of {', '.join(get_args(Format))}")
    counted = _Counted(tables, parse_filter(where) if where else lambda table: table)
    try:
        destination.absolute().parent.mkdir(parents=True, exist_ok=True)
        files = _WRITERS[format](counted, destination)
    except OSError as error:
        raise InputError(f"cannot write {destination}: {error}; choose another destination") from error
    return ExportResult(tuple(files), counted.rows)


class _Counted:
    """The chosen rows, one table at a time, counted as they pass."""

    def __init__(self, tables: Iterable[pa.Table], choose: Callable[[pa.Table], pa.Table]) -> None:
        self._tables = tables
        self._choose = choose
        self.rows = 0

    def __iter__(self) -> Iterator[pa.Table]:
        for table in self._tables:
            chosen = self._choose(table.select(SCORES.names).cast(SCORES))
            self.rows += chosen.num_rows
            yield chosen


def _write_parquet(tables: Iterable[pa.Table], destination: Path) -> list[Path]:
    with _replacing(destination) as path, pq.ParquetWriter(path, SCORES, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
    return [destination]


def _write_csv(tables: Iterable[pa.Table], destination: Path) -> list[Path]:
    schema = pa.schema([pa.field(each.name, pa.string()) if each.name == FLAGS.name else each for each in SCORES])
    with _replacing(destination) as path, pacsv.CSVWriter(path, schema) as writer:
        for table in tables:
            writer.write_table(pa.table([_as_text(table[name]) for name in schema.names], schema=schema))
    return [destination]


def _write_audformat(tables: Iterable[pa.Table], destination: Path) -> list[Path]:
    """As https://audeering.github.io/audformat describes tables: `df.to_csv()` with a (file, start, end) index."""
    with _replacing(destination) as path, path.open("w", encoding="utf-8", newline="") as sink:
        _audformat_frame(SCORES.empty_table()).to_csv(sink, lineterminator="\n")
        for table in tables:
            _audformat_frame(table).to_csv(sink, header=False, lineterminator="\n")
    return [destination]


def _write_srt(tables: Iterable[pa.Table], destination: Path) -> list[Path]:
    destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=destination) as scratch:
        written: dict[PurePosixPath, int] = {}
        for table in tables:
            for uri in pc.unique(table["media_uri"]).to_pylist():
                rows = table.filter(pc.field("media_uri") == uri).sort_by("start_s")
                _append_subtitles(Path(scratch), _subtitle_path(uri), rows, written)
        return sorted(_moved(Path(scratch), source, target, destination) for source, target in _targets(written))


_WRITERS: dict[str, Callable[[Iterable[pa.Table], Path], list[Path]]] = {
    "parquet": _write_parquet,
    "csv": _write_csv,
    "audformat": _write_audformat,
    "srt": _write_srt,
}


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type == FLAGS.type:
        return pc.binary_join(column, ";")
    if column.type == pa.string():
        return pc.if_else(
            pc.match_substring_regex(column, _FORMULA), pc.binary_join_element_wise("'", column, ""), column
        )
    return column


def _audformat_frame(table: pa.Table) -> pd.DataFrame:
    index = pd.MultiIndex.from_arrays(
        [table["media_uri"].to_pylist(), _timedelta(table["start_s"]), _timedelta(table["end_s"])],
        names=["file", "start", "end"],
    )
    columns: dict[str, Any] = {name: _as_audformat(table[name]) for name in AUDFORMAT_COLUMNS}
    return pd.DataFrame(columns, index=index)


def _as_audformat(column: pa.ChunkedArray) -> Any:
    joined = pc.binary_join(column, ";") if column.type == FLAGS.type else column
    # Objects, so that pandas writes a float32 in its shortest form and an absent value as nothing.
    return np.array(joined.to_pylist() if joined.type == pa.string() else [*_shortest(joined)], dtype=object)


def _shortest(column: pa.ChunkedArray) -> Iterator[str | None]:
    for value in column.to_pylist():
        yield None if value is None else str(np.float32(value))


def _timedelta(seconds: pa.ChunkedArray) -> pd.TimedeltaIndex:
    microseconds = np.rint(np.asarray(seconds.to_numpy(), dtype=np.float64) * 1e6).astype(np.int64)
    return pd.TimedeltaIndex(microseconds.astype("timedelta64[us]"))


def _append_subtitles(
    scratch: Path, relative: PurePosixPath, rows: pa.Table, written: dict[PurePosixPath, int]
) -> None:
    path = scratch / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    first = written.get(relative, 0) + 1
    with path.open("a", encoding="utf-8", newline="") as sink:
        for number, row in enumerate(rows.select(["start_s", "end_s", "emotion", "confidence"]).to_pylist(), first):
            sink.write(_subtitle(number, **row))
    written[relative] = first + rows.num_rows - 1


def _subtitle(number: int, start_s: float, end_s: float, emotion: str | None, confidence: float | None) -> str:
    text = "[undecided]" if emotion is None or confidence is None else f"[{emotion} {confidence:.2f}]"
    return f"{number}\n{_subtitle_time(start_s)} --> {_subtitle_time(end_s)}\n{text}\n\n"


def _subtitle_time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"


def _subtitle_path(uri: str) -> PurePosixPath:
    """Where a medium's subtitles lie below the destination: bucket and key, made safe, with `.srt` added."""
    *folders, name = [part for part in uri.split("://", 1)[-1].split("/") if part] or ["unnamed"]
    return PurePosixPath(*(_safe(folder) for folder in folders), _safe(name) + ".srt")


def _safe(name: str) -> str:
    """A name that means nothing but itself on any file system. One that had to change carries a hash of what it was."""
    plain = _UNSAFE.sub("_", name)
    short = plain.encode()[:_MAX_NAME_BYTES].decode(errors="ignore")
    # A folder named x.srt could stand where the subtitles of x.mp3 go.
    if short == name and name.strip(". ") == name and not name.lower().endswith(".srt"):
        return name
    return f"{short.strip('. ')}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _targets(written: Iterable[PurePosixPath]) -> list[tuple[PurePosixPath, PurePosixPath]]:
    """Each file's final path: a.srt for a.mp3, as players look for it; a.mp3.srt where a.wav lies beside it."""
    shortened = {path: path.with_name(PurePosixPath(path.stem).stem + ".srt") for path in written}
    claims = Counter(str(short).lower() for short in shortened.values())
    claims.update(str(path).lower() for path in written)
    return [(path, short if claims[str(short).lower()] == 1 else path) for path, short in shortened.items()]


def _moved(scratch: Path, source: PurePosixPath, target: PurePosixPath, destination: Path) -> Path:
    final = destination / target
    final.parent.mkdir(parents=True, exist_ok=True)
    (scratch / source).replace(final)
    return final


@contextmanager
def _replacing(destination: Path) -> Iterator[Path]:
    """A path to write to, which takes the destination's place when all went well, and is gone when it did not."""
    scratch = Path(tempfile.mkdtemp(prefix=".export-", dir=destination.absolute().parent))
    try:
        yield scratch / destination.name
        (scratch / destination.name).replace(destination)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
