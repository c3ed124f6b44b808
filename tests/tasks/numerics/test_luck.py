"""tasks/numerics/luck.py: the best of many points looks as good by luck as known simulations say."""

import numpy as np
import pytest

from tasks.numerics.grid import GridAnswers
from tasks.numerics.luck import Luck, luck
from tasks.numerics.tallies import Objective


def _answers(right: np.ndarray, truth: np.ndarray) -> GridAnswers:
    """Points that are right where they are said to be, (points, n); the truth is below 6."""
    prediction = np.where(right, truth, 6).astype(np.int8)
    return GridAnswers(prediction, np.where(right, 0.6, 0.1).astype(np.float32))


def _luck(right: np.ndarray, default: np.ndarray, unit: np.ndarray, objective: Objective = "accuracy") -> Luck:
    truth = np.zeros(right.shape[1], dtype=np.int64)
    return luck(truth, _answers(right, truth), _answers(default, truth), unit, objective, seed=1)


def test_the_best_of_a_hundred_coins_looks_a_fifth_better() -> None:
    # 31 segments, 100 points all truly right half of the time: the best shows 0.72 (simulated), a gain of 0.22.
    rng = np.random.default_rng(4)
    made = [_luck(rng.random((100, 31)) < 0.5, rng.random((1, 31)) < 0.5, np.arange(31)) for _ in range(12)]
    assert np.mean([each.mean for each in made]) == pytest.approx(0.22, abs=0.04)
    assert np.mean([each.observed for each in made]) == pytest.approx(0.22, abs=0.06)
    assert np.mean([each.share_as_good for each in made]) == pytest.approx(0.5, abs=0.25)


def test_a_true_gain_is_beyond_luck() -> None:
    rng = np.random.default_rng(4)
    right = rng.random((20, 300)) < 0.5
    right[7] = rng.random(300) < 0.75
    made = _luck(right, rng.random((1, 300)) < 0.5, np.arange(300) % 15)
    assert made.high is not None
    assert made.observed == pytest.approx(float(right[7].mean()) - 0.5, abs=0.1)
    assert made.high < 0.2
    assert made.share_as_good == pytest.approx(1 / 401)


def test_points_that_are_surely_worse_win_nothing_by_luck() -> None:
    rng = np.random.default_rng(4)
    default, same = rng.random((1, 200)) < 0.8, rng.random((3, 200)) < 0.8
    hopeless = rng.random((200, 200)) < 0.3
    few, many = (_luck(each, default, np.arange(200) % 20) for each in (same, np.vstack([same, hopeless])))
    assert many.points == 203
    assert many.gains == pytest.approx(few.gains)


def test_the_same_answers_count_once() -> None:
    rng = np.random.default_rng(4)
    right, default = rng.random((5, 40)) < 0.5, rng.random((1, 40)) < 0.5
    once, often = (_luck(each, default, np.arange(40) % 8) for each in (right, np.tile(right, (9, 1))))
    assert (once.distinct, often.distinct, often.points) == (5, 5, 45)
    assert often.gains == once.gains


def test_probabilities_tell_points_apart_for_the_cross_entropy() -> None:
    right = np.random.default_rng(4).random((1, 40)) < 0.5
    answers = _answers(np.tile(right, (3, 1)), np.zeros(40, dtype=np.int64))
    answers.p_truth[1:] /= np.array([[2.0], [4.0]], dtype=np.float32)
    unit = np.arange(40) % 8
    made = luck(np.zeros(40, dtype=np.int64), answers, _answers(right, np.zeros(40)), unit, "cross_entropy", seed=1)
    assert made.distinct == 3
    assert made.observed == pytest.approx(0.0, abs=1e-6)


def test_no_parameter_that_matters_leaves_nothing_to_luck() -> None:
    right = np.random.default_rng(4).random((1, 40)) < 0.5
    made = _luck(np.tile(right, (4, 1)), right, np.arange(40) % 8, "macro_f1_present")
    assert made.gains == pytest.approx([0.0] * 400)
    assert (made.observed, made.share_as_good) == (0.0, 1.0)


def test_points_that_leave_more_undecided_win_no_cross_entropy_by_luck() -> None:
    truth, unit = np.zeros(40, dtype=np.int64), np.arange(40) % 8
    default = _answers(np.random.default_rng(4).random((1, 40)) < 0.5, truth)
    silent = np.where(default.p_truth < 0.5, np.nan, default.p_truth).astype(np.float32)
    nothing = np.full((1, 40), np.nan, dtype=np.float32)
    tried = GridAnswers(np.tile(default.prediction, (3, 1)), np.vstack([default.p_truth, silent, nothing]))
    made = luck(truth, tried, default, unit, "cross_entropy", seed=1)
    assert (made.observed, made.high) == (0.0, 0.0)
    none = luck(truth, GridAnswers(tried.prediction[1:], tried.p_truth[1:]), default, unit, "cross_entropy", seed=1)
    assert (none.observed, none.reason) == (None, "every point leaves more segments undecided than the default")


def test_one_unit_has_nothing_to_resample() -> None:
    made = _luck(np.ones((2, 3), dtype=bool), np.ones((1, 3), dtype=bool), np.zeros(3, dtype=np.int64))
    assert (made.mean, made.share_as_good, made.reason) == (None, None, "there is nothing to resample")


def test_the_seed_decides_the_draws() -> None:
    rng = np.random.default_rng(4)
    truth, right, default = np.zeros(40, dtype=np.int64), rng.random((5, 40)) < 0.5, rng.random((1, 40)) < 0.5
    made = [
        luck(truth, _answers(right, truth), _answers(default, truth), np.arange(40) % 8, "uar", seed=seed, draws=50)
        for seed in (1, 1, 2)
    ]
    assert made[0] == made[1]
    assert made[0].gains != made[2].gains
    assert len(made[0].gains) == 50
