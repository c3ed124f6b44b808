"""How an evaluation's figures are written and drawn: names, three decimals, intervals, places on an axis.

Owns no layout: what is drawn comes out as percentages of the width of a drawing.
"""

from dataclasses import dataclass

from actors.contract import TAXONOMY
from tasks.evaluation.result_model import BASELINES, ModelResult, Pair
from tasks.report.evaluation.phrases import phrase
from tasks.report.palette import CATEGORIES
from tasks.report.words import UNDEFINED, Text, named, number, shortened, visible, words

MAX_NAME = 60
"""Characters of a candidate's name in a table; the whole name stands in its details."""


@dataclass(frozen=True)
class Name:
    """A candidate's name: as shown, whole, and its number in this page."""

    text: Text
    full: str
    index: int


@dataclass(frozen=True)
class Cell:
    """A figure as shown, its interval where it has one, and why either is undefined where it is."""

    text: str
    interval: str | Text | None = None
    why: Text | None = None
    why_no_interval: Text | None = None


@dataclass(frozen=True)
class Whisker:
    """A dot with its interval on an axis, in percent of the axis; `low` and `width` are None without an interval."""

    x: str
    low: str | None = None
    width: str | None = None


@dataclass(frozen=True)
class Emotion:
    """An emotion (or undecided) with the number of its colour."""

    index: int
    name: Text


def candidate_names(models: tuple[ModelResult, ...]) -> dict[str, Name]:
    """The name of each candidate as the page shows it, by `ModelResult.model`, numbered in this order."""
    return {each.model: Name(shown_name(each.model), visible(each.model), i) for i, each in enumerate(models, start=1)}


def shown_name(model: str) -> Text:
    """A candidate's name made safe to read and of bounded length; a baseline's in words."""
    if model in BASELINES:
        return words(f"ev_baseline_{model}")
    short = shortened(visible(model), MAX_NAME)
    return Text(short, short)


def listed(texts: list[Text]) -> Text:
    """Texts one after another, with commas."""
    return Text(", ".join(each.en for each in texts), ", ".join(each.ko for each in texts))


def emotion(name: str | None) -> Emotion:
    """An emotion by name; None is undecided."""
    known = name if name in TAXONOMY else "undecided"
    return Emotion(CATEGORIES.index(known), named("emotion", name or "undecided"))


def figure(value: float | None) -> str:
    """A figure with three decimals, or a dash."""
    return number(value, 3)


def signed(value: float | None) -> str:
    """A difference with its sign and three decimals, or a dash."""
    if value is None:
        return UNDEFINED
    rounded = f"{abs(value):.3f}"
    sign = "" if rounded == "0.000" else "+" if value > 0 else "−"
    return sign + rounded


def bracketed(pair: Pair | None, digits: int = 3) -> str | None:
    """An interval in brackets, or None."""
    return None if pair is None else f"[{pair[0]:.{digits}f}, {pair[1]:.{digits}f}]"


def p_value(value: float | None) -> str:
    """A p value with three decimals, never zero."""
    return "<0.001" if value is not None and value < 0.0005 else figure(value)


def cell(model: ModelResult, key: str, pair: Pair | None = None) -> Cell:
    """The figure `key` of a candidate."""
    value: float | None = getattr(model, key)
    if value is None:
        return Cell(figure(value), why=_why(model.undefined.get(key)))
    no_interval = _why(model.undefined.get(f"{key}_ci")) if pair is None else None
    return Cell(figure(value), bracketed(pair), why_no_interval=no_interval)


def accuracy_cell(model: ModelResult) -> tuple[Cell, Whisker | None]:
    """The accuracy with the interval that ranking and verdict rest on: by source; Wilson's where there is none."""
    pair = model.accuracy_ci_grouped or model.accuracy_ci
    return cell(model, "accuracy", pair), whisker(model.accuracy, pair)


def place(value: float, low: float = 0.0, high: float = 1.0) -> str:
    """Where a value stands between `low` and `high`, in percent, held inside the axis."""
    share = (value - low) / (high - low) if high > low else 0.5
    return f"{100 * min(1.0, max(0.0, share)):.2f}%"


def whisker(value: float | None, pair: Pair | None, low: float = 0.0, high: float = 1.0) -> Whisker | None:
    """A dot and its interval, or None where there is no value."""
    if value is None:
        return None
    if pair is None:
        return Whisker(place(value, low, high))
    start, end = (float(place(each, low, high)[:-1]) for each in pair)
    return Whisker(place(value, low, high), f"{start:.2f}%", f"{end - start:.2f}%")


def _why(reason: str | None) -> Text | None:
    return None if reason is None else phrase(reason)
