"""Small `scores` and `quarantine` tables, made deterministically for the tests."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from actors.contract import TAXONOMY, Span, segment_id
from tasks.tables import POSTERIOR, QUARANTINE, SCORES


def score_row(
    uri: str = "s3://media/a.wav",
    start_s: float = 0.0,
    end_s: float = 4.0,
    emotion: str | None = "angry",
    confidence: float = 0.7,
    **changes: Any,
) -> dict[str, Any]:
    """One row of `scores`: `emotion` has `confidence`, the other six share the rest; None is undecided."""
    rest = (1 - confidence) / (len(TAXONOMY) - 1)
    posterior = [None if emotion is None else confidence if each == emotion else rest for each in TAXONOMY]
    return {
        "media_uri": uri,
        "media_etag": "e1",
        "segment_id": segment_id(uri, "e1", Span(start_s, end_s)),
        "start_s": start_s,
        "end_s": end_s,
        "language": "en",
        "language_confidence": 0.95,
        "language_margin": 0.9,
        "language_top": "en",
        "model": "models/english",
        "weights_sha256": "0" * 64,
        "precision": "fp32",
        "run_id": "20260101T000000-abcdef",
        "decision": "d0",
        "dropped_mass": 0.0,
        **dict(zip(POSTERIOR, posterior, strict=True)),
        "emotion": emotion,
        "confidence": None if emotion is None else confidence,
        "entropy": None if emotion is None else 1.0,
        "flags": [] if emotion else ["undecided"],
        "label": emotion or "other",
        "information": 1.0,
        **changes,
    }


def scores(*rows: dict[str, Any]) -> pa.Table:
    """A `scores` table of these rows."""
    return pa.Table.from_pylist(list(rows), schema=SCORES)


def corpus(
    uris: Sequence[str], segments: int = 20, seed: int = 0, flags: Sequence[str] = (), per_table: int = 10
) -> Iterable[pa.Table]:
    """Tables of `per_table` media each, `segments` rows a medium: every third medium Korean, emotions at random."""
    random = np.random.default_rng(seed)
    for first in range(0, len(uris), per_table):
        rows = []
        for number, uri in enumerate(uris[first : first + per_table], start=first):
            rows += _medium(uri, "ko" if number % 3 == 2 else "en", segments, list(flags), random)
        yield scores(*rows)


def quarantine(*faults: tuple[str, str], detail: str = "moov atom not found") -> pa.Table:
    """A `quarantine` table of (uri, reason)."""
    rows = [
        {"run_id": "r", "media_uri": uri, "media_etag": "e", "stage": "read", "reason": reason, "detail": detail}
        for uri, reason in faults
    ]
    return pa.Table.from_pylist(rows, schema=QUARANTINE)


def _medium(
    uri: str, language: str, segments: int, flags: list[str], random: np.random.Generator
) -> list[dict[str, Any]]:
    rows, at = [], 0.0
    odds = random.dirichlet(np.full(len(TAXONOMY), 0.6))
    for _ in range(segments):
        at += float(random.uniform(0.1, 2.0))
        length = float(random.gamma(3.0, 1.6)) + 0.5
        emotion = TAXONOMY[random.choice(len(TAXONOMY), p=odds)]
        short = ["short"] if length < 3 else []
        rows.append(
            score_row(uri, at, at + length, emotion, float(random.uniform(0.25, 0.98)), language=language)
            | {"flags": [*flags, *short], "language_confidence": float(random.beta(9, 1)), "language_top": language}
        )
        at += length
    return rows
