"""The best point of a grid on each of several sets of segments at once, as the folds of a nested search need it.

Owns the choice from counts that add up over groups of segments. On all segments it is the choice of search.py: the
same objectives, the same order of ties.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.numerics.grid import DEFAULTS, Grid, GridAnswers
from tasks.numerics.heard import columns
from tasks.numerics.objectives import TIE_ORDER, distances, settled
from tasks.numerics.tallies import CELLS, Objective, Tallies, score, tallies_by_block, tally

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rank = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Selected:
    """The best points of several sets of segments, (sets,), and what every point scores on the last set, (points,)."""

    points: Ints
    scores: Floats


def choose(
    truth: Ints,
    answers: GridAnswers,
    default: GridAnswers,
    grid: Grid,
    group: Ints,
    sets: Floats,
    objective: Objective,
    *,
    near: Mapping[str, float] = DEFAULTS,
    cells: int = CELLS,
) -> Selected:
    """The best point on each of several sets of segments.

    Ties are broken as in `search`; a set without segments chooses by nearness to the default alone. Under the
    cross-entropy, points that leave more undecided than the default does come last.

    Args:
        truth: (n,).
        answers: Of p points; `default`: of the default, as one point.
        grid: The points.
        group: Of each segment, (n,), 0 … g − 1.
        sets: Which groups make each set up, (sets, g): 1 or 0.
        objective: What the best is the best of.
        near: The default's parameters.
        cells: How much is looked at together; it changes no result.
    """
    least = tally(truth, default, group, sets.shape[1]).mixed(sets).decided
    ranks: list[Rank] = [()] * len(sets)
    scores = np.full(len(answers.prediction), np.nan)
    for start, block in tallies_by_block(truth, answers, group, sets.shape[1], cells=cells):
        mixed = block.mixed(sets)
        values = score(objective, mixed)
        scores[start : start + values.shape[1]] = values[-1]
        if objective == "cross_entropy":
            values = np.where(mixed.decided < least, np.nan, values)
        at = columns(grid, start + np.arange(values.shape[1]))
        for place, row in enumerate(settled(values)):
            rank = first(row, mixed, place, at, objective, near)
            ranks[place] = max(ranks[place], (*rank[:-1], rank[-1] - start))
    return Selected(np.array([-int(each[-1]) if each else 0 for each in ranks], dtype=np.int64), scores)


def first(
    values: Floats,
    mixed: Tallies,
    place: int,
    at: Mapping[str, Floats],
    objective: Objective,
    near: Mapping[str, float],
) -> Rank:
    """The rank of the best of p points: the objective, the others, nearness, −(its place among them).

    Args:
        values: Of the objective, (p,), settled.
        mixed: Counts by (set, point), and `place`: which of the sets.
        at: The points' parameters, (p,) each.
        objective, near: As for `choose`.
    """
    ties = np.flatnonzero(values == values.max())
    tied = _part(mixed, place, ties)
    others = [settled(score(each, tied)) for each in TIE_ORDER if each != objective]
    away = np.broadcast_to(distances({name: each[ties] for name, each in at.items()}, near), ties.shape)
    table = np.column_stack([*others, settled(-away), -ties.astype(np.float64)])
    return (float(values.max()), *table[np.lexsort(table.T[::-1])[-1]].tolist())


def _part(mixed: Tallies, place: int, points: Ints) -> Tallies:
    """Counts of some points on one set."""
    return Tallies(
        mixed.support[place],
        mixed.hits[place, points],
        mixed.predicted[place, points],
        mixed.loss[place, points],
        mixed.decided[place, points],
    )
