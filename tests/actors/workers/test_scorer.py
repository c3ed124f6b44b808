"""The scorer without Ray, on real small checkpoints; alone, and called by two threads at once."""

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from actors.checkpoints import load
from actors.contract import EmotionModel, Signal, Span
from actors.options import Route
from actors.workers import Piece, Scorer, pieces_of
from infra.errors import CheckpointError
from tests.support.checkpoints import some_signals, write_stock


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Route, ...]:
    """Three small models of the same size."""
    folder = tmp_path_factory.mktemp("models")
    places = [write_stock(folder / str(seed), seed=seed, hidden=16, layers=1) for seed in range(3)]
    return tuple(Route(model=str(place)) for place in places)


@pytest.fixture(scope="module")
def weight_bytes(routes: tuple[Route, ...]) -> int:
    return int(load(routes[0].model, dtype="fp32").weight_bytes)  # type: ignore[attr-defined]


SIGNALS = some_signals(seconds=(0.9, 0.5))
PIECES = [Piece(1, 0, 8000), Piece(0, 1600, 9600), Piece(0, 0, 3200)]


def test_a_batchs_pieces_are_cut_from_its_signals_and_scored_in_order(routes: tuple[Route, ...]) -> None:
    scored = Scorer("fp32", threads=1).logits(routes[0], PIECES, *SIGNALS)
    model = load(routes[0].model, dtype="fp32")
    cuts = [SIGNALS[1][:8000], SIGNALS[0][1600:9600], SIGNALS[0][:3200]]
    assert scored.logits == pytest.approx(model.logits(cuts), abs=1e-4)
    assert not np.allclose(scored.logits[1], scored.logits[2], atol=1e-3)
    assert scored.spec == model.spec
    assert scored.spec.precision == "fp32"
    assert scored.seconds > 0


def test_a_model_is_loaded_at_its_first_batch_and_kept(routes: tuple[Route, ...], tmp_path: Path) -> None:
    moved = Route(model=str(shutil.copytree(routes[0].model, tmp_path / "model")))
    scorer = Scorer("fp32", threads=1)
    assert scorer.held() == ()
    first = scorer.logits(moved, PIECES, *SIGNALS)
    assert scorer.held() == (moved,)
    shutil.rmtree(moved.model)  # a second load would fail
    assert (scorer.logits(moved, PIECES, *SIGNALS).logits == first.logits).all()


def test_all_models_are_kept_where_memory_has_no_bound(routes: tuple[Route, ...]) -> None:
    scorer = Scorer("fp32", threads=1)
    for route in routes:
        scorer.logits(route, PIECES, *SIGNALS)
    assert scorer.held() == routes


def test_the_least_recently_used_model_goes_first_where_memory_is_short(
    routes: tuple[Route, ...], weight_bytes: int
) -> None:
    one, two, three = routes
    scorer = Scorer("fp32", threads=1, memory_bytes=2 * weight_bytes)
    for route in (one, two, one):
        scorer.logits(route, PIECES, *SIGNALS)
    assert scorer.held() == (two, one)
    scorer.logits(three, PIECES, *SIGNALS)
    assert scorer.held() == (one, three)
    scorer.logits(two, PIECES, *SIGNALS)
    assert scorer.held() == (three, two)


def test_the_model_in_use_is_kept_however_large(routes: tuple[Route, ...]) -> None:
    scorer = Scorer("fp32", threads=1, memory_bytes=1)
    for route in routes[:2]:
        scorer.logits(route, PIECES, *SIGNALS)
        assert scorer.held() == (route,)


def test_a_checkpoint_that_cannot_be_loaded_is_an_error_of_the_run_and_takes_no_model_with_it(
    routes: tuple[Route, ...], tmp_path: Path
) -> None:
    scorer = Scorer("fp32", threads=1)
    scorer.logits(routes[0], PIECES, *SIGNALS)
    with pytest.raises(CheckpointError, match="no folder"):
        scorer.logits(Route(model=str(tmp_path / "nothing")), PIECES, *SIGNALS)
    assert scorer.held() == (routes[0],)


