"""A good point of a grid that is too large to try, on any set of segments: along one parameter after another.

Owns the walk, from several beginnings, and what it remembers. Points are compared as in selection.py. A walk ends where
no parameter alone does better; parameters that only help together can be missed, so what is found may not be the best.

Neither the order in which parameters and values are given nor the number of threads matters: walks go through both in
an order of their own. All sets have the same beginnings.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.numerics.compiled import decide_points, in_threads
from tasks.numerics.grid import DEFAULTS, Evidence, Grid, GridAnswers
from tasks.numerics.heard import Heard, Rows
from tasks.numerics.objectives import distances, settled
from tasks.numerics.selection import Rank, first
from tasks.numerics.tallies import Objective, Tallies, score, tally

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Point = tuple[int, ...]
"""The place of each parameter's value."""

BEGINNINGS = 8
"""Drawn points that walks begin at, besides the one nearest to the default."""

_KEPT_COUNTS = 20_000_000
"""Counts that are remembered, 8 bytes each."""
_CELLS = 2_000_000
"""Points × segments that are decided together."""


@dataclass(frozen=True)
class Climbed:
    """Where the best of the walks on one set of segments ended.

    Attributes:
        params: All parameters there.
        rank: As `search.Best.rank`.
        tried: The points that the walks looked at, each once, in their order.
    """

    params: Mapping[str, float]
    rank: Rank
    tried: tuple[Point, ...]


