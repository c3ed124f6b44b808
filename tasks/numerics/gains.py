"""How much better tuned answers are than the default's on the same segments, and what follows: the verdict.

Owns the paired gain of every objective with its interval by source, and when a gain may be believed. The answers must
be held out (nested.py, choice.py): of answers that were chosen on the same labels the interval is worthless.

The verdict is `adopt` only if the held-out gain is worth a change, its interval excludes 0, at least five sources
speak, and neither accuracy nor cross-entropy surely pays for it; `keep-default` if the default was the best, or no
useful gain is left within the 95 % interval; otherwise `undecided`.

A fall is never adopted, so only the lower end of the interval can err: its level is such that it does in less than
5 %, and it excludes 0 just where `Gain.probability` reaches `SURE`. Without the smallest useful gain it errs in up to
7 % of sets of 500 segments where nothing helps, since there only a few segments differ; with it, in 3 %. How often the
verdict errs is simulated by benchmarks/tuning_simulation.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from tasks.numerics.comparison import ALPHA, POWER
from tasks.numerics.differences import METHOD, Difference, accuracy_differences, macro_differences
from tasks.numerics.intervals import LEVEL, Interval, few_note
from tasks.numerics.metrics import LOG_FLOOR
from tasks.numerics.sources import FEW_SOURCES, ONE_SOURCE, Sources, design_effect, group
from tasks.numerics.tallies import Objective

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]

Verdict = Literal["adopt", "keep-default", "undecided"]
Reason = Literal[
    "gain_holds",
    "default_is_best",
    "gain_too_small",
    "paid_for",
    "single_source",
    "few_sources",
    "unsure",
    "no_segments",
]

SMALLEST_USEFUL: Final[Mapping[Objective, float]] = {
    "macro_f1_present": 0.02,
    "macro_f1": 0.02,
    "accuracy": 0.02,
    "uar": 0.02,
    "cross_entropy": 0.02,
}
"""A gain below this (nats for the cross-entropy) is not worth a change."""

SURE: Final = 0.955
"""Least probability of a gain that is adopted. At 0.95 it is adopted in error in 4.9 % of 1,500 sets of the kind where
that happens most (100 segments, 2,430 points): folds share most of what they learn from, so the test is too easy by a
little."""

GAIN_LEVEL: Final = round(2 * SURE - 1, 6)
"""Level of a gain's interval: both ends are missed equally often, and the lower one as often as the verdict may err."""

MAY_COST: Final[Mapping[Objective, float]] = {"accuracy": 0.02, "cross_entropy": 0.05}
"""A gain is paid for if one of these surely falls (the cross-entropy: rises) by more."""

_VERDICTS: Final[Mapping[Reason, Verdict]] = {
    "gain_holds": "adopt",
    "default_is_best": "keep-default",
    "gain_too_small": "keep-default",
    "paid_for": "keep-default",
}
"""What follows from each reason; from the others nothing: `undecided`."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What one way of deciding says of n segments.

    Attributes:
        prediction: (n,), −1 where undecided.
        p_truth: Probability of the true emotion, (n,); NaN where undecided.
    """

    prediction: npt.NDArray[np.integer]
    p_truth: npt.NDArray[np.floating]


@dataclass(frozen=True)
class Gain:
    """An objective of the second answers less that of the first; of the cross-entropy, what it falls by, in nats.

    Attributes:
        value: As observed.
        centre, error: Middle and standard error of its interval; with one source the error is None.
        interval: Of the true gain, by source, at `GAIN_LEVEL`.
        probability: That the true gain is above 0; None with one source.
        wide: The interval at 95 %, which a loss or the want of a gain is judged by; None: `interval` itself.
    """

    objective: Objective
    value: float
    centre: float
    error: float | None
    interval: Interval
    probability: float | None
    wide: Interval | None = None

    @property
    def surely_above(self) -> float:
        """Lower bound of the wide interval, or −inf where there is none."""
        low = (self.wide or self.interval).low
        return -np.inf if low is None else low

    @property
    def surely_below(self) -> float:
        """Upper bound of the wide interval, or +inf where there is none."""
        high = (self.wide or self.interval).high
        return np.inf if high is None else high


@dataclass(frozen=True)
class Judgement:
    """Whether to change anything.

    Attributes:
        reason: Why, as a key for reports; `text` says it in English.
        labels_to_decide: About how many more labels, from more sources of this kind, would decide with 80 % power if
            the gain is what it seems; 0 where it is decided; None: `labels_note` says why.
    """

    verdict: Verdict
    reason: Reason
    text: str
    labels_to_decide: int | None
    labels_note: str | None = None


def gains(truth: Ints, first: Answers, second: Answers, sources: Sources) -> dict[Objective, Gain]:
    """The gain of every objective; none where there are no segments."""
    if len(truth) == 0:
        return {}
    accuracy = np.stack([first.prediction == truth, second.prediction == truth])
    named = {"first": first.prediction, "second": second.prediction}
    (macro,) = macro_differences(truth, named, sources)
    return {
        "macro_f1_present": _of(macro.macro_f1_present, "macro_f1_present"),
        "macro_f1": _of(macro.macro_f1_present, "macro_f1", macro.share),
        "accuracy": _of(accuracy_differences(accuracy, sources)[0], "accuracy"),
        "uar": _of(macro.uar, "uar"),
        "cross_entropy": _of_loss(_loss(first.p_truth) - _loss(second.p_truth), sources.index),
    }


