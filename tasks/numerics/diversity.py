"""How many emotions a set of predictions really uses. No accuracy: a model may use all seven, and all wrongly."""

import math
from dataclasses import dataclass

import numpy as np

from tasks.numerics.metrics import Ints

_NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Diversity:
    """Effective number of classes: 1 where all segments fall to one, N where they spread evenly over N.

    Attributes:
        effective: None without a segment.
        low, high: 95 % interval, as if every segment were drawn by itself; None without a segment.
        reason: Why the figures are None.
    """

    effective: float | None
    low: float | None
    high: float | None
    reason: str | None = None


def diversity(counts: Ints) -> Diversity:
    """Exponential of the entropy of the shares (Hill's number of order 1), exp(H) with H = -Σ p ln p.

    The interval comes from the variance of H by the delta method, (Σ p ln² p - H²)/n (Basharin 1959).

    Args:
        counts: Number of segments of each class, shape (classes,).
    """
    n = int(np.sum(counts))
    if n == 0:
        return Diversity(None, None, None, "there is no decided segment")
    shares = np.asarray(counts, dtype=np.float64)[np.asarray(counts) > 0] / n
    entropy = float(-(shares * np.log(shares)).sum())
    variance = max(0.0, float((shares * np.log(shares) ** 2).sum()) - entropy**2) / n
    reach = _NORMAL_95 * math.sqrt(variance)
    low, high = math.exp(max(0.0, entropy - reach)), math.exp(min(math.log(len(counts)), entropy + reach))
    return Diversity(math.exp(entropy), low, high)
