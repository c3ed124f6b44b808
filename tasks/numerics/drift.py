"""Whether the shares of the emotions moved between a reference run and this one: a warning light, not accuracy.

Two small nights differ by chance alone, so every divergence stands beside the band that two samples of these sizes from
the same shares would show. Segments of one source are alike, which widens that band: `drift_by_source` allows for it.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tasks.numerics.metrics import Floats, Ints

LEAST_SOURCES = 5
"""With fewer sources on either side, the spread between sources cannot be told."""

_SMOOTHING = 0.5
_MANY_SOURCES = 500
"""From here on the sum over drawn sources is taken to be normal: drawing each would take long and show the same."""
_DRAWN = 250_000
"""Sources drawn in one block."""


@dataclass(frozen=True)
class Band:
    """What chance alone shows: 95 % and 99.9 % of simulated pairs lie at or below."""

    usual: float
    extreme: float


@dataclass(frozen=True)
class Drift:
    """How far two runs' class shares lie apart, and how far chance would put them.

    Attributes:
        reference, current: Number of segments of each.
        jensen_shannon: 0 for equal shares … 1 for shares without overlap.
        population_stability_index: 0 for equal shares, without an upper end.
        jensen_shannon_band, population_stability_band: Under the same shares.
        design_effect: How many times wider the sources make the usual Jensen-Shannon band; None where not asked for.
        verdict: `drifted` where the Jensen-Shannon divergence is beyond the extreme end of its band, which chance
            alone reaches once in a thousand runs. None where it cannot be told.
        reason: Why the verdict, and perhaps figures, are None.
    """

    reference: int
    current: int
    jensen_shannon: float | None
    population_stability_index: float | None
    jensen_shannon_band: Band | None
    population_stability_band: Band | None
    design_effect: float | None
    verdict: Literal["same", "drifted"] | None
    reason: str | None = None


def drift(reference: Ints, current: Ints, *, seed: int, draws: int = 10_000) -> Drift:
    """Compare two runs as if every segment were drawn by itself.

    Args:
        reference, current: Number of segments of each class, shape (classes,).
        seed: Of the simulated band; equal seeds give equal bands.
        draws: Simulated pairs; the extreme end rests on the uppermost thousandth of them.

    Raises:
        ValueError: What is given are no counts, or not of the same classes.
    """
    reference, current = _checked(reference), _checked(current)
    if reference.shape != current.shape:
        raise ValueError(f"both runs must count the same classes, not {len(reference)} and {len(current)}")
    if reference.sum() == 0 or current.sum() == 0:
        return _empty(reference, current)
    rng = np.random.default_rng(seed)
    shares = (reference + current) / (reference.sum() + current.sum())
    null = rng.multinomial(reference.sum(), shares, draws), rng.multinomial(current.sum(), shares, draws)
    return _judged(reference, current, null)


def drift_by_source(reference: Ints, current: Ints, *, seed: int, draws: int = 10_000) -> Drift:
    """Compare two runs whose segments come by source: the band is simulated by drawing whole sources of both runs.

    Args:
        reference, current: Number of segments by source and class, shapes (sources, classes).
        seed, draws: As for `drift`.
    """
    reference, current = _checked(reference, axes=2), _checked(current, axes=2)
    reference, current = reference[reference.sum(axis=1) > 0], current[current.sum(axis=1) > 0]
    totals = reference.sum(axis=0), current.sum(axis=0)
    simple = drift(*totals, seed=seed, draws=draws)
    if simple.jensen_shannon_band is None:
        return simple
    if min(len(reference), len(current)) < LEAST_SOURCES:
        reason = f"a run has fewer than {LEAST_SOURCES} sources: how much sources differ by chance cannot be told"
        return replace(simple, jensen_shannon_band=None, population_stability_band=None, verdict=None, reason=reason)
    rng = np.random.default_rng(seed)
    pool = np.concatenate([reference, current])
    found = _judged(*totals, (_sums(pool, len(reference), rng, draws), _sums(pool, len(current), rng, draws)))
    return replace(found, design_effect=_ratio(found.jensen_shannon_band, simple.jensen_shannon_band))


def jensen_shannon(reference: Ints | Floats, current: Ints | Floats) -> Floats:
    """Jensen-Shannon divergence of class shares, base 2 (Lin 1991), 0 … 1, over the last axis of two arrays of counts.

    Half the divergence of each from their mean m = (p + q)/2: ½ Σ p log₂(p/m) + ½ Σ q log₂(q/m).
    """
    p, q = _shares(reference), _shares(current)
    mean = (p + q) / 2
    return np.asarray(np.clip((_divergence(p, mean) + _divergence(q, mean)) / 2, 0.0, 1.0))


def population_stability_index(reference: Ints | Floats, current: Ints | Floats) -> Floats:
    """Σ (q - p) · ln(q/p) of class shares, over the last axis of two arrays of counts; ≥ 0, and 0 for equal counts.

    Half a segment is added to every class, without which an empty class would make it infinite. By custom 0.1 counts
    as some and 0.25 as much change; with few segments, chance alone shows more.
    """
    p, q = _shares(reference, _SMOOTHING), _shares(current, _SMOOTHING)
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


def _judged(reference: Ints, current: Ints, null: tuple[Ints | Floats, Ints | Floats]) -> Drift:
    divergence = float(jensen_shannon(reference, current))
    band = _band(jensen_shannon(*null))
    return Drift(
        int(reference.sum()),
        int(current.sum()),
        divergence,
        float(population_stability_index(reference, current)),
        band,
        _band(population_stability_index(*null)),
        None,
        "drifted" if divergence > band.extreme else "same",
    )


def _empty(reference: Ints, current: Ints) -> Drift:
    counts = int(reference.sum()), int(current.sum())
    return Drift(*counts, None, None, None, None, None, None, "one of the runs has no decided segment")


def _sums(pool: Ints, size: int, rng: np.random.Generator, draws: int) -> Ints | Floats:
    """Counts by class of `size` sources drawn from the pool with replacement, shape (draws, classes)."""
    if size > _MANY_SOURCES:
        spread = np.atleast_2d(np.cov(pool.T, ddof=0))
        normal = rng.multivariate_normal(size * pool.mean(axis=0), size * spread, draws, method="eigh")
        return np.maximum(normal, 0.0)
    # A block of draws at a time: ten thousand draws from a hundred thousand sources would take gigabytes.
    blocks = np.array_split(np.arange(draws), -(-draws * size // _DRAWN))
    return np.concatenate([pool[rng.integers(len(pool), size=(len(each), size))].sum(axis=1) for each in blocks])


def _divergence(shares: Floats, mean: Floats) -> Floats:
    """Kullback-Leibler divergence over the last axis, in bits; an empty class adds nothing."""
    ratio = np.divide(shares, mean, out=np.ones_like(shares), where=shares > 0)
    return np.asarray((shares * np.log2(ratio)).sum(axis=-1))


def _band(null: Floats) -> Band:
    usual, extreme = np.quantile(null, [0.95, 0.999])
    return Band(float(usual), float(extreme))


def _ratio(wide: Band | None, narrow: Band | None) -> float | None:
    return wide.usual / narrow.usual if wide and narrow and narrow.usual > 0 else None


def _shares(counts: Ints | Floats, added: float = 0.0) -> Floats:
    counts = np.asarray(counts, dtype=np.float64) + added
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _checked(counts: Ints, *, axes: int = 1) -> Ints:
    counts = np.asarray(counts)
    if counts.ndim != axes or counts.dtype.kind not in "iu" or counts.min(initial=0) < 0:
        wanted = "(classes,)" if axes == 1 else "(sources, classes)"
        raise ValueError(f"counts must be whole numbers ≥ 0 of shape {wanted}, not {counts.dtype} of {counts.shape}")
    return counts.astype(np.int64)
