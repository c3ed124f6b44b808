"""How a tuning's parameters, gains and scores are named and written. Owns no layout."""

from collections.abc import Mapping
from dataclasses import dataclass

from actors.contract import TAXONOMY
from tasks.numerics.sources import ONE_SOURCE
from tasks.report.evaluation.figures import Cell, figure, signed
from tasks.report.evaluation.phrases import phrase
from tasks.report.words import UNDEFINED, Text, named, shortened, visible, words
from tasks.tuning.result import Gain, Scores, Tuning

OBJECTIVES = tuple(Scores.model_fields)
"""Names of the figures, in the order of the record."""
_VANISHES = 0.0005
LOSS = "cross_entropy"
"""The one figure of which less is better, in nats."""


@dataclass(frozen=True)
class GainCell:
    """A gain as shown, its interval and what the reader must know of it; or why it has none, or is undefined itself."""

    value: str
    interval: str | None = None
    probability: str = UNDEFINED
    note: Text | None = None
    why_no_interval: Text | None = None


def parameter(name: str) -> Text:
    """What a parameter is called; an emotion's name is its weight."""
    if name in TAXONOMY:
        return words("tu_weight_of", emotion=named("emotion", name))
    return named("tu_parameter", shortened(name, 60))


def title(objective: str) -> Text:
    """What a figure is called; its own name where it is none that is known."""
    return words(f"ev_{objective}") if objective in OBJECTIVES else Text(visible(objective), visible(objective))


def setting(value: float) -> str:
    """A parameter's value, without needless zeros."""
    return f"{value:.6g}"


def better_is_less(objective: str) -> bool:
    """Whether less of it is better."""
    return objective == LOSS


def scored(scores: Scores, objective: str) -> float | None:
    """One figure by name; None where it is undefined, or no such figure is known."""
    value: float | None = getattr(scores, objective) if objective in OBJECTIVES else None
    return value


def gained(before: Scores, after: Scores, objective: str) -> float | None:
    """What one figure gains, positive where it gets better."""
    old, new = scored(before, objective), scored(after, objective)
    if old is None or new is None:
        return None
    return old - new if better_is_less(objective) else new - old


def amount(value: float, objective: str) -> Text:
    """A gain in words, in points of a share or in nats; without a sign where it is one."""
    return _with_unit(signed_number(value, objective).removeprefix("+"), objective)


def signed_amount(value: float, objective: str) -> Text:
    """The same with its sign."""
    return _with_unit(signed_number(value, objective), objective)


def signed_number(value: float, objective: str) -> str:
    """The same without its unit."""
    scaled, digits = (value, 3) if better_is_less(objective) else (100 * value, 1)
    written = f"{abs(scaled):.{digits}f}"
    return written if not float(written) else f"{'+' if value > 0 else '−'}{written}"


def is_nothing(value: float) -> bool:
    """Whether a gain vanishes when it is written."""
    return abs(value) < _VANISHES


def score_cell(scores: Scores, objective: str, tuning: Tuning, where: str) -> Cell:
    """One figure, with the reason where it is undefined."""
    value = scored(scores, objective)
    return Cell(figure(value), why=why(tuning, f"{where}.{objective}", objective, where) if value is None else None)


def gain_cell(gains: Mapping[str, Gain], objective: str, tuning: Tuning) -> GainCell:
    """The held-out gain of one figure, with the reason where it or its interval is undefined."""
    gain, reason = gains.get(objective), _why_no_gain(tuning, objective)
    if gain is None:
        return GainCell(UNDEFINED, note=reason)
    value, sure = signed(gain.value), figure(gain.probability)
    if gain.ci is None:
        return GainCell(value, probability=sure, why_no_interval=reason)
    ends = f"[{signed(gain.ci.low)}, {signed(gain.ci.high)}]"
    return GainCell(value, ends, sure, phrase(gain.ci.note) if gain.ci.note else None)


def has_one_source(tuning: Tuning) -> bool:
    """Whether folds were blocks of one source's time, so that nothing is known of others."""
    return tuning.sources == 1 or "single_source" in tuning.flags


def why(tuning: Tuning, *keys: str) -> Text | None:
    """Why a figure is undefined, under the first of `keys` that the record explains."""
    return next((phrase(tuning.undefined[key]) for key in keys if key in tuning.undefined), None)


def _why_no_gain(tuning: Tuning, objective: str) -> Text | None:
    one_source = phrase(ONE_SOURCE) if has_one_source(tuning) else None
    return why(tuning, f"gains.{objective}", "gains", objective) or one_source


def _with_unit(size: str, objective: str) -> Text:
    return words("tu_nats" if better_is_less(objective) else "tu_points", size=size)
