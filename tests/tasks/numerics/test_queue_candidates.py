"""tasks/numerics/queue_candidates.py: the figures of a segment, the random order, and what is kept of many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from tasks.numerics.queue_candidates import (
    Candidates,
    copies_of,
    disagreement,
    draws,
    entropy,
    hashes_of,
    keep,
    most_kept,
    uncertainty,
)
from tests.support.queues import EMOTIONS, apart, candidates


def _posterior(*values: float) -> np.ndarray:
    return np.array([[*values, *[0.0] * (EMOTIONS - len(values))]], dtype=np.float32)


def test_uncertainty_is_one_for_a_flat_posterior_and_nothing_for_a_sure_one() -> None:
    assert uncertainty(np.full((1, EMOTIONS), 1 / EMOTIONS))[0] == pytest.approx(1.0)
    assert uncertainty(_posterior(1.0))[0] == pytest.approx(0.0)


def test_uncertainty_is_the_mean_of_margin_and_entropy() -> None:
    # 0.7 and 0.3: 1 - 0.4 = 0.6; entropy -(0.7 ln 0.7 + 0.3 ln 0.3) = 0.6109, over ln 7 = 1.9459: 0.3139.
    assert uncertainty(_posterior(0.3, 0.7))[0] == pytest.approx((0.6 + 0.3139) / 2, abs=1e-4)


def test_an_undecided_segment_has_no_uncertainty() -> None:
    assert uncertainty(np.full((1, EMOTIONS), np.nan))[0] == 0.0


def test_disagreement_is_one_where_two_models_are_sure_of_different_emotions_and_nothing_where_they_agree() -> None:
    assert disagreement(np.stack([_posterior(1.0), _posterior(0.0, 1.0)]))[0] == pytest.approx(1.0)
    assert disagreement(np.stack([_posterior(0.6, 0.4), _posterior(0.6, 0.4)]))[0] == pytest.approx(0.0, abs=1e-7)


def test_disagreement_of_two_is_the_square_of_the_jensen_shannon_distance_in_bits() -> None:
    first, second = np.random.default_rng(0).dirichlet(np.ones(EMOTIONS), (2, 50))
    expected = jensenshannon(first, second, axis=1, base=2) ** 2
    np.testing.assert_allclose(disagreement(np.stack([first, second])), expected, atol=1e-12)


def test_disagreement_leaves_out_a_model_that_does_not_know_the_segment_and_is_undefined_with_one_alone() -> None:
    nothing = np.full((1, EMOTIONS), np.nan)
    three = disagreement(np.stack([_posterior(1.0), nothing, _posterior(0.0, 1.0)]))
    assert three[0] == pytest.approx(1.0)
    assert np.isnan(disagreement(np.stack([_posterior(1.0), nothing]))[0])


def test_entropy_takes_nothing_times_its_logarithm_for_nothing() -> None:
    np.testing.assert_allclose(entropy(np.array([[1.0, 0.0], [0.5, 0.5]])), [0.0, np.log(2)])


def test_the_random_order_is_uniform_and_another_for_another_seed() -> None:
    key = np.arange(20_000, dtype=np.uint64)
    places = draws(key, 7) / 2.0**64
    counts = np.histogram(places, bins=20, range=(0, 1))[0]
    # Chi-square with 19 degrees of freedom: above 43.8 in one of a thousand.
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8
    assert abs(np.corrcoef(places, draws(key, 8) / 2.0**64)[0, 1]) < 0.03


def test_a_copy_needs_equal_bytes_and_equal_times() -> None:
    etags = hashes_of(np.array(["e1", "e1", "e1", "e2"], dtype=object))
    found = copies_of(etags, np.array([1.0, 1.0, 1.001, 1.0]), np.array([2.0, 2.0, 2.0, 2.0]))
    assert found[0] == found[1]
    assert len(set(found.tolist())) == 3


def _kept(of: Candidates, wanted: int = 3) -> list[int]:
    rows = keep(of, wanted=wanted, labelled=np.zeros(len(of)), seed=1)
    return sorted(of.key[rows].tolist())


@settings(max_examples=40)
@given(st.integers(0, 1000), st.integers(1, 299), st.integers(1, 5))
def test_what_is_kept_of_a_union_is_what_is_kept_of_what_was_kept_of_its_parts(
    seed: int, cut: int, wanted: int
) -> None:
    whole = candidates(300, seed, sources=40, undecided=0.1)
    parts = [whole.take(np.arange(cut)), whole.take(np.arange(cut, 300))]
    labelled = lambda of: (of.source % 3).astype(float)  # noqa: E731
    first = [part.take(keep(part, wanted=wanted, labelled=labelled(part), seed=seed)) for part in parts]
    joined = Candidates.joined(first)
    again = keep(joined, wanted=wanted, labelled=labelled(joined), seed=seed)
    once = keep(whole, wanted=wanted, labelled=labelled(whole), seed=seed)
    assert set(joined.key[again].tolist()) == set(whole.key[once].tolist())


def test_what_is_kept_is_bounded_however_many_segments_there_are() -> None:
    assert len(_kept(candidates(2_000, sources=500))) <= most_kept(3) * (1 + 3 * 2 * 7 + 3)
    assert len(_kept(candidates(20_000, sources=5000))) <= most_kept(3) * (1 + 3 * 2 * 7 + 3)


def test_the_surest_the_least_sure_and_the_most_disputed_are_kept() -> None:
    many = apart(3_000, language=np.ones(3_000, dtype=np.uint64))
    kept = set(_kept(many))
    for value in (uncertainty(many.posterior), many.disagreement, many.posterior.max(axis=1)):
        assert int(many.key[value.argmax()]) in kept


def test_the_segments_of_the_source_with_the_fewest_labels_are_kept() -> None:
    many = candidates(3_000, sources=1000, beside=np.zeros(3_000, dtype=bool))
    few = int(many.source[17])
    labelled = np.where(many.source == few, 0.0, 9.0)
    rows = keep(many, wanted=1, labelled=labelled, seed=0)
    assert few in many.source[rows].tolist()
