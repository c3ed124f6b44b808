"""Where chance may put a run's shares, given those of a reference, when segments of one medium are alike.

Both sides of the question are uncertain. The reference's share has the interval of Korn and Graubard (1998): Clopper
and Pearson's at the effective number of segments. A new run's count is over-dispersed around either end of it: a medium
has its own share, so a night of three films may lie far off. How far each of the two goes is divided as their
variances are, so that together they go as far as the difference of two normal shares would (after Zou and Donner 2008).
That a band holds its level however small the run is, is simulated in the tests. No randomness.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from tasks.numerics.metrics import Bools, Floats, Ints

EXACT = 400
"""Up to so many segments the beta-binomial tail is summed; beyond, the count is as good as continuous."""

MOST_ALIKE = 0.95
"""Correlation within media that is reckoned with at most: at 1, a medium would be a single draw."""


@dataclass(frozen=True)
class Counts:
    """Segments by category, and how many independent ones they are worth.

    Attributes:
        by_category: Shape (…, categories).
        total: Shape (…,).
        effect: Design effect, at least 1: how many segments say as much as one independent one, shape (…,).
    """

    by_category: Ints
    total: Ints
    effect: Floats


def design_effect(total: npt.ArrayLike, squares: npt.ArrayLike, correlation: npt.ArrayLike) -> Floats:
    """1 + (size − 1) · correlation, with the size of a medium as a segment meets it: Σ n²/Σ n.

    Args:
        total, squares: Σ n and Σ n² over the media, n being a medium's segments.
        correlation: Between segments of one medium; taken into 0 … `MOST_ALIKE`.
    """
    total = np.asarray(total, dtype=np.float64)
    size = np.divide(squares, total, out=np.ones_like(total), where=total > 0)
    return np.asarray(1.0 + (np.maximum(size, 1.0) - 1.0) * np.clip(correlation, 0.0, MOST_ALIKE))


def correlation(counts: Ints, squares: float, own: Floats, cross: Floats, media: int) -> float | None:
    """How alike segments of one medium are, over all categories; None where it cannot be told.

    By moments: Σ (x − p n)² over the media is about p (1 − p) Σ n (1 + (n − 1) ρ), x being a medium's segments of a
    category with share p; the sums over the categories are set equal. M/(M − 1) allows for a p of the same data.

    Args:
        counts: Σ x, shape (categories,); they sum to Σ n.
        squares: Σ n² over the media.
        own, cross: Σ x² and Σ x n over the media, shape (categories,).
        media: M.
    """
    total = float(counts.sum())
    share = counts / total if total else np.zeros(len(counts))
    spread = float((share * (1.0 - share)).sum())
    if media < 2 or squares <= total or spread <= 0.0:
        return None
    found = float((own - 2.0 * share * cross + share**2 * squares).sum()) * media / (media - 1)
    return float(np.clip((found / spread - total) / (squares - total), 0.0, 1.0))


def outside(reference: Counts, current: Counts, *, level: float) -> Bools:
    """Whether each count lies where chance puts one with probability of at most `level`, shape (…, categories)."""
    own, other = _tails(reference, current.total, current.effect, level)
    low, high = _ends(reference, other)
    total, effect = current.total[..., None], current.effect[..., None]
    above = upper_tail(current.by_category, total, high, effect) < own[..., None]
    below = lower_tail(current.by_category, total, low, effect) < own[..., None]
    return np.asarray(above | below)


def band(reference: Counts, total: int, effect: float, *, level: float) -> tuple[Floats, Floats]:
    """The least and the greatest share that `outside` leaves alone, in a run of `total` segments.

    Returns:
        Two arrays of shape (…, categories); 0 and 1 where no share at all would be outside.
    """
    own, other = _tails(reference, np.asarray(total), np.asarray(effect), level)
    low, high = _ends(reference, other)
    return (
        1.0 - _greatest(total, 1.0 - low, effect, own[..., None]) / total,
        np.asarray(_greatest(total, high, effect, own[..., None]) / total),
    )


def upper_tail(count: npt.ArrayLike, total: npt.ArrayLike, share: npt.ArrayLike, effect: npt.ArrayLike) -> Floats:
    """P(X ≥ count) of X with this expected share and variance n p (1 − p) · effect, the greater of two; broadcasts.

    Media may each draw a share of their own (beta-binomial), or be all one thing, as they are with languages: then as
    many independent draws as there are effective segments (binomial, the count scaled with them). The first has the
    heavier tail above a rare category, the second below it. With an effect of 1 both are the binomial of the segments.
    """
    arrays = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (count, total, share, effect)))
    x, n, p, wide = (each.ravel() for each in arrays)
    p, wide = np.clip(p, 1e-12, 1 - 1e-12), np.where(n > 1, np.minimum(wide, 0.999 * n), 1.0)
    found = np.ones(len(x))
    there = x > 0
    found[there] = special.betainc(x[there] / wide[there], (n[there] - x[there]) / wide[there] + 1.0, p[there])
    drawn = there & (wide > 1.0 + 1e-9)
    found[drawn] = np.maximum(found[drawn], _beta_binomial(x[drawn], n[drawn], p[drawn], wide[drawn]))
    return np.asarray(found.reshape(arrays[0].shape))


def lower_tail(count: npt.ArrayLike, total: npt.ArrayLike, share: npt.ArrayLike, effect: npt.ArrayLike) -> Floats:
    """P(X ≤ count), as `upper_tail`."""
    return upper_tail(np.asarray(total) - np.asarray(count), total, 1.0 - np.asarray(share), effect)


def _beta_binomial(x: Floats, n: Floats, p: Floats, effect: Floats) -> Floats:
    """P(X ≥ x): summed up to `EXACT` segments; beyond, of the beta distribution of the same mean and variance."""
    found = np.empty(len(x))
    small = n <= EXACT
    if small.any():
        found[small] = _summed(x[small], n[small], p[small], effect[small])
    x, n, p, effect = (each[~small] for each in (x, n, p, effect))
    strength = n / effect - 1.0
    found[~small] = special.betaincc(p * strength, (1.0 - p) * strength, np.maximum(x - 0.5, 0.0) / n)
    return found


def _summed(x: Floats, n: Floats, p: Floats, effect: Floats) -> Floats:
    """The tail by its terms, C(n, k) B(k + a, n − k + b)/B(a, b) for k from x to n: shape (rows,)."""
    strength = (n - 1.0) / (effect - 1.0) - 1.0
    a, b = (p * strength)[:, None], ((1.0 - p) * strength)[:, None]
    n, k = n[:, None], np.arange(n.max() + 1.0)[None, :]
    there = (k >= x[:, None]) & (k <= n)
    k = np.where(there, k, x[:, None])
    choose = special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)
    terms = np.exp(choose + special.betaln(k + a, n - k + b) - special.betaln(a, b))
    return np.asarray(np.minimum(np.where(there, terms, 0.0).sum(axis=1), 1.0))


def _tails(reference: Counts, total: Ints, effect: Floats, level: float) -> tuple[Floats, Floats]:
    """How small a tail of the new run, and of the reference's interval, is beyond chance: shape (…,) each."""
    own, other = effect / total, reference.effect / reference.total
    z = special.ndtri(level / 2) / np.sqrt(own + other)
    return np.asarray(special.ndtr(z * np.sqrt(own))), np.asarray(special.ndtr(z * np.sqrt(other)))


def _ends(reference: Counts, tail: Floats) -> tuple[Floats, Floats]:
    """Korn and Graubard's interval of the reference's shares; each end fails with probability `tail`."""
    effect, tail = reference.effect[..., None], tail[..., None]
    x, n = reference.by_category / effect, reference.total[..., None] / effect
    n = np.broadcast_to(n, x.shape)
    low = np.where(x > 0, special.betaincinv(np.where(x > 0, x, 1.0), n - x + 1.0, tail), 0.0)
    high = np.where(x < n, special.betaincinv(x + 1.0, np.where(x < n, n - x, 1.0), 1.0 - tail), 1.0)
    return np.asarray(low), np.asarray(high)


def _greatest(total: int, share: Floats, effect: float, tail: Floats) -> Floats:
    """The greatest count whose upper tail is at least `tail`, by halving: the tail falls with the count."""
    low, high = np.zeros_like(share), np.full_like(share, total + 1.0)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        there = upper_tail(middle, total, share, effect) >= tail
        low, high = np.where(there, middle, low), np.where(there, high, middle)
    return low
