"""tasks/numerics/alarms.py: random heads are suspected, trained-looking models are not; tallies add up."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import entropy, norm

from tasks.numerics.alarms import SPREAD, Tally, information, many, uniform_bound

quick = settings(max_examples=60, deadline=None, database=None)
# Derandomised: one head in a thousand, or fewer, is lucky enough to be past the bound.
fixed = settings(max_examples=200, deadline=None, database=None, derandomize=True)
sizes = st.integers(2, 20)
seeds = st.integers(0, 2**32 - 1)
MEASURED = 0.29
"""Root mean square of the logits of the widest random head that was measured."""


def _softmax(logits: Any) -> Any:
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def _labels(size: int) -> list[str]:
    return [f"label {number}" for number in range(size)]


def _tally(logits: Any) -> Tally:
    return Tally.of(_softmax(logits), _labels(logits.shape[1]))


# -- information and its bound -----------------------------------------------------------------------------------------


def test_information_is_nought_for_a_uniform_row_and_log_n_for_a_sure_one() -> None:
    rows = np.array([[0.25, 0.25, 0.25, 0.25], [0, 1, 0, 0], [0.5, 0.5, 0, 0]])
    assert information(rows).tolist() == pytest.approx([0, math.log(4), math.log(2)])


@quick
@given(sizes, seeds)
def test_information_is_what_entropy_leaves_of_log_n(size: int, seed: int) -> None:
    rows = np.random.default_rng(seed).dirichlet(np.full(size, 0.3), 5)
    assert information(rows) == pytest.approx(math.log(size) - entropy(rows, axis=1))
    assert information(7 * rows) == pytest.approx(information(rows))


def test_the_bound_of_two_labels_equals_an_integral_over_their_difference() -> None:
    def weighted(difference: float) -> float:
        p = 1 / (1 + math.exp(-difference))
        says = math.log(2) + p * math.log(p) + (1 - p) * math.log(1 - p)
        return float(says * norm.pdf(difference, scale=math.sqrt(2) * SPREAD))

    assert uniform_bound(2) == pytest.approx(quad(weighted, -12, 12)[0], abs=1e-8)


@pytest.mark.parametrize("size", [3, 7, 30])
def test_the_bound_equals_its_simulation(size: int) -> None:
    drawn = information(_softmax(np.random.default_rng(0).normal(0, SPREAD, (50_000, size))))
    assert uniform_bound(size) == pytest.approx(drawn.mean(), abs=4 * drawn.std() / math.sqrt(50_000))


def test_the_bound_grows_with_the_number_of_labels_and_stays_below_all_there_is_to_say() -> None:
    bounds = [uniform_bound(size) for size in range(2, 40)]
    assert bounds == sorted(set(bounds))
    assert all(bound < 0.25 * math.log(size) for size, bound in enumerate(bounds, start=2))


@pytest.mark.parametrize(("size", "expected"), [(2, 5), (4, 11), (7, 20), (8, 23)])
def test_alarms_are_raised_from_so_many_segments_on(size: int, expected: int) -> None:
    assert many(size) == expected
    # With none of n among the others, their share has the upper bound 1 - 0.05^(1/n).
    assert 1 - 0.05 ** (1 / expected) < 1 / size < 1 - 0.05 ** (1 / (expected - 1))


# -- what is suspected -------------------------------------------------------------------------------------------------


@fixed
@given(st.integers(3, 20), st.floats(0.0, MEASURED), st.floats(0.0, 1.0), seeds)
def test_any_random_head_is_near_uniform_from_the_first_moment(
    size: int, scale: float, by_head: float, seed: int
) -> None:
    # Logits differ partly by head, the same for all segments, and partly by segment.
    rng = np.random.default_rng(seed)
    head, segments = rng.normal(0, scale, (1, size)), rng.normal(0, scale, (many(size), size))
    logits = math.sqrt(by_head) * head + math.sqrt(1 - by_head) * segments
    assert "near_uniform" in _tally(logits).alarms()


@fixed
@given(st.integers(3, 12), st.booleans(), seeds)
def test_a_head_of_linear_layers_as_initialised_is_near_uniform(size: int, projected: bool, seed: int) -> None:
    # Uniform on ±1/√width, as torch initialises a Linear, over features of unit variance that share half of it.
    rng = np.random.default_rng(seed)
    features = math.sqrt(0.5) * (rng.normal(size=(1, 128)) + rng.normal(size=(many(size), 128)))
    hidden = features @ rng.uniform(-1, 1, (128, 128)) / math.sqrt(128)
    hidden = hidden if projected else np.tanh(hidden)
    logits = hidden @ rng.uniform(-1, 1, (128, size)) / math.sqrt(128)
    assert "near_uniform" in _tally(logits).alarms()


@quick
@given(sizes, st.floats(4.0, 8.0), st.integers(0, 60), seeds)
def test_a_confident_and_varied_model_is_never_suspected(size: int, lead: float, more: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = many(size) + more
    logits = rng.normal(0, 0.5, (n, size))
    logits[np.arange(n), np.arange(n) % size] += lead
    assert _tally(logits).alarms() == ()


def test_before_many_segments_nothing_is_said() -> None:
    assert _tally(np.zeros((many(7) - 1, 7))).alarms() == ()
    assert "near_uniform" in _tally(np.zeros((many(7), 7))).alarms()


def test_a_constant_and_confident_model_is_one_class_and_constant() -> None:
    assert _tally(np.tile([0.0, 9.0, 0.0, 0.0], (11, 1))).alarms() == ("one_class", "constant")


def test_one_other_label_in_a_hundred_is_still_one_class_and_two_are_not() -> None:
    assert Tally.of(np.eye(4)[[1] * 99 + [2]], _labels(4)).alarms() == ("one_class",)
    assert Tally.of(np.eye(4)[[1] * 98 + [2, 3]], _labels(4)).alarms() == ()


def test_posteriors_that_move_by_more_than_batching_does_are_not_constant() -> None:
    posterior = np.tile([0.7, 0.1, 0.1, 0.1], (20, 1))
    assert "constant" in Tally.of(posterior, _labels(4)).alarms()
    posterior[7] = [0.699, 0.101, 0.1, 0.1]
    assert "constant" not in Tally.of(posterior, _labels(4)).alarms()


def test_a_multilabel_models_rows_are_renormalised_first() -> None:
    assert "near_uniform" in Tally.of(np.full((11, 4), 0.01), _labels(4)).alarms()
    sure = 0.01 + 0.9 * np.eye(4)[np.arange(12) % 4]
    assert Tally.of(sure, _labels(4)).alarms() == ()


def test_a_model_of_one_label_has_nothing_to_be_suspected_of() -> None:
    assert Tally.of(np.ones((100, 1)), ["only"]).alarms() == ()


# -- tallies -----------------------------------------------------------------------------------------------------------


@quick
@given(sizes, st.lists(st.integers(0, 12), min_size=1, max_size=5), seeds)
def test_merged_tallies_equal_the_whole(size: int, lengths: list[int], seed: int) -> None:
    logits = np.random.default_rng(seed).normal(size=(sum(lengths), size))
    parts = [_tally(part) for part in np.split(logits, np.cumsum(lengths)[:-1])]
    merged, whole = sum(parts[1:], parts[0]), _tally(logits)
    assert (merged.n, merged.labels, merged.low, merged.high) == (whole.n, whole.labels, whole.low, whole.high)
    assert merged.information_sum == pytest.approx(whole.information_sum)
    assert merged.alarms() == whole.alarms()


def test_a_tally_holds_what_each_label_got() -> None:
    found = Tally.of(np.array([[0.7, 0.3], [0.5, 0.5], [0.1, 0.9]]), ["calm", "angry"])
    assert (found.n, found.labels) == (3, {"calm": 2, "angry": 1})
    assert found.low + found.high == pytest.approx((0.1, 0.3, 0.7, 0.9))
    assert found.information_mean == pytest.approx(found.information_sum / 3)


def test_an_empty_tally_changes_nothing() -> None:
    empty, full = Tally.of(np.zeros((0, 2)), ["calm", "angry"]), Tally.of(np.array([[0.7, 0.3]]), ["calm", "angry"])
    assert empty + full == full + empty == full
    assert empty.information_mean is None
    assert empty.alarms() == ()


def test_tallies_of_other_labels_or_another_order_are_not_added() -> None:
    with pytest.raises(ValueError, match="tallies of different labels"):
        Tally.of(np.ones((1, 2)), ["a", "b"]) + Tally.of(np.ones((1, 2)), ["b", "a"])


@pytest.mark.parametrize("row", [[np.nan, 1.0], [-0.5, 1.5], [0.0, 0.0]])
def test_a_row_that_is_no_posterior_is_refused(row: list[float]) -> None:
    with pytest.raises(ValueError, match="every posterior must be finite"):
        information(np.array([row]))


def test_other_shapes_and_too_few_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="3 columns of posteriors, but 2 labels"):
        Tally.of(np.ones((1, 3)), ["a", "b"])
    with pytest.raises(ValueError, match=r"shape \(segments, labels\)"):
        information(np.ones(3))
    with pytest.raises(ValueError, match="at least 2 labels, not 1"):
        uniform_bound(1)
    with pytest.raises(ValueError, match="at least 2 labels, not 1"):
        many(1)
