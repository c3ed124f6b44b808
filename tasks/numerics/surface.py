"""How an objective answers to each parameter of a grid: the best that every value can reach, and how steadily.

Owns the response surface and the stability of what folds chose. Both describe the labels at hand; whether a gain
holds is said by nested.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.numerics.grid import Grid

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Response:
    """The best that can be reached with each value of one parameter, whatever the others are.

    Attributes:
        values, best: One a value of the parameter; `best` in the objective's own sense (nats for the cross-entropy).
        influence: Distance between the best and the worst of `best`.
        chosen: How many folds chose each value.
    """

    parameter: str
    values: tuple[float, ...]
    best: tuple[float, ...]
    influence: float
    chosen: tuple[int, ...]


@dataclass(frozen=True)
class PairResponse:
    """The same for two parameters: `best[i][j]` with the i-th value of the first and the j-th of the second."""

    first: str
    second: str
    first_values: tuple[float, ...]
    second_values: tuple[float, ...]
    best: tuple[tuple[float, ...], ...]


def responses(grid: Grid, scores: Floats, chosen: Sequence[int], *, sign: float = 1.0) -> tuple[Response, ...]:
    """The response to each parameter, in the grid's order.

    Args:
        grid: p points.
        scores: Of each point, (p,), the higher the better.
        chosen: The points that the folds chose.
        sign: What turns a score into what reports print: −1 for the cross-entropy.
    """
    table = _table(grid, scores)
    places = np.array(np.unravel_index(np.asarray(chosen, dtype=np.int64), table.shape)).reshape(table.ndim, -1)
    return tuple(
        Response(
            parameter=name,
            values=values,
            best=tuple((sign * _best(table, (axis,))).tolist()),
            influence=float(np.ptp(_best(table, (axis,)))),
            chosen=tuple(np.bincount(places[axis], minlength=len(values)).tolist()),
        )
        for axis, (name, values) in enumerate(grid.values.items())
    )


def responses_among(
    grid: Grid,
    columns: Mapping[str, Floats],
    scores: Floats,
    chosen: Sequence[Mapping[str, float]],
    *,
    sign: float = 1.0,
) -> tuple[Response, ...]:
    """The same from the points that walks looked at: each `best` is what was found, and more may be reached.

    Args:
        grid: What was walked through, each value at some point.
        columns: Values of the grid's parameters at p points, (p,) each.
        scores: Of these, (p,), the higher the better.
        chosen: The parameters that the folds chose.
        sign: As for `responses`.
    """
    known = _defined(scores)
    best = {
        name: np.array([known[columns[name] == value].max() for value in each]) for name, each in grid.values.items()
    }
    return tuple(
        Response(
            parameter=name,
            values=values,
            best=tuple((sign * best[name]).tolist()),
            influence=float(np.ptp(best[name])),
            chosen=tuple(sum(each[name] == value for each in chosen) for value in values),
        )
        for name, values in grid.values.items()
    )


def strongest(influence: Sequence[float], varied: Sequence[bool]) -> tuple[int, int] | None:
    """Places of the two varied parameters of greatest influence, in their order; None where fewer than two vary."""
    places = [place for place, each in enumerate(varied) if each]
    if len(places) < 2:
        return None
    first, second = sorted(sorted(places, key=lambda place: -influence[place])[:2])
    return first, second


def strongest_pair(grid: Grid, scores: Floats, *, sign: float = 1.0) -> PairResponse | None:
    """The response to the two parameters of greatest influence; None where fewer than two vary."""
    table, names = _table(grid, scores), list(grid.values)
    influence = [float(np.ptp(_best(table, (axis,)))) for axis in range(table.ndim)]
    pair = strongest(influence, [size > 1 for size in table.shape])
    if pair is None:
        return None
    first, second = pair
    best = sign * _best(table, (first, second))
    return PairResponse(
        names[first],
        names[second],
        grid.values[names[first]],
        grid.values[names[second]],
        tuple(tuple(row) for row in best.tolist()),
    )


def _table(grid: Grid, scores: Floats) -> Floats:
    """Scores by place, one axis a parameter."""
    if len(scores) != len(grid):
        raise ValueError(f"{len(scores)} scores for a grid of {len(grid)} points; give one a point")
    return _defined(scores).reshape([len(each) for each in grid.values.values()])


def _defined(scores: Floats) -> Floats:
    """An undefined score counts as the worst."""
    known = scores[np.isfinite(scores)]
    return np.where(np.isfinite(scores), scores, known.min() if len(known) else 0.0)


def _best(table: Floats, axes: tuple[int, ...]) -> Floats:
    return np.asarray(table.max(axis=tuple(axis for axis in range(table.ndim) if axis not in axes)))
