"""tasks/numerics/significance.py against known answers, scipy and enumeration."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tasks.numerics.significance import holm, mcnemar, sign_flip

quick = settings(max_examples=60, deadline=None, database=None)


def test_six_discordant_segments_one_way_are_the_fewest_that_decide() -> None:
    assert mcnemar([6, 5, 0], [0, 0, 6]) == pytest.approx([0.03125, 0.0625, 0.03125])


def test_models_that_never_differ_are_not_told_apart() -> None:
    assert mcnemar(0, 0) == 1
    assert sign_flip(np.zeros(4, dtype=np.int64)) == 1


@quick
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_two_sided_binomial_test(first: int, second: int) -> None:
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected)


@quick
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=9))
def test_the_sign_flip_test_is_the_share_of_sign_patterns_as_extreme(differences: list[int]) -> None:
    each = np.array(differences)
    sums = [abs(int(np.dot(signs, each))) for signs in product((-1, 1), repeat=len(each))]
    expected = np.mean(np.array(sums) >= abs(each.sum()))
    assert sign_flip(each) == pytest.approx(expected, abs=1e-12)


@quick
@given(st.integers(0, 40), st.integers(0, 40))
def test_with_one_segment_a_source_it_is_mcnemars(first: int, second: int) -> None:
    each = np.array([-1] * first + [1] * second + [0] * 5)
    assert sign_flip(each) == pytest.approx(float(mcnemar(first, second)), abs=1e-12)


def test_five_sources_can_never_decide() -> None:
    assert sign_flip(np.array([9, 30, 7, 12, 5])) == pytest.approx(2 / 32)


def test_many_large_sources_agree_with_the_normal_approximation() -> None:
    each = np.random.default_rng(0).integers(-50, 53, 900)
    z = (abs(each.sum()) - 1) / np.sqrt((each.astype(float) ** 2).sum())
    assert sign_flip(each) == pytest.approx(2 * stats.norm.sf(z), rel=0.02)


def test_a_vanishing_p_is_small_and_not_below_what_so_many_sources_can_give() -> None:
    assert sign_flip(np.full(400, 3)) == pytest.approx(0, abs=1e-12)
    assert sign_flip(np.full(30, 3)) == pytest.approx(2.0**-29)


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .03 .04 times 4 3 2 1 = .04 .06 .06 .04, never falling: .04 .06 .06 .06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert holm([0.03]) == pytest.approx([0.03])
    assert holm([]).shape == (0,)
