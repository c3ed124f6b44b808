"""The two inner loops of a search, compiled by numba: what a point answers, and what it got right.

Owns no meaning: `decide_points` repeats decision.py operation by operation, in the same order and in float64, so that
not even a rounding differs; `count_points` counts. Tests hold both against the plain functions. Nothing is compiled
before the first call, nothing is cached on disk, and the interpreter's lock is not held meanwhile.

Points are cut among threads by `in_threads`; each writes its own rows, so their number changes no result.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_K: Final = len(TAXONOMY)
_WORTH_A_THREAD = 50_000
"""Cells (points × segments) below which starting a thread costs more than it saves."""


def in_threads(work: Callable[[int, int], Any], points: int, segments: int, threads: int | None = None) -> None:
    """Call `work(low, high)` over parts of 0 … points, side by side.

    Args:
        work: Something that gives the interpreter's lock back, as the functions below do.
        points, segments: What there is to do.
        threads: At most so many; as many as there are cores by default.
    """
    wanted = _cores() if threads is None else threads
    count = max(1, min(wanted, points, points * segments // _WORTH_A_THREAD))
    edges = [points * each // count for each in range(count + 1)]
    if count == 1:
        work(0, points)
        return
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))


@numba.njit(nogil=True, error_model="numpy")
def decide_points(
    heard: Floats,
    heard_by: Ints,
    weights: Floats,
    rules: Floats,
    truth: Ints,
    prediction: npt.NDArray[np.int8],
    p_truth: npt.NDArray[np.float32],
    low: int,
    high: int,
) -> None:
    """Decide n segments at the points low … high.

    Args:
        heard: Posteriors before the weights, (bases, 7, n).
        heard_by: Which of them a point starts from, (points,).
        weights: Factor per emotion, (points, 7).
        rules: Suppression, threshold, margin and f/(1 − f) of the floor f, (points, 4).
        truth: (n,).
        prediction, p_truth: Written, (points, n); see `GridAnswers`.
    """
    n = truth.shape[0]
    p, total = np.empty((_K, n)), np.empty(n)
    best, second = np.empty(n), np.empty(n)
    for point in range(low, high):
        _weigh(heard[heard_by[point]], weights[point], p, total)
        suppression, threshold, margin, ratio = rules[point]
        if suppression != 1.0:
            _two_best(p, best, second)
            for i in range(n):
                applies = best[i] >= threshold and best[i] - second[i] >= margin
                p[0, i] *= suppression if applies else 1.0
            _renormalise(p, total)
        if ratio != 0.0:
            _sum(p, total)
            for i in range(n):
                p[0, i] = max(p[0, i], ratio * (total[i] - p[0, i]))
        _renormalise(p, total)
        _choose(p, truth, best, prediction[point], p_truth[point])


@numba.njit(nogil=True, error_model="numpy")
def count_points(
    prediction: npt.NDArray[np.int8],
    counting: Ints,
    truth: Ints,
    weights: Floats,
    hits: Floats,
    predicted: Floats,
    low: int,
    high: int,
) -> None:
    """Weight of the right ones and of all predictions by emotion, written, (points, 7), at the points low … high.

    Args:
        prediction: (points, n), -1 where undecided.
        counting: Which segments count, indices, (m,).
        truth, weights: (n,).
    """
    for point in range(low, high):
        for i in counting:
            chosen = prediction[point, i]
            if chosen >= 0:
                predicted[point, chosen] += weights[i]
                if chosen == truth[i]:
                    hits[point, chosen] += weights[i]


@numba.njit(nogil=True, error_model="numpy")
def _weigh(base: Floats, weights: Floats, p: Floats, total: Floats) -> None:
    for k in range(_K):
        for i in range(total.shape[0]):
            p[k, i] = base[k, i] * weights[k]
    _renormalise(p, total)


@numba.njit(nogil=True, error_model="numpy")
def _sum(p: Floats, total: Floats) -> None:
    for i in range(total.shape[0]):
        total[i] = p[0, i]
    for k in range(1, _K):
        for i in range(total.shape[0]):
            total[i] += p[k, i]


@numba.njit(nogil=True, error_model="numpy")
def _renormalise(p: Floats, total: Floats) -> None:
    _sum(p, total)
    for i in range(total.shape[0]):
        total[i] = total[i] if total[i] > 0 else np.nan
    for k in range(_K):
        for i in range(total.shape[0]):
            p[k, i] /= total[i]


@numba.njit(nogil=True, error_model="numpy")
def _two_best(p: Floats, best: Floats, second: Floats) -> None:
    """The greatest two of all but neutral; what stands there where they are NaN decides nothing."""
    best[:] = -1.0
    second[:] = -1.0
    for k in range(1, _K):
        for i in range(best.shape[0]):
            value = p[k, i]
            second[i] = max(second[i], min(best[i], value))
            best[i] = max(best[i], value)


@numba.njit(nogil=True, error_model="numpy")
def _choose(
    p: Floats, truth: Ints, best: Floats, prediction: npt.NDArray[np.int8], p_truth: npt.NDArray[np.float32]
) -> None:
    for i in range(truth.shape[0]):
        best[i] = p[0, i]
        prediction[i] = 0
    for k in range(1, _K):
        for i in range(truth.shape[0]):
            prediction[i] = k if p[k, i] > best[i] else prediction[i]
            best[i] = max(best[i], p[k, i])
    # A sum is NaN where one of the seven is.
    _sum(p, best)
    for i in range(truth.shape[0]):
        undecided = np.isnan(best[i])
        prediction[i] = -1 if undecided else prediction[i]
        p_truth[i] = np.nan if undecided else p[truth[i], i]


def _cores() -> int:
    return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
