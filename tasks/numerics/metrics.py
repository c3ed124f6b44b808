"""What a model got right on a labelled set: metrics of one set of segments. Undefined is None, with its reason.

Owns the metrics' definitions, and how undecided segments, absent classes and weights count. Baselines are in
baselines.py, groups and several sets in groups.py, intervals in intervals.py.

Everywhere: `truth` (n,) are indices into the taxonomy, `prediction` (n,) too with `UNDECIDED` (-1) where the model
chose nothing, `posterior` (n, 7) has rows that sum to 1, or all NaN where undecided.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]

UNDECIDED = -1
LOG_FLOOR = 1e-9
"""Least probability that a logarithm is taken of: a sure mistake costs 20.7 nats."""

_K = len(TAXONOMY)
_NEUTRAL = TAXONOMY.index("neutral")
_EMPTY = "there are no labelled segments"


@dataclass(frozen=True)
class ClassMetrics:
    """One emotion's metrics; None where undefined (`Metrics.undefined` says why).

    Attributes:
        support: Weight (without weights: number) of the segments that truly are this emotion.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: float


@dataclass(frozen=True)
class Metrics:
    """What one model got right on one set of segments. All figures are weighted where weights were given.

    Attributes:
        n: Number of segments.
        accuracy: Share of all segments that are right; undecided is wrong.
        uar: Unweighted average recall over the emotions that occur in truth.
        macro_f1, macro_f1_present: Mean F1 over the seven (an absent one counts 0), and over those in truth.
        classes: By emotion.
        neutral_rate: Share of neutral among the decided segments.
        undecided_rate: Share of undecided among all.
        non_neutral_accuracy: Accuracy among the segments that are truly not neutral.
        cross_entropy: Nats; posteriors renormalised and floored at `LOG_FLOOR`; undecided rows are left out.
        brier: Σ over the emotions of (p - truth)², 0 … 2, mean over the same rows as the cross-entropy.
        posterior_weight, posterior_left_out: Weight of the rows in these two, and the number of rows left out.
        coverage: Share of the segments whose true emotion the model can say at all.
        coverage_classes: The emotions that it can say.
        confusion: 7 rows of truth × 8 columns of prediction; the last column is undecided.
        undefined: Why a figure is None, by its name (`happy.recall` for one of an emotion).
    """

    n: int
    accuracy: float | None
    uar: float | None
    macro_f1: float | None
    macro_f1_present: float | None
    classes: Mapping[str, ClassMetrics]
    neutral_rate: float | None
    undecided_rate: float | None
    non_neutral_accuracy: float | None
    cross_entropy: float | None
    brier: float | None
    posterior_weight: float
    posterior_left_out: int
    coverage: float | None
    coverage_classes: tuple[str, ...] | None
    confusion: tuple[tuple[float, ...], ...]
    undefined: Mapping[str, str]


@dataclass(frozen=True)
class PosteriorMetrics:
    """Cross-entropy and Brier score, and the rows they are means over; see `Metrics`."""

    cross_entropy: float | None
    brier: float | None
    weight: float
    left_out: int
    reason: str | None = None


def measure(
    truth: Ints,
    prediction: Ints,
    posterior: Floats | None = None,
    *,
    can_say: Bools | None = None,
    weights: Floats | None = None,
) -> Metrics:
    """All metrics of one model on one set.

    Args:
        truth, prediction, posterior: See the module.
        can_say: Which emotions the model can say at all, shape (7,); without it coverage is undefined.
        weights: Weight of each segment, ≥ 0, shape (n,).

    Raises:
        ValueError: Shapes differ, or a value is out of range.
    """
    table = confusion(truth, prediction, weights=weights)
    scored = _posterior_metrics(np.asarray(truth), posterior, weights)
    return from_confusion(table, n=len(truth), scored=scored, can_say=can_say)


