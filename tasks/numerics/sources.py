"""Segments of one source resemble each other: groups of segments, and what that does to a variance.

Owns the grouping and the design effect, which intervals and comparisons share. Knows no metric.
A source is whatever the caller groups by: a medium, a film, a speaker.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_DESIGN_EFFECT = 0.25
"""A few sources may agree by chance. Without a floor the interval then shrinks to a point; a floor of 1 (never narrower
than independent segments) covers 98 to 100 % with five sources or fewer, this one 96 to 97 %."""

FEW_SOURCES = 5
"""With fewer, a set cannot speak for other sources."""

ONE_SOURCE = "all segments are from one source: nothing can be said about other sources"
"""Why a set of one source has no interval by source."""


@dataclass(frozen=True)
class Sources:
    """Which of K sources each of n segments comes from.

    Attributes:
        index: Number of the source, shape (n,), 0 … K − 1.
        sizes: Segments of each source, shape (K,), all above 0.
    """

    index: Ints
    sizes: Ints

    @property
    def count(self) -> int:
        """K."""
        return len(self.sizes)

    @cached_property
    def effective(self) -> float:
        """How many sources of equal size would say as much (Kish 1965): K if all are equal, 4 if one has half."""
        return float(self.sizes.sum() ** 2 / (self.sizes.astype(np.float64) ** 2).sum()) if self.count else 0.0

    @property
    def degrees(self) -> float:
        """Degrees of freedom of what differs between sources: `effective` − 1, at least 1."""
        return max(self.effective - 1, 1.0)

    def critical(self, level: float = 0.95) -> float:
        """Two-sided point of Student's t at these degrees of freedom."""
        return float(special.stdtrit(self.degrees, (1 + level) / 2))

    def totals(self, values: Floats) -> Floats:
        """Sum of each column within each source: (n, m) → (K, m)."""
        columns = [np.bincount(self.index, weights=column, minlength=self.count) for column in values.T]
        return np.stack(columns, axis=1) if columns else np.zeros((self.count, 0))

    def residuals(self, values: Floats) -> Floats:
        """What each source's total differs from its share of the whole: (n, m) → (K, m)."""
        return np.asarray(self.totals(values) - self.sizes[:, None] * values.mean(axis=0))


def group(source: npt.ArrayLike | Sources) -> Sources:
    """Number the sources of n segments; any codes, shape (n,)."""
    if isinstance(source, Sources):
        return source
    codes = np.asarray(source)
    if codes.ndim != 1:
        raise ValueError(f"source must have shape (n,), not {codes.shape}: give one code for each segment")
    _, index, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    return Sources(index.astype(np.int64), sizes.astype(np.int64))


def design_effect(values: Floats, sources: Sources) -> Floats:
    """How many times the variance of a mean exceeds that of independent segments.

    The ratio estimator's variance between sources, K / (K − 1) Σ residual², over Σ (value − mean)² (Cochran 1977,
    Sampling Techniques, 3rd ed., 9A). 1 where the values do not vary; at least `LEAST_DESIGN_EFFECT`.

    Args:
        values: Shape (n, m), or (n,).
        sources: At least two.

    Returns:
        Shape (m,).
    """
    columns = values.reshape(len(values), -1).astype(np.float64)
    between = (sources.residuals(columns) ** 2).sum(axis=0)
    within = ((columns - columns.mean(axis=0)) ** 2).sum(axis=0)
    return effect_of(between, within, sources.count, scale=(columns**2).sum(axis=0))


def blended(own: Floats, plain: Floats) -> Floats:
    """Design effect of a macro statistic: own^⅔ · plain^⅓.

    Rare classes make its own unsteady and mostly too small; that of the accuracy is steady and too large. Simulated at
    300 segments, 5 to 30 sources and a correlation of 0 to .1, intervals by the first alone cover 91 to 97 %, by the
    second 94 to 99 %, by this one 93 to 98 %.
    """
    return np.asarray(own ** (2 / 3) * plain ** (1 / 3))


def effect_of(between: Floats, within: Floats, count: int, *, scale: Floats) -> Floats:
    """The design effect from sums of squares: between `count` sources, within all segments; `scale`: what 0 is 0 of."""
    varies = within > 1e-12 * scale  # what a matrix product leaves of 0
    ratio = np.divide(count / (count - 1) * between, within, out=np.ones_like(within), where=varies)
    return np.asarray(np.maximum(ratio, LEAST_DESIGN_EFFECT))
