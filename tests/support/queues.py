"""Candidates for the queue of what to label next: seeded ones, crowded so that neighbours and copies abound."""

from typing import Any

import numpy as np

from actors.contract import TAXONOMY
from tasks.numerics.queue_candidates import UNDECIDED, Candidates

EMOTIONS = len(TAXONOMY)


def candidates(
    n: int = 100, seed: int = 0, *, sources: int = 5, undecided: float = 0.0, kinds: int | None = None, **columns: Any
) -> Candidates:
    """n segments of 4 s within 200 s of a few media, in two languages, posteriors from flat to sharp.

    Args:
        n: How many.
        seed: Of everything.
        sources: Media.
        undecided: Share of segments without a posterior.
        kinds: How many posteriors there are; by default each segment has its own.
        **columns: Columns as they shall be.
    """
    random = np.random.default_rng(seed)
    posterior = random.dirichlet(np.full(EMOTIONS, 0.3), kinds or n).astype(np.float32)
    posterior = posterior[random.integers(0, kinds, n)] if kinds else posterior
    emotion = posterior.argmax(axis=1).astype(np.int8)
    lost = random.random(n) < undecided
    posterior[lost], emotion[lost] = np.nan, UNDECIDED
    start_s = random.uniform(0, 200, n)
    values: dict[str, Any] = {
        "key": random.permutation(n).astype(np.uint64) + np.uint64(1),
        "source": random.integers(1, sources + 1, n).astype(np.uint64),
        "language": random.integers(1, 3, n).astype(np.uint64),
        # A few of them several times: copies.
        "copy": random.integers(0, n, n).astype(np.uint64),
        "start_s": start_s,
        "end_s": start_s + 4.0,
        "emotion": emotion,
        "posterior": posterior,
        "disagreement": random.random(n),
        "beside": random.random(n) < 0.1,
    }
    return Candidates(**(values | columns))


def apart(n: int, seed: int = 0, **columns: Any) -> Candidates:
    """n segments, each a medium of its own and a copy of nothing: none is near to another."""
    values: dict[str, Any] = {
        "source": np.arange(1, n + 1, dtype=np.uint64),
        "copy": np.zeros(n, dtype=np.uint64),
        "beside": np.zeros(n, dtype=bool),
    }
    return candidates(n, seed, **(values | columns))