class FullModel:
    """Has no room for more than one signal at once."""

    spec = None

    def logits(self, signals: Sequence[Signal]) -> npt.NDArray[np.float32]:
        if len(signals) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return np.zeros((len(signals), 2), np.float32)


def test_a_worker_whose_memory_ran_out_keeps_its_model_and_scores_what_fits() -> None:
    scorer, route = Scorer("fp32", threads=1), Route(model="full")
    scorer._models[route] = FullModel()  # type: ignore[assignment]
    for _ in range(2):
        with pytest.raises(torch.OutOfMemoryError):
            scorer.logits(route, PIECES, *SIGNALS)
        assert scorer.logits(route, PIECES[:1], *SIGNALS).logits.shape == (1, 2)
    assert scorer.held() == (route,)


@pytest.mark.usefixtures("threads")
def test_ready_sets_the_threads_and_loads_nothing() -> None:
    scorer = Scorer("fp32", threads=1)
    scorer.ready()
    assert torch.get_num_threads() == 1
    assert scorer.held() == ()


def test_spans_become_samples_of_their_signals() -> None:
    assert pieces_of([(0, Span(0.0, 0.5)), (3, Span(1.00003, 2.0))]) == [Piece(0, 0, 8000), Piece(3, 16000, 32000)]


# -- Scorer: a low precision against float32 ---------------------------------------------------------------------------


def test_the_first_batch_in_a_low_precision_is_compared_with_float32_once(routes: tuple[Route, ...]) -> None:
    scorer = Scorer("bf16", threads=1, memory_bytes=1)
    first = scorer.logits(routes[0], PIECES, *SIGNALS)
    exact = load(routes[0].model, dtype="fp32").logits([SIGNALS[p.signal][p.start : p.stop] for p in PIECES])

    assert first.check is not None
    assert (first.check.precision, first.check.segments) == ("bf16", len(PIECES))
    assert first.check.logits == pytest.approx(np.abs(first.logits - exact).max(), abs=1e-5)
    assert 0 < first.check.posterior < 0.02
    assert scorer.logits(routes[0], PIECES, *SIGNALS).check is None
    scorer.logits(routes[1], PIECES, *SIGNALS)
    assert scorer.logits(routes[0], PIECES, *SIGNALS).check is None, "it had to be loaded again, and is known"


def test_float32_has_nothing_to_be_compared_with(routes: tuple[Route, ...]) -> None:
    assert Scorer("fp32", threads=1).logits(routes[0], PIECES, *SIGNALS).check is None


def test_where_float32_cannot_be_asked_the_batch_is_scored_all_the_same(
    routes: tuple[Route, ...], tmp_path: Path
) -> None:
    moved = Route(model=str(shutil.copytree(routes[0].model, tmp_path / "model")))
    scorer = Scorer("bf16", threads=1)
    scorer._hold(moved)
    shutil.rmtree(moved.model)

    scored = scorer.logits(moved, PIECES, *SIGNALS)

    assert scored.check is None
    assert np.isfinite(scored.logits).all()


# -- Scorer: two calls at once -----------------------------------------------------------------------------------------


ONE, TWO = Route(model="one"), Route(model="two")


class Meeting:
    """A model whose calls wait for one another: they go on only where two are at work at the same time."""

    spec = None

    def __init__(self, both: threading.Barrier, answer: float | Exception) -> None:
        self._both, self._answer = both, answer

    def logits(self, signals: Sequence[Signal]) -> npt.NDArray[np.float32]:
        self._both.wait(timeout=20)
        time.sleep(0.05)
        if isinstance(self._answer, Exception):
            raise self._answer
        return np.full((len(signals), 2), self._answer, np.float32)


