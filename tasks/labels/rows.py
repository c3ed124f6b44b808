"""Records → rows: which segment of which medium, checked. What a row says about its segment is read by its users."""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tasks.labels.problems import LineFault, Problem, ProblemKind, shown
from tasks.labels.records import read_records
from tasks.labels.tables import MEDIA
from tasks.labels.text import is_clean
from tasks.labels.times import seconds

_MODEL_SAID = ("p_neutral", "predicted_emotion")
"""With one of these beside it, `emotion` is what a model said, and no label."""


class Row(NamedTuple):
    """A line that names a segment.

    Attributes:
        line: As `Problem.line`.
        media: Name of the medium, letters composed (NFC): macOS writes file names decomposed, label files seldom are.
        start_s: Seconds.
        end_s: Seconds, at least a millisecond later.
        values: The columns of the line.
    """

    line: int
    media: str
    start_s: float
    end_s: float
    values: Mapping[str, Any]


def read_rows(data: bytes, name: str) -> Iterator[Row | Problem]:
    """The rows of a label file of any format, in order; a line without a usable segment comes as its problem.

    Raises:
        InputError: See `read_records`.
    """
    for record in read_records(data, name):
        if isinstance(record, Problem):
            yield record
            continue
        line, values = record
        try:
            yield _row(line, values)
        except LineFault as fault:
            yield Problem(line, fault.kind, str(fault))


def label_of(values: Mapping[str, Any]) -> Any:
    """What a line says the emotion is: its `label`, in audformat's tables `emotion`; None where it was skipped."""
    if _is_true(values.get("skipped")):
        return None
    if "label" in values:
        return values["label"]
    return None if any(column in values for column in _MODEL_SAID) else values.get("emotion")


def text_of(values: Mapping[str, Any], column: str) -> str | None:
    """A column as text: numbers as one writes them, None where there is nothing.

    Raises:
        LineFault: It is no text, or one that cannot be stored.
    """
    value = values.get(column)
    if isinstance(value, float) and (value.is_integer() or value != value):
        # Tables make floats of whole numbers, and NaN of nothing, once a value is missing.
        value = int(value) if value == value else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if abs(value) < 1e30 else shown(value)
    if value is None:
        return None
    if not isinstance(value, str) or not is_clean(value):
        raise LineFault(ProblemKind.BAD_LINE, f"{column} must be UTF-8 text, not {shown(value)}")
    return value.strip() or None


def _row(line: int, values: Mapping[str, Any]) -> Row:
    media = next((values[key] for key in MEDIA if values.get(key)), None)
    if not isinstance(media, str) or not media.strip():
        raise LineFault(ProblemKind.BAD_LINE, f"no medium: one of {', '.join(MEDIA)} must name it")
    if not is_clean(media):
        raise LineFault(ProblemKind.BAD_LINE, f"the medium must be UTF-8 text, not {shown(media)}")
    start_s, end_s = seconds(values.get("start"), "start"), seconds(values.get("end"), "end")
    if milliseconds(end_s) <= milliseconds(start_s):
        text = f"0 <= start < end is expected, a millisecond at least, not {start_s} … {end_s}"
        raise LineFault(ProblemKind.END_BEFORE_START, text)
    return Row(line, unicodedata.normalize("NFC", media), start_s, end_s, values)


def milliseconds(time_s: float) -> int:
    """The resolution in which segments are told apart (see `actors.contract.segment_id`)."""
    return round(time_s * 1000)


def _is_true(value: Any) -> bool:
    return value is True or value == 1 or (isinstance(value, str) and value.strip().casefold() in {"true", "1", "yes"})