def confusion(truth: Ints, prediction: Ints, *, weights: Floats | None = None) -> Floats:
    """Weight of each pair of truth (row) and prediction (column, the last one undecided), shape (7, 8).

    Raises:
        ValueError: Shapes differ, or a value is out of range.
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    _check_indices("truth", truth, low=0, n=len(truth))
    _check_indices("prediction", prediction, low=UNDECIDED, n=len(truth))
    if weights is not None:
        _check_weights(weights, len(truth))
    columns = np.where(prediction == UNDECIDED, _K, prediction)
    cells = np.bincount(truth.astype(np.int64) * (_K + 1) + columns, weights, minlength=_K * (_K + 1))
    return cells.astype(np.float64).reshape(_K, _K + 1)


def from_confusion(
    table: Floats, *, n: int, scored: PosteriorMetrics | None = None, can_say: Bools | None = None
) -> Metrics:
    """The metrics of a confusion table, shape (7, 8), and of what is known of its posteriors."""
    scored = scored or PosteriorMetrics(None, None, 0.0, 0, "the posteriors are not known")
    notes = _Notes()
    support, total, decided = table.sum(axis=1), table.sum(), table[:, :_K].sum()
    hits = table.diagonal()
    classes = {emotion: _of_class(index, table, notes) for index, emotion in enumerate(TAXONOMY)}
    f1 = np.array([each.f1 or 0.0 for each in classes.values()])
    present = support > 0
    if scored.reason:
        notes.reasons |= {"cross_entropy": scored.reason, "brier": scored.reason}
    return Metrics(
        n=n,
        accuracy=notes.ratio("accuracy", hits.sum(), total, _EMPTY),
        uar=notes.ratio("uar", (hits[present] / support[present]).sum(), int(present.sum()), _EMPTY),
        macro_f1=notes.ratio("macro_f1", f1.sum(), _K if total > 0 else 0, _EMPTY),
        macro_f1_present=notes.ratio("macro_f1_present", f1[present].sum(), int(present.sum()), _EMPTY),
        classes=classes,
        neutral_rate=notes.ratio("neutral_rate", table[:, _NEUTRAL].sum(), decided, "no segment was decided"),
        undecided_rate=notes.ratio("undecided_rate", table[:, _K].sum(), total, _EMPTY),
        non_neutral_accuracy=notes.ratio(
            "non_neutral_accuracy",
            np.delete(hits, _NEUTRAL).sum(),
            np.delete(support, _NEUTRAL).sum(),
            "no segment is truly anything but neutral",
        ),
        cross_entropy=scored.cross_entropy,
        brier=scored.brier,
        posterior_weight=scored.weight,
        posterior_left_out=scored.left_out,
        coverage=_coverage(support, can_say, notes),
        coverage_classes=None if can_say is None else tuple(np.array(TAXONOMY)[can_say].tolist()),
        confusion=tuple(tuple(row) for row in table.tolist()),
        undefined=notes.reasons,
    )


def soft_cross_entropy(soft: Floats, posterior: Floats) -> float | None:
    """Mean of -Σ soft · log posterior over the rows where both are known, in nats; None where there is no such row.

    Args:
        soft: Share of the raters that chose each emotion, shape (n, 7), or all NaN without a rating.
        posterior: Shape (n, 7).
    """
    truth, rows = renormalised(soft), renormalised(posterior)
    known = ~np.isnan(truth).any(axis=1) & ~np.isnan(rows).any(axis=1)
    if not known.any():
        return None
    return float(-(truth[known] * np.log(np.maximum(rows[known], LOG_FLOOR))).sum(axis=1).mean())


def renormalised(posterior: Floats) -> Floats:
    """Rows divided by their sums, shape (n, 7); a row of NaN or without mass is NaN.

    Raises:
        ValueError: The shape is another, or a row is infinite, negative or NaN in part.
    """
    rows = np.asarray(posterior, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != _K:
        raise ValueError(f"posteriors must have shape (n, {_K}), one column an emotion, not {rows.shape}")
    lost = np.isnan(rows).all(axis=1)
    if not np.isfinite(rows[~lost]).all() or (rows[~lost] < 0).any():
        raise ValueError("posteriors must be finite and not negative, or NaN over a whole row where undecided")
    total = rows.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(rows, total, out=np.full_like(rows, np.nan), where=total > 0))


class _Notes:
    """Collects why figures are undefined."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def ratio(self, name: str, part: float, whole: float, reason: str) -> float | None:
        if whole > 0:
            return float(part / whole)
        self.reasons[name] = reason
        return None


def _of_class(index: int, table: Floats, notes: _Notes) -> ClassMetrics:
    emotion, hit = TAXONOMY[index], float(table[index, index])
    support, predicted = float(table[index].sum()), float(table[:, index].sum())
    neither = f"{emotion} is neither in truth nor predicted"
    return ClassMetrics(
        precision=notes.ratio(f"{emotion}.precision", hit, predicted, f"{emotion} is never predicted"),
        recall=notes.ratio(f"{emotion}.recall", hit, support, f"no segment is truly {emotion}"),
        f1=notes.ratio(f"{emotion}.f1", 2 * hit, support + predicted, neither),
        support=support,
    )


def _coverage(support: Floats, can_say: Bools | None, notes: _Notes) -> float | None:
    if can_say is None:
        notes.reasons["coverage"] = notes.reasons["coverage_classes"] = "what the model can say is not known"
        return None
    if np.shape(can_say) != (_K,) or np.asarray(can_say).dtype != np.bool_:
        raise ValueError(f"can_say must be {_K} truth values, one an emotion, not {can_say!r}")
    return notes.ratio("coverage", support[can_say].sum(), support.sum(), _EMPTY)


def _posterior_metrics(truth: Ints, posterior: Floats | None, weights: Floats | None) -> PosteriorMetrics:
    if posterior is None:
        return PosteriorMetrics(None, None, 0.0, 0, "no posteriors are given")
    rows = renormalised(posterior)
    if len(rows) != len(truth):
        raise ValueError(f"{len(truth)} segments in truth, but {len(rows)} rows of posteriors; give one a segment")
    known = ~np.isnan(rows).any(axis=1)
    weight = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    left_out = int((~known).sum())
    rows, truth, weight = rows[known], truth[known], weight[known]
    if weight.sum() <= 0:
        return PosteriorMetrics(None, None, 0.0, left_out, "no labelled segment has a posterior")
    chosen = rows[np.arange(len(rows)), truth]
    losses = 0.0 - np.log(np.maximum(chosen, LOG_FLOOR))
    squares = (rows**2).sum(axis=1) - 2 * chosen + 1
    return PosteriorMetrics(
        float(np.average(losses, weights=weight)),
        float(np.average(squares, weights=weight)),
        float(weight.sum()),
        left_out,
    )


def _check_indices(name: str, values: Ints, *, low: int, n: int) -> None:
    if values.shape != (n,) or (values.dtype.kind not in "iu" and n > 0):
        raise ValueError(f"{name} must be {n} whole numbers, not {values.dtype} of shape {values.shape}")
    if n and not (low <= values.min() and values.max() < _K):
        raise ValueError(f"{name} must be within {low} … {_K - 1}, not {values.min()} … {values.max()}")


def _check_weights(weights: Floats, n: int) -> None:
    if np.shape(weights) != (n,) or not np.isfinite(weights).all() or (np.asarray(weights) < 0).any():
        raise ValueError(f"weights must be {n} finite numbers ≥ 0, one a segment")
