"""A file of segments to label, in one of the formats: written under another name, renamed once it is whole."""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, get_args

from infra.errors import InputError, UsageError
from tasks.labelling.label_studio import Per, tasks_of
from tasks.labelling.lines import csv_lines, json_lines
from tasks.labelling.segment import ToLabel

Format = Literal["label-studio", "jsonl", "csv"]


def check_format(format: str) -> Format:  # noqa: A002 - as `seraph export` calls it
    """The format by its name.

    Raises:
        UsageError: There is none of that name.
    """
    for known in get_args(Format):
        if format == known:
            return known  # type: ignore[no-any-return]
    raise UsageError(f"cannot write {format!r}; expected one of {', '.join(get_args(Format))}")


def write_segments(
    segments: Iterable[ToLabel],
    destination: Path,
    format: Format,  # noqa: A002
    *,
    audio: Callable[[str], str],
    per: Per = "segment",
    blind: bool = False,
) -> int:
    """Write segments, one at a time, and return how many.

    Args:
        segments, audio, per, blind: See `tasks_of`; JSON lines and CSV name media by their uri.
        destination: The file.
        format: What to write.

    Raises:
        InputError: The file cannot be written.
    """
    counted = _Counted(segments)
    if format == "label-studio":
        texts = _array(tasks_of(counted, audio, per=per, blind=blind))
    else:
        texts = (json_lines if format == "jsonl" else csv_lines)(counted, blind=blind)
    try:
        _write(texts, destination)
    except OSError as error:
        raise InputError(f"cannot write {destination}: {error.strerror}; choose another destination") from error
    return counted.n


class _Counted:
    """Segments, counted as they pass."""

    def __init__(self, segments: Iterable[ToLabel]) -> None:
        self._segments = segments
        self.n = 0

    def __iter__(self) -> Iterator[ToLabel]:
        for segment in self._segments:
            self.n += 1
            yield segment


def _array(values: Iterable[object]) -> Iterator[str]:
    """A JSON array, an element a line."""
    before = "[\n"
    for value in values:
        yield before + json.dumps(value, ensure_ascii=False, allow_nan=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _write(texts: Iterable[str], destination: Path) -> None:
    destination.absolute().parent.mkdir(parents=True, exist_ok=True)
    beside = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("w", encoding="utf-8", newline="") as sink:
            sink.writelines(texts)
        beside.replace(destination)
    finally:
        beside.unlink(missing_ok=True)
