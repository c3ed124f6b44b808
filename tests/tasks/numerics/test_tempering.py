"""tasks/numerics/tempering.py: a known temperature is found, and judged by sources that had no part in it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from tasks.numerics.calibration import fit_temperature
from tasks.numerics.grid import Evidence
from tasks.numerics.tempering import temper
from tasks.numerics.tuning_simulation import Listener, draw_evidence


def _drawn(n: int = 600, sources: int = 10, *, sharper: float = 2.0) -> Evidence:
    """Calibrated at this temperature."""
    evidence = draw_evidence(np.random.default_rng(2), Listener(0.6), n, sources)
    return replace(evidence, logits=evidence.logits * sharper)


def test_an_overconfident_model_is_made_honest_on_held_out_sources() -> None:
    made = temper(_drawn(), seed=0)
    assert made.final.value == pytest.approx(2.0, rel=0.15)
    assert made.error_before.miscalibrated
    assert not made.error_after.miscalibrated
    assert made.gain is not None
    assert made.gain.surely_above > 0.05
    sure_before, sure_after = (sum(each.n * each.confidence for each in bins) for bins in (made.before, made.after))
    right = sum(each.n * each.accuracy for each in made.before)
    assert sure_before > right + 60
    assert sure_after == pytest.approx(right, abs=30)


def test_a_calibrated_model_gains_nothing() -> None:
    made = temper(_drawn(sharper=1.0), seed=0)
    assert made.final.value == pytest.approx(1.0, rel=0.15)
    assert made.gain is not None
    assert abs(made.gain.value) < 0.01


def test_each_fold_has_the_temperature_of_the_others() -> None:
    evidence = _drawn(120, 6)
    made = temper(evidence, seed=0)
    expected = [
        fit_temperature(evidence.truth[evidence.source != each], evidence.logits[evidence.source != each]).value
        for each in range(6)
    ]
    assert sorted(made.in_folds) == pytest.approx(sorted(expected))
    assert made.final == fit_temperature(evidence.truth, evidence.logits)


def test_columns_may_be_in_any_order_and_some_mean_nothing() -> None:
    evidence = _drawn(200, 5)
    order = np.array([3, 0, 6, 1, 2, 5, 4])
    logits = np.column_stack([evidence.logits[:, order], np.full(200, -3.0)])
    other = replace(evidence, logits=logits, into=np.vstack([np.eye(7)[order], np.zeros(7)]))
    assert temper(other, seed=0).final.value == pytest.approx(temper(evidence, seed=0).final.value or 0, rel=1e-4)


def test_labels_of_one_emotion_are_merged_before_the_likelihood_is_taken() -> None:
    # Neutral is split in two halves, each as likely at temperature 1: softmax is then the same as of the whole there.
    evidence = _drawn(400, 8, sharper=1.0)
    halves = np.column_stack([evidence.logits, evidence.logits[:, 0]])
    halves[:, [0, 7]] -= np.log(2)
    made = temper(replace(evidence, logits=halves, into=np.vstack([np.eye(7), np.eye(7)[0]])), seed=0)
    plain = temper(evidence, seed=0)
    assert made.final.before == pytest.approx(plain.final.before)
    assert made.final.value == pytest.approx(plain.final.value or 0, rel=0.1)
    assert (made.final.after or 9.0) <= (made.final.before or 0.0)


def test_recorded_posteriors_are_tempered_by_their_logarithm() -> None:
    evidence = _drawn(200, 5)
    posterior = softmax(evidence.logits, axis=1)
    recorded = replace(evidence, logits=np.log(posterior), recorded=posterior)
    made = temper(recorded, seed=0).final.value
    assert made == pytest.approx(temper(evidence, seed=0).final.value or 0, rel=1e-3)


def test_what_the_model_cannot_say_is_left_out_and_counted() -> None:
    evidence = _drawn(200, 5)
    few = replace(evidence, logits=evidence.logits[:, :6], into=np.eye(7)[:6])
    made = temper(few, seed=0)
    assert made.left_out == int((evidence.truth == 6).sum())
    assert made.final.n == 200 - made.left_out == made.error_after.n


def test_one_source_is_flagged() -> None:
    made = temper(_drawn(60, 1), seed=0)
    assert (made.single_source, len(made.in_folds)) == (True, 10)
    assert made.gain is not None
    assert made.gain.interval.low is None


def test_nothing_to_fit_leaves_the_temperature_alone() -> None:
    one = temper(_drawn(1, 1), seed=0)
    assert one.in_folds == (1.0,)
    assert one.before == one.after
    evidence = _drawn(20, 5)
    lost = temper(replace(evidence, truth=np.full(20, 6), logits=evidence.logits[:, :6], into=np.eye(7)[:6]), seed=0)
    assert (lost.final.value, lost.gain, lost.left_out) == (None, None, 20)
