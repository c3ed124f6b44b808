"""Which segments are held out together, so that nothing is judged by what it was chosen on.

Owns the grouping of n segments into folds by source, or by blocks of time where there is one source only. What is
chosen and judged in a fold is in nested.py. Folds depend on what the segments are, not on their order or on how their
sources are called.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.numerics.sources import FEW_SOURCES, Sources, group

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_FOLDS = 20
"""Up to so many sources, each is a fold of its own; more are gathered into so many folds of like size."""

BLOCKS = 10
"""Blocks of time, where sources are too few to stand for themselves."""


INNER = 5
"""Folds within the other folds, by which one of several ways is chosen for a fold."""


@dataclass(frozen=True, eq=False)
class Folds:
    """n segments in folds, and the folds in units.

    Attributes:
        fold: Fold of each segment, (n,), 0 … count − 1. A source is never in two folds, unless it is the only one.
        unit: Finest groups that are drawn together when chance is imitated, (n,): the folds themselves or, with fewer
            than five sources, blocks of time within them.
        of_unit: Fold of each unit, (units,).
        sources: Which source each segment is from.
    """

    fold: Ints
    unit: Ints
    of_unit: Ints
    sources: Sources

    @property
    def count(self) -> int:
        """Number of folds."""
        return int(self.fold.max(initial=-1)) + 1

    def sources_of(self, rows: npt.NDArray[np.bool_]) -> Sources:
        """Of some of the segments, bool (n,)."""
        return group(self.sources.index[rows])

    @property
    def single_source(self) -> bool:
        """Whether all segments are from one source: folds are blocks of its time."""
        return self.sources.count <= 1


def make_folds(source: npt.ArrayLike, start_s: Floats, *, seed: int, detail: Floats | None = None) -> Folds:
    """Folds of n segments.

    Args:
        source: Which source each segment is from, (n,), any codes.
        start_s: Where it begins there, (n,), seconds.
        seed: Decides which sources of equal size go together, where there are more than `MOST_FOLDS`.
        detail: More figures of each segment, (n, m): sources of the same size and times are told apart by them, where
            the seed must find them in the same order however they are called.

    Raises:
        ValueError: The lengths differ.
    """
    sources = group(source)
    if np.shape(start_s) != sources.index.shape:
        raise ValueError(f"start_s has shape {np.shape(start_s)}, source {sources.index.shape}: give one a segment")
    rows = np.column_stack([start_s, *([] if detail is None else [detail])]).astype(np.float64)
    ranked = _ranked(sources, rows)
    if sources.count <= 1:
        blocks = _blocks(ranked, rows, BLOCKS)
        return Folds(blocks, blocks, np.arange(int(blocks.max(initial=-1)) + 1), sources)
    fold = _gathered(ranked, seed)
    if sources.count >= FEW_SOURCES:
        return Folds(fold, fold, np.arange(int(fold.max()) + 1), sources)
    unit = _blocks(fold, rows, -(-BLOCKS // sources.count))
    of_unit = np.zeros(int(unit.max()) + 1, dtype=np.int64)
    of_unit[unit] = fold
    return Folds(fold, unit, of_unit, sources)


def _ranked(sources: Sources, rows: Floats) -> Ints:
    """Number of each segment's source, (n,), by size, the largest first, then by what is in it."""
    members = [np.flatnonzero(sources.index == each) for each in range(sources.count)]
    keys = [(-len(each), sorted(map(tuple, rows[each].tolist()))) for each in members]
    rank = np.empty(sources.count, dtype=np.int64)
    rank[sorted(range(sources.count), key=keys.__getitem__)] = np.arange(sources.count)
    return np.asarray(rank[sources.index])


def _gathered(ranked: Ints, seed: int) -> Ints:
    """Sources into at most `MOST_FOLDS` folds: each, the largest first, into the fold that has least so far."""
    sizes = np.bincount(ranked)
    if len(sizes) <= MOST_FOLDS:
        return ranked
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    loads, fold = np.zeros(MOST_FOLDS, dtype=np.int64), np.empty(len(sizes), dtype=np.int64)
    for each in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold[each] = loads.argmin()
        loads[fold[each]] += sizes[each]
    return np.asarray(fold[ranked])


def _blocks(within: Ints, rows: Floats, count: int) -> Ints:
    """Number of a block of time, (n,): each group of `within` is cut into `count` of like size, or fewer."""
    order = np.lexsort((*rows.T[::-1], within))
    block, made = np.empty(len(within), dtype=np.int64), 0
    for members in np.split(order, np.flatnonzero(np.diff(within[order])) + 1):
        parts = np.array_split(members, min(count, len(members))) if len(members) else []
        for place, part in enumerate(parts):
            block[part] = made + place
        made += len(parts)
    return block
