"""The scorer: emotion models, and the batches they score. On a GPU it takes two calls at a time.

Then one call prepares its batch while the other's is computed (actors/checkpoints/model.py sees to it that models take
turns). What is kept between calls is behind a lock; a model is loaded once, and who needs another one does not wait.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from actors.contract import SAMPLING_RATE, EmotionModel, ModelSpec, Signal, Span
from actors.options import Route
from actors.precision_check import PrecisionCheck, compare, to_check
from actors.usage import Clock
from actors.weights import model_here
from actors.workers.worker import Worker
from infra.errors import SeraphError
from infra.settings import StoreAccess


@dataclass(frozen=True)
class Piece:
    """A segment in a batch: samples `start` to `stop` of the batch's signal number `signal`."""

    signal: int
    start: int
    stop: int


@dataclass(frozen=True)
class Scored:
    """What came of a batch.

    Attributes:
        logits: Shape (pieces, labels), in input order.
        spec: The model that gave them.
        seconds: Wall time in the model, less what was another call's at the same time.
        device: `cpu`, or the name of the GPU.
        check: Against float32, with a model's first batch in a lower precision.
    """

    logits: npt.NDArray[np.float32]
    spec: ModelSpec
    seconds: float
    device: str
    check: PrecisionCheck | None = None


class Scorer(Worker):
    """Holds emotion models and scores batches. A model is loaded at its first batch and kept while memory allows.

    Args:
        precision: As configured; `auto` leaves it to the hardware.
        threads: CPU threads of the models.
        memory_bytes: Weights kept at most; the least recently used model goes first. None: all are kept.
        models: Where models in a store are fetched from; None: where the environment says.
    """

    def __init__(
        self, precision: str, threads: int, memory_bytes: int | None = None, models: StoreAccess | None = None
    ) -> None:
        super().__init__()
        self._access = models
        self._precision = precision
        self._threads = threads
        self._memory_bytes = memory_bytes
        self._gate, self._loading = threading.Lock(), threading.Lock()
        self._models: OrderedDict[Route, EmotionModel] = OrderedDict()
        self._to_check: dict[Route, bool] = {}
        self._starved = False
        self._ended = 0.0

    def ready(self) -> None:
        """Set the threads; no model is loaded yet."""
        import torch

        torch.set_num_threads(self._threads)

    def logits(self, route: Route, pieces: Sequence[Piece], *signals: Signal) -> Scored:
        """Score a batch with one model, loading it first if it is not held. Two threads may call at once."""
        if self._was_starved():
            _give_back()
        model = self._hold(route)
        started, clock = time.perf_counter(), Clock(self._cpu_s, _cpu_time())
        cuts = [signals[piece.signal][piece.start : piece.stop] for piece in pieces]
        try:
            logits = model.logits(cuts)
        except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is a RuntimeError
            if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
                self._starved = True
            raise
        clock.lap("score")
        scored = Scored(logits, model.spec, self._own_seconds(started), _device())
        if self._is_first(route):
            scored = replace(scored, check=self._check(route, model.spec, cuts, logits))
            clock.lap("check")
        return scored

    def held(self) -> tuple[Route, ...]:
        """The routes whose models are loaded, least recently used first."""
        return tuple(self._models)

    def _hold(self, route: Route) -> EmotionModel:
        if (model := self._found(route)) is not None:
            return model
        with self._loading:
            if (model := self._found(route)) is not None:  # it was just loaded for another call
                return model
            model = self._load(route, self._precision)
            with self._gate:
                self._models[route] = model
                self._forget(keep=route)
                self._to_check.setdefault(route, model.spec.precision != "fp32")
            return model

    def _found(self, route: Route) -> EmotionModel | None:
        with self._gate:
            if route in self._models:
                self._models.move_to_end(route)
            return self._models.get(route)

    def _own_seconds(self, started: float) -> float:
        """Wall time of a call that ends now: while it waited for another call's batch, the time was that one's."""
        with self._gate:
            began, self._ended = max(started, self._ended), time.perf_counter()
            return self._ended - began

    def _is_first(self, route: Route) -> bool:
        """Whether this batch is the one that is compared with float32."""
        with self._gate:
            first, self._to_check[route] = self._to_check.get(route, False), False
            return first

    def _check(
        self, route: Route, spec: ModelSpec, signals: Sequence[Signal], logits: npt.NDArray[np.float32]
    ) -> PrecisionCheck | None:
        """What float32 says to a few of these signals. None where it cannot be asked: a batch never fails for that."""
        rows = to_check(signals)
        try:
            full = self._load(route, "fp32").logits([signals[row] for row in rows])
        except (SeraphError, MemoryError, RuntimeError):  # no room for it beside the other, mostly
            self._starved = True
            return None
        return compare(spec, logits[rows], full)

    def _load(self, route: Route, precision: str) -> EmotionModel:
        from actors.checkpoints import load_audio

        return load_audio(model_here(route.model, self._access), revision=route.revision, dtype=precision)

    def _was_starved(self) -> bool:
        with self._gate:
            starved, self._starved = self._starved, False
            return starved

    def _forget(self, keep: Route) -> None:
        """Let models go, the least recently used first, until the weights fit."""
        while self._memory_bytes is not None and self._weights() > self._memory_bytes and len(self._models) > 1:
            oldest = next(route for route in self._models if route != keep)
            del self._models[oldest]

    def _weights(self) -> int:
        return sum(getattr(model, "weight_bytes", 0) for model in self._models.values())


def pieces_of(spans: Sequence[tuple[int, Span]]) -> list[Piece]:
    """Spans of numbered signals as pieces, in samples."""
    return [
        Piece(number, round(span.start_s * SAMPLING_RATE), round(span.end_s * SAMPLING_RATE)) for number, span in spans
    ]


def _give_back() -> None:
    """Return what torch keeps of the GPU's memory, now that nothing of the batch that was too large is left."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _cpu_time() -> Callable[[], float]:
    """Of the calling thread on a GPU, where calls overlap; else of the process, whose other threads compute, too."""
    import torch

    return time.thread_time if torch.cuda.is_available() else time.process_time


def _device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
