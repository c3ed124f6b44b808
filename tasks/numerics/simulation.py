"""Labelled sets whose truth is known: what intervals and tests are held against.

Owns the simulated models, the skewed classes, source effects and sets of equal and unequal sources. Draws only; what is
measured on them is in benchmarks/interval_coverage.py and the tests. All randomness comes from the given generator.

A source effect is one number per source, from 0 (hard) to 1 (easy). It moves the chance of being right in every class
together, as a bad recording would: within a source, being right has the intra-class correlation that is asked for
(beta-binomial). The mix of classes differs between sources by as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats

from tasks.numerics.macro import Codes, Floats

SHARES = np.array([20, 2, 2, 3, 2, 2, 0.5]) / 31.5
"""How often each emotion occurs, shape (7,): as in the first labelled set, with a seventh that it mostly lacks."""

_LEANING = 3.0
"""A mistake is this many times as often neutral as any other emotion."""

_GRID = 1000
"""Steps of the source effect between 0 and 1."""


@dataclass(frozen=True, eq=False)
class Population:
    """A model over endless segments from endless sources.

    Attributes:
        confusion: Chance of each prediction given the truth, shape (7, 7); rows sum to 1.
        shares: Chance of each truth, shape (7,).
    """

    confusion: Floats
    shares: Floats

    @property
    def joint(self) -> Floats:
        """Chance of each cell of truth by prediction, shape (7, 7): what a statistic's true value is computed from."""
        return np.asarray(self.shares[:, None] * self.confusion)

    @property
    def accuracy(self) -> float:
        """True accuracy."""
        return float(np.trace(self.joint))


@dataclass(frozen=True)
class LabelledSet:
    """One draw of n segments.

    Attributes:
        truth, source: Shape (n,).
        predictions: Of each model, shape (n,).
    """

    truth: Codes
    source: Codes
    predictions: tuple[Codes, ...]


def population(recalls: npt.ArrayLike, shares: Floats = SHARES) -> Population:
    """A model with these recalls, shape (7,); its mistakes lean to neutral."""
    recall = np.asarray(recalls, dtype=np.float64)
    mistakes = np.ones((7, 7))
    mistakes[:, 0] = _LEANING
    np.fill_diagonal(mistakes, 0)
    mistakes /= mistakes.sum(axis=1, keepdims=True)
    return Population(np.diag(recall) + (1 - recall)[:, None] * mistakes, shares)


def models() -> dict[str, Population]:
    """A poor, a middling and a good model: true accuracy .39, .63, .84, UAR .24, .44, .75."""
    return {
        "poor": population([0.5, 0.2, 0.3, 0.2, 0.1, 0.25, 0.1]),
        "middling": population([0.75, 0.3, 0.5, 0.6, 0.4, 0.3, 0.2]),
        "good": population([0.9, 0.8, 0.7, 0.8, 0.75, 0.6, 0.7]),
    }


def equal_sizes(n: int, sources: int) -> Codes:
    """Sizes of K sources of n segments in all, as equal as can be, shape (K,)."""
    return np.full(sources, n // sources) + (np.arange(sources) < n % sources)


def lopsided_sizes(n: int, sources: int) -> Codes:
    """One source with half of the segments, the others equal, shape (K,)."""
    return np.concatenate([[n // 2], equal_sizes(n - n // 2, sources - 1)])


def falling_sizes(n: int, sources: int) -> Codes:
    """Each source about four fifths of the one before, shape (K,); none is empty."""
    weights = 0.8 ** np.arange(sources)
    sizes = np.maximum(1, np.rint(n * weights / weights.sum())).astype(np.int64)
    sizes[0] += n - sizes.sum()
    return np.asarray(sizes)


def draw(rng: np.random.Generator, of: Sequence[Population], sizes: Codes, *, correlation: float) -> LabelledSet:
    """Draw one labelled set, and what each model says of it; source effects differ between models.

    Args:
        rng: Where the randomness comes from.
        of: The models; the classes' shares are those of the first.
        sizes: Segments of each source, shape (K,).
        correlation: Intra-class correlation, 0 … 1 (not 1).
    """
    source = np.repeat(np.arange(len(sizes)), sizes)
    truth = _draw_truth(rng, of[0].shares, source, len(sizes), correlation)
    predictions = tuple(_draw_prediction(rng, each, truth, source, len(sizes), correlation) for each in of)
    return LabelledSet(truth, source, predictions)


@lru_cache(maxsize=64)
def recalls_by_effect(of: Population, correlation: float) -> Floats:
    """Recall of each class at each step of the source effect, shape (1000, 7); their mean is the model's recall."""
    recall = np.diag(of.confusion)
    if correlation == 0:
        return np.tile(recall, (_GRID, 1))
    steps = (np.arange(_GRID)[:, None] + 0.5) / _GRID
    scale = (1 - correlation) / correlation
    quantiles = np.asarray(stats.beta.ppf(steps, recall * scale, (1 - recall) * scale))
    return np.asarray(np.clip(quantiles + recall - quantiles.mean(axis=0), 0, 1))


def _draw_truth(rng: np.random.Generator, shares: Floats, source: Codes, count: int, correlation: float) -> Codes:
    mixes = np.tile(shares, (count, 1))
    if correlation > 0:
        mixes = rng.dirichlet(shares * (1 - correlation) / correlation, count)
    edges = np.cumsum(mixes, axis=1)[:, :-1]
    return np.asarray((rng.random(len(source))[:, None] > edges[source]).sum(axis=1))


def _draw_prediction(
    rng: np.random.Generator, of: Population, truth: Codes, source: Codes, count: int, correlation: float
) -> Codes:
    effect = rng.integers(0, _GRID, count)
    right = rng.random(len(truth)) < recalls_by_effect(of, correlation)[effect[source], truth]
    return np.where(right, truth, _draw_mistakes(rng, of, truth))


def _draw_mistakes(rng: np.random.Generator, of: Population, truth: Codes) -> Codes:
    mistakes = of.confusion * (1 - np.eye(7))
    edges = np.cumsum(mistakes / np.maximum(mistakes.sum(axis=1, keepdims=True), 1e-300), axis=1)[:, :-1]
    return np.asarray((rng.random(len(truth))[:, None] > edges[truth]).sum(axis=1))
