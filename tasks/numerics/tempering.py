"""Whether a temperature makes a model's probabilities honest: fitted by likelihood, judged on held-out sources.

Owns the held-out fit, its reliability before and after, and the fit where several labels mean one emotion. Where
every label is an emotion of its own, the fit is that of calibration.py.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from tasks.numerics.calibration import (
    TEMPERATURES,
    Bin,
    CalibrationError,
    Temperature,
    calibration_error,
    fit_temperature,
    log_posterior,
    reliability,
)
from tasks.numerics.folds import Folds, make_folds
from tasks.numerics.fusing import answers_to
from tasks.numerics.gains import Gain, gains
from tasks.numerics.grid import Evidence
from tasks.numerics.heard import posterior
from tasks.numerics.metrics import LOG_FLOOR

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_STEPS = 25
"""Temperatures that are tried before the best of them is refined: with merged labels there may be two peaks."""


@dataclass(frozen=True)
class Tempered:
    """A temperature, and what it does to segments that had no part in fitting it.

    Attributes:
        final: Fitted on all segments: the temperature to use.
        in_folds: Fitted without each fold; 1 where nothing was left to fit on.
        before, after: Reliability of the posterior at temperature 1, and at the temperature of the other folds.
        error_before, error_after: Calibration errors of both, with their null bands.
        gain: What the held-out cross-entropy falls by; None without segments.
        single_source: Whether the folds were blocks of one source's time.
        left_out: Segments whose true emotion has no probability, or that are undecided: no temperature helps there.
    """

    final: Temperature
    in_folds: tuple[float, ...]
    before: tuple[Bin, ...]
    after: tuple[Bin, ...]
    error_before: CalibrationError
    error_after: CalibrationError
    gain: Gain | None
    single_source: bool
    left_out: int


def temper(evidence: Evidence, *, seed: int) -> Tempered:
    """Fit the audio model's temperature, and see on held-out sources what it does.

    Args:
        evidence: The segments; their text plays no part.
        seed: Of the folds (with more than 20 sources) and of the calibration errors' bands.
    """
    heard = replace(evidence, text=None)
    plain = posterior(heard, 1.0, 1.0)
    usable = plain[np.arange(len(plain)), evidence.truth] > 0
    folds = make_folds(evidence.source, evidence.start_s, seed=seed, detail=np.nan_to_num(evidence.logits))
    fitted = [_fit(heard, usable & (folds.fold != each)).value or 1.0 for each in range(folds.count)]
    after = _held_out(heard, plain, fitted, folds)[usable]
    truth, before = evidence.truth[usable], plain[usable]
    made = gains(truth, answers_to(truth, before), answers_to(truth, after), folds.sources_of(usable))
    return Tempered(
        final=_fit(heard, usable),
        in_folds=tuple(fitted),
        before=reliability(truth, before),
        after=reliability(truth, after),
        error_before=calibration_error(truth, before, seed=seed),
        error_after=calibration_error(truth, after, seed=seed),
        gain=made.get("cross_entropy"),
        single_source=folds.single_source,
        left_out=int((~usable).sum()),
    )


def _held_out(heard: Evidence, plain: Floats, fitted: list[float], folds: Folds) -> Floats:
    """The posterior of each segment at the temperature that was fitted without its fold, (n, 7)."""
    made = np.array(plain)
    for fold, temperature in enumerate(fitted):
        held = folds.fold == fold
        made[held] = posterior(heard, temperature, 1.0)[held]
    return made


def _fit(heard: Evidence, rows: Bools) -> Temperature:
    if not rows.any():
        return Temperature(None, None, None, False, 0, "no labelled segment has a posterior to fit")
    if heard.recorded is not None:
        return fit_temperature(heard.truth[rows], log_posterior(heard.recorded[rows]))
    if heard.multilabel or (heard.into.sum(axis=0) > 1).any():
        return _fit_merged(heard, rows)
    means = heard.into.any(axis=1)
    emotion = heard.into[means].argmax(axis=1)
    column = np.zeros(heard.into.shape[1], dtype=np.int64)
    column[emotion] = np.arange(len(emotion))
    return fit_temperature(column[heard.truth[rows]], heard.logits[np.ix_(rows, means)])


def _fit_merged(heard: Evidence, rows: Bools) -> Temperature:
    """By search, of the likelihood of the emotions themselves."""
    truth, kept = heard.truth[rows], np.flatnonzero(rows)

    def loss(log: float) -> float:
        p_truth = np.nan_to_num(posterior(heard, float(np.exp(log)), 1.0)[kept, truth])
        return float(-np.log(np.maximum(p_truth, LOG_FLOOR)).mean())

    low, high = np.log(TEMPERATURES)
    tried = np.linspace(low, high, _STEPS)
    nearest = int(np.argmin([loss(float(each)) for each in tried]))
    bounds = (tried[max(nearest - 1, 0)], tried[min(nearest + 1, _STEPS - 1)])
    best = minimize_scalar(loss, bounds=bounds, method="bounded")
    at_bound = bool(min(best.x - low, high - best.x) < 1e-3)
    return Temperature(float(np.exp(best.x)), loss(0.0), float(best.fun), at_bound, len(truth))
