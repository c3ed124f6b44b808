"""tasks/numerics/calibration.py against hand arithmetic and simulated models whose calibration is known."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.numerics.calibration import (
    calibration_error,
    fit_temperature,
    log_posterior,
    reliability,
)

quick = settings(max_examples=40, deadline=None, database=None)
CALIBRATED = 12
"""Seed of a calibrated set; some of the others fall outside a 95 % band by nature."""


def _two(confidences: list[float]) -> Any:
    """Posteriors that say happy with these probabilities (at least a half), and sad with the rest."""
    posterior = np.zeros((len(confidences), 7))
    posterior[:, 1] = confidences
    posterior[:, 2] = 1 - posterior[:, 1]
    return posterior


def _calibrated(n: int, seed: int) -> tuple[Any, Any]:
    """Logits, and truths drawn from their softmax."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, 7))
    posterior = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return logits, np.minimum((posterior.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1), 6)


def _softmax(logits: Any) -> Any:
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


# -- reliability and its error -----------------------------------------------------------------------------------------


def test_bins_of_equal_mass_hold_as_many_segments_each() -> None:
    truth = np.array([1, 2, 1, 1])
    found = reliability(truth, _two([0.6, 0.7, 0.8, 1.0]), bins=2)
    assert [(each.low, each.high, each.n) for each in found] == [(0.6, 0.7, 2), (0.8, 1.0, 2)]
    assert [each.confidence for each in found] == pytest.approx([0.65, 0.9])
    assert [each.accuracy for each in found] == [0.5, 1.0]


def test_bins_of_equal_width_may_be_empty_and_are_then_left_out() -> None:
    found = reliability(np.array([1, 2, 1]), _two([0.55, 0.6, 1.0]), bins=10, scheme="equal_width")
    assert [(each.low, each.high, each.n) for each in found] == [(0.55, 0.6, 2), (1.0, 1.0, 1)]


def test_equal_probabilities_are_never_parted() -> None:
    found = reliability(np.array([1, 2, 1, 2, 1]), _two([0.7] * 5), bins=3)
    assert [each.n for each in found] == [5]


def test_the_error_is_the_mean_gap_weighted_by_the_segments_of_each_bin() -> None:
    # Two bins of two: gaps |0.5 - 0.65| and |1 - 0.9|.
    found = calibration_error(np.array([1, 2, 1, 1]), _two([0.6, 0.7, 0.8, 1.0]), seed=0, bins=2)
    assert found.value == pytest.approx((0.15 + 0.1) / 2)
    assert found.n == 4


@quick
@given(st.integers(1, 60), st.integers(1, 20), st.sampled_from(["equal_mass", "equal_width"]), st.integers(0, 999))
def test_the_error_equals_that_of_its_bins(n: int, bins: int, scheme: Any, seed: int) -> None:
    logits, truth = _calibrated(n, seed)
    drawn = reliability(truth, _softmax(logits), bins=bins, scheme=scheme)
    found = calibration_error(truth, _softmax(logits), seed=0, bins=bins, scheme=scheme, draws=20)
    assert sum(each.n for each in drawn) == n
    assert len(drawn) <= bins
    assert found.value == pytest.approx(sum(each.n * abs(each.accuracy - each.confidence) for each in drawn) / n)


def test_undecided_segments_are_left_out() -> None:
    posterior = np.vstack([_two([0.6, 0.9]), np.full((1, 7), np.nan)])
    truth = np.array([1, 1, 0])
    assert calibration_error(truth, posterior, seed=0).n == 2
    assert sum(each.n for each in reliability(truth, posterior)) == 2


# -- the null band -----------------------------------------------------------------------------------------------------


def test_the_band_of_one_segment_is_that_of_one_draw() -> None:
    # Right with 0.7: the error is 0.3 in 70 % of the draws, and 0.7 in the others.
    found = calibration_error(np.array([1]), _two([0.7]), seed=0)
    assert (found.low, found.high) == pytest.approx((0.3, 0.7))


@pytest.mark.parametrize("scheme", ["equal_mass", "equal_width"])
@pytest.mark.parametrize("n", [31, 10_000])
def test_the_band_holds_the_errors_of_calibrated_models_nineteen_times_in_twenty(scheme: Any, n: int) -> None:
    rng = np.random.default_rng(5)
    logits, _ = _calibrated(n, 5)
    posterior = _softmax(logits)
    band = calibration_error(np.zeros(n, int), posterior, seed=0, scheme=scheme)
    inside = 0
    for _ in range(100):
        truth = (posterior.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=6)
        value = calibration_error(truth, posterior, seed=0, scheme=scheme, draws=1).value
        inside += band.low <= value <= band.high
    assert inside >= 88  # 95 expected; below 88 once in 500.


