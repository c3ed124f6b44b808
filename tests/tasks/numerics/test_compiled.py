"""tasks/numerics/compiled.py: how work is cut, and counts. What points answer is held against decision.py elsewhere."""

import threading

import numpy as np
import pytest

from tasks.numerics.compiled import count_points, in_threads


@pytest.mark.parametrize(("points", "threads"), [(7, 3), (2, 8), (1, 4), (100, 1)])
def test_parts_cover_all_points_once_and_in_no_more_threads_than_allowed(points: int, threads: int) -> None:
    done, lock = [], threading.Lock()

    def work(low: int, high: int) -> None:
        with lock:
            done.append((low, high))

    in_threads(work, points, 1_000_000, threads)
    assert sorted(place for low, high in done for place in range(low, high)) == list(range(points))
    assert len(done) == min(points, threads)


def test_little_work_is_done_in_the_callers_own_thread() -> None:
    seen = []
    in_threads(lambda low, high: seen.append((threading.current_thread(), low, high)), 100, 31, 4)
    assert seen == [(threading.current_thread(), 0, 100)]


def test_an_error_in_a_thread_is_an_error() -> None:
    def work(low: int, high: int) -> None:
        if low:
            raise RuntimeError("the second part failed")

    with pytest.raises(RuntimeError, match="second part"):
        in_threads(work, 10, 1_000_000, 2)


def test_counts_are_those_of_numpy_over_the_points_asked_for() -> None:
    rng = np.random.default_rng(0)
    prediction, truth = rng.integers(-1, 7, (5, 40), dtype=np.int8), rng.integers(0, 7, 40)
    weights = rng.integers(0, 4, 40).astype(np.float64)
    hits, predicted = np.zeros((5, 7)), np.zeros((5, 7))
    count_points(prediction, np.flatnonzero(weights), truth, weights, hits, predicted, 1, 4)
    for point in range(1, 4):
        decided = prediction[point] >= 0
        of_all = np.bincount(prediction[point][decided], weights[decided], minlength=7)
        right = decided & (prediction[point] == truth)
        assert predicted[point].tolist() == of_all.tolist()
        assert hits[point].tolist() == np.bincount(truth[right], weights[right], minlength=7).tolist()
    assert not hits[[0, 4]].any()
    assert not predicted[[0, 4]].any()
