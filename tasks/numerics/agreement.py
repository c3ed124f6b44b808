"""How far raters, or models, agree. Agreement is not accuracy: all may be wrong together.

Raters may miss segments, and a model's undecided segment counts as missing. Ratings are indices of categories (the
taxonomy's, where not said otherwise), with `MISSING` (-1) where there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tasks.numerics.metrics import Ints

MISSING = -1


@dataclass(frozen=True)
class Agreement:
    """Krippendorff's alpha: 1 for perfect agreement, 0 for chance, below 0 for less than chance.

    Attributes:
        alpha: None where undefined.
        segments, ratings: How many have at least two ratings, and how many ratings those have.
        reason: Why alpha is None.
    """

    alpha: float | None
    segments: int
    ratings: int
    reason: str | None = None


@dataclass(frozen=True)
class PairAgreement:
    """Two raters or models.

    Attributes:
        n: Segments that both rated.
        agreement: Share of them on which they agree.
        kappa: Cohen's kappa: agreement beyond what their own shares would give by chance, 1 at most.
        reason: Why a figure is None.
    """

    first: str
    second: str
    n: int
    agreement: float | None
    kappa: float | None
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Consensus:
    """How many of m models choose the commonest label of a segment.

    Attributes:
        majority: The commonest label of each segment, shape (n,); `MISSING` where two are commonest, or none rated.
        votes: How many chose the commonest label, shape (n,).
        at_least: Entry k - 1 is the share of segments on which at least k models choose one label, shape (m,);
            None without a segment.
        tied: Share of segments without one commonest label.
        reason: Why the shares are None.
    """

    majority: Ints
    votes: Ints
    at_least: tuple[float, ...] | None
    tied: float | None
    reason: str | None = None


@dataclass(frozen=True)
class HumanCeiling:
    """Expected accuracy of one rater against the majority of the others.

    Attributes:
        accuracy: Mean over all ratings of segments with at least two; None without one.
        segments, ratings: How many those are.
        tied: Share of the ratings for which the others have no single commonest label.
        reason: Why the figures are None.
    """

    accuracy: float | None
    segments: int
    ratings: int
    tied: float | None
    reason: str | None = None


def krippendorff_alpha(ratings: Ints) -> Agreement:
    """Krippendorff's alpha for nominal categories, any number of raters, ratings missing anywhere.

    1 - observed / expected disagreement over the values that can be paired: those of segments with at least two
    ratings (Krippendorff 2011, "Computing Krippendorff's alpha-reliability"). With m ratings in a segment, n in all:
    observed Σ (m² - Σ_c m_c²)/(m - 1), expected (n² - Σ_c n_c²)/(n - 1).

    Args:
        ratings: Shape (n, raters).
    """
    counts = rating_counts(ratings)
    m = counts.sum(axis=1)
    counts, m = counts[m >= 2], m[m >= 2]
    n = int(m.sum())
    if n == 0:
        return Agreement(None, 0, 0, "no segment has two ratings")
    expected = (n**2 - (counts.sum(axis=0).astype(np.float64) ** 2).sum()) / (n - 1)
    if expected == 0:
        return Agreement(None, len(m), n, "all ratings are the same: agreement by chance cannot be told apart")
    observed = ((m**2 - (counts**2).sum(axis=1)) / (m - 1)).sum()
    return Agreement(float(1 - observed / expected), len(m), n)


def pairwise_agreement(ratings: Ints, names: Sequence[str]) -> tuple[PairAgreement, ...]:
    """Percent agreement and Cohen's kappa of every pair, in the order of `names`.

    Args:
        ratings: One column a rater or model, shape (n, len(names)).
        names: Of the columns.
    """
    ratings = _checked(ratings)
    if ratings.shape[1] != len(names):
        raise ValueError(f"{ratings.shape[1]} columns of ratings, but {len(names)} names; give one a column")
    return tuple(
        _pair(names[first], names[second], ratings[:, first], ratings[:, second])
        for first, second in combinations(range(len(names)), 2)
    )


def consensus(predictions: Ints) -> Consensus:
    """On how many of n segments how many of m models agree; `predictions` has shape (n, m)."""
    counts = rating_counts(predictions)
    votes = counts.max(axis=1, initial=0)
    leaders = (counts == votes[:, None]).sum(axis=1)
    clear = (votes > 0) & (leaders == 1)
    majority = np.where(clear, counts.argmax(axis=1) if counts.size else 0, MISSING)
    if len(votes) == 0:
        return Consensus(majority, votes, None, None, "there are no segments")
    at_least = tuple(float((votes >= k).mean()) for k in range(1, np.shape(predictions)[1] + 1))
    return Consensus(majority, votes, at_least, float((~clear).mean()))


def human_ceiling(ratings: Ints) -> HumanCeiling:
    """Score each rater against the majority of the others, and average over all ratings: what a model may hope for.

    Where t labels tie among the others, the truth is taken to be any of them: a rating that is one of them earns 1/t.
    With two raters it is their percent agreement.

    Args:
        ratings: Shape (n, raters); segments with one rating are left out.
    """
    counts = rating_counts(ratings)
    earned = tied = total = 0.0
    for column in _checked(ratings).T:
        rows = np.flatnonzero((column != MISSING) & (counts.sum(axis=1) >= 2))
        others = counts[rows]
        others[np.arange(len(rows)), column[rows]] -= 1
        leads = others == others.max(axis=1, keepdims=True, initial=0)
        ways = leads.sum(axis=1)
        earned += float((leads[np.arange(len(rows)), column[rows]] / np.maximum(ways, 1)).sum())
        tied += int((ways > 1).sum())
        total += len(rows)
    if total == 0:
        return HumanCeiling(None, 0, 0, None, "no segment has two ratings")
    return HumanCeiling(earned / total, int((counts.sum(axis=1) >= 2).sum()), int(total), tied / total)


def rating_counts(ratings: Ints, *, categories: int | None = None) -> Ints:
    """How often each category was chosen for each segment, shape (n, categories).

    Args:
        ratings: Shape (n, raters).
        categories: How many there are; by default as many as the ratings show.
    """
    ratings = _checked(ratings)
    size = int(ratings.max(initial=0)) + 1 if categories is None else categories
    if ratings.max(initial=0) >= size:
        raise ValueError(f"ratings must be within {MISSING} … {size - 1}, not {ratings.max()}")
    n = len(ratings)
    cells = np.arange(n)[:, None] * (size + 1) + ratings + 1
    return np.bincount(cells.ravel(), minlength=n * (size + 1)).reshape(n, size + 1)[:, 1:]


def _pair(first: str, second: str, a: Ints, b: Ints) -> PairAgreement:
    both = (a != MISSING) & (b != MISSING)
    n = int(both.sum())
    if n == 0:
        return PairAgreement(first, second, 0, None, None, "there is no segment that both rated")
    a, b = a[both], b[both]
    agreement = float((a == b).mean())
    size = int(max(a.max(), b.max())) + 1
    by_chance = float(np.bincount(a, minlength=size) / n @ (np.bincount(b, minlength=size) / n))
    if by_chance == 1.0:
        return PairAgreement(first, second, n, agreement, None, "both give one and the same label throughout")
    return PairAgreement(first, second, n, agreement, (agreement - by_chance) / (1 - by_chance))


def _checked(ratings: Ints) -> Ints:
    ratings = np.asarray(ratings)
    if ratings.ndim != 2 or ratings.dtype.kind not in "iu" or ratings.min(initial=0) < MISSING:
        raise ValueError(
            f"ratings must be whole numbers ≥ {MISSING} of shape (segments, raters), not {ratings.dtype} of shape "
            f"{ratings.shape}"
        )
    return ratings.astype(np.int64)
