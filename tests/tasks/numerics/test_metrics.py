"""tasks/numerics/metrics.py against hand arithmetic, and against scikit-learn on random cases."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
)

from actors.contract import TAXONOMY
from tasks.numerics.metrics import Metrics, confusion, measure, renormalised, soft_cross_entropy

NEUTRAL, HAPPY, SAD, ANGRY, FEAR, SURPRISE, DISGUST = range(7)
quick = settings(max_examples=60, deadline=None, database=None)
emotion = st.integers(0, 6)
pairs = st.lists(st.tuples(emotion, st.integers(-1, 6)), min_size=1, max_size=40)
decided_pairs = st.lists(st.tuples(emotion, emotion), min_size=1, max_size=40)
seeds = st.integers(0, 2**32 - 1)


def _arrays(rows: list[tuple[int, int]]) -> tuple[Any, Any]:
    truth, prediction = zip(*rows, strict=True)
    return np.array(truth), np.array(prediction)


def _posterior(n: int, seed: int) -> Any:
    return np.random.default_rng(seed).dirichlet(np.full(7, 0.5), n)


def _flat(metrics: Metrics) -> list[Any]:
    return [
        metrics.accuracy,
        metrics.uar,
        metrics.macro_f1,
        metrics.macro_f1_present,
        metrics.cross_entropy,
        metrics.brier,
    ]


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_always_neutral_on_mostly_neutral_labels_has_the_known_figures() -> None:
    truth = np.repeat([NEUTRAL, ANGRY, HAPPY, SAD, SURPRISE, FEAR], [20, 3, 2, 2, 2, 2])
    found = measure(truth, np.full(31, NEUTRAL))
    assert found.accuracy == pytest.approx(20 / 31)
    # Neutral: 2·20/(20 + 31) = 40/51; the other emotions 0.
    assert found.macro_f1 == pytest.approx(40 / 51 / 7)
    assert f"{found.accuracy:.3f} {found.macro_f1:.3f} {found.neutral_rate:.3f}" == "0.645 0.112 1.000"
    assert found.uar == pytest.approx(1 / 6)
    assert found.non_neutral_accuracy == 0


def test_six_segments_give_what_hand_arithmetic_gives() -> None:
    #                  right    as sad  right right  undecided  as angry
    truth = np.array([NEUTRAL, NEUTRAL, HAPPY, SAD, SAD, SAD])
    prediction = np.array([NEUTRAL, SAD, HAPPY, SAD, -1, ANGRY])
    found = measure(truth, prediction)
    assert found.n == 6
    assert found.accuracy == pytest.approx(3 / 6)
    assert found.uar == pytest.approx((1 / 2 + 1 + 1 / 3) / 3)
    # F1: neutral 2/(2+1), happy 2/(1+1), sad 2/(3+2), angry 0/(0+1).
    assert found.macro_f1 == pytest.approx((2 / 3 + 1 + 2 / 5) / 7)
    assert found.macro_f1_present == pytest.approx((2 / 3 + 1 + 2 / 5) / 3)
    assert found.neutral_rate == pytest.approx(1 / 5)
    assert found.undecided_rate == pytest.approx(1 / 6)
    assert found.non_neutral_accuracy == pytest.approx(2 / 4)
    sad = found.classes["sad"]
    assert (sad.precision, sad.recall, sad.f1, sad.support) == pytest.approx((1 / 2, 1 / 3, 2 / 5, 3))
    assert found.confusion[SAD] == (0, 0, 1, 1, 0, 0, 0, 1)


def test_cross_entropy_and_brier_are_means_over_the_rows_that_have_a_posterior() -> None:
    posterior = np.zeros((3, 7))
    posterior[0, [HAPPY, SAD]] = 0.5
    posterior[1, [HAPPY, SAD]] = 1, 3  # Sums to 4: renormalised to 1/4 and 3/4.
    posterior[2] = np.nan
    found = measure(np.array([HAPPY, SAD, SAD]), np.array([HAPPY, SAD, -1]), posterior)
    assert found.cross_entropy == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)
    assert found.brier == pytest.approx((0.25 + 0.25 + 1 / 16 + 1 / 16) / 2)
    assert (found.posterior_weight, found.posterior_left_out) == (2, 1)


def test_a_probability_of_zero_for_the_truth_costs_the_logarithm_of_the_floor() -> None:
    found = measure(np.array([SAD]), np.array([HAPPY]), np.eye(7)[[HAPPY]])
    assert found.cross_entropy == pytest.approx(-math.log(1e-9))
    assert found.brier == 2


def test_a_sure_and_right_posterior_costs_nothing() -> None:
    found = measure(np.array([SAD]), np.array([SAD]), np.eye(7)[[SAD]])
    assert (str(found.cross_entropy), str(found.brier)) == ("0.0", "0.0")


def test_coverage_is_the_share_of_segments_whose_truth_the_model_can_say() -> None:
    can_say = np.isin(np.arange(7), [NEUTRAL, ANGRY])
    found = measure(np.array([NEUTRAL, NEUTRAL, ANGRY, FEAR]), np.zeros(4, int), can_say=can_say)
    assert found.coverage == 0.75
    assert found.coverage_classes == ("neutral", "angry")


def test_weights_count_a_segment_more_or_less() -> None:
    found = measure(
        np.array([HAPPY, SAD]), np.array([HAPPY, HAPPY]), np.eye(7)[[HAPPY, HAPPY]], weights=np.array([3, 1])
    )
    assert found.accuracy == 0.75
    assert found.classes["happy"].support == 3
    assert found.brier == pytest.approx(2 / 4)


def test_soft_cross_entropy_is_the_mean_over_rows_known_on_both_sides() -> None:
    soft, posterior = np.full((3, 7), np.nan), np.full((3, 7), np.nan)
    soft[0], posterior[0] = 0, 0
    soft[0, [HAPPY, SAD]], posterior[0, [HAPPY, SAD]] = [0.5, 0.5], [0.25, 0.75]
    soft[1] = posterior[2] = 1 / 7
    assert soft_cross_entropy(soft, posterior) == pytest.approx(-0.5 * math.log(0.25) - 0.5 * math.log(0.75))
    assert soft_cross_entropy(soft[1:], posterior[1:]) is None


# -- undefined ---------------------------------------------------------------------------------------------------------


def test_no_segment_leaves_everything_undefined_with_a_reason() -> None:
    found = measure(np.array([], int), np.array([], int), np.zeros((0, 7)), can_say=np.ones(7, bool))
    names = ["accuracy", "uar", "macro_f1", "macro_f1_present", "neutral_rate", "undecided_rate"]
    names += ["non_neutral_accuracy", "cross_entropy", "brier", "coverage"]
    for name in names:
        assert getattr(found, name) is None
        assert found.undefined[name]


def test_exactly_the_figures_that_are_none_have_a_reason() -> None:
    found = measure(np.array([HAPPY, SAD]), np.array([HAPPY, -1]))
    nones = {name for name in vars(found) if getattr(found, name) is None}
    nones |= {
        f"{name}.{figure}"
        for name, each in found.classes.items()
        for figure, value in vars(each).items()
        if value is None
    }
    assert nones == set(found.undefined)
    assert "sad.precision" in nones
    assert "sad.f1" not in nones


def test_all_undecided_is_all_wrong_and_has_no_neutral_rate() -> None:
    found = measure(np.array([NEUTRAL, SAD]), np.array([-1, -1]))
    assert (found.accuracy, found.uar, found.macro_f1, found.undecided_rate) == (0, 0, 0, 1)
    assert found.neutral_rate is None


def test_only_neutral_truth_has_no_non_neutral_accuracy() -> None:
    found = measure(np.array([NEUTRAL]), np.array([NEUTRAL]))
    assert found.accuracy == 1
    assert found.non_neutral_accuracy is None


# -- against scikit-learn ----------------------------------------------------------------------------------------------


@quick
@given(pairs)
def test_the_metrics_equal_those_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    truth, prediction = _arrays(rows)
    found = measure(truth, prediction)
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, prediction, labels=range(7), zero_division=0
    )
    present = np.unique(truth)
    assert found.accuracy == pytest.approx(accuracy_score(truth, prediction))
    assert found.uar == pytest.approx(recall[present].mean())
    assert found.macro_f1 == pytest.approx(
        f1_score(truth, prediction, labels=range(7), average="macro", zero_division=0)
    )
    assert found.macro_f1_present == pytest.approx(f1[present].mean())
    for index, each in enumerate(found.classes.values()):
        assert (each.precision or 0, each.recall or 0, each.f1 or 0) == pytest.approx(
            (precision[index], recall[index], f1[index])
        )
        assert each.support == support[index]


@quick
@given(decided_pairs)
def test_confusion_and_uar_of_decided_segments_equal_those_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    truth, prediction = _arrays(rows)
    assert confusion(truth, prediction)[:, :7].tolist() == confusion_matrix(truth, prediction, labels=range(7)).tolist()
    if set(prediction) <= set(truth) and len(set(truth)) > 1:  # Elsewhere scikit-learn warns.
        assert measure(truth, prediction).uar == pytest.approx(balanced_accuracy_score(truth, prediction))


@quick
@given(decided_pairs, seeds)
def test_cross_entropy_and_brier_equal_those_of_scikit_learn(rows: list[tuple[int, int]], seed: int) -> None:
    truth, prediction = _arrays(rows)
    posterior = _posterior(len(truth), seed)
    found = measure(truth, prediction, posterior)
    floored = [-math.log(max(row[index], 1e-9)) for row, index in zip(posterior, truth, strict=True)]
    assert found.cross_entropy == pytest.approx(sum(floored) / len(floored))
    if posterior.min() > 1e-9:
        assert found.cross_entropy == pytest.approx(log_loss(truth, posterior, labels=range(7)))
    assert found.brier == pytest.approx(brier_score_loss(truth, posterior, labels=range(7), scale_by_half=False))


@quick
@given(pairs, seeds)
def test_weights_of_whole_numbers_equal_repeated_segments(rows: list[tuple[int, int]], seed: int) -> None:
    truth, prediction = _arrays(rows)
    posterior = _posterior(len(truth), seed)
    weights = np.random.default_rng(seed).integers(1, 4, len(truth))
    weighted = measure(truth, prediction, posterior, weights=weights)
    repeated = measure(*(np.repeat(each, weights, axis=0) for each in (truth, prediction, posterior)))
    assert _flat(weighted) == pytest.approx(_flat(repeated))
    assert weighted.confusion == repeated.confusion


@quick
@given(pairs, seeds)
def test_renaming_the_emotions_and_shuffling_the_segments_changes_no_average(
    rows: list[tuple[int, int]], seed: int
) -> None:
    truth, prediction = _arrays(rows)
    posterior = _posterior(len(truth), seed)
    rng = np.random.default_rng(seed)
    names, order = rng.permutation(7), rng.permutation(len(truth))
    renamed = np.where(prediction < 0, -1, names[prediction])
    moved = posterior[:, np.argsort(names)]
    found = measure(names[truth][order], renamed[order], moved[order])
    assert _flat(found) == pytest.approx(_flat(measure(truth, prediction, posterior)))


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        ([7], [0], "truth must be within 0 … 6, not 7"),
        ([-1], [0], "truth must be within 0"),
        ([0], [-2], "prediction must be within -1"),
        ([0, 1], [0], "prediction must be 2 whole numbers"),
        ([0.0], [0], "truth must be 1 whole numbers, not float64"),
    ],
)
def test_indices_out_of_range_are_refused(truth: list[Any], prediction: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure(np.array(truth), np.array(prediction))


@pytest.mark.parametrize("row", [[np.nan, 1, 0, 0, 0, 0, 0], [-0.1, 1.1, 0, 0, 0, 0, 0], [np.inf, 0, 0, 0, 0, 0, 0]])
def test_a_row_that_is_no_posterior_is_refused(row: list[float]) -> None:
    with pytest.raises(ValueError, match="posteriors must be finite"):
        renormalised(np.array([row]))


def test_other_shapes_of_posterior_weights_and_coverage_are_refused() -> None:
    truth = np.array([HAPPY])
    with pytest.raises(ValueError, match=r"shape \(n, 7\)"):
        measure(truth, truth, np.ones((1, 8)))
    with pytest.raises(ValueError, match="2 rows of posteriors"):
        measure(truth, truth, np.ones((2, 7)))
    with pytest.raises(ValueError, match="weights must be 1 finite numbers"):
        measure(truth, truth, weights=np.array([-1.0]))
    with pytest.raises(ValueError, match="can_say must be 7 truth values"):
        measure(truth, truth, can_say=np.ones(len(TAXONOMY)))
