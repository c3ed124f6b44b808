"""tasks/numerics/macro.py against scikit-learn, hand arithmetic and numerical derivatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, recall_score

from tasks.numerics.macro import Statistic, confusion, linear, present, smoothed, value_of

quick = settings(max_examples=60, deadline=None, database=None)
segments = st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 6)), min_size=1, max_size=40)
BOTH: tuple[Statistic, Statistic] = ("macro_f1_present", "uar")


def test_the_confusion_matrix_counts_truth_by_prediction_and_undecided_last() -> None:
    matrix = confusion([0, 0, 3, 6], [0, 2, -1, 6])
    assert matrix.shape == (7, 8)
    assert [tuple(cell) for cell in np.argwhere(matrix == 1)] == [(0, 0), (0, 2), (3, 7), (6, 6)]
    assert matrix.sum() == 4


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        ([0, 7], [0, 0], "truth must be whole numbers from 0 to 6"),
        ([-1, 0], [0, 0], "truth must be whole numbers from 0 to 6"),
        ([0, 0], [-2, 0], "prediction must be whole numbers from -1 to 6"),
        ([0.5, 0], [0, 0], "truth must be whole numbers"),
        ([0, 0], [0], "must both have shape"),
    ],
)
def test_codes_outside_the_taxonomy_are_refused(truth: list[int], prediction: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        confusion(truth, prediction)


@quick
@given(segments)
def test_both_equal_scikit_learns_over_the_labels_present(rows: list[tuple[int, int]]) -> None:
    truth, prediction = (np.array(column) for column in zip(*rows, strict=True))
    labels = np.unique(truth)
    options = {"labels": labels, "average": "macro", "zero_division": 0}
    matrix = confusion(truth, prediction)
    assert value_of("macro_f1_present", matrix) == pytest.approx(f1_score(truth, prediction, **options))
    assert value_of("uar", matrix) == pytest.approx(recall_score(truth, prediction, **options))


def test_other_labels_may_be_asked_for() -> None:
    matrix = confusion([0, 0, 1], [0, 0, 0])
    assert value_of("uar", matrix, np.arange(7) == 1) == 0


def test_smoothing_keeps_the_rows_and_adds_half_a_right_segment_and_half_a_wrong_one() -> None:
    smooth = smoothed(confusion([1, 1], [1, 1]))
    assert smooth.sum(axis=1).tolist() == [0, 2, 0, 0, 0, 0, 0]
    # (2 + ½) · 2 / 3, and a twelfth · 2 / 3 in each of the six other columns; nothing in undecided.
    assert smooth[1, 1] == pytest.approx(5 / 3)
    assert smooth[1, 0] == pytest.approx(1 / 18)
    assert smooth[1, 7] == 0


@pytest.mark.parametrize("statistic", BOTH)
def test_the_influence_is_the_derivative(statistic: Statistic) -> None:
    rng = np.random.default_rng(3)
    matrix = confusion(rng.integers(0, 6, 40), rng.integers(-1, 7, 40))
    smooth, step = smoothed(matrix), 1e-6
    influence = linear(statistic, matrix).influence
    for row, column in np.argwhere(present(matrix)[:, None] & np.ones((7, 8), dtype=bool)):
        moved = smooth.copy()
        moved[row, column] += step
        expected = (value_of(statistic, moved) - value_of(statistic, smooth)) / step
        assert influence[row, column] == pytest.approx(expected, abs=1e-6)


def test_the_variance_of_the_uar_by_hand() -> None:
    # One class of 3, 2 right: smoothed recall (2 + ½) / 4 = ⅝; another of 1, right: (1 + ½) / 2 = ¾.
    # A class's recall has variance r (1 − r) / n; the mean of two has a quarter of their sum.
    line = linear("uar", confusion([0, 0, 0, 1], [0, 0, 1, 1]))
    assert line.value == pytest.approx((2 / 3 + 1) / 2)
    assert line.centre == pytest.approx((5 / 8 + 3 / 4) / 2)
    assert line.variance == pytest.approx((5 / 8 * 3 / 8 / 3 + 3 / 4 * 1 / 4 / 1) / 4)
    # A flipped segment moves its class's recall by 1 / n, the mean by half of that; squared, over the segments.
    assert line.flip == pytest.approx((3 * (1 / 6) ** 2 + (1 / 2) ** 2) / 4)


@pytest.mark.parametrize("statistic", BOTH)
def test_the_variance_is_that_of_repeated_sets(statistic: Statistic) -> None:
    rng = np.random.default_rng(5)
    shares = np.array([[60, 20, 5, 0], [10, 40, 5, 5], [5, 5, 30, 15]]) / 200
    cells = rng.multinomial(2000, shares.ravel(), 4000).reshape(-1, 3, 4)
    matrices = np.zeros((4000, 7, 8))
    matrices[:, :3, [0, 1, 2, 7]] = cells
    observed = np.var([value_of(statistic, matrix) for matrix in matrices])
    assert linear(statistic, matrices[0]).variance == pytest.approx(observed, rel=0.12)
