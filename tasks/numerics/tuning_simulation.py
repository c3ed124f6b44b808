"""Evidence whose best decision is known: what the verdict of a search is held against.

Owns models that say the true conditional probabilities of equally frequent emotions, so that the plain argmax is the
best decision for every objective, and models that lean to neutral by a known amount. Draws only; what is measured on
the draws is in benchmarks/tuning_simulation.py and the tests.

A segment of emotion y is seven normal figures, of which the y-th lies `clarity` higher. Then clarity · figures are
the logits of the true posterior. Sources differ in clarity, which the model knows, and in their mix of emotions,
which it does not; over sources the posterior stays calibrated. Being right has the intra-class correlation that is
asked for.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from actors.contract import TAXONOMY
from tasks.numerics.grid import Evidence
from tasks.numerics.simulation import equal_sizes

Floats = npt.NDArray[np.float64]

_K = len(TAXONOMY)
_CLARITIES = np.linspace(0.0, 8.0, 401)


@dataclass(frozen=True)
class Listener:
    """A model over endless segments from endless sources.

    Attributes:
        accuracy: How often its argmax would be right without the bias, 1/7 … 1 (not 1).
        bias: Added to the logit of neutral; exp(−bias) is the suppression that takes it away.
    """

    accuracy: float = 0.55
    bias: float = 0.0


def draw_evidence(
    rng: np.random.Generator, of: Listener, n: int, sources: int, *, correlation: float = 0.0
) -> Evidence:
    """n labelled segments from sources of like size.

    Args:
        rng: Where the randomness comes from.
        of: The model.
        n: Segments, at least one a source.
        sources: Their number.
        correlation: Intra-class correlation of being right, 0 … 1 (not 1); mixes of emotions differ by as much.
    """
    source = np.repeat(np.arange(sources), equal_sizes(n, sources))
    clarity, mixes = np.full(sources, _clarity(of.accuracy)), np.full((sources, _K), 1 / _K)
    if correlation > 0:
        scale = (1 - correlation) / correlation
        right = rng.beta(of.accuracy * scale, (1 - of.accuracy) * scale, sources)
        clarity = np.array([_clarity(each) for each in np.clip(right, 1 / _K, 0.999)])
        mixes = rng.dirichlet(np.full(_K, scale / _K), sources)
    edges = np.cumsum(mixes, axis=1)[:, :-1]
    truth = np.asarray((rng.random(n)[:, None] > edges[source]).sum(axis=1), dtype=np.int64)
    figures = rng.standard_normal((n, _K)) + clarity[source, None] * np.eye(_K)[truth]
    logits = clarity[source, None] * figures
    logits[:, 0] += of.bias
    return Evidence(truth, logits, np.eye(_K), source, rng.random(n) * 600)


def _clarity(accuracy: float) -> float:
    return float(np.interp(accuracy, _accuracies(), _CLARITIES))


@lru_cache(maxsize=1)
def _accuracies() -> Floats:
    """Chance that the y-th of seven normal figures is the largest, by how much higher it lies: ∫ φ(t − c) Φ(t)⁶ dt."""
    t = np.linspace(-8, 16, 2401)
    density = stats.norm.pdf(t - _CLARITIES[:, None]) * special.ndtr(t) ** (_K - 1)
    return np.asarray(density.sum(axis=1) * (t[1] - t[0]))
