"""What the points of a grid got right in each group of segments, as counts that add up.

Owns the counts, and the objectives as functions of them. Held-out scores, resampled ones and those of a language are
all sums of such counts, so no segment is looked at twice. The figures in reports come from metrics.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY
from tasks.numerics.grid import GridAnswers
from tasks.numerics.metrics import LOG_FLOOR

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Objective = Literal["macro_f1_present", "macro_f1", "accuracy", "uar", "cross_entropy"]

OBJECTIVES: Final[tuple[Objective, ...]] = ("macro_f1_present", "macro_f1", "accuracy", "uar", "cross_entropy")

_K = len(TAXONOMY)
CELLS = 2_000_000
"""Counts, or points × segments, that are held at once."""


@dataclass(frozen=True, eq=False)
class Tallies:
    """Counts (or weighted sums of counts) over some segments; the leading axes are groups and points.

    Attributes:
        support: Segments of each emotion, (…, 7).
        hits: Those that are right, (…, 7).
        predicted: Times that each emotion is predicted, (…, 7).
        loss: Sum of −log p of the true emotion over the decided segments, nats, (…).
        decided: Their number, (…).
    """

    support: Floats
    hits: Floats
    predicted: Floats
    loss: Floats
    decided: Floats

    def mixed(self, weights: Floats) -> "Tallies":
        """Sums over the groups (first axis, g) with weights (m, g): first axis m."""
        return Tallies(*(_mix(weights, each) for each in self._arrays()))

    def of(self, points: Ints) -> "Tallies":
        """Those of some points, of counts by (group, point)."""
        support, *others = self._arrays()
        return Tallies(support, *(each[:, points] for each in others))

    def _arrays(self) -> tuple[Floats, ...]:
        return self.support, self.hits, self.predicted, self.loss, self.decided


def tally(truth: Ints, answers: GridAnswers, group: Ints, groups: int) -> Tallies:
    """Count by group and point: axes (groups, points), `support` (groups, 1, 7).

    Args:
        truth: (n,), indices into the taxonomy.
        answers: Of p points to n segments.
        group: Of each segment, (n,), 0 … groups − 1.
        groups: Their number; some may be empty.
    """
    prediction, p_truth = answers.prediction, answers.p_truth
    points = len(prediction)
    row = group * points + np.arange(points)[:, None]
    right = prediction == truth
    decided = ~np.isnan(p_truth)
    loss = -np.log(np.maximum(np.where(decided, p_truth, 1.0), LOG_FLOOR))
    return Tallies(
        support=_count(group * _K + truth, (groups, 1, _K)),
        hits=_count((row * _K + truth)[right], (groups, points, _K)),
        predicted=_count((row * (_K + 1) + prediction + 1).ravel(), (groups, points, _K + 1))[..., 1:],
        loss=_sum(row.ravel(), loss.ravel(), (groups, points)),
        decided=_count(row[decided], (groups, points)),
    )


def tallies_by_block(
    truth: Ints, answers: GridAnswers, group: Ints, groups: int, *, cells: int = CELLS
) -> Iterator[tuple[int, Tallies]]:
    """The same for many points, in blocks of bounded memory: (first point, tallies of its block)."""
    size = max(1, cells // max(len(truth), groups * 2 * _K, 1))
    for start in range(0, len(answers.prediction), size):
        part = slice(start, start + size)
        block = GridAnswers(answers.prediction[part], answers.p_truth[part])
        yield start, tally(truth, block, group, groups)


def score(objective: Objective, tallies: Tallies) -> Floats:
    """An objective of counts, (…): the higher the better, so the cross-entropy is negative; NaN without segments."""
    support, hits = tallies.support, tallies.hits
    if objective == "cross_entropy":
        return _ratio(-tallies.loss, tallies.decided)
    if objective == "accuracy":
        return _ratio(hits.sum(axis=-1), support.sum(axis=-1))
    present = np.asarray((support > 0).sum(axis=-1), dtype=np.float64)
    below = support if objective == "uar" else (support + tallies.predicted) / 2
    of_class = np.divide(hits, below, out=np.zeros_like(hits), where=np.broadcast_to(support > 0, hits.shape))
    if objective == "macro_f1":
        return _ratio(of_class.sum(axis=-1), np.where(present > 0, float(_K), 0.0))
    return _ratio(of_class.sum(axis=-1), present)


def _ratio(above: Floats, below: Floats) -> Floats:
    below = np.broadcast_to(below, above.shape)
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0))


def _count(cells: Ints, shape: tuple[int, ...]) -> Floats:
    return np.bincount(cells, minlength=int(np.prod(shape))).astype(np.float64).reshape(shape)


def _sum(cells: Ints, values: Floats, shape: tuple[int, ...]) -> Floats:
    summed = np.bincount(cells, values, minlength=int(np.prod(shape)))
    return np.asarray(summed, dtype=np.float64).reshape(shape)


def _mix(weights: Floats, values: Floats) -> Floats:
    return np.asarray(np.tensordot(weights, values, axes=1))
