"""Bands of shares: the tails against scipy, and how often a band errs where nothing has changed, by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.numerics.share_bands import (
    EXACT,
    MOST_ALIKE,
    Counts,
    band,
    correlation,
    design_effect,
    lower_tail,
    outside,
    upper_tail,
)

SHARES = np.array([0.55, 0.15, 0.1, 0.08, 0.05, 0.04, 0.02, 0.01])


def nights(
    rng: np.random.Generator, number: int, media: int, size: int, alike: float, shares: np.ndarray
) -> np.ndarray:
    """Segments by category of media of equal size, whose own shares are Dirichlet: (nights, media, categories)."""
    drawn = rng.standard_gamma(shares * (1 - alike) / alike, size=(number, media, len(shares))) + 1e-300
    return rng.multinomial(size, drawn / drawn.sum(axis=-1, keepdims=True))


def counts(found: np.ndarray, alike: float) -> Counts:
    sizes = found.sum(axis=-1)
    total = sizes.sum(axis=-1)
    return Counts(found.sum(axis=1), total, design_effect(total, (sizes**2).sum(axis=-1), alike))


# -- tails -------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 120), st.floats(0.001, 0.999), st.data())
def test_without_an_effect_the_tail_is_the_binomial(total: int, share: float, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, total))
    assert upper_tail(count, total, share, 1.0) == pytest.approx(stats.binom.sf(count - 1, total, share), rel=1e-6)
    assert lower_tail(count, total, share, 1.0) == pytest.approx(stats.binom.cdf(count, total, share), rel=1e-6)


@given(st.integers(2, 120), st.floats(0.01, 0.99), st.floats(0.01, 0.9), st.data())
def test_one_medium_is_the_beta_binomial_of_its_correlation_or_as_many_draws_as_it_is_worth(
    total: int, share: float, alike: float, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, total))
    strength, effect = 1 / alike - 1, 1 + (total - 1) * alike
    own_share = stats.betabinom.sf(count - 1, total, share * strength, (1 - share) * strength)
    # P(X ≥ k) of n draws is P(Beta(k, n − k + 1) ≤ p), here for parts of draws.
    all_one_thing = stats.beta.cdf(share, count / effect, (total - count) / effect + 1)
    expected = max(own_share, all_one_thing)
    assert upper_tail(count, total, share, effect) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_beyond_the_summed_lengths_the_tail_goes_on_as_before() -> None:
    shares, effect = np.array([0.02, 0.2, 0.5]), 6.0
    for count in (0.03, 0.25, 0.6):
        summed = upper_tail(round(count * EXACT), EXACT, shares, effect)
        beyond = upper_tail(round(count * (EXACT + 2)), EXACT + 2, shares, effect)
        assert np.allclose(summed, beyond, rtol=0.12, atol=1e-6)


def test_impossible_counts_and_shares_have_plain_tails() -> None:
    assert upper_tail(0, 10, 0.3, 2.0) == 1.0
    assert lower_tail(10, 10, 0.3, 2.0) == pytest.approx(1.0)
    assert upper_tail(1, 10, 0.0, 2.0) < 1e-4
    assert upper_tail(10, 10, 1.0, 2.0) == pytest.approx(1.0)


# -- how alike ---------------------------------------------------------------------------------------------------------


def test_the_design_effect_is_that_of_the_size_that_a_segment_meets() -> None:
    # Media of 1, 1 and 8 segments: Σ n²/Σ n = 66/10, so 1 + 5.6 · 0.05.
    assert design_effect(10, 66, 0.05) == pytest.approx(1.28)
    assert design_effect(10, 10, 0.5) == 1.0
    assert design_effect(0, 0, 0.5) == 1.0


def test_the_correlation_within_media_is_recovered() -> None:
    found = nights(np.random.default_rng(1), 1, 400, 20, 0.2, SHARES)[0]
    sizes = found.sum(axis=1)
    own, cross = (found**2).sum(axis=0).astype(float), (found * sizes[:, None]).sum(axis=0).astype(float)
    assert correlation(found.sum(axis=0), float((sizes**2).sum()), own, cross, 400) == pytest.approx(0.2, abs=0.03)


def test_media_that_say_one_thing_each_are_wholly_alike_and_one_medium_tells_nothing() -> None:
    # Two media of 4 segments, each all of one category: Σ x² = Σ x n = 16.
    same = np.array([16.0, 16.0])
    assert correlation(np.array([4, 4]), 32.0, same, same, 2) == 1.0
    assert correlation(np.array([4, 0]), 16.0, same, same, 1) is None
    assert correlation(np.array([8, 0]), 32.0, np.array([32.0, 0]), np.array([32.0, 0]), 2) is None


# -- bands -------------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 300), min_size=2, max_size=4).filter(lambda each: sum(each) >= 50),
    st.integers(1, 700),
    st.floats(1, 8),
    st.data(),
)
def test_what_lies_beyond_the_band_is_what_is_outside(
    reference: list[int], total: int, effect: float, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, total))
    effect = min(effect, 0.9 * total) if total > 1 else 1.0
    effect = max(effect, 1.0)
    row = np.array([first, total - first, *[0] * (len(reference) - 2)])
    known = Counts(np.array(reference), np.asarray(sum(reference)), np.asarray(2.0))
    now = Counts(row, np.asarray(total), np.asarray(effect))
    low, high = band(known, total, effect, level=0.01)
    beyond = (row / total < low - 1e-12) | (row / total > high + 1e-12)
    assert (outside(known, now, level=0.01) == beyond).all()


def test_a_band_is_wider_for_fewer_segments_and_for_media_that_are_more_alike() -> None:
    known = Counts(np.array([500, 500]), np.asarray(1000), np.asarray(1.0))
    widths = [np.ptp(band(known, *night, level=0.01), axis=0)[0] for night in ((1000, 1.0), (100, 1.0), (100, 5.0))]
    assert widths == sorted(widths)
    assert widths[0] < 0.2 < widths[2]


@pytest.mark.parametrize(("media", "size"), [(1, 5), (5, 10), (100, 50), (5, 1000)])
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_a_night_without_change_raises_no_more_alarms_than_the_level_says(media: int, size: int, level: float) -> None:
    rng = np.random.default_rng(7)
    number = 1500 if media < 100 else 500
    known = counts(nights(rng, number, 40, 25, 0.05, SHARES), 0.05)
    now = counts(nights(rng, number, media, size, 0.05, SHARES), 0.05)
    rate = outside(known, now, level=level / len(SHARES)).any(axis=-1).mean()
    assert rate <= level + 2 * np.sqrt(level / number), "two standard errors of the simulation"


@pytest.mark.parametrize(("media", "size"), [(5, 10), (20, 30), (100, 50)])
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.07, 0.03)])
def test_media_that_are_all_one_thing_as_with_languages_cry_wolf_no_more_often(
    media: int, size: int, shares: tuple[float, ...]
) -> None:
    rng, number, level = np.random.default_rng(9), 1000, 0.05

    def drawn(media: int, size: int) -> Counts:
        return counts(rng.multinomial(1, shares, size=(number, media)) * size, MOST_ALIKE)

    rate = outside(drawn(200, 25), drawn(media, size), level=level / len(shares)).any(axis=-1).mean()
    assert rate <= level + 2 * np.sqrt(level / number)


@pytest.mark.parametrize(("media", "size", "shift"), [(10, 5, 0.4), (100, 50, 0.1)])
def test_a_night_that_really_moved_is_caught(media: int, size: int, shift: float) -> None:
    rng = np.random.default_rng(8)
    moved = SHARES * (1 - SHARES[0] - shift) / (1 - SHARES[0])
    moved[0] = SHARES[0] + shift
    known = counts(nights(rng, 200, 200, 25, 0.05, SHARES), 0.05)
    now = counts(nights(rng, 200, media, size, 0.05, moved), 0.05)
    assert outside(known, now, level=0.001 / 10).any(axis=-1).mean() >= 0.9
