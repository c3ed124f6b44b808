"""How the score answers to the parameters: small curves on one scale, and a table of two. Places only, no look."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.report.evaluation.details import SHADES
from tasks.report.evaluation.figures import figure
from tasks.report.tuning.drawings import Axis, rounded_axis
from tasks.report.tuning.terms import better_is_less, parameter, setting
from tasks.report.words import Text, number, shortened, visible, words
from tasks.tuning.result import PairResponse, Response, Tuning

MAX_POINTS = 41
"""Values of a curve that are drawn."""
MAX_CELLS = 11
"""Rows and columns of the table of two parameters."""
_LEFT, _RIGHT = 15.0, 96.0
_TOP, _BOTTOM = 5.0, 62.0
_GROUND, _BAR = 85.0, 16.0
"""Percent of a panel: where curve and bars lie."""
_MAX_LABELS = 6.0


@dataclass(frozen=True)
class Point:
    """A value of a parameter: places of its point, of the point before, and of its bar; how it is marked and labelled.

    `label` is empty where there is no room for it.
    """

    x: str
    y: str
    before: tuple[str, str] | None
    bar: tuple[str, str] | None
    folds: int
    marks: str
    label: str
    value: str
    score: str


@dataclass(frozen=True)
class Curve:
    """One panel; `ticks` are places and figures of its scale."""

    name: Text
    code: str
    influence: str
    points: tuple[Point, ...]
    ticks: tuple[tuple[str, str], ...]
    label: Text


@dataclass(frozen=True)
class Curves:
    """All panels; `thinned` where a parameter has more values than are drawn."""

    panels: tuple[Curve, ...]
    thinned: bool


@dataclass(frozen=True)
class Surface:
    """The table of two parameters: per row its value and cells (figure, shade 0…10, class of its outline)."""

    first: Text
    second: Text
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, int, str], ...]], ...]
    thinned: bool


def curves(tuning: Tuning) -> Curves | None:
    """The panels of the parameters that were varied, the most influential first; None where there is none."""
    varied = sorted((each for each in tuning.responses if len(each.values) > 1), key=lambda each: -each.influence)
    if not varied:
        return None
    scale = [score for each in varied for score in each.best]
    axis = rounded_axis(scale, turned=better_is_less(tuning.objective))
    return Curves(
        panels=tuple(_curve(each, axis, tuning) for each in varied),
        thinned=any(len(each.values) > MAX_POINTS for each in varied),
    )


def surface(tuning: Tuning) -> Surface | None:
    """The table of the two parameters that matter most; None where fewer than two were varied."""
    pair = tuning.pair
    if pair is None:
        return None
    chosen, default = tuning.apparent.params, tuning.default.params
    rows = _kept(pair.first_values, [each.get(pair.first) for each in (chosen, default)], MAX_CELLS)
    columns = _kept(pair.second_values, [each.get(pair.second) for each in (chosen, default)], MAX_CELLS)
    return Surface(
        first=parameter(pair.first),
        second=parameter(pair.second),
        columns=tuple(setting(pair.second_values[each]) for each in columns),
        rows=tuple((setting(pair.first_values[row]), _cells(pair, row, columns, tuning)) for row in rows),
        thinned=len(rows) < len(pair.first_values) or len(columns) < len(pair.second_values),
    )


def _curve(response: Response, axis: Axis, tuning: Tuning) -> Curve:
    chosen, default = (each.params.get(response.parameter) for each in (tuning.apparent, tuning.default))
    kept = _kept(response.values, [chosen, default], MAX_POINTS)
    labelled = _labelled([response.values[each] for each in kept], (chosen, default))
    points = [_point(response, kept, place, axis, (chosen, default), place in labelled) for place in range(len(kept))]
    said = [words("tu_curve_point", value=each.value, score=each.score) for each in points]
    name = parameter(response.parameter)
    listed = Text(", ".join(each.en for each in said), ", ".join(each.ko for each in said))
    shown = "–" if chosen is None else setting(chosen)
    return Curve(
        name=name,
        code=shortened(visible(response.parameter), 60),
        influence=figure(response.influence),
        points=tuple(points),
        ticks=tuple((_height(axis, each), _short(each, axis)) for each in (axis.low, axis.high)),
        label=words("tu_curve_alt", parameter=name, points=listed, chosen=shown),
    )


def _point(
    response: Response,
    kept: Sequence[int],
    place: int,
    axis: Axis,
    marked: tuple[float | None, float | None],
    labelled: bool,
) -> Point:
    index, most = kept[place], max((*response.chosen, 1))
    value, folds = response.values[index], response.chosen[index] if index < len(response.chosen) else 0
    before = (_across(place - 1, len(kept)), _height(axis, response.best[kept[place - 1]])) if place else None
    tall = _BAR * folds / most
    return Point(
        x=_across(place, len(kept)),
        y=_height(axis, response.best[index]),
        before=before,
        bar=(f"{_GROUND - tall:.2f}%", f"{tall:.2f}%") if folds else None,
        folds=folds,
        marks=" ".join(name for name, each in zip(("chosen", "default"), marked, strict=True) if each == value),
        label=setting(value) if labelled else "",
        value=setting(value),
        score=figure(response.best[index]),
    )


def _across(place: int, count: int) -> str:
    return f"{_LEFT + (_RIGHT - _LEFT) * (place + 0.5) / count:.2f}%"


def _height(axis: Axis, value: float) -> str:
    """Better is higher."""
    return f"{_BOTTOM - (_BOTTOM - _TOP) * float(axis.at(value)[:-1]) / 100:.2f}%"


def _short(value: float, axis: Axis) -> str:
    digits = max(len(label.partition(".")[2]) for label in axis.labels)
    return number(value, digits)


def _cells(pair: PairResponse, row: int, columns: Sequence[int], tuning: Tuning) -> tuple[tuple[str, int, str], ...]:
    everything = [each for line in pair.best for each in line]
    low, high = min(everything), max(everything)
    return tuple(
        (
            figure(pair.best[row][column]),
            _shade(pair.best[row][column], low, high, better_is_less(tuning.objective)),
            _outline(pair, row, column, tuning),
        )
        for column in columns
    )


def _shade(value: float, low: float, high: float, turned: bool) -> int:
    share = (value - low) / (high - low) if high > low else 0.0
    return round(SHADES * (1 - share if turned and high > low else share))


def _outline(pair: PairResponse, row: int, column: int, tuning: Tuning) -> str:
    here = {pair.first: pair.first_values[row], pair.second: pair.second_values[column]}
    for name, params in (("right", tuning.apparent.params), ("before", tuning.default.params)):
        if all(params.get(each) == value for each, value in here.items()):
            return name
    return ""


def _kept(values: Sequence[float], wanted: Sequence[float | None], most: int) -> list[int]:
    """Places of at most `most` values, the ends among them and evenly spread, and of the wanted ones besides."""
    count = len(values)
    if count <= most:
        return list(range(count))
    even = {round(each * (count - 1) / (most - 1)) for each in range(most)}
    return sorted(even | {place for place, value in enumerate(values) if value in wanted})


def _labelled(values: Sequence[float], marked: Sequence[float | None]) -> set[int]:
    """Places whose value has room below the panel: the marked ones and the ends before the others."""
    count = len(values)
    first = [values.index(each) for each in marked if each in values]
    found: list[int] = []
    for place in (*first, 0, count - 1, *range(count)):
        if all(abs(place - other) >= count / _MAX_LABELS for other in found):
            found.append(place)
    return set(found)
