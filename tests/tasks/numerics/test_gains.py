"""tasks/numerics/gains.py: paired gains against hand arithmetic, and what each of them allows to be said."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tasks.numerics.differences import macro_differences
from tasks.numerics.gains import SURE, Answers, Gain, gains, judge
from tasks.numerics.intervals import Interval
from tasks.numerics.sources import Sources, group
from tasks.numerics.tallies import OBJECTIVES, Objective

TRUTH = np.array([0, 1, 0, 1, 2, 0])
SIX = group(np.arange(6))


def _answers(prediction: list[int], p_truth: list[float] | None = None) -> Answers:
    return Answers(np.array(prediction), np.array(p_truth or [0.5] * len(prediction)))


def _gain(objective: Objective, low: float, high: float) -> Gain:
    """With five degrees of freedom, as six sources have."""
    middle, half = (low + high) / 2, (high - low) / 2
    error = half / stats.t.ppf(0.975, 5)
    probability = float(stats.t.cdf(middle / error, 5))
    return Gain(objective, middle, middle, error, Interval(low, high, "by hand"), probability)


def _made(low: float, high: float, **others: tuple[float, float]) -> dict[Objective, Gain]:
    bounds = dict.fromkeys(OBJECTIVES, (-0.1, 0.1)) | {"macro_f1_present": (low, high)} | others
    return {name: _gain(name, *each) for name, each in bounds.items()}


def _judged(made: dict[Objective, Gain], sources: Sources = SIX, *, best: bool = False) -> tuple[str, str]:
    made_of = judge(made, "macro_f1_present", sources, default_is_best=best)
    return made_of.verdict, made_of.reason


def test_gains_are_the_differences_of_the_figures() -> None:
    first, second = _answers([0, 0, 0, 0, 0, 0]), _answers([0, 1, 0, 1, 0, -1])
    made = gains(TRUTH, first, second, SIX)
    (macro,) = macro_differences(TRUTH, {"a": first.prediction, "b": second.prediction}, SIX)
    assert made["accuracy"].value == pytest.approx(4 / 6 - 3 / 6)
    assert made["macro_f1_present"].value == pytest.approx(macro.macro_f1_present.value)
    assert (made["uar"].interval, made["uar"].wide) == (macro.uar.interval(0.91), macro.uar.interval(0.95))
    # Three labels of seven are present.
    assert made["macro_f1"].value == pytest.approx(macro.macro_f1_present.value * 3 / 7)
    assert made["macro_f1"].surely_below == pytest.approx(made["macro_f1_present"].surely_below * 3 / 7)


def test_the_gain_of_the_cross_entropy_by_hand() -> None:
    # Falls of 1 nat in the first of two sources only: mean ½; Σ (fall − ½)² = 1. The sources' totals are 1 above and
    # below their shares, so 2 / 1 · (1 + 1) = 4 times as much varies between them: standard error √4 / 4.
    first = _answers([0] * 4, [0.5 / np.e, 0.5 / np.e, 0.5, 0.5])
    made = gains(np.zeros(4, dtype=np.int64), first, _answers([0] * 4), group([0, 0, 1, 1]))["cross_entropy"]
    assert (made.value, made.error) == (pytest.approx(0.5), pytest.approx(0.5))
    assert made.surely_below == pytest.approx(0.5 + 0.5 * stats.t.ppf(0.975, 1))
    assert made.interval.low == pytest.approx(0.5 - 0.5 * stats.t.ppf(0.955, 1))
    assert made.probability == pytest.approx(stats.t.cdf(1, 1))


def test_undecided_segments_are_left_out_of_the_cross_entropy() -> None:
    first, second = _answers([0, 0, -1], [0.5, 0.5, np.nan]), _answers([0, -1, 0], [0.25, np.nan, 0.5])
    made = gains(np.zeros(3, dtype=np.int64), first, second, group([0, 1, 2]))["cross_entropy"]
    assert made.value == pytest.approx(np.log(0.5))
    assert made.error is None


def test_equal_answers_have_no_gain_for_certain_in_cross_entropy() -> None:
    made = gains(TRUTH, _answers([0] * 6), _answers([0] * 6), SIX)
    assert (made["cross_entropy"].error, made["cross_entropy"].probability) == (0.0, 0.5)
    assert made["accuracy"].surely_above < 0 < made["accuracy"].surely_below


@pytest.mark.parametrize("seed", range(40))
def test_a_gain_is_probable_enough_just_where_its_interval_excludes_zero(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, sources = rng.integers(0, 4, 60), group(rng.integers(0, 8, 60))
    better = np.where(rng.random(60) < 0.4, truth, rng.integers(0, 4, 60))
    made = gains(truth, _answers(rng.integers(0, 4, 60).tolist()), _answers(better.tolist()), sources)
    for gain in made.values():
        assert gain.interval.low is not None
        assert gain.probability is not None
        assert (gain.interval.low > 0) == (gain.probability > SURE), gain.objective


def test_a_gain_that_holds_is_adopted() -> None:
    made = judge(_made(0.01, 0.1), "macro_f1_present", SIX, default_is_best=False)
    assert (made.verdict, made.reason, made.labels_to_decide) == ("adopt", "gain_holds", 0)
    assert made.text == "The gain holds on held-out segments: held-out gain +0.055 [+0.010, +0.100]."


@pytest.mark.parametrize("bounds", [(-0.02, 0.1), (-0.2, 0.03), (0.001, 0.035)])
def test_a_gain_that_may_be_none_or_is_too_small_to_be_worth_it_decides_nothing(bounds: tuple[float, float]) -> None:
    assert _judged(_made(*bounds)) == ("undecided", "unsure")


def test_the_test_is_one_sided_at_a_level_of_four_and_a_half_percent() -> None:
    # Of t with five degrees of freedom 2.098 has 4.5 % above it: the gain is adopted from so many standard errors on.
    for errors, verdict in ((2.09, "undecided"), (2.11, "adopt")):
        gain, error = 0.1, 0.1 / errors
        half = float(stats.t.ppf(0.975, 5)) * error
        assert gain - half < 0
        assert _judged(_made(gain - half, gain + half))[0] == verdict


@pytest.mark.parametrize("bounds", [(-0.2, -0.1), (-0.1, 0.019), (0.005, 0.015)])
def test_without_a_useful_gain_the_default_is_kept(bounds: tuple[float, float]) -> None:
    assert _judged(_made(*bounds)) == ("keep-default", "gain_too_small")


def test_the_default_is_kept_where_it_was_the_best() -> None:
    assert _judged(_made(0.01, 0.1), best=True) == ("keep-default", "default_is_best")


@pytest.mark.parametrize(("name", "high"), [("accuracy", -0.021), ("cross_entropy", -0.051)])
def test_a_gain_that_another_figure_surely_pays_for_is_not_adopted(name: str, high: float) -> None:
    judged = judge(_made(0.01, 0.1, **{name: (-0.3, high)}), "macro_f1_present", SIX, default_is_best=False)
    assert (judged.verdict, judged.reason) == ("keep-default", "paid_for")
    assert f"a surely worse {name}" in judged.text
    assert _judged(_made(0.01, 0.1, **{name: (-0.3, high + 0.002)})) == ("adopt", "gain_holds")


def test_few_sources_never_adopt() -> None:
    four = group([0, 1, 2, 3, 3, 3])
    judged = judge(_made(0.01, 0.1), "macro_f1_present", four, default_is_best=False)
    assert (judged.verdict, judged.reason) == ("undecided", "few_sources")
    # Four sources must become five at least: 6 · 5 / 4 segments.
    assert judged.labels_to_decide == 2


def test_one_source_never_adopts_and_no_labels_of_it_help() -> None:
    one = group([0] * 6)
    made = gains(TRUTH, _answers([0] * 6), _answers([0, 1, 0, 1, 2, 0]), one)
    judged = judge(made, "macro_f1_present", one, default_is_best=False)
    assert (judged.verdict, judged.reason, judged.labels_to_decide) == ("undecided", "single_source", None)
    # Always neutral has an F1 of 2 · 3 / 9 in one of three labels.
    assert "held-out gain +0.778," in judged.text


def test_no_segments_decide_nothing() -> None:
    made = gains(np.zeros(0, dtype=np.int64), _answers([]), _answers([]), group([]))
    assert made == {}
    assert judge(made, "accuracy", group([]), default_is_best=False).reason == "no_segments"


def test_labels_to_decide_are_those_that_leave_0_behind() -> None:
    made = _made(-0.02, 0.1)
    made["macro_f1_present"] = replace(made["macro_f1_present"], error=0.025)
    judged = judge(made, "macro_f1_present", SIX, default_is_best=False)
    # (1.695 + 0.842) · 0.025 / 0.04 = 1.586; six segments times its square.
    assert judged.labels_to_decide == int(np.ceil(6 * ((stats.norm.ppf(0.955) + stats.norm.ppf(0.8)) * 0.625) ** 2)) - 6


def test_labels_to_decide_against_a_loss_are_those_that_rule_a_useful_gain_out() -> None:
    made = _made(-0.18, 0.06)
    made["macro_f1_present"] = replace(made["macro_f1_present"], error=0.06)
    judged = judge(made, "macro_f1_present", SIX, default_is_best=False)
    # The middle is −0.06: 0.08 from the least useful gain.
    quantiles = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert judged.labels_to_decide == int(np.ceil(6 * (quantiles * 0.75) ** 2)) - 6


def test_labels_to_decide_stay_finite_beside_the_smallest_useful_gain() -> None:
    # 0.0001 from it counts as 0.005.
    made = _made(-0.0801, 0.1199)
    made["macro_f1_present"] = replace(made["macro_f1_present"], error=0.05)
    judged = judge(made, "macro_f1_present", SIX, default_is_best=False)
    quantiles = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert judged.labels_to_decide == int(np.ceil(6 * (quantiles * 10) ** 2)) - 6
