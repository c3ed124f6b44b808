"""Macro F1 and UAR as functions of a confusion matrix, with the derivatives that a variance needs.

Owns the arithmetic behind intervals and paired differences. The figures that reports print come from metrics.py.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

_CLASSES = len(TAXONOMY)
_DIAGONAL = np.arange(_CLASSES)

Statistic = Literal["macro_f1_present", "uar"]
"""Both over the labels present. Macro F1 over the seven is the first times the share of labels present."""


@dataclass(frozen=True)
class Linear:
    """A statistic of a confusion matrix and its straight-line approximation.

    Attributes:
        value: The statistic, over the labels present.
        centre: The same of the smoothed matrix: never quite 0 or 1.
        influence: What one more segment in a cell adds, shape (7, 8), taken at the smoothed matrix.
        variance: Of `value` over independent segments, from the smoothed matrix.
        flip: Mean square of what one segment adds by being right instead of wrong.
    """

    value: float
    centre: float
    influence: Floats
    variance: float
    flip: float


def confusion(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> Floats:
    """Counts of truth (rows) by prediction (columns; the last is undecided), shape (7, 8).

    Args:
        truth: Shape (n,), 0 … 6.
        prediction: Shape (n,), 0 … 6, or −1: undecided.
    """
    rows, columns = np.asarray(truth), np.asarray(prediction)
    if rows.shape != columns.shape or rows.ndim != 1:
        raise ValueError(f"truth and prediction must both have shape (n,), not {rows.shape} and {columns.shape}")
    _check("truth", rows, low=0)
    _check("prediction", columns, low=-1)
    cells = rows.astype(np.int64) * (_CLASSES + 1) + columns.astype(np.int64) % (_CLASSES + 1)
    return np.bincount(cells, minlength=_CLASSES * (_CLASSES + 1)).reshape(_CLASSES, -1).astype(np.float64)


def present(matrix: Floats) -> npt.NDArray[np.bool_]:
    """Which labels the truth has, shape (7,)."""
    return np.asarray(matrix.sum(axis=-1) > 0)


def value_of(statistic: Statistic, matrix: Floats, labels: npt.NDArray[np.bool_] | None = None) -> float:
    """The statistic of counts or of shares, shape (7, 8) or (7, 7), over `labels`, shape (7,), or those present."""
    labels = present(matrix) if labels is None else labels
    return float(_by_class(statistic, matrix)[labels].mean())


def linear(statistic: Statistic, matrix: Floats) -> Linear:
    """Linearise a statistic at a matrix of counts, shape (7, 8), which has at least one segment."""
    smooth = smoothed(matrix)
    influence = _influence(statistic, smooth)
    mean = (smooth * influence).sum() / smooth.sum()
    right = influence[_DIAGONAL, _DIAGONAL]
    wrong = (influence[:, :_CLASSES].sum(axis=1) - right) / (_CLASSES - 1)
    return Linear(
        value=value_of(statistic, matrix),
        centre=value_of(statistic, smooth),
        influence=influence,
        variance=float((smooth * (influence - mean) ** 2).sum()),
        flip=float((smooth.sum(axis=1) * (right - wrong) ** 2).sum() / smooth.sum()),
    )


def smoothed(matrix: Floats) -> Floats:
    """Each row that has counts, and half a right segment and half a wrong one, shared by the wrong cells, on top.

    The row sums stay. Without it a class of two segments, both right, would have no variance at all.
    """
    rows = matrix.sum(axis=1, keepdims=True)
    prior = np.full_like(matrix, 0.5 / (_CLASSES - 1))
    prior[_DIAGONAL, _DIAGONAL], prior[:, _CLASSES:] = 0.5, 0.0
    return np.asarray((matrix + prior) * (rows / (rows + 1)))


def _influence(statistic: Statistic, matrix: Floats) -> Floats:
    rows, columns, hits = _margins(matrix)
    labels = present(matrix)
    on_diagonal = np.zeros_like(matrix)
    on_diagonal[_DIAGONAL, _DIAGONAL] = 1.0
    if statistic == "uar":
        share = _ratio(1.0, rows, labels)
        return np.asarray((on_diagonal - _ratio(hits, rows, labels)[:, None]) * share[:, None] / labels.sum())
    share = _ratio(1.0, rows + columns, labels)
    lost = 2 * hits * share**2
    by_column = np.append(lost, np.zeros(matrix.shape[1] - _CLASSES))
    return np.asarray((on_diagonal * 2 * share[:, None] - lost[:, None] - by_column) / labels.sum())


def _by_class(statistic: Statistic, matrix: Floats) -> Floats:
    """Recall or F1 of each class, shape (7,); 0 where it is undefined."""
    rows, columns, hits = _margins(matrix)
    below = rows if statistic == "uar" else (rows + columns) / 2
    return _ratio(hits, below, below > 0)


def _margins(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """Row sums, column sums of the seven, diagonal: shape (7,) each."""
    return matrix.sum(axis=1), matrix[:, :_CLASSES].sum(axis=0), matrix[_DIAGONAL, _DIAGONAL]


def _ratio(above: Floats | float, below: Floats, where: npt.NDArray[np.bool_]) -> Floats:
    return np.asarray(np.divide(above, below, out=np.zeros_like(below), where=where))


def _check(name: str, codes: npt.NDArray[np.generic], *, low: int) -> None:
    if codes.size and not (
        np.issubdtype(codes.dtype, np.integer) and low <= int(codes.min()) <= int(codes.max()) < _CLASSES
    ):
        wanted = f"whole numbers from {low} to {_CLASSES - 1} (indices of the taxonomy)"
        raise ValueError(f"{name} must be {wanted}, not {codes.dtype} values {codes.min()} … {codes.max()}")
