"""tasks/numerics/diversity.py by hand, and its interval by simulation."""

import math

import numpy as np
import pytest

from tasks.numerics.diversity import diversity


def test_all_in_one_class_is_one_and_all_classes_alike_are_as_many_as_there_are() -> None:
    assert diversity(np.array([9, 0, 0])).effective == 1
    assert diversity(np.array([4, 4, 4])).effective == pytest.approx(3)


def test_shares_of_a_half_and_two_quarters_by_hand() -> None:
    # H = ½ ln 2 + 2 · ¼ ln 4 = 1.5 ln 2
    assert diversity(np.array([2, 1, 1, 0])).effective == pytest.approx(2**1.5)


def test_the_interval_by_hand() -> None:
    # Shares ¾ and ¼ of 100: variance of H is (¾ ln² ¾ + ¼ ln² ¼ - H²)/100, with H = .5623.
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    reach = 1.96 * math.sqrt((0.75 * math.log(0.75) ** 2 + 0.25 * math.log(0.25) ** 2 - entropy**2) / 100)
    found = diversity(np.array([75, 25, 0, 0, 0, 0, 0]))
    assert (found.low, found.high) == pytest.approx((math.exp(entropy - reach), math.exp(entropy + reach)), rel=1e-4)


def test_the_interval_holds_the_true_value_about_nineteen_times_in_twenty() -> None:
    rng, shares = np.random.default_rng(0), np.array([0.6, 0.2, 0.1, 0.1, 0.0, 0.0, 0.0])
    true = math.exp(-float((shares[:4] * np.log(shares[:4])).sum()))
    found = [diversity(rng.multinomial(400, shares)) for _ in range(1000)]
    assert 0.92 <= np.mean([each.low <= true <= each.high for each in found]) <= 0.97


def test_the_interval_stays_between_one_and_the_number_of_classes() -> None:
    found = diversity(np.array([2, 1]))
    assert 1 <= found.low < found.effective < found.high <= 2


def test_without_a_segment_there_is_a_reason_instead() -> None:
    found = diversity(np.zeros(7, dtype=int))
    assert (found.effective, found.low, found.high) == (None, None, None)
    assert found.reason