def judge(
    made: Mapping[Objective, Gain],
    objective: Objective,
    sources: Sources,
    *,
    default_is_best: bool,
    default: str = "the default",
) -> Judgement:
    """What follows from held-out gains.

    Args:
        made: From `gains`.
        objective: What was tuned for.
        sources: Which source each segment is from.
        default_is_best: Whether the best on all segments answers just as the default does.
        default: What it is called in the text.
    """
    if not made:
        return Judgement("undecided", "no_segments", "There are no labelled segments.", None, "there are no labels")
    gain = made[objective]
    reason: Reason = "default_is_best" if default_is_best else _reason(made, gain, sources)
    verdict = _VERDICTS.get(reason, "undecided")
    labels, note = (0, None) if verdict != "undecided" else _labels_to_decide(gain, reason, sources)
    return Judgement(verdict, reason, _text(reason, made, gain, sources, default), labels, note)


def _reason(made: Mapping[Objective, Gain], gain: Gain, sources: Sources) -> Reason:
    if sources.count == 1:
        return "single_source"
    if sources.count < FEW_SOURCES:
        return "few_sources"
    if gain.surely_below < SMALLEST_USEFUL[gain.objective]:
        return "gain_too_small"
    if gain.value < SMALLEST_USEFUL[gain.objective] or (gain.probability or 0.0) < SURE:
        return "unsure"
    return "paid_for" if _payers(made) else "gain_holds"


def _payers(made: Mapping[Objective, Gain]) -> list[Objective]:
    return [name for name, most in MAY_COST.items() if made[name].surely_below < -most]


def _text(reason: Reason, made: Mapping[Objective, Gain], gain: Gain, sources: Sources, default: str) -> str:
    seen = f"held-out gain {gain.value:+.3f}"
    if gain.interval.low is not None and gain.interval.high is not None:
        seen += f" [{gain.interval.low:+.3f}, {gain.interval.high:+.3f}]"
    costs = ", ".join(_payers(made))
    return {
        "gain_holds": f"The gain holds on held-out segments: {seen}.",
        "default_is_best": f"Nothing that was tried does better than {default}.",
        "gain_too_small": f"No useful gain is left: {seen}, all below {SMALLEST_USEFUL[gain.objective]}.",
        "paid_for": f"The gain is paid for by a surely worse {costs}: {seen}.",
        "single_source": f"All segments are from one source: {seen}, which says nothing about others.",
        "few_sources": f"Only {sources.count} sources ({FEW_SOURCES} are needed): {seen}.",
        "unsure": f"The labels cannot say whether there is a gain worth a change: {seen}.",
        "no_segments": "There are no labelled segments.",
    }[reason]


def _labels_to_decide(gain: Gain, reason: Reason, sources: Sources) -> tuple[int | None, str | None]:
    """More labels until a useful gain passes the test or, where none is seen, until the interval rules one out."""
    if reason == "single_source":
        return None, "one source only: more labels of it decide nothing about others"
    n, useful = len(sources.index), SMALLEST_USEFUL[gain.objective]
    seen = gain.centre >= useful
    # What lies next to the smallest useful gain is told from it by no number of labels: a quarter of it is enough.
    room = gain.centre if seen else max(useful - gain.centre, useful / 4)
    quantiles = float(special.ndtri(SURE if seen else 1 - ALPHA / 2) + special.ndtri(POWER))
    by_error = n * (quantiles * (gain.error or 0.0) / room) ** 2
    by_sources = n * FEW_SOURCES / sources.count
    return max(1, ceil(max(by_error, by_sources)) - n), None


def _of(difference: Difference, objective: Objective, share: float = 1.0) -> Gain:
    """As a gain, times the share of labels present where the objective counts absent ones as 0."""
    shown, wide = (_shrunk(difference.interval(level), share) for level in (GAIN_LEVEL, LEVEL))
    error = None if difference.error is None else difference.error * share
    sure = difference.probability_better()
    return Gain(objective, difference.value * share, difference.centre * share, error, shown, sure, wide)


def _shrunk(bounds: Interval, share: float) -> Interval:
    if bounds.low is None or bounds.high is None:
        return bounds
    return replace(bounds, low=bounds.low * share, high=bounds.high * share)


def _of_loss(fall: Floats, index: npt.NDArray[np.int64]) -> Gain:
    """Of the cross-entropy: the mean fall of −log p where neither is undecided, and t by source."""
    known = ~np.isnan(fall)
    fall, sources = fall[known], group(index[known])
    value = float(fall.mean()) if len(fall) else 0.0
    if sources.count < 2:
        return Gain("cross_entropy", value, value, None, Interval(None, None, METHOD, note=ONE_SOURCE), None)
    effect = float(design_effect(fall, sources)[0])
    error = float(np.sqrt(effect * ((fall - value) ** 2).sum())) / len(fall)
    shown, wide = (_about(value, error, level, sources) for level in (GAIN_LEVEL, LEVEL))
    sure = 0.5 if value == 0 else float(value > 0)
    if error:
        sure = float(special.stdtr(sources.degrees, value / error))
    return Gain("cross_entropy", value, value, error, shown, sure, wide)


def _about(value: float, error: float, level: float, sources: Sources) -> Interval:
    half = sources.critical(level) * error
    return Interval(value - half, value + half, METHOD, level, note=few_note(sources))


def _loss(p_truth: npt.NDArray[np.floating]) -> Floats:
    return np.asarray(-np.log(np.maximum(p_truth.astype(np.float64), LOG_FLOOR)))
