"""Whether a probability of 0.8 is right 8 times in 10: reliability, calibration error with its null band, temperature.

The expected calibration error (ECE) of a perfectly calibrated model is not 0: with 31 segments in 15 bins it is about
0.2. So it never stands alone here, but beside what a calibrated model with the very same probabilities would show.
Cross-entropy and Brier score, which need no bins, are in metrics.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from tasks.numerics.metrics import LOG_FLOOR, Bools, Floats, Ints, renormalised

Scheme = Literal["equal_mass", "equal_width"]
BINS = 15
TEMPERATURES = (0.05, 20.0)
"""Where a temperature is looked for."""

_ENOUGH_VARIANCE = 100.0
"""A bin whose number of hits varies by more than this is drawn from a normal distribution: skewness under 0.1."""
_DRAWN_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Bin:
    """Segments of like probability.

    Attributes:
        low, high: Least and greatest probability in it.
        n: Number of segments, at least 1.
        confidence, accuracy: Mean probability, and the share that came true.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class CalibrationError:
    """ECE: mean over the segments of |confidence - accuracy| of their bin, and its null band.

    Attributes:
        value: 0 … 1, or None without a segment.
        low, high: 2.5 and 97.5 % quantile of what a perfectly calibrated model with these probabilities shows.
        n: Number of segments; undecided ones are left out.
        reason: Why the figures are None.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str | None = None

    @property
    def miscalibrated(self) -> bool:
        """Whether the error is more than chance explains."""
        return self.value is not None and self.high is not None and self.value > self.high


@dataclass(frozen=True)
class Temperature:
    """The temperature of greatest likelihood.

    Attributes:
        value: Divides the logits; above 1 the model was too sure of itself. None without a segment.
        before, after: Cross-entropy in nats at temperature 1, and at `value`.
        at_bound: `value` is the end of `TEMPERATURES`: the labels set no limit (all right, or no better than chance).
        n: Number of segments it was fitted on.
        reason: Why the figures are None.
    """

    value: float | None
    before: float | None
    after: float | None
    at_bound: bool
    n: int
    reason: str | None = None


def reliability(truth: Ints, posterior: Floats, *, bins: int = BINS, scheme: Scheme = "equal_mass") -> tuple[Bin, ...]:
    """Confidence of the chosen emotion against accuracy; empty bins are left out.

    Args:
        truth: Indices into the taxonomy, shape (n,).
        posterior: Shape (n, 7), rows of NaN where undecided; those are left out.
        bins: Number of bins at most.
        scheme: Bins of as near as possible the same number of segments (equal probabilities stay together), or of
            the same width over 0 … 1.
    """
    confidence, hit = _chosen(truth, posterior)
    if len(hit) == 0:
        return ()
    where = _bins(confidence, bins, scheme)
    n = np.bincount(where)
    sure, right = np.bincount(where, confidence), np.bincount(where, hit)
    return tuple(
        Bin(
            float(confidence[where == each].min()),
            float(confidence[where == each].max()),
            int(n[each]),
            float(sure[each] / n[each]),
            float(right[each] / n[each]),
        )
        for each in np.flatnonzero(n)
    )


def calibration_error(
    truth: Ints, posterior: Floats, *, seed: int, bins: int = BINS, scheme: Scheme = "equal_mass", draws: int = 1000
) -> CalibrationError:
    """ECE of the chosen emotion's probability, with the band of a calibrated model.

    The band is simulated: each segment is right with the probability that the model gave it.

    Args:
        truth, posterior, bins, scheme: As for `reliability`.
        seed: Of the simulation; equal seeds give equal bands.
        draws: Number of simulated sets.
    """
    confidence, hit = _chosen(truth, posterior)
    return _error(confidence, hit, np.random.default_rng(seed), bins, scheme, draws)


def fit_temperature(truth: Ints, logits: Floats) -> Temperature:
    """Fit the temperature that softmax(logits / temperature) is most likely with (Guo et al., 2017).

    The likelihood is concave in 1 / temperature, so it has one peak. For recorded posteriors pass `log_posterior`.

    Args:
        truth: Index of the true column, shape (n,).
        logits: Shape (n, labels); rows with NaN are left out.

    Raises:
        ValueError: Shapes differ, a logit is infinite, or truth is not a column.
    """
    if np.ndim(logits) != 2 or len(logits) != len(truth):
        raise ValueError(f"logits must have shape ({len(truth)}, labels), one row a segment, not {np.shape(logits)}")
    known = ~np.isnan(logits).any(axis=1)
    rows, truth = np.asarray(logits, dtype=np.float64)[known], np.asarray(truth)[known]
    if len(truth) == 0:
        return Temperature(None, None, None, False, 0, "no labelled segment has logits")
    if not np.isfinite(rows).all() or truth.min() < 0 or truth.max() >= rows.shape[1]:
        raise ValueError(
            f"logits must be finite, and truth within 0 … {rows.shape[1] - 1}, their columns; it is within "
            f"{truth.min()} … {truth.max()}"
        )
    low, high = np.log(TEMPERATURES)
    best = minimize_scalar(lambda log: _loss(truth, rows, float(np.exp(log))), bounds=(low, high), method="bounded")
    at_bound = bool(min(best.x - low, high - best.x) < 1e-3)
    return Temperature(float(np.exp(best.x)), _loss(truth, rows, 1.0), float(best.fun), at_bound, len(truth))


def log_posterior(posterior: Floats) -> Floats:
    """Recorded posteriors as logits: their logarithm, floored at `LOG_FLOOR`, shape (n, 7); NaN where undecided."""
    return np.asarray(np.log(np.maximum(renormalised(posterior), LOG_FLOOR)))


def _loss(truth: Ints, logits: Floats, temperature: float) -> float:
    scaled = logits / temperature
    return float((logsumexp(scaled, axis=1) - scaled[np.arange(len(truth)), truth]).mean())


def _decided(truth: Ints, posterior: Floats) -> tuple[Floats, Ints]:
    rows = renormalised(posterior)
    if len(rows) != len(truth):
        raise ValueError(f"{len(truth)} segments in truth, but {len(rows)} rows of posteriors; give one a segment")
    known = ~np.isnan(rows).any(axis=1)
    return rows[known], np.asarray(truth)[known]


def _chosen(truth: Ints, posterior: Floats) -> tuple[Floats, Bools]:
    rows, truth = _decided(truth, posterior)
    # Rounding may carry a sum of sevenths past 1; a probability may not.
    return np.minimum(rows.max(axis=1, initial=0.0), 1.0), np.asarray(rows.argmax(axis=1) == truth)


def _error(
    confidence: Floats, hit: Bools, rng: np.random.Generator, bins: int, scheme: Scheme, draws: int
) -> CalibrationError:
    n = len(hit)
    if n == 0:
        return CalibrationError(None, None, None, 0, "no labelled segment has a posterior")
    where = _bins(confidence, bins, scheme)
    value = np.abs(np.bincount(where, hit - confidence)).sum() / n
    null = sum(np.abs(_null_gaps(confidence[where == each], rng, draws)) for each in np.unique(where)) / n
    low, high = np.quantile(null, [0.025, 0.975])
    return CalibrationError(float(value), float(low), float(high), n)


def _bins(confidence: Floats, bins: int, scheme: Scheme) -> Ints:
    """Which bin each probability is in, shape (n,)."""
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    if scheme == "equal_width":
        return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    rank = np.searchsorted(np.sort(confidence), confidence)
    return np.asarray(rank * bins // len(confidence))


def _null_gaps(confidence: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Hits minus their expectation in one bin, of a calibrated model, shape (draws,)."""
    variance = float((confidence * (1 - confidence)).sum())
    if variance > _ENOUGH_VARIANCE:
        return rng.normal(0.0, np.sqrt(variance), draws)
    parts = [
        (rng.random((size, len(confidence))) < confidence).sum(axis=1) for size in _portions(draws, len(confidence))
    ]
    return np.asarray(np.concatenate(parts) - confidence.sum())


def _portions(draws: int, n: int) -> Iterator[int]:
    """How many draws to make at a time, so that memory stays small."""
    size = max(1, _DRAWN_AT_ONCE // n)
    for start in range(0, draws, size):
        yield min(size, draws - start)