class Climber:
    """Walks through one grid, on sets of the same segments: each point is decided once for all of them."""

    def __init__(
        self,
        evidence: Evidence,
        values: Mapping[str, tuple[float, ...]],
        objective: Objective,
        *,
        rng: np.random.Generator,
        group: Ints | None = None,
        groups: int = 1,
        near: Mapping[str, float] = DEFAULTS,
        beginnings: int = BEGINNINGS,
        rows: Rows | None = None,
        threads: int | None = None,
    ) -> None:
        """Prepare, and draw the beginnings.

        Args:
            evidence: The segments, and `rows`: which of them; all by default.
            values: As `Grid.values`.
            objective: What to maximise.
            rng: Draws the beginnings.
            group: Of each segment, (n,), 0 … groups − 1: what sets are made of. All in one by default.
            groups: Their number.
            near: The default that ties are broken towards.
            beginnings: How many are drawn.
            threads: At most so many.

        Raises:
            ValueError: The evidence's shapes do not fit together, or a parameter or value is none.
        """
        self.values = {name: tuple(sorted(set(values[name]))) for name in DEFAULTS if name in values}
        Grid(values)  # names what is no parameter
        self._heard, self._threads = Heard(evidence, rows), threads
        self._objective: Objective = objective
        self._near, self._groups = near, groups
        self._group = np.zeros(len(self._heard.truth), dtype=np.int64) if group is None else group
        self._known: dict[Point, tuple[Floats, ...]] = {}
        self._support, *self._default = _arrays(tally(self._heard.truth, self._at_default(), self._group, groups))
        nearest = tuple(_nearest(name, each, near) for name, each in self.values.items())
        drawn = [tuple(int(rng.integers(len(each))) for each in self.values.values()) for _ in range(beginnings)]
        self._beginnings = (nearest, *drawn)

    @property
    def segments(self) -> int:
        """Their number, n."""
        return len(self._heard.truth)

    def climb(self, members: Floats) -> Climbed:
        """The best point that walks find on a set of segments.

        Args:
            members: Which groups make it up, (groups,): 1 or 0. In a set without segments nearness alone decides.
        """
        tried: dict[Point, None] = {}
        ends = [self._walk(start, members, tried) for start in self._beginnings]
        rank, point = max(ends, key=lambda end: (end[0], tuple(-place for place in end[1])))
        return Climbed(self.params(point), rank, tuple(tried))

    def params(self, point: Point) -> dict[str, float]:
        """All parameters at a point, those that the grid does not vary included."""
        chosen = dict(DEFAULTS)
        return chosen | {name: each[place] for (name, each), place in zip(self.values.items(), point, strict=True)}

    def columns(self, points: Iterable[Point]) -> dict[str, Floats]:
        """The values of the grid's parameters at p points, (p,) each."""
        places = np.array(list(points), dtype=np.int64).reshape(-1, len(self.values))
        return {name: np.array(each)[places[:, axis]] for axis, (name, each) in enumerate(self.values.items())}

    def answers(self, values: Mapping[str, Floats], count: int) -> GridAnswers:
        """What p points answer, by the values of their parameters, (p,) each."""
        shape = (count, len(self._heard.truth))
        made = GridAnswers(np.empty(shape, dtype=np.int8), np.empty(shape, dtype=np.float32))
        size = max(1, _CELLS // max(shape[1], 1))
        for low in range(0, count, size):
            part = slice(low, min(low + size, count))
            self._decide({name: each[part] for name, each in values.items()}, made, part)
        return made

    def scores(self, points: tuple[Point, ...], members: Floats) -> Floats:
        """The objective at p points on a set, (p,), the higher the better; −inf where it is undefined."""
        return np.concatenate([self._scored(each, members)[0] for each in _parts(points, _CELLS // 100)])

    def _walk(self, start: Point, members: Floats, tried: dict[Point, None]) -> tuple[Rank, Point]:
        """From a point to where no parameter alone does better; its rank there."""
        at, before = start, None
        rank = self._best((at,), members)[0]
        tried[at] = None
        while at != before:
            before = at
            for axis, values in enumerate(self.values.values()):
                line = tuple((*at[:axis], place, *at[axis + 1 :]) for place in range(len(values)))
                rank, at = self._best(line, members)
                tried.update(dict.fromkeys(line))
        return rank, at

    def _best(self, points: tuple[Point, ...], members: Floats) -> tuple[Rank, Point]:
        """The best of some points, and its rank without its place."""
        values, mixed = self._scored(points, members)
        *rank, place = first(values, mixed, 0, self.columns(points), self._objective, self._near)
        return tuple(rank), points[-int(place)]

    def _scored(self, points: tuple[Point, ...], members: Floats) -> tuple[Floats, Tallies]:
        """Of p points on a set: the objective as it is compared, (p,), and the counts, (1, p)."""
        mixed = self._tallied(points).mixed(members[None])
        values = score(self._objective, mixed)
        if self._objective == "cross_entropy":
            least = members @ self._default[-1][:, 0]
            values = np.where(mixed.decided < least, np.nan, values)
        return settled(values[0]), mixed

    def _tallied(self, points: tuple[Point, ...]) -> Tallies:
        """Counts by (group, point)."""
        if new := [each for each in dict.fromkeys(points) if each not in self._known]:
            if (len(self._known) + len(new)) * self._groups * 16 > _KEPT_COUNTS:
                self._known.clear()
                new = list(dict.fromkeys(points))
            made = tally(self._heard.truth, self.answers(self.columns(new), len(new)), self._group, self._groups)
            _, *counts = _arrays(made)
            self._known |= {each: tuple(part[:, place] for part in counts) for place, each in enumerate(new)}
        known = [self._known[each] for each in points]
        return Tallies(self._support, *(np.stack(part, axis=1) for part in zip(*known, strict=True)))

    def _at_default(self) -> GridAnswers:
        return self.answers({name: np.array([value]) for name, value in self._near.items()}, 1)

    def _decide(self, values: Mapping[str, Floats], into: GridAnswers, part: slice) -> None:
        count, truth = part.stop - part.start, self._heard.truth
        points = self._heard.at(values, count)
        prediction, p_truth = into.prediction[part], into.p_truth[part]

        def work(low: int, high: int) -> None:
            decide_points(
                points.heard, points.heard_by, points.weights, points.rules, truth, prediction, p_truth, low, high
            )

        in_threads(work, count, len(truth), self._threads)


def _arrays(tallies: Tallies) -> tuple[Floats, ...]:
    return tallies.support, tallies.hits, tallies.predicted, tallies.loss, tallies.decided


def _nearest(name: str, tried: tuple[float, ...], near: Mapping[str, float]) -> int:
    return int(distances({name: np.array(tried)}, near).argmin())


def _parts(points: tuple[Point, ...], size: int) -> Iterable[tuple[Point, ...]]:
    return (points[low : low + size] for low in range(0, len(points), size))
