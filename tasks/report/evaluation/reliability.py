"""The reliability diagram: how often segments of one confidence are right. Owns its places, not its look.

Drawn by the macro `reliability` of macros.html, in units of its own: 0…200 each way, downwards.
"""

from dataclasses import dataclass

from tasks.evaluation.result_model import Bin
from tasks.report.evaluation.figures import figure
from tasks.report.words import Text, number, words

_APART = 16.0
"""Units between two numbers under the diagram."""


@dataclass(frozen=True)
class Dot:
    """A point of the diagram, and its bar below (0…36); `told` is the number over the bar, where there is room."""

    x: float
    y: float
    radius: float
    bar: float
    n: str
    told: str
    confidence: str
    accuracy: str


@dataclass(frozen=True)
class Diagram:
    """The points, and what they say to those who do not see them."""

    dots: tuple[Dot, ...]
    label: Text


def diagram(bins: tuple[Bin, ...]) -> Diagram:
    """The diagram of these bins; one without points where no bin has a segment."""
    filled = tuple(each for each in bins if each.n)
    most = max((each.n for each in filled), default=0)
    return Diagram(tuple(_dot(each, most, _alone(each, filled)) for each in filled), _label(filled))


def _alone(each: Bin, bins: tuple[Bin, ...]) -> bool:
    """Whether its number has room: where bins stand close together, their numbers would cover each other."""
    return all(abs(200 * (other.confidence - each.confidence)) >= _APART for other in bins if other is not each)


def _dot(each: Bin, most: int, told: bool) -> Dot:
    return Dot(
        x=round(200 * each.confidence, 1),
        y=round(200 * (1 - each.accuracy), 1),
        radius=round(3 + 5 * (each.n / most) ** 0.5, 1),
        bar=round(36 * each.n / most, 1),
        n=number(each.n),
        told=number(each.n) if told else "",
        confidence=figure(each.confidence),
        accuracy=figure(each.accuracy),
    )


def _label(bins: tuple[Bin, ...]) -> Text:
    points = [
        words("ev_reliability_bin", n=each.n, confidence=figure(each.confidence), accuracy=figure(each.accuracy))
        for each in bins
    ]
    joined = Text("; ".join(each.en for each in points), "; ".join(each.ko for each in points))
    return words("ev_reliability_alt", bins=joined)
