"""Which point of a grid does best on labelled segments: exhaustively, or along one parameter after another.

Owns what a grid answers and the choice among points. Answers are those of decision.py, bit for bit; no order of
evaluation and no number of threads changes a result. The best value found is always flattering: what would hold on new
data is nested.py's part.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tasks.numerics.climbing import Climber
from tasks.numerics.compiled import decide_points, in_threads
from tasks.numerics.grid import DEFAULTS, Evidence, Grid, GridAnswers
from tasks.numerics.heard import Heard, Rows, columns
from tasks.numerics.objectives import TIE_ORDER, distances, settled, values
from tasks.numerics.tallies import Objective

Floats = npt.NDArray[np.float64]

_CELLS, _POINTS = 2_000_000, 100_000
"""Points × segments, and points, that are looked at together: about 60 MB, or 200 where no two are fused alike."""


@dataclass(frozen=True)
class Best:
    """The point that was chosen.

    Attributes:
        index: Its place in the grid.
        params: All parameters there, defaults included.
        value: Of the objective, the higher the better: the cross-entropy is negated.
        ties: How many other points have the same value; None where not all were tried.
        rank: What points are compared by, one after the other, each the higher the better: the objective, the others in
            `TIE_ORDER`, nearness to the default. Where all are equal, the lower index is chosen.
        tried: Number of points that were looked at.
        exhaustive: Whether it is known to be the best of the whole grid.
    """

    index: int
    params: Mapping[str, float]
    value: float
    ties: int | None
    rank: tuple[float, ...]
    tried: int
    exhaustive: bool = True


def answers(
    evidence: Evidence,
    grid: Grid,
    *,
    rows: Rows | None = None,
    start: int = 0,
    stop: int | None = None,
    threads: int | None = None,
) -> GridAnswers:
    """What the points start … stop of a grid answer: what decision.py answers, point by point.

    Takes 5 bytes a point and segment for the result; a grid too large for that is taken part by part.

    Args:
        evidence: The segments.
        grid: The points.
        rows: Which segments, (m,) indices or bool (n,); all by default.
        start, stop: Which points; all by default.
        threads: At most so many; as many as there are cores by default.

    Raises:
        ValueError: The evidence's shapes do not fit together, or there are no such points.
    """
    stop = grid.size if stop is None else stop
    if not 0 <= start <= stop <= grid.size:
        raise ValueError(f"points {start} … {stop} of a grid of {grid.size}")
    heard = Heard(evidence, rows)
    shape = (stop - start, len(heard.truth))
    made = GridAnswers(np.empty(shape, dtype=np.int8), np.empty(shape, dtype=np.float32))
    for low, high in _blocks(start, stop, shape[1]):
        _decide(heard, grid, low, high, made, low - start, threads)
    return made


def search(
    evidence: Evidence,
    grid: Grid,
    objective: Objective = "macro_f1_present",
    *,
    rows: Rows | None = None,
    near: Mapping[str, float] = DEFAULTS,
    threads: int | None = None,
) -> Best:
    """The best of all points, in bounded memory whatever the size of the grid.

    Under the cross-entropy, which leaves undecided segments out, points that leave more of them undecided than `near`
    does come last: none wins by not answering.

    Args:
        evidence, grid, rows, threads: As for `answers`.
        objective: What to maximise; ties are broken as `Best.rank` says.
        near: The default that ties are broken towards: all parameters.

    Raises:
        ValueError: There are no segments, or the evidence's shapes do not fit together.
    """
    heard = Heard(evidence, rows)
    if not len(heard.truth):
        raise ValueError("no labelled segments: there is nothing to search on")
    default = Grid({name: (value,) for name, value in near.items()})
    allowed = int(_undecided(_answered(heard, default, 0, 1, threads))[0])
    best: Best | None = None
    for low, high in _blocks(0, grid.size, len(heard.truth)):
        found = _best_of(heard, grid, objective, (low, high), near, allowed, threads)
        best = found if best is None else _better(best, found)
    assert best is not None
    return replace(best, tried=grid.size)


def coordinate_search(
    evidence: Evidence,
    parameters: Mapping[str, tuple[float, ...]],
    objective: Objective = "macro_f1_present",
    *,
    rng: np.random.Generator,
    restarts: int = 8,
    rows: Rows | None = None,
    near: Mapping[str, float] = DEFAULTS,
    threads: int | None = None,
) -> Best:
    """A good point of a grid that is too large to try: one parameter after another, until none improves.

    It starts at the point nearest to `near`, then anew from `restarts` drawn points. It is not exhaustive: parameters
    that only help together can be missed, and `Best.exhaustive` says so. See climbing.py.

    Args:
        parameters: As `Grid.values`; their order does not matter, save to `Best.index`.
        rng: Draws the other beginnings.
        evidence, objective, rows, near, threads: As for `search`.

    Raises:
        ValueError: There are no segments, or the evidence's shapes do not fit together.
    """
    climber = Climber(
        evidence, parameters, objective, rng=rng, near=near, beginnings=restarts, rows=rows, threads=threads
    )
    if not climber.segments:
        raise ValueError("no labelled segments: there is nothing to search on")
    found = climber.climb(np.ones(1))
    index = Grid(parameters).index(found.params)
    return Best(index, found.params, found.rank[0], None, found.rank, len(found.tried), exhaustive=False)


def _blocks(start: int, stop: int, segments: int) -> Iterator[tuple[int, int]]:
    size = max(1, min(_POINTS, _CELLS // max(segments, 1)))
    for low in range(start, stop, size):
        yield low, min(low + size, stop)


def _answered(heard: Heard, grid: Grid, low: int, high: int, threads: int | None) -> GridAnswers:
    shape = (high - low, len(heard.truth))
    made = GridAnswers(np.empty(shape, dtype=np.int8), np.empty(shape, dtype=np.float32))
    _decide(heard, grid, low, high, made, 0, threads)
    return made


def _decide(heard: Heard, grid: Grid, low: int, high: int, into: GridAnswers, offset: int, threads: int | None) -> None:
    """Write what the points low … high answer into rows `offset` and on."""
    points = heard.points(grid, low, high)
    prediction, p_truth = into.prediction[offset:], into.p_truth[offset:]

    def work(first: int, last: int) -> None:
        decide_points(
            points.heard, points.heard_by, points.weights, points.rules, heard.truth, prediction, p_truth, first, last
        )

    in_threads(work, high - low, len(heard.truth), threads)


def _best_of(
    heard: Heard,
    grid: Grid,
    objective: Objective,
    block: tuple[int, int],
    near: Mapping[str, float],
    allowed: int,
    threads: int | None,
) -> Best:
    """The best of the points low … high."""
    low, high = block
    made = _answered(heard, grid, low, high, threads)
    value = settled(values(objective, heard.truth, made, threads=threads))
    if objective == "cross_entropy":
        value = np.where(_undecided(made) > allowed, -np.inf, value)
    left, rank = _greatest(np.arange(high - low), value)
    ties, ranks = len(left) - 1, [rank]
    for each in TIE_ORDER:
        if each != objective:
            part = GridAnswers(made.prediction[left], made.p_truth[left])
            left, rank = _greatest(left, settled(values(each, heard.truth, part, threads=threads)))
            ranks.append(rank)
    away = np.broadcast_to(distances(columns(grid, low + left), near), left.shape)
    left, rank = _greatest(left, settled(-away))
    index = low + int(left[0])
    return Best(index, grid.point(index), ranks[0], ties, (*ranks, rank), high - low)


def _greatest(left: npt.NDArray[np.int64], value: Floats) -> tuple[npt.NDArray[np.int64], float]:
    top = value.max()
    return left[value == top], float(top)


def _better(one: Best, other: Best) -> Best:
    """The better of two blocks; `one` comes first in the grid."""
    best = other if other.rank > one.rank else one
    if one.value != other.value:
        return best
    return replace(best, ties=(one.ties or 0) + (other.ties or 0) + 1)


def _undecided(made: GridAnswers) -> npt.NDArray[np.int64]:
    return np.asarray((made.prediction < 0).sum(axis=1))
