"""tasks/numerics/agreement.py against published answers, pair counts by brute force, and scikit-learn."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from tasks.numerics.agreement import (
    consensus,
    human_ceiling,
    krippendorff_alpha,
    pairwise_agreement,
    rating_counts,
)

quick = settings(max_examples=60, deadline=None, database=None)
ratings_of_any_shape = st.tuples(st.integers(1, 8), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(-1, 3))
)

PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, -1, -1, -1],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, -1, 3],
        [-1, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, -1],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, -1],
    ]
).T
"""Four observers, twelve units, values missing: example C of Krippendorff (2011)."""


# -- alpha -------------------------------------------------------------------------------------------------------------


def test_alpha_of_the_published_example_is_the_published_one() -> None:
    found = krippendorff_alpha(PUBLISHED)
    assert f"{found.alpha:.3f}" == "0.743"
    assert (found.segments, found.ratings) == (11, 40)


def test_alpha_of_two_observers_on_binary_data_is_the_published_one() -> None:
    # Example A of the same paper: ten units, two observers, alpha .095.
    first, second = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert f"{krippendorff_alpha(np.array([first, second]).T).alpha:.3f}" == "0.095"


def _alpha_by_pairs(ratings: Any) -> float | None:
    """1 - (share of unlike pairs within segments) / (share of unlike pairs among all pairable values)."""
    units = [[value for value in row if value >= 0] for row in ratings.tolist()]
    units = [unit for unit in units if len(unit) >= 2]
    values = [value for unit in units for value in unit]
    within = sum(sum(a != b for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in units)
    among = sum(a != b for a, b in permutations(values, 2))
    return None if among == 0 else 1 - (within / len(values)) / (among / (len(values) * (len(values) - 1)))


@quick
@given(ratings_of_any_shape)
def test_alpha_equals_a_count_of_all_pairs(ratings: Any) -> None:
    found, expected = krippendorff_alpha(ratings), _alpha_by_pairs(ratings)
    assert found.alpha == (None if expected is None else pytest.approx(expected))
    assert (found.alpha is None) == (found.reason is not None)


def test_alpha_is_undefined_without_pairs_or_without_variety() -> None:
    assert krippendorff_alpha(np.array([[1, -1], [-1, 2]])).reason == "no segment has two ratings"
    assert "all ratings are the same" in str(krippendorff_alpha(np.array([[3, 3], [3, 3]])).reason)


# -- pairs -------------------------------------------------------------------------------------------------------------


def test_agreement_and_kappa_of_two_by_hand() -> None:
    # 4 of 5 shared segments alike; by chance 3/5·2/5 + 2/5·3/5 = 12/25.
    first, second = [0, 0, 0, 1, 1, -1], [0, 0, 1, 1, 1, 0]
    (found,) = pairwise_agreement(np.array([first, second]).T, ["large", "small"])
    assert (found.first, found.second, found.n, found.agreement) == ("large", "small", 5, 0.8)
    assert found.kappa == pytest.approx((0.8 - 0.48) / (1 - 0.48))


@quick
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=30))
def test_kappa_equals_that_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    ratings = np.array(rows)
    (found,) = pairwise_agreement(ratings, ["a", "b"])
    if len(np.unique(ratings)) == 1:
        assert found.kappa is None
        assert found.reason
    else:
        assert found.kappa == pytest.approx(cohen_kappa_score(ratings[:, 0], ratings[:, 1]))


def test_every_pair_of_three_is_compared_once_and_in_order() -> None:
    found = pairwise_agreement(np.array([[0, 0, 1]]), ["a", "b", "c"])
    assert [(each.first, each.second, each.agreement) for each in found] == [
        ("a", "b", 1),
        ("a", "c", 0),
        ("b", "c", 0),
    ]


def test_two_that_share_no_segment_have_no_agreement() -> None:
    (found,) = pairwise_agreement(np.array([[0, -1], [-1, 0]]), ["a", "b"])
    assert (found.n, found.agreement, found.kappa) == (0, None, None)
    assert found.reason


# -- consensus ---------------------------------------------------------------------------------------------------------


def test_consensus_counts_the_votes_of_the_commonest_label() -> None:
    predictions = np.array([[2, 2, 2], [2, 2, 5], [1, 2, 3], [4, -1, -1], [-1, -1, -1]])
    found = consensus(predictions)
    assert found.votes.tolist() == [3, 2, 1, 1, 0]
    assert found.majority.tolist() == [2, 2, -1, 4, -1]
    assert found.at_least == pytest.approx((4 / 5, 2 / 5, 1 / 5))
    assert found.tied == pytest.approx(2 / 5)


def test_consensus_of_no_segment_is_undefined() -> None:
    found = consensus(np.zeros((0, 3), int))
    assert (found.at_least, found.tied) == (None, None)
    assert found.reason


# -- the human ceiling -------------------------------------------------------------------------------------------------


def test_the_ceiling_scores_each_rater_against_the_others() -> None:
    # Segment 1: the two that agree face a tie of 1 and 2, and earn 1/2 each; the third faces 1, and earns nothing.
    # Segment 2: all alike, three earn 1. Segment 3 has one rating and says nothing.
    found = human_ceiling(np.array([[1, 1, 2], [0, 0, 0], [5, -1, -1]]))
    assert found.accuracy == pytest.approx((0.5 + 0.5 + 0 + 3) / 6)
    assert (found.segments, found.ratings) == (2, 6)
    assert found.tied == pytest.approx(2 / 6)


@quick
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30))
def test_the_ceiling_of_two_raters_is_their_percent_agreement(rows: list[tuple[int, int]]) -> None:
    ratings = np.array(rows)
    assert human_ceiling(ratings).accuracy == pytest.approx((ratings[:, 0] == ratings[:, 1]).mean())


@quick
@given(ratings_of_any_shape)
def test_the_ceiling_equals_a_count_rating_by_rating(ratings: Any) -> None:
    earned = []
    for row in ratings.tolist():
        for rater, value in enumerate(row):
            others = [each for number, each in enumerate(row) if number != rater and each >= 0]
            if value >= 0 and others:
                most = max(map(others.count, others))
                leads = {each for each in others if others.count(each) == most}
                earned.append((value in leads) / len(leads))
    expected = pytest.approx(sum(earned) / len(earned)) if earned else None
    assert human_ceiling(ratings).accuracy == expected


# -- counts --------------------------------------------------------------------------------------------


@quick
@given(ratings_of_any_shape)
def test_counts_equal_counting(ratings: Any) -> None:
    expected = [[row.count(category) for category in range(7)] for row in ratings.tolist()]
    assert rating_counts(ratings, categories=7).tolist() == expected


@pytest.mark.parametrize("ratings", [np.array([0, 1]), np.array([[0.5]]), np.array([[-2]])])
def test_what_is_no_table_of_ratings_is_refused(ratings: Any) -> None:
    with pytest.raises(ValueError, match="ratings must be whole numbers"):
        krippendorff_alpha(ratings)


def test_a_rating_outside_the_taxonomy_and_a_missing_name_are_refused() -> None:
    with pytest.raises(ValueError, match="within -1 … 6, not 7"):
        rating_counts(np.array([[7]]), categories=7)
    with pytest.raises(ValueError, match="2 columns of ratings, but 1 names"):
        pairwise_agreement(np.array([[0, 1]]), ["a"])
