"""What a search may maximise, for all points of a grid at once, and how points that do equally well are told apart.

Owns the fast counting, the order of ties and the distance to the default. The objectives' definitions, as functions of
counts, are in tallies.py; what they mean is in metrics.py.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY
from tasks.numerics.compiled import count_points, in_threads
from tasks.numerics.grid import DEFAULTS, GridAnswers
from tasks.numerics.metrics import LOG_FLOOR
from tasks.numerics.tallies import Objective, Tallies, score

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

TIE_ORDER: tuple[Objective, ...] = ("macro_f1_present", "accuracy", "uar", "macro_f1")
"""By which points that do equally well are compared next, the objective itself left out; then by `distances`, then by
the lower index. Not by the cross-entropy: it hardly ever ties, so noise would decide before nearness could."""

DECIMALS = 12
"""Values that agree to so many decimals are equal: the same F1s summed in another order differ in the last bits."""

_FACTORS = frozenset({"audio_temperature", "neutral_suppression", *TAXONOMY})
_LEAST_FACTOR = 2.0**-10
"""A factor of 0 is as far from 1 as this one."""


def values(
    objective: Objective,
    truth: Ints,
    answers: GridAnswers,
    *,
    rows: Bools | None = None,
    weights: Floats | None = None,
    threads: int | None = None,
) -> Floats:
    """An objective at every point, (points,): the higher the better, so the cross-entropy comes negated.

    As metrics.py has it: undecided is wrong, and left out of the cross-entropy; present are the labels of the rows that
    count. NaN where nothing counts.

    Args:
        truth: Shape (n,).
        answers: Of all points to these n segments.
        rows: Which segments count, bool (n,).
        weights: How much each counts, ≥ 0, (n,).
        threads: At most so many; they change no result.
    """
    weight = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    if weight.shape != truth.shape or answers.prediction.shape[1:] != truth.shape:
        raise ValueError(f"{len(truth)} segments, answers to {answers.prediction.shape[1]}, weights {weight.shape}")
    weight = weight if rows is None else np.where(rows, weight, 0.0)
    support: Floats = np.bincount(truth, weight, minlength=len(TAXONOMY)).astype(np.float64)
    if objective == "cross_entropy":
        nothing = np.zeros((len(answers.prediction), len(TAXONOMY)))
        return score(objective, Tallies(support, nothing, nothing, *_losses(answers, weight)))
    return score(objective, _counted(truth, answers, weight, support, threads))


def settled(value: Floats) -> Floats:
    """Values as they are compared: rounded to `DECIMALS`, and below all others where undefined."""
    return np.where(np.isnan(value), -np.inf, np.round(value, DECIMALS))


def distances(points: Mapping[str, Floats], near: Mapping[str, float] = DEFAULTS) -> Floats:
    """How far points are from `near`, free of units: doubling or halving a factor counts as much as all of a share.

    The sum over the parameters of |log2 of the ratio| for factors (weights, suppression, temperature), of |difference|
    for what lies within 0 … 1 (shares, thresholds, floor).

    Args:
        points: Parameter to its values, (points,); those left out are at `near`.
        near: Parameter to the value to be near to.
    """
    return np.asarray(sum(_distance(name, np.asarray(each), near[name]) for name, each in points.items()))


def _distance(name: str, value: Floats, near: float) -> Floats:
    if name not in _FACTORS:
        return np.abs(value - near)
    ratio = np.maximum(value, _LEAST_FACTOR) / max(near, _LEAST_FACTOR)
    return np.asarray(np.abs(np.log2(ratio)))


def _counted(truth: Ints, answers: GridAnswers, weight: Floats, support: Floats, threads: int | None) -> Tallies:
    points, counting = len(answers.prediction), np.flatnonzero(weight)
    hits, predicted = np.zeros((points, len(TAXONOMY))), np.zeros((points, len(TAXONOMY)))

    def count(low: int, high: int) -> None:
        count_points(answers.prediction, counting, truth, weight, hits, predicted, low, high)

    in_threads(count, points, len(counting), threads)
    return Tallies(support, hits, predicted, np.zeros(points), np.zeros(points))


def _losses(answers: GridAnswers, weight: Floats) -> tuple[Floats, Floats]:
    """Sum of the weighted losses, and weight of the decided segments, (points,) each."""
    p_truth = answers.p_truth.astype(np.float64)
    decided = ~np.isnan(p_truth)
    loss = -np.log(np.maximum(np.where(decided, p_truth, 1.0), LOG_FLOOR))
    # Summed row by row: a product of matrices would round by how many points there are.
    return (loss * weight).sum(axis=1), np.where(decided, weight, 0.0).sum(axis=1)
