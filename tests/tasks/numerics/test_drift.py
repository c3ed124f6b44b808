"""tasks/numerics/drift.py against scipy, hand arithmetic, and simulated runs with and without drift."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon

from tasks.numerics.drift import drift, drift_by_source, jensen_shannon, population_stability_index

quick = settings(max_examples=60, deadline=None, database=None)
counts = arrays(np.int64, 7, elements=st.integers(0, 50)).filter(lambda found: found.sum() > 0)
SHARES = np.array([0.6, 0.1, 0.1, 0.1, 0.05, 0.05, 0.0])


def _run(n: int, seed: int, shares: Any = SHARES) -> Any:
    return np.random.default_rng(seed).multinomial(n, shares)


def _sources(number: int, rng: np.random.Generator, spread: float = 3.0) -> Any:
    """Thirty segments a source, whose shares differ by source."""
    return np.array([rng.multinomial(30, rng.dirichlet(np.full(7, spread))) for _ in range(number)])


# -- the divergences ---------------------------------------------------------------------------------------------------


@quick
@given(counts, counts)
def test_jensen_shannon_is_the_square_of_scipys_distance_and_symmetric(p: Any, q: Any) -> None:
    found = jensen_shannon(p, q)
    assert found == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-9)
    assert found == pytest.approx(jensen_shannon(q, p))
    assert 0 <= found <= 1


def test_jensen_shannon_is_nought_for_equal_shares_and_one_without_overlap() -> None:
    assert jensen_shannon(np.array([1, 2]), np.array([10, 20])) == 0
    assert jensen_shannon(np.array([5, 0]), np.array([0, 3])) == 1


def test_population_stability_index_by_hand() -> None:
    # With half a segment added: shares 3/4, 1/4 against 1/4, 3/4; each class adds ½ · ln 3.
    assert population_stability_index(np.array([1, 0]), np.array([0, 1])) == pytest.approx(math.log(3))


@quick
@given(counts, counts)
def test_population_stability_index_is_finite_symmetric_and_not_negative(p: Any, q: Any) -> None:
    found = population_stability_index(p, q)
    assert 0 <= found < np.inf
    assert found == pytest.approx(population_stability_index(q, p))


# -- the band ----------------------------------------------------------------------------------------------------------


def test_a_small_night_may_look_different_by_chance_and_a_large_one_may_not() -> None:
    reference, small = np.array([900, 20, 30, 40, 5, 5, 0]), np.array([26, 1, 0, 2, 0, 1, 0])
    assert drift(reference, small, seed=0).verdict == "same"
    large = drift(100 * reference, 100 * small, seed=0)
    assert large.verdict == "drifted"
    assert large.jensen_shannon == pytest.approx(drift(reference, small, seed=0).jensen_shannon)


def test_the_band_narrows_with_the_number_of_segments() -> None:
    bands = [drift(_run(n, 0), _run(n, 1), seed=0).jensen_shannon_band for n in (30, 300, 3000)]
    assert bands[0].usual > 5 * bands[1].usual > 25 * bands[2].usual
    assert all(band.usual < band.extreme for band in bands)


def test_runs_of_the_same_shares_are_within_the_usual_band_nineteen_times_in_twenty() -> None:
    outside = np.zeros(2)
    for seed in range(200):
        found = drift(_run(1000, 2 * seed), _run(40, 2 * seed + 1), seed=seed, draws=500)
        outside[0] += found.jensen_shannon > found.jensen_shannon_band.usual
        outside[1] += found.population_stability_index > found.population_stability_band.usual
    # 10 expected; more than 20 or fewer than 2 once in a thousand.
    assert outside.min() >= 2
    assert outside.max() <= 20


def test_a_model_that_says_neutral_twice_as_often_has_drifted() -> None:
    changed = np.array([0.9, 0.02, 0.02, 0.02, 0.02, 0.02, 0.0])
    assert drift(_run(500, 0), _run(200, 1, changed), seed=0).verdict == "drifted"
    assert drift(_run(500, 0), _run(200, 1), seed=0).verdict == "same"


def test_one_class_in_both_runs_is_the_same() -> None:
    found = drift(np.array([7, 0]), np.array([3, 0]), seed=0)
    assert (found.jensen_shannon, found.jensen_shannon_band.extreme, found.verdict) == (0, 0, "same")


def test_equal_seeds_give_equal_bands_and_others_do_not() -> None:
    found = [drift(_run(100, 0), _run(100, 1), seed=seed) for seed in (4, 4, 5)]
    assert found[0] == found[1]
    assert found[0].jensen_shannon_band != found[2].jensen_shannon_band


@pytest.mark.parametrize("empty", ["reference", "current"])
def test_a_run_without_a_segment_has_no_verdict_but_a_reason(empty: str) -> None:
    runs = {"reference": np.array([3, 1]), "current": np.array([3, 1]), empty: np.array([0, 0])}
    found = drift(runs["reference"], runs["current"], seed=0)
    assert (found.verdict, found.jensen_shannon, found.jensen_shannon_band) == (None, None, None)
    assert found.reason


@pytest.mark.parametrize("wrong", [np.array([[1, 2]]), np.array([0.5, 0.5]), np.array([-1, 2])])
def test_what_is_no_vector_of_counts_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"counts must be whole numbers ≥ 0 of shape \(classes,\)"):
        drift(wrong, np.array([1, 2]), seed=0)


def test_runs_of_other_classes_are_not_compared() -> None:
    with pytest.raises(ValueError, match="the same classes, not 2 and 1"):
        drift(np.array([1, 2]), np.array([3]), seed=0)


# -- whole sources -----------------------------------------------------------------------------------------------------


def test_sources_that_differ_widen_the_band_and_end_false_alarms() -> None:
    rng = np.random.default_rng(0)
    alarms = {"by segment": 0, "by source": 0}
    for seed in range(60):
        reference, current = _sources(10, rng), _sources(10, rng)
        by_segment = drift(reference.sum(axis=0), current.sum(axis=0), seed=seed, draws=1000)
        by_source = drift_by_source(reference, current, seed=seed, draws=1000)
        alarms["by segment"] += by_segment.jensen_shannon > by_segment.jensen_shannon_band.usual
        alarms["by source"] += by_source.jensen_shannon > by_source.jensen_shannon_band.usual
        assert by_source.design_effect > 1.3
    assert alarms["by segment"] > 15
    assert alarms["by source"] <= 7


def test_sources_of_one_segment_give_the_band_of_single_segments() -> None:
    runs = [np.eye(7, dtype=int)[np.random.default_rng(seed).choice(7, 300, p=SHARES)] for seed in (0, 1)]
    assert drift_by_source(*runs, seed=0).design_effect == pytest.approx(1, abs=0.1)


def test_drift_across_all_sources_is_still_seen() -> None:
    rng = np.random.default_rng(0)
    reference, current = _sources(20, rng), _sources(20, rng)
    current[:, 0] += 60
    assert drift_by_source(reference, current, seed=0).verdict == "drifted"


def test_very_many_sources_are_taken_to_be_normal_and_give_the_same_band() -> None:
    rng = np.random.default_rng(0)
    few, many = _sources(500, rng), _sources(501, rng)
    bands = [drift_by_source(each, each, seed=0, draws=4000).jensen_shannon_band.usual for each in (few, many)]
    assert bands[1] == pytest.approx(bands[0], rel=0.1)


def test_fewer_than_five_sources_leave_the_verdict_open() -> None:
    rng = np.random.default_rng(0)
    found = drift_by_source(_sources(4, rng), _sources(9, rng), seed=0)
    assert (found.verdict, found.jensen_shannon_band) == (None, None)
    assert found.jensen_shannon > 0
    assert "fewer than 5 sources" in found.reason


def test_sources_without_a_segment_do_not_count() -> None:
    rng = np.random.default_rng(0)
    padded = np.vstack([_sources(4, rng), np.zeros((6, 7), dtype=int)])
    assert drift_by_source(padded, padded, seed=0).verdict is None