def _meeting(one: float | Exception, two: float | Exception) -> Scorer:
    """A scorer that holds two models, each of which waits for the other."""
    both, scorer = threading.Barrier(2), Scorer("fp32", threads=1)
    for route, answer in ((ONE, one), (TWO, two)):
        scorer._models[route] = Meeting(both, answer)  # type: ignore[assignment]
    return scorer


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Two threads, as a worker on a GPU has them."""
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_two_calls_are_at_work_at_once_and_each_gets_its_own_answer(pool: ThreadPoolExecutor) -> None:
    scorer = _meeting(1.0, 2.0)
    started = time.perf_counter()
    one, two = pool.map(lambda route: scorer.logits(route, PIECES, *SIGNALS), (ONE, TWO))
    elapsed = time.perf_counter() - started

    assert (one.logits == 1.0).all()
    assert (two.logits == 2.0).all()
    # Each took 50 ms, side by side: no second is counted twice.
    assert 0.05 <= one.seconds + two.seconds <= elapsed


def test_an_error_in_one_call_leaves_the_other_alone(pool: ThreadPoolExecutor) -> None:
    scorer = _meeting(torch.OutOfMemoryError("CUDA out of memory"), 2.0)
    calls = [pool.submit(scorer.logits, route, PIECES, *SIGNALS) for route in (ONE, TWO)]

    assert isinstance(calls[0].exception(), torch.OutOfMemoryError)
    assert (calls[1].result().logits == 2.0).all()
    assert set(scorer.held()) == {ONE, TWO}


class Gated(Scorer):
    """Loads when it is told to, and keeps count."""

    def __init__(self) -> None:
        super().__init__("fp32", threads=1)
        self.loading: list[Route] = []
        self.first, self.another, self.go = threading.Event(), threading.Event(), threading.Event()

    def _load(self, route: Route, precision: str) -> EmotionModel:
        (self.another if self.loading else self.first).set()
        self.loading.append(route)
        assert self.go.wait(timeout=20)
        return super()._load(route, precision)


def test_a_model_that_two_calls_need_at_once_is_loaded_once(
    routes: tuple[Route, ...], pool: ThreadPoolExecutor
) -> None:
    scorer = Gated()
    calls = [pool.submit(scorer.logits, routes[0], PIECES, *SIGNALS) for _ in range(2)]
    assert scorer.first.wait(timeout=20)
    twice = scorer.another.wait(timeout=0.2)
    scorer.go.set()
    one, two = (call.result() for call in calls)

    assert not twice
    assert scorer.loading == [routes[0]]
    assert (one.logits == two.logits).all()


def test_whoever_has_its_model_does_not_wait_while_another_is_loaded(
    routes: tuple[Route, ...], pool: ThreadPoolExecutor
) -> None:
    scorer = Gated()
    scorer._models[ONE] = FullModel()  # type: ignore[assignment]
    loading = pool.submit(scorer.logits, routes[0], PIECES, *SIGNALS)
    assert scorer.first.wait(timeout=20)
    beside = pool.submit(scorer.logits, ONE, PIECES[:1], *SIGNALS).result(timeout=20)
    scorer.go.set()

    assert beside.logits.shape == (1, 2)
    assert loading.result().logits.shape == (3, 4)


def test_batches_side_by_side_are_scored_as_alone_and_the_first_of_a_model_is_compared_once(
    routes: tuple[Route, ...], pool: ThreadPoolExecutor
) -> None:
    alone, beside = Scorer("bf16", threads=1), Scorer("bf16", threads=1)
    order = [routes[number % 2] for number in range(12)]
    expected = [alone.logits(route, PIECES, *SIGNALS).logits for route in order]
    found = list(pool.map(lambda route: beside.logits(route, PIECES, *SIGNALS), order))

    assert all((each.logits == other).all() for each, other in zip(found, expected, strict=True))
    assert sorted(each.check.model for each in found if each.check) == sorted(route.model for route in routes[:2])
