"""tasks/numerics/groups.py: groups against their own rows, several sets against the sets joined."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.numerics.groups import LENGTH_BINS, averaged, grouped, length_bin, pooled
from tasks.numerics.metrics import Metrics, measure

quick = settings(max_examples=40, deadline=None, database=None)


def _case(n: int, seed: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    posterior = rng.dirichlet(np.ones(7), n)
    posterior[rng.random(n) < 0.2] = np.nan
    prediction = np.where(np.isnan(posterior[:, 0]), -1, posterior.argmax(axis=1))
    return rng.integers(0, 7, n), prediction, posterior


@quick
@given(st.lists(st.sampled_from(["en", "ko", "여우", ""]), max_size=30), st.integers(0, 1000))
def test_a_group_has_the_metrics_of_its_own_rows(keys: list[str], seed: int) -> None:
    truth, prediction, posterior = _case(len(keys), seed)
    can_say, weights = np.arange(7) < 4, np.random.default_rng(seed).random(len(keys)) + 0.1
    found = grouped(truth, prediction, posterior, keys, can_say=can_say, weights=weights)
    assert list(found) == sorted(set(keys))
    for key, metrics in found.items():
        rows = np.array([each == key for each in keys])
        expected = measure(truth[rows], prediction[rows], posterior[rows], can_say=can_say, weights=weights[rows])
        assert metrics == expected


def test_one_key_a_segment_is_asked_for() -> None:
    with pytest.raises(ValueError, match="2 segments, but 1 keys"):
        grouped(np.array([0, 1]), np.array([0, 1]), None, ["en"])


@pytest.mark.parametrize(
    ("seconds", "name"),
    [(0.2, "under 1 s"), (1.0, "1 to 3 s"), (2.999, "1 to 3 s"), (3.0, "3 to 10 s"), (10.0, "10 s or longer")],
)
def test_a_segment_is_in_one_bin_of_length_and_an_edge_in_the_longer(seconds: float, name: str) -> None:
    assert length_bin(seconds) == name
    assert name in LENGTH_BINS


@quick
@given(st.lists(st.integers(0, 20), min_size=1, max_size=4), st.integers(0, 1000))
def test_pooled_metrics_equal_those_of_the_sets_joined(sizes: list[int], seed: int) -> None:
    truth, prediction, posterior = _case(sum(sizes), seed)
    ends = np.cumsum(sizes)[:-1]
    parts = zip(*(np.split(each, ends) for each in (truth, prediction, posterior)), strict=True)
    found = pooled({str(number): measure(*part) for number, part in enumerate(parts)})
    joined = measure(truth, prediction, posterior)
    assert (found.n, found.confusion) == (joined.n, joined.confusion)
    assert (found.posterior_weight, found.posterior_left_out) == (joined.posterior_weight, joined.posterior_left_out)
    assert (found.uar, found.macro_f1) == (joined.uar, joined.macro_f1)
    assert found.cross_entropy == (None if joined.cross_entropy is None else pytest.approx(joined.cross_entropy))
    assert found.brier == (None if joined.brier is None else pytest.approx(joined.brier))


def test_pooled_cross_entropy_weighs_sets_by_their_rows_with_a_posterior() -> None:
    truth = np.array([0, 0, 0, 0])
    posterior = np.zeros((4, 7))
    posterior[:, 0], posterior[:, 1] = [1, 0.5, 0.5, 0.5], [0, 0.5, 0.5, 0.5]
    sets = {"a": measure(truth[:1], truth[:1], posterior[:1]), "b": measure(truth[1:], truth[1:], posterior[1:])}
    assert pooled(sets).cross_entropy == pytest.approx(0.75 * np.log(2))
    assert averaged(sets).cross_entropy == pytest.approx(0.5 * np.log(2))


def test_a_set_without_posteriors_leaves_the_pooled_cross_entropy_undefined_and_is_named() -> None:
    truth, prediction, posterior = _case(5, 1)
    found = pooled({"with": measure(truth, prediction, posterior), "without": measure(truth, prediction)})
    assert found.cross_entropy is None
    assert found.undefined["brier"] == "undefined in without"


def _sets() -> dict[str, Metrics]:
    return {
        "large": measure(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0])),  # accuracy 3/4
        "small": measure(np.array([0]), np.array([1])),  # accuracy 0, and nothing that is not neutral
    }


def test_averaged_lets_every_set_count_alike_and_pooled_every_segment() -> None:
    assert averaged(_sets()).accuracy == pytest.approx(3 / 8)
    assert pooled(_sets()).accuracy == pytest.approx(3 / 5)


def test_averaged_takes_weights_of_sets() -> None:
    found = averaged(_sets(), weights={"large": 3.0, "small": 1.0})
    assert found.accuracy == pytest.approx(9 / 16)
    assert found.sets == {"large": 0.75, "small": 0.25}


def test_a_figure_that_one_set_lacks_is_undefined_and_the_set_named() -> None:
    found = averaged(_sets())
    assert found.non_neutral_accuracy is None
    assert found.undefined["non_neutral_accuracy"] == "undefined in small"
    assert averaged(_sets(), weights={"large": 1.0, "small": 0.0}).non_neutral_accuracy == 0


@pytest.mark.parametrize("weights", [{"large": 1.0}, {"large": 0.0, "small": 0.0}, {"large": 2.0, "small": -1.0}])
def test_weights_that_do_not_fit_the_sets_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        averaged(_sets(), weights=weights)


def test_no_sets_give_undefined_figures() -> None:
    assert averaged({}).undefined["accuracy"] == "there are no sets"
    assert pooled({}).accuracy is None
