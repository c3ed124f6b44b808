"""How often the intervals cover in simulation: a look-up of what benchmarks/interval_coverage.py measured.

Owns the choice of the nearest simulated conditions. The figures themselves are in coverage_table.py, which the
benchmark writes; how they come about is in simulation.py.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from math import log

from tasks.numerics.coverage_table import DRAWS, ROWS


@dataclass(frozen=True)
class Condition:
    """One row of the table: an interval simulated over one kind of set.

    Attributes:
        statistic: `accuracy` (plain Wilson), `accuracy_grouped`, `macro_f1_present` (macro F1 over the seven covers
            exactly when it does), `uar`, `difference` (of two models' accuracies).
        n: Segments.
        sources: Sources, and `effective` how many of equal size they are worth.
        correlation: Intra-class correlation of being right, within a source.
        lowest, highest: Share of intervals that cover, over the simulated models: a poor, a middling and a good one.
        width: Mean width of the interval over the same.
    """

    statistic: str
    n: int
    sources: int
    effective: float
    correlation: float
    lowest: float
    highest: float
    width: float


@dataclass(frozen=True)
class Covered:
    """Simulated coverage at the conditions nearest to a set: the worst over them, and what they were."""

    coverage: float
    conditions: str


@cache
def table() -> tuple[Condition, ...]:
    """All simulated conditions."""
    return tuple(Condition(*row) for row in ROWS)


@lru_cache(maxsize=256)
def simulated(statistic: str, n: int, effective: float) -> Covered | None:
    """Coverage for a set of n segments from `effective` sources; None for a statistic that was not simulated.

    Plain Wilson assumes independent segments, and is looked up without source effects; so is any interval where every
    segment counts as its own source.
    """
    rows = [row for row in table() if row.statistic == statistic]
    if not rows:
        return None
    nearest = min(rows, key=lambda row: _distance(row, n, effective))
    alike = [row for row in rows if (row.n, row.sources, row.effective) == _design(nearest)]
    independent = nearest.sources == nearest.n
    kept = [row for row in alike if row.correlation == 0 or not independent]
    return Covered(min(row.lowest for row in kept), _conditions(nearest, [row.correlation for row in kept]))


def _distance(row: Condition, n: int, effective: float) -> float:
    return abs(log(row.n / max(n, 1))) + abs(log(row.effective / max(effective, 1.0)))


def _design(row: Condition) -> tuple[int, int, float]:
    return row.n, row.sources, row.effective


def _conditions(row: Condition, correlations: list[float]) -> str:
    by = "independent segments" if row.sources == row.n else f"{row.sources} sources"
    if row.sources != row.n and row.effective < 0.75 * row.sources:
        by += f" of unequal size (worth {row.effective:.1f})"
    span = f", intra-class correlation 0 to {max(correlations):g}" if len(correlations) > 1 else ""
    return f"worst case of {DRAWS} simulated sets of {row.n} segments, {by}{span}"
