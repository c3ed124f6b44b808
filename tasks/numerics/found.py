"""The best points of a grid on several sets of segments, by all of it or by walks along its parameters, and what is
told of such a search.

Owns the common shape of both ways. Choosing is selection.py's and climbing.py's part, what the choice is worth
nested.py's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tasks.numerics import search
from tasks.numerics.climbing import Climbed, Climber
from tasks.numerics.grid import Evidence, Grid, GridAnswers
from tasks.numerics.heard import columns
from tasks.numerics.objectives import values
from tasks.numerics.selection import choose
from tasks.numerics.surface import PairResponse, Response, responses, responses_among, strongest, strongest_pair
from tasks.numerics.tallies import Objective

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_HELD = 100_000_000
"""Answers of points that walks looked at, which are held at once for the imitation of luck."""
_MOST_VALUES = 21
"""Values of each of two parameters whose map is drawn where not all points were tried."""


@dataclass(frozen=True, eq=False)
class Told:
    """What reports tell of a search on one set of segments.

    Attributes:
        tried: What the points that were looked at answer (of very many, some).
        count: How many these are; `exhaustive`: whether they are all of the grid.
        responses, pair: How the objective answers there.
    """

    tried: GridAnswers
    count: int
    exhaustive: bool
    responses: tuple[Response, ...]
    pair: PairResponse | None


class Points(Protocol):
    """The points of a grid, on segments in groups."""

    def best(self, sets: Floats) -> Ints:
        """Place of the best point of each set, (sets,), by which groups make it up: (sets, groups) of 1 and 0."""

    def answers(self, points: Ints) -> GridAnswers:
        """What the points at p places answer to all n segments."""

    def told(self, members: Floats, chosen: Ints) -> Told:
        """What is told of the search on one set, (groups,); `chosen`: the points that the folds chose."""


@dataclass(frozen=True, eq=False)
class Tabled:
    """All points of a grid, whose answers are there; see `choose`."""

    given: GridAnswers
    default: GridAnswers
    grid: Grid
    truth: Ints
    group: Ints
    objective: Objective
    near: Mapping[str, float]
    _scores: dict[bytes, Floats] = field(default_factory=dict)

    def best(self, sets: Floats) -> Ints:
        """As in `Points`."""
        found = choose(
            self.truth, self.given, self.default, self.grid, self.group, sets, self.objective, near=self.near
        )
        # Every point's scores on the last set come with it: to count them once more would double the time.
        self._scores[sets[-1].tobytes()] = found.scores
        return found.points

    def answers(self, points: Ints) -> GridAnswers:
        """As in `Points`."""
        return GridAnswers(self.given.prediction[points], self.given.p_truth[points])

    def told(self, members: Floats, chosen: Ints) -> Told:
        """As in `Points`."""
        if members.tobytes() not in self._scores:
            self.best(members[None])
        scores, sign = self._scores[members.tobytes()], _sign(self.objective)
        return Told(
            tried=self.given,
            count=len(self.grid),
            exhaustive=True,
            responses=responses(self.grid, scores, chosen.tolist(), sign=sign),
            pair=strongest_pair(self.grid, scores, sign=sign),
        )


class Walked:
    """The points that walks find, anew on each set: none knows where those on another set led."""

    def __init__(
        self,
        evidence: Evidence,
        grid: Grid,
        group: Ints,
        groups: int,
        objective: Objective,
        near: Mapping[str, float],
        *,
        seed: int,
    ) -> None:
        """Prepare; arguments as for `Climber`, `seed`: of the beginnings, which all sets share."""
        self._evidence, self._grid, self._near = evidence, grid, near
        self._objective: Objective = objective
        rng = np.random.default_rng(seed)
        self._climber = Climber(evidence, grid.values, objective, rng=rng, group=group, groups=groups, near=near)
        self._ends: dict[bytes, Climbed] = {}

    def best(self, sets: Floats) -> Ints:
        """As in `Points`."""
        return np.array([self._grid.index(self._end(each).params) for each in sets], dtype=np.int64)

    def answers(self, points: Ints) -> GridAnswers:
        """As in `Points`."""
        return self._climber.answers(columns(self._grid, points), len(points))

    def told(self, members: Floats, chosen: Ints) -> Told:
        """As in `Points`."""
        end, walk, sign = self._end(members), self._climber, _sign(self._objective)
        params = [self._grid.point(each) for each in chosen.tolist()]
        scores = walk.scores(end.tried, members)
        found = responses_among(self._grid, walk.columns(end.tried), scores, params, sign=sign)
        kept = end.tried[:: max(1, -(-len(end.tried) * walk.segments // _HELD))]
        return Told(
            tried=walk.answers(walk.columns(kept), len(kept)),
            count=len(end.tried),
            exhaustive=False,
            responses=found,
            pair=self._map(end, found, sign),
        )

    def _end(self, members: Floats) -> Climbed:
        key = members.tobytes()
        if key not in self._ends:
            self._ends[key] = self._climber.climb(members)
        return self._ends[key]

    def _map(self, end: Climbed, found: tuple[Response, ...], sign: float) -> PairResponse | None:
        """How the objective answers to the two strongest parameters while the others stay where the walks ended."""
        pair = strongest([each.influence for each in found], [len(each.values) > 1 for each in found])
        if pair is None:
            return None
        first, second = (found[place].parameter for place in pair)
        kept = {
            name: _spread(self._grid.values[name], (end.params[name], self._near[name])) for name in (first, second)
        }
        fixed = {name: (value,) for name, value in end.params.items() if name not in kept}
        made = values(self._objective, self._evidence.truth, search.answers(self._evidence, Grid({**fixed, **kept})))
        table = sign * made.reshape([len(each) for each in kept.values()])
        return PairResponse(first, second, kept[first], kept[second], tuple(tuple(row) for row in table.tolist()))


def _sign(objective: Objective) -> float:
    """What turns a score into what reports print."""
    return -1.0 if objective == "cross_entropy" else 1.0


def _spread(tried: tuple[float, ...], wanted: tuple[float, ...]) -> tuple[float, ...]:
    """At most so many values, evenly spread with both ends, and the wanted ones besides."""
    even = np.linspace(0, len(tried) - 1, min(_MOST_VALUES, len(tried))).round().astype(int)
    kept = {tried[place] for place in even.tolist()} | set(wanted)
    return tuple(value for value in tried if value in kept)
