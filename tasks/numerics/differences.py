"""How much two models differ on the same segments: paired differences of accuracy, macro F1 and UAR, with intervals.

Owns the differences and their standard errors, by source, for all pairs at once. Tests are in significance.py; verdicts
and rankings in comparison.py. All differences are `second` less `first`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from actors.contract import TAXONOMY
from tasks.numerics.coverage import simulated
from tasks.numerics.intervals import LEVEL, Interval, few_note, interval
from tasks.numerics.macro import Codes, Floats, Statistic, confusion, linear, present
from tasks.numerics.sources import ONE_SOURCE, Sources, blended, effect_of, group

Figure = Literal["accuracy"] | Statistic

METHOD = "t at the effective number of sources, by source"


@dataclass(frozen=True)
class Difference:
    """One figure of the second model less that of the first.

    Attributes:
        value: As observed.
        centre, error: Middle and standard error of its interval, both with half a segment added that only the first has
            right, and half that only the second has. With one source the error is None.
        sources: Which segments hang together.
        statistic: Of what: `accuracy`, `macro_f1_present` or `uar`.
    """

    value: float
    centre: float
    error: float | None
    sources: Sources
    statistic: Figure

    def interval(self, level: float = LEVEL) -> Interval:
        """Interval of the true difference, by source."""
        if self.error is None:
            return Interval(None, None, METHOD, level, note=ONE_SOURCE)
        half = self.sources.critical(level) * self.error
        low, high = max(self.centre - half, -1.0), min(self.centre + half, 1.0)
        name = "difference" if self.statistic == "accuracy" else f"{self.statistic}_difference"
        covered = simulated(name, len(self.sources.index), self.sources.effective)
        return interval(low, high, METHOD, level, covered, few_note(self.sources))

    def probability_better(self) -> float | None:
        """That the second is truly better, 0 … 1, by the same t as the interval; None with one source."""
        if self.error is None:
            return None
        return float(special.stdtr(self.sources.degrees, self.centre / self.error))


@dataclass(frozen=True)
class MacroDifference:
    """Two models' differences of macro F1 and UAR over the labels present.

    Attributes:
        first, second: Their names.
        share: Labels present, of the seven: macro F1 over the seven differs by this much of `macro_f1_present`.
    """

    first: str
    second: str
    macro_f1_present: Difference
    uar: Difference
    share: float


def accuracy_differences(right: npt.NDArray[np.bool_], sources: Sources) -> tuple[Difference, ...]:
    """Difference of accuracy of every pair of models.

    Args:
        right: Whether each of m models has each of n segments right, shape (m, n); n > 0.
        sources: Which source each segment is from.

    Returns:
        The pairs of `itertools.combinations(range(m), 2)`, in that order.
    """
    n = right.shape[1]
    figures = _Figures("accuracy", right.mean(axis=1), right.T / n, np.full(len(right), 0.5 / n**2))
    effects = _effects(figures.values, sources) if sources.count > 1 else None
    return _pairs(figures, effects, sources)


def macro_differences(
    truth: npt.ArrayLike, predictions: Mapping[str, npt.ArrayLike], source: npt.ArrayLike | Sources
) -> tuple[MacroDifference, ...]:
    """Difference of macro F1 and UAR of every pair of models; none where there are no segments.

    As for one model's intervals (intervals.py), the variance is smoothed and multiplied by a blended design effect.

    Args:
        truth: Shape (n,), indices into the taxonomy.
        predictions: By model, shape (n,), the same, −1 where undecided.
        source: Which source each segment is from, shape (n,).
    """
    codes, sources = np.asarray(truth), group(source)
    if not (codes.size and predictions):
        return ()
    columns = [np.asarray(each) for each in predictions.values()]
    matrices = [confusion(codes, each) for each in columns]
    right = np.stack([each == codes for each in columns], axis=1) / len(codes)
    plain = _effects(right, sources) if sources.count > 1 else None
    f1, uar = (
        _macro_pairs(_macro_figures(statistic, codes, columns, matrices), plain, sources)
        for statistic in ("macro_f1_present", "uar")
    )
    share = float(present(matrices[0]).sum()) / len(TAXONOMY)
    names = combinations(predictions, 2)
    return tuple(MacroDifference(a, b, x, y, share) for (a, b), x, y in zip(names, f1, uar, strict=True))


@dataclass(frozen=True)
class _Figures:
    """One statistic of m models.

    Attributes:
        observed: Shape (m,).
        values: What each segment adds to it, shape (n, m).
        added: Variance that the observed segments do not show, shape (m,): half a flipped segment, and smoothing.
    """

    statistic: Figure
    observed: Floats
    values: Floats
    added: Floats


def _macro_figures(statistic: Statistic, truth: Codes, columns: list[Codes], matrices: list[Floats]) -> _Figures:
    lines = [linear(statistic, matrix) for matrix in matrices]
    values = np.stack([line.influence[truth, each] for line, each in zip(lines, columns, strict=True)], axis=1)
    smooth = np.array([line.variance for line in lines]) - ((values - values.mean(axis=0)) ** 2).sum(axis=0)
    halves = np.array([line.flip for line in lines]) / 2
    return _Figures(statistic, np.array([line.value for line in lines]), values, np.maximum(smooth, 0) + halves)


def _macro_pairs(figures: _Figures, plain: Floats | None, sources: Sources) -> tuple[Difference, ...]:
    effects = None if plain is None else blended(_effects(figures.values, sources), plain)
    return _pairs(figures, effects, sources)


def _pairs(figures: _Figures, effects: Floats | None, sources: Sources) -> tuple[Difference, ...]:
    """All pairs, from the design effects of their differences, shape (m, m), or None with one source."""
    kept = len(figures.values) / (len(figures.values) + 2)
    variances = _of_differences(figures.values - figures.values.mean(axis=0)) + figures.added[:, None] + figures.added
    errors = None if effects is None else kept * np.sqrt(effects * variances)
    return tuple(
        Difference(
            value=float(figures.observed[b] - figures.observed[a]),
            centre=float(kept * (figures.observed[b] - figures.observed[a])),
            error=None if errors is None else float(errors[a, b]),
            sources=sources,
            statistic=figures.statistic,
        )
        for a, b in combinations(range(len(figures.observed)), 2)
    )


def _effects(values: Floats, sources: Sources) -> Floats:
    """Design effect of the difference of each pair of columns of `values` (n, m), shape (m, m)."""
    within = _of_differences(values - values.mean(axis=0))
    between = _of_differences(sources.residuals(values))
    return effect_of(between, within, sources.count, scale=_of_differences(values, plus=True))


def _of_differences(columns: Floats, *, plus: bool = False) -> Floats:
    """Sum of squares of the difference (or the sum) of each pair of columns, shape (m, m), from one matrix product."""
    products = columns.T @ columns
    squares = np.diag(products)
    return np.asarray(np.maximum(squares[:, None] + squares + (2 if plus else -2) * products, 0.0))
