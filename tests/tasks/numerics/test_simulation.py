"""tasks/numerics/simulation.py: the draws have the properties that they claim."""

from collections.abc import Callable

import numpy as np
import pytest

from tasks.numerics.macro import Codes
from tasks.numerics.simulation import (
    draw,
    equal_sizes,
    falling_sizes,
    lopsided_sizes,
    models,
    population,
    recalls_by_effect,
)


def test_a_population_is_what_its_recalls_say() -> None:
    made = population([0.5] * 7, shares=np.full(7, 1 / 7))
    assert made.confusion.sum(axis=1) == pytest.approx(1)
    assert made.accuracy == pytest.approx(0.5)
    # Mistakes of any class but neutral: 3 parts neutral, 1 part each of the five others.
    assert made.confusion[2, 0] == pytest.approx(0.5 * 3 / 8)
    assert made.joint.sum() == pytest.approx(1)


@pytest.mark.parametrize("sizes", [equal_sizes, lopsided_sizes, falling_sizes])
@pytest.mark.parametrize(("n", "sources"), [(31, 5), (300, 15)])
def test_sizes_add_up_and_none_is_empty(sizes: Callable[[int, int], Codes], n: int, sources: int) -> None:
    made = sizes(n, sources)
    assert made.sum() == n
    assert len(made) == sources
    assert made.min() >= 1


def test_half_of_a_lopsided_set_is_one_source() -> None:
    assert lopsided_sizes(300, 21).tolist() == [150] + [8] * 10 + [7] * 10


def test_a_source_effect_keeps_the_mean_recall() -> None:
    good = models()["good"]
    recalls = recalls_by_effect(good, 0.1)
    assert recalls.mean(axis=0) == pytest.approx(np.diag(good.confusion))
    assert (np.diff(recalls, axis=0) >= 0).all()


@pytest.mark.parametrize("correlation", [0.0, 0.1, 0.3])
def test_being_right_correlates_within_sources_as_asked(correlation: float) -> None:
    # One class only: sources of 20, variance of their shares = p (1 − p) (1 + 19 ρ) / 20.
    one_class = population([0.6] + [0.5] * 6, shares=np.array([1.0, 0, 0, 0, 0, 0, 0]) + 1e-12)
    drawn = draw(np.random.default_rng(2), [one_class], equal_sizes(60_000, 3000), correlation=correlation)
    shares = (drawn.truth == drawn.predictions[0]).reshape(3000, 20).mean(axis=1)
    assert shares.mean() == pytest.approx(0.6, abs=0.02)
    assert shares.var() == pytest.approx(0.24 * (1 + 19 * correlation) / 20, rel=0.1)


def test_the_draws_confuse_as_the_model_does() -> None:
    poor = models()["poor"]
    drawn = draw(np.random.default_rng(3), [poor], equal_sizes(40_000, 40_000), correlation=0)
    joint = np.histogram2d(drawn.truth, drawn.predictions[0], bins=(np.arange(8), np.arange(8)))[0] / 40_000
    assert joint == pytest.approx(poor.joint, abs=0.012)


def test_the_same_seed_draws_the_same_set() -> None:
    first, again = (
        draw(np.random.default_rng(7), list(models().values()), equal_sizes(31, 5), correlation=0.05) for _ in range(2)
    )
    assert (first.truth == again.truth).all()
    assert np.array_equal(first.predictions, again.predictions)
