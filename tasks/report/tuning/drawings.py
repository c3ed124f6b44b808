"""Two drawings: how much of the gain is real, and how much luck gives. Places in percent of the drawing; no look."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from tasks.report.evaluation.figures import Cell, Whisker, figure, place, signed
from tasks.report.tuning.terms import (
    GainCell,
    better_is_less,
    gain_cell,
    gained,
    has_one_source,
    score_cell,
    scored,
    signed_amount,
    title,
)
from tasks.report.words import Text, number, words
from tasks.tuning.result import Gain, Luck, Scores, Tuning

_TICKS = 5
_STEPS = (1.0, 2.0, 5.0, 10.0)
_BINS = 36
_TALLEST = 92.0
"""Percent of the histogram's height that the tallest bar takes."""


@dataclass(frozen=True)
class Axis:
    """An axis between two round numbers, with its labels at even distances; `turned` runs from high to low."""

    low: float
    high: float
    labels: tuple[str, ...]
    turned: bool = False

    def at(self, value: float) -> str:
        """Where a value stands, in percent."""
        return place(-value, -self.high, -self.low) if self.turned else place(value, self.low, self.high)


@dataclass(frozen=True)
class Way:
    """One way of deciding: score, where it stands, the band of optimism (start, width), and gain."""

    key: str
    note: Text
    score: Cell
    dot: Whisker | None
    lost: tuple[str, str] | None
    gain: GainCell | None


@dataclass(frozen=True)
class Reality:
    """Default, best of the search, and held-out score on one axis; `zero` is where the default stands."""

    axis: Axis | None
    zero: str | None
    rows: tuple[Way, ...]
    label: Text


@dataclass(frozen=True)
class Histogram:
    """Bars (place, width, top, height in percent, count) and upright lines (kind, place, value as shown)."""

    axis: Axis
    bars: tuple[tuple[str, str, str, str, str], ...]
    marks: tuple[tuple[str, str, Text], ...]
    label: Text


def reality(tuning: Tuning) -> Reality:
    """The picture of the optimism."""
    gain = tuning.gains.get(tuning.objective)
    three = {"default": tuning.default, "apparent": tuning.apparent, "nested": tuning.nested}
    values = {key: scored(each, tuning.objective) for key, each in three.items()}
    reach = _reach(values["default"], gain, tuning.objective)
    known = [each for each in (*values.values(), *(reach or ())) if each is not None]
    axis = rounded_axis(known, turned=better_is_less(tuning.objective)) if known else None
    shown: dict[str, Any] = {key: figure(value) for key, value in values.items()}
    default = values["default"]
    return Reality(
        axis=axis,
        zero=None if axis is None or default is None else axis.at(default),
        rows=tuple(_way(tuning, key, each, values, axis, reach) for key, each in three.items()),
        label=words("tu_real_alt", objective=title(tuning.objective), **shown),
    )


def histogram(luck: Luck, objective: str) -> Histogram | None:
    """The imitated gains as bars, with the observed one marked; None where nothing was imitated."""
    if not luck.gains:
        return None
    marked = {"high": luck.high, "mean": luck.mean, "observed": luck.observed}
    given = {key: value for key, value in marked.items() if value is not None}
    axis = rounded_axis([*luck.gains, *given.values(), 0.0])
    shown = {key: signed_amount(value, objective) if value is not None else "–" for key, value in marked.items()}
    return Histogram(
        axis=axis,
        bars=tuple(_bars(luck.gains, axis)),
        marks=tuple((key, axis.at(value), signed_amount(value, objective)) for key, value in given.items()),
        label=words("tu_luck_alt", n=len(luck.gains), **shown),
    )


def rounded_axis(values: Iterable[float], *, turned: bool = False) -> Axis:
    """The narrowest axis between round numbers that holds all values with a little room."""
    held = list(values)
    low, high = min(held), max(held)
    room = 0.05 * (high - low) or 0.02
    step = _step((high - low + 2 * room) / _TICKS)
    first, last = floor((low - room) / step), ceil((high + room) / step)
    digits = max(0, -floor(log10(step) + 1e-9))
    # Rounding may leave a negative zero.
    labels = [f"{each * step:.{digits}f}".replace("-", "−") for each in range(first, last + 1)]
    return Axis(first * step, last * step, tuple(reversed(labels) if turned else labels), turned)


def _step(least: float) -> float:
    """The smallest of 1, 2, 5 × 10ᵏ that is no smaller than `least`."""
    scale = 10.0 ** floor(log10(least))
    return next((each * scale for each in _STEPS if each * scale >= least * (1 - 1e-9)), 10 * scale)


def _reach(default: float | None, gain: Gain | None, objective: str) -> tuple[float, float] | None:
    """The interval of the held-out gain, laid over the default's score."""
    if default is None or gain is None or gain.ci is None:
        return None
    if better_is_less(objective):
        return default - gain.ci.high, default - gain.ci.low
    return default + gain.ci.low, default + gain.ci.high


def _way(
    tuning: Tuning,
    key: str,
    scores: Scores,
    values: dict[str, float | None],
    axis: Axis | None,
    reach: tuple[float, float] | None,
) -> Way:
    value, held = values[key], key == "nested"
    return Way(
        key=key,
        note=words(f"tu_way_{key}_note{'_one_source' if held and has_one_source(tuning) else ''}"),
        score=score_cell(scores, tuning.objective, tuning, key),
        dot=_dot(value, axis, reach if held else None),
        lost=_between(axis, values["nested"], values["apparent"]) if held else None,
        gain=_gain(tuning, key, scores),
    )


def _gain(tuning: Tuning, key: str, scores: Scores) -> GainCell | None:
    if key == "default":
        return None
    if key == "nested":
        return gain_cell(tuning.gains, tuning.objective, tuning)
    value = gained(tuning.default, scores, tuning.objective)
    return None if value is None else GainCell(signed(value))


def _dot(value: float | None, axis: Axis | None, reach: tuple[float, float] | None) -> Whisker | None:
    if value is None or axis is None:
        return None
    band = _between(axis, *reach) if reach else None
    return Whisker(axis.at(value), *(band or (None, None)))


def _between(axis: Axis | None, first: float | None, second: float | None) -> tuple[str, str] | None:
    """Start and width of the band between two values."""
    if axis is None or first is None or second is None:
        return None
    start, end = sorted(float(axis.at(each)[:-1]) for each in (first, second))
    return f"{start:.2f}%", f"{end - start:.2f}%"


def _bars(gains: tuple[float, ...], axis: Axis) -> Iterable[tuple[str, str, str, str, str]]:
    width, share = (axis.high - axis.low) / _BINS, 100 / _BINS
    counts = [0] * _BINS
    for gain in gains:
        counts[min(_BINS - 1, int((gain - axis.low) / width))] += 1
    tallest = max(counts)
    for index, count in enumerate(counts):
        if count:
            height = _TALLEST * count / tallest
            share = 100 / _BINS
            yield (
                f"{index * share:.2f}%",
                f"{share * 0.9:.2f}%",
                f"{100 - height:.2f}%",
                f"{height:.2f}%",
                number(count),
            )