def test_a_calibrated_model_of_31_segments_shows_an_error_near_a_fifth() -> None:
    logits, truth = _calibrated(31, CALIBRATED)
    found = calibration_error(truth, _softmax(logits), seed=0, scheme="equal_width")
    assert 0.08 < found.low < 0.19 < found.high < 0.35
    assert not found.miscalibrated


def test_a_model_that_is_too_sure_is_beyond_the_band() -> None:
    logits, truth = _calibrated(2000, CALIBRATED)
    assert calibration_error(truth, _softmax(3 * logits), seed=0).miscalibrated
    assert not calibration_error(truth, _softmax(logits), seed=0).miscalibrated


def test_equal_seeds_give_equal_bands_and_others_do_not() -> None:
    logits, truth = _calibrated(50, CALIBRATED)
    found = [calibration_error(truth, _softmax(logits), seed=seed) for seed in (1, 1, 2)]
    assert found[0] == found[1]
    assert found[0].high != found[2].high


def test_without_a_segment_there_is_a_reason_and_no_error() -> None:
    empty, nothing = np.array([], int), np.zeros((0, 7))
    found = calibration_error(empty, nothing, seed=0)
    assert (found.value, found.low, found.high, found.miscalibrated) == (None, None, None, False)
    assert found.reason
    assert reliability(empty, nothing) == ()


def test_other_shapes_and_no_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="2 rows of posteriors"):
        reliability(np.array([1]), _two([0.6, 0.6]))
    with pytest.raises(ValueError, match="bins must be at least 1, not 0"):
        reliability(np.array([1]), _two([0.6]), bins=0)


# -- temperature -------------------------------------------------------------------------------------------------------


def test_the_temperature_of_two_labels_is_that_of_the_closed_form() -> None:
    # Right 3 times in 4 at a lead of 4: the likelihood is greatest where sigmoid(4/T) = 3/4, so T = 4/ln 3.
    logits = np.tile([4.0, 0.0], (4, 1))
    found = fit_temperature(np.array([0, 0, 0, 1]), logits)
    assert found.value == pytest.approx(4 / np.log(3), rel=1e-4)
    assert found.after == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))
    assert found.before > found.after
    assert not found.at_bound


@quick
@given(st.floats(0.3, 4.0), st.integers(0, 999))
def test_the_temperature_undoes_a_scale_and_an_offset_of_a_row(scale: float, seed: int) -> None:
    logits, truth = _calibrated(60, seed)
    plain, scaled = fit_temperature(truth, logits), fit_temperature(truth, scale * logits + truth[:, None])
    if not plain.at_bound and not scaled.at_bound:
        assert scaled.value == pytest.approx(scale * plain.value, rel=1e-3)


def test_recorded_posteriors_are_fitted_on_their_logarithm() -> None:
    logits, truth = _calibrated(200, CALIBRATED)
    found = fit_temperature(truth, log_posterior(_softmax(2 * logits)))
    assert found.value == pytest.approx(fit_temperature(truth, 2 * logits).value, rel=1e-4)
    assert 1.6 < found.value < 2.5


def test_a_model_that_is_always_right_sets_no_lower_limit() -> None:
    found = fit_temperature(np.array([0, 1]), np.eye(7)[:2])
    assert found.at_bound
    assert found.value == pytest.approx(0.05, rel=1e-2)


def test_undecided_rows_are_left_out_and_none_left_is_undefined() -> None:
    posterior = np.vstack([_two([0.8]), np.full((1, 7), np.nan)])
    assert fit_temperature(np.array([2, 0]), log_posterior(posterior)).n == 1
    nothing = fit_temperature(np.array([0]), log_posterior(posterior[1:]))
    assert (nothing.value, nothing.n) == (None, 0)
    assert nothing.reason


@pytest.mark.parametrize(
    ("truth", "logits", "message"),
    [
        ([0, 1], [[1.0, 2.0]], "one row a segment"),
        ([2], [[1.0, 2.0]], r"truth within 0 … 1"),
        ([0], [[np.inf, 2.0]], "logits must be finite"),
    ],
)
def test_logits_that_do_not_fit_the_truth_are_refused(truth: Any, logits: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_temperature(np.array(truth), np.array(logits))
