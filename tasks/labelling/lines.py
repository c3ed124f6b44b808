"""Segments as lines to fill in: JSON lines as the earlier tools wrote them, and CSV. `label` is empty in both."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from tasks.labelling.segment import ToLabel

CSV_COLUMNS = (
    *("media", "start", "end", "label", "speaker", "language", "rater", "text"),
    *("predicted_emotion", "confidence", "pick", "reason", "reason_ko", "draw", "segment_id"),
)

_FORMULA = re.compile(r"^[=+\-@\t\r]")


def json_lines(segments: Iterable[ToLabel], *, blind: bool = False) -> Iterator[str]:
    """One line a segment, each with its line end.

    Args:
        segments: What to label.
        blind: Leave out what the model says.
    """
    for index, segment in enumerate(segments):
        line = {"index": index, "video": segment.uri, "start": segment.start_s, "end": segment.end_s}
        line |= {"text": segment.text, "speaker": None, "language": segment.language}
        line |= _said(segment, blind=blind) | _scores(segment, blind=blind) | _why(segment, blind=blind)
        line |= {"segment_id": segment.segment_id, "label": None, "skipped": False}
        yield json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"


def csv_lines(segments: Iterable[ToLabel], *, blind: bool = False) -> Iterator[str]:
    """The same as CSV, with a header. A text that a spreadsheet would run as a formula gets a leading apostrophe."""
    yield _csv(CSV_COLUMNS)
    for segment in segments:
        values = {"media": segment.uri, "start": segment.start_s, "end": segment.end_s, "language": segment.language}
        values |= {"text": segment.text, "segment_id": segment.segment_id}
        values |= _said(segment, blind=blind) | _why(segment, blind=blind)
        yield _csv([_harmless(values.get(column)) for column in CSV_COLUMNS])


def _said(segment: ToLabel, *, blind: bool) -> dict[str, Any]:
    return {} if blind else {"predicted_emotion": segment.emotion, "confidence": segment.confidence}


def _scores(segment: ToLabel, *, blind: bool) -> dict[str, Any]:
    """The posterior; where a text had a say in it, it is no posterior of the audio alone."""
    if blind or not segment.posterior:
        return {}
    return {"combined_scores" if segment.text else "audio_scores": dict(segment.posterior)}


def _why(segment: ToLabel, *, blind: bool) -> dict[str, Any]:
    if segment.why is None:
        return {}
    kept = {"pick": segment.why.pick, "draw": segment.why.draw}
    return kept if blind else kept | {"reason": segment.why.reason.en, "reason_ko": segment.why.reason.ko}


def _csv(cells: Iterable[Any]) -> str:
    sink = io.StringIO(newline="")
    csv.writer(sink, lineterminator="\n").writerow(cells)
    return sink.getvalue()


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell
