"""Runs with chosen shares, for the tests of alarms and of comparisons."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from actors.contract import TAXONOMY
from tasks.records.parts import Spread
from tasks.records.run import MediaCounts, RunRecord
from tests.support.records import run_record

USUAL = {"neutral": 0.5, "happy": 0.2, "sad": 0.1, "angry": 0.1, "fear": 0.05, "surprise": 0.05}


def night(
    number: int, films: int = 40, size: int = 25, shares: Mapping[str, float] = USUAL, **changes: Any
) -> RunRecord:
    """The `number`-th run: `films` media of `size` segments, drawn by these shares (equal numbers: equal draws)."""
    rng = np.random.default_rng(number)
    each = rng.multinomial(size, [shares.get(name, 0.0) for name in TAXONOMY], size=films)
    return from_media(number, each, **changes)


def from_media(number: int, each: np.ndarray, **changes: Any) -> RunRecord:
    """The `number`-th run, from the segments of each medium by emotion: shape (media, 7)."""
    sizes = each.sum(axis=1)
    values: dict[str, Any] = {
        "run_id": f"202601{number:02}T020000-abcdef",
        "finished": f"2026-01-{number:02}T02:30:00+00:00",
        "media": MediaCounts(planned=len(each), scored=len(each)),
        "segments": int(sizes.sum()),
        "audio_seconds": 4.0 * int(sizes.sum()),
        "emotions": {name: int(n) for name, n in zip(TAXONOMY, each.sum(axis=0), strict=True) if n},
        "languages": {"en": int(sizes.sum())},
        "spread": spread(each),
    }
    return run_record(**(values | changes))


def spread(each: np.ndarray) -> Spread:
    """How these segments lie in media."""
    sizes = each.sum(axis=1)
    sums = {
        name: (int((each[:, index] ** 2).sum()), int((each[:, index] * sizes).sum()))
        for index, name in enumerate(TAXONOMY)
    }
    return Spread(media=len(each), squares=int((sizes**2).sum()), emotions=sums)
