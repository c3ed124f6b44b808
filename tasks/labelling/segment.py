"""A segment that may be labelled: where it is, what a model says of it, and why it was picked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actors.contract import TAXONOMY
from tasks.labelling.reasons import Why
from tasks.tables import POSTERIOR

COLUMNS = (
    *("segment_id", "media_uri", "media_etag", "start_s", "end_s", "language", "model", "weights_sha256", "decision"),
    *POSTERIOR,
    *("emotion", "confidence", "text"),
)
"""What is read of a `scores` table."""


@dataclass(frozen=True)
class ToLabel:
    """One segment, as `scores` has it.

    Attributes:
        posterior: By emotion; empty where the segment is undecided, and `emotion` and `confidence` None.
        why: Why it was picked; None where nobody picked it.
    """

    segment_id: str
    uri: str
    start_s: float
    end_s: float
    language: str
    model: str
    decision: str
    emotion: str | None
    confidence: float | None
    posterior: Mapping[str, float]
    text: str | None
    why: Why | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any], why: Why | None = None) -> "ToLabel":
        """From a row with `COLUMNS`."""
        known = row["emotion"] is not None
        return cls(
            segment_id=row["segment_id"],
            uri=row["media_uri"],
            start_s=row["start_s"],
            end_s=row["end_s"],
            language=row["language"],
            model=row["model"],
            decision=row["decision"],
            emotion=row["emotion"],
            confidence=_short(row["confidence"]) if known else None,
            posterior={each: _short(row[f"p_{each}"]) for each in TAXONOMY} if known else {},
            text=row["text"],
            why=why,
        )


def segments_of(tables: Iterable[pa.Table]) -> Iterator[ToLabel]:
    """The segments of `scores` tables, one table in memory at a time; within one by medium and time."""
    for table in tables:
        rows = table.select(COLUMNS).sort_by([("media_uri", "ascending"), ("start_s", "ascending")])
        yield from map(ToLabel.of, rows.to_pylist())


def _short(probability: float) -> float:
    """Six decimals: float32 has seven digits, and the rest would be noise in a text file."""
    return round(probability, 6)
