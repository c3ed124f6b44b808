"""How far the accuracy, macro F1 and UAR of one model can be trusted on one labelled set: 95 % intervals.

One rule for all: Wilson's interval at the effective number of segments, which is as many independent segments as would
say as much. Source effects (sources.py) and, for macro F1 and UAR, rare classes make it smaller than n. No randomness.
Weights are not known here: intervals are of unweighted figures. How often each interval covers is simulated by
benchmarks/interval_coverage.py and looked up in coverage.py. Comparisons of models are in comparison.py.

What is covered: the value that the statistic would have over endless segments from endless sources of this kind. For
macro F1 and UAR it is averaged over the labels that this set has; a label that the set lacks is not spoken about.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import special

from actors.contract import TAXONOMY
from tasks.numerics.coverage import Covered, simulated
from tasks.numerics.macro import Codes, Floats, Statistic, confusion, linear, present
from tasks.numerics.sources import FEW_SOURCES, ONE_SOURCE, Sources, blended, design_effect, group

LEVEL = 0.95

_EMPTY = "there are no labelled segments"
_INDEPENDENT = f"{ONE_SOURCE}; segments are counted as independent"


@dataclass(frozen=True)
class Interval:
    """Where a figure lies, as far as the set can say.

    Attributes:
        low, high: The bounds, or None where there are none; then `note` says why.
        method: How it was made, in words.
        level: How often it should cover.
        coverage: How often it did in simulation, at the conditions nearest to this set, in the worst of them.
        conditions: Which conditions those were, in words.
        note: What to know before trusting it.
    """

    low: float | None
    high: float | None
    method: str
    level: float = LEVEL
    coverage: float | None = None
    note: str | None = None
    conditions: str | None = None


@dataclass(frozen=True)
class MacroIntervals:
    """Intervals of one model's macro F1 over the seven, macro F1 over the labels present, and UAR over the same."""

    macro_f1: Interval
    macro_f1_present: Interval
    uar: Interval


def wilson(correct: int, n: int, *, level: float = LEVEL) -> Interval:
    """Wilson's (1927) score interval of `correct` of n independent segments: 20 of 31 give 0.469 … 0.789."""
    method = "Wilson"
    if not 0 <= correct <= n:
        raise ValueError(f"correct must be from 0 to n = {n}, not {correct}")
    if n == 0:
        return Interval(None, None, method, level, note=_EMPTY)
    low, high = wilson_bounds(correct / n, n, level=level)
    return interval(low, high, method, level, simulated("accuracy", n, n))


def wilson_grouped(right: npt.NDArray[np.bool_], source: npt.ArrayLike | Sources, *, level: float = LEVEL) -> Interval:
    """Wilson's interval at the effective number of segments, given how much sources differ.

    Args:
        right: Whether each segment is right, shape (n,).
        source: Which source each is from, shape (n,). The critical value is Student's t with (effective sources − 1)
            degrees of freedom: K − 1 where all K are of one size.
        level: How often it should cover.
    """
    method = "Wilson at the effective n, by source"
    sources = group(source)
    _check_lengths(right, sources)
    if sources.count < 2:
        return Interval(None, None, method, level, note=ONE_SOURCE if sources.count else _EMPTY)
    effect = float(design_effect(right.astype(np.float64), sources)[0])
    low, high = wilson_bounds(float(right.mean()), len(right) / effect, level=level, sources=sources)
    return interval(
        low, high, method, level, simulated("accuracy_grouped", len(right), sources.effective), few_note(sources)
    )


def macro_intervals(
    truth: npt.ArrayLike, prediction: npt.ArrayLike, source: npt.ArrayLike | Sources | None, *, level: float = LEVEL
) -> MacroIntervals:
    """Intervals of macro F1 and UAR.

    The variance comes from the smoothed confusion matrix by linearisation. Where there are sources, it is multiplied
    by a design effect, which blends the statistic's own and the accuracy's (`sources.blended`).

    Args:
        truth: Shape (n,), indices into the taxonomy.
        prediction: Shape (n,), the same, −1 where undecided (wrong).
        source: Which source each is from, shape (n,); None: count segments as independent. So it is with one source.
        level: How often they should cover.
    """
    matrix = confusion(truth, prediction)
    cells = np.asarray(truth), np.asarray(prediction)
    sources = None if source is None else group(source)
    if sources is not None:
        _check_lengths(cells[0], sources)
    over_present = _macro("macro_f1_present", matrix, cells, sources, level)
    return MacroIntervals(
        macro_f1=_scaled(over_present, float(present(matrix).sum()) / len(TAXONOMY)),
        macro_f1_present=over_present,
        uar=_macro("uar", matrix, cells, sources, level),
    )


def wilson_bounds(
    share: float, n: float, *, level: float = LEVEL, sources: Sources | None = None
) -> tuple[float, float]:
    """Bounds of a share of n segments; n need not be whole. With `sources`, n shrinks by (z / t)²."""
    z = float(special.ndtri((1 + level) / 2))
    if sources is not None:
        n *= (z / sources.critical(level)) ** 2
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)


def interval(
    low: float, high: float, method: str, level: float, covered: Covered | None, note: str | None = None
) -> Interval:
    """An interval with its simulated coverage, which is known at `LEVEL` only."""
    if covered is None or level != LEVEL:
        return Interval(low, high, method, level, note=note)
    return Interval(low, high, method, level, covered.coverage, note, covered.conditions)


def few_note(sources: Sources) -> str | None:
    """What to say about a set with few sources; None where there are enough."""
    if sources.count >= FEW_SOURCES:
        return None
    return f"only {sources.count} sources: the set cannot speak for other sources (at least {FEW_SOURCES} are needed)"


def _macro(
    statistic: Statistic, matrix: Floats, cells: tuple[Codes, Codes], sources: Sources | None, level: float
) -> Interval:
    grouped = sources if sources is not None and sources.count > 1 else None
    method = "Wilson at the effective n" + (", by source" if grouped else "")
    n = int(matrix.sum())
    if n == 0:
        return Interval(None, None, method, level, note=_EMPTY)
    line = linear(statistic, matrix)
    n_effective = line.centre * (1 - line.centre) / line.variance
    if grouped is None:
        low, high = wilson_bounds(line.value, n_effective, level=level)
        return interval(low, high, method, level, simulated(statistic, n, n), None if sources is None else _INDEPENDENT)
    right = cells[0] == cells[1]
    own, plain = design_effect(np.stack([line.influence[cells], right], axis=1), grouped)
    low, high = wilson_bounds(line.value, n_effective / float(blended(own, plain)), level=level, sources=grouped)
    return interval(low, high, method, level, simulated(statistic, n, grouped.effective), few_note(grouped))


def _scaled(over_present: Interval, share: float) -> Interval:
    """Of macro F1 over the seven: an absent label counts 0, for certain."""
    if over_present.low is None or over_present.high is None:
        return over_present
    return replace(over_present, low=over_present.low * share, high=over_present.high * share)


def _check_lengths(values: npt.NDArray[np.generic], sources: Sources) -> None:
    if values.shape != sources.index.shape:
        raise ValueError(f"there are {values.shape} segments and {sources.index.shape} source codes: give one for each")
