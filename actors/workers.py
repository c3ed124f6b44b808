"""The actors, as plain classes: what one process reads, hears or scores. Ray is put around them in actors/pool.py.

Constructors are cheap; `ready` loads what a worker always needs, so that its errors reach the pool as themselves. Heavy
libraries are imported when first needed: a worker process pays only for what it uses.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from actors.contract import (
    SAMPLING_RATE,
    EmotionModel,
    Flag,
    Language,
    LanguageDetector,
    Medium,
    ModelSpec,
    Reading,
    Reason,
    Rejection,
    Signal,
    Span,
    Stage,
)
from actors.options import LanguageOptions, ReadOptions, Route, SegmentOptions
from actors.precision_check import PrecisionCheck, compare, to_check
from actors.usage import Clock, Usage, usage_here
from actors.weights import model_here
from infra.errors import SeraphError, StoreError
from infra.settings import StoreAccess
from infra.storage import ObjectChanged, ObjectMissing, Store

if TYPE_CHECKING:
    from actors.segment import Segmenter


_HEARD_AT_ONCE = 16
"""Signals in one call of Whisper: of a film heard segment by segment there may be thousands."""

_PIECE_BYTES = 1 << 20


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
        seconds: Wall time in the model.
        device: `cpu`, or the name of the GPU.
        check: Against float32, with a model's first batch in a lower precision.
    """

    logits: npt.NDArray[np.float32]
    spec: ModelSpec
    seconds: float
    device: str
    check: PrecisionCheck | None = None


class Worker:
    """What every actor can say of itself."""

    def __init__(self) -> None:
        self._cpu_s: dict[str, float] = {}

    def usage(self) -> Usage:
        """What its process has used so far."""
        return usage_here(self._cpu_s)


class Reader(Worker):
    """Fetches media, decodes them and cuts them into segments, on one CPU thread.

    Args:
        access: Where media are fetched from.
        reading, segments: How they are decoded and cut.
        digest: Whether to hash their bytes.
    """

    def __init__(
        self, access: StoreAccess, reading: ReadOptions, segments: SegmentOptions, *, digest: bool = False
    ) -> None:
        super().__init__()
        self._store = Store(access)
        self._digest = digest
        self._reading = reading
        self._segments = segments
        self._segmenter: Segmenter | None = None

    def ready(self) -> None:
        """Load the speech detector. One thread: on a busy machine more make these small networks many times slower."""
        import torch

        from actors.segment import Segmenter

        torch.set_num_threads(1)
        if self._segments.method != "labels":
            self._segmenter = Segmenter(self._segments)

    def read(self, medium: Medium, given: Sequence[Span] | None = None) -> tuple[Reading | Rejection, Signal]:
        """Read one medium.

        Args:
            medium: What to fetch; it must still have this etag.
            given: Its segments, where a label file gives them.

        Returns:
            What was found with the signal, or why there is none (with an empty signal). Never raises for a fault of
            the medium.
        """
        try:
            return self._read(medium, given)
        except (ObjectMissing, ObjectChanged) as error:
            return _rejected(medium, Reason.VANISHED, str(error))
        except StoreError as error:
            return _rejected(medium, Reason.STORE_ERROR, str(error))
        except MemoryError as error:
            return _rejected(medium, Reason.WORKER_DIED, f"out of memory: {error}")
        except OSError as error:  # a full disk, say: nothing that the medium could do about
            return _rejected(medium, Reason.STORE_ERROR, f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 - one medium must never stop a corpus, whatever a decoder raises on it
            return _rejected(medium, Reason.UNDECODABLE, f"{type(error).__name__}: {error}")

    def _read(self, medium: Medium, given: Sequence[Span] | None) -> tuple[Reading | Rejection, Signal]:
        from actors.decode import MediumFault, decode

        clock = Clock(self._cpu_s)
        with self._store.fetch(medium.uri, if_match=medium.etag) as file:
            sha256 = _digest(file) if self._digest else None
            clock.lap("fetch")
            try:
                decoded = decode(file, self._reading)
            except MediumFault as fault:
                return _rejected(medium, fault.reason, fault.detail)
        clock.lap("decode")
        spans, outside = self._cut(decoded.signal, decoded.duration_s, given)
        clock.lap("segment")
        flags, seconds = decoded.flags, clock.seconds
        return Reading(medium, decoded.duration_s, spans, outside, flags, seconds, sha256), decoded.signal

    def _cut(
        self, signal: Signal, duration_s: float, given: Sequence[Span] | None
    ) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
        """The segments, and those given that begin after the end."""
        if given is not None:
            from actors.segment import clip

            clipped = clip(given, duration_s)
            return clipped.kept, clipped.outside
        assert self._segmenter is not None, "ready() comes first"
        return self._segmenter.segment(signal), ()


class LanguageWorker(Worker):
    """Tells which routed language each segment of a medium is in."""

    def __init__(self, options: LanguageOptions, routes: Sequence[str], threads: int) -> None:
        super().__init__()
        self._options = options
        self._routes = tuple(routes)
        self._threads = threads
        self._detector: LanguageDetector | None = None

    def ready(self) -> None:
        """Load Whisper."""
        import torch

        from actors.language import load_detector

        torch.set_num_threads(self._threads)
        self._detector = load_detector(self._options.model)

    def detect(self, signal: Signal, spans: Sequence[Span]) -> tuple[tuple[Language, ...], float]:
        """The language of each span, and the seconds it took.

        Once per medium, from windows of its speech; for every segment where that is configured, or where the windows
        disagree (then each is flagged `mixed_language`).
        """
        from actors.language import decide, speech_windows

        assert self._detector is not None, "ready() comes first"
        clock = Clock(self._cpu_s)
        mixed: tuple[Flag, ...] = ()
        if not self._options.per_segment:
            windows = self._masses(speech_windows(signal, spans, self._options))
            language = decide(windows, self._detector.languages, self._routes, self._options)
            if Flag.MIXED_LANGUAGE not in language.flags:
                return (language,) * len(spans), clock.lap("language")
            mixed = (Flag.MIXED_LANGUAGE,)
        masses = self._masses([span.cut(signal) for span in spans])
        each = [decide(row[None], self._detector.languages, self._routes, self._options) for row in masses]
        flagged = (Language(e.language, e.confidence, e.margin, e.top, (*e.flags, *mixed)) for e in each)
        return tuple(flagged), clock.lap("language")

    def _masses(self, signals: Sequence[Signal]) -> npt.NDArray[np.float32]:
        """The mass on each language, a few signals at a time: Whisper pads every one of them to 30 s."""
        assert self._detector is not None, "ready() comes first"
        parts = [signals[start : start + _HEARD_AT_ONCE] for start in range(0, len(signals), _HEARD_AT_ONCE)]
        return np.concatenate([self._detector.probabilities(part) for part in parts])


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
        self._starved = False
        self._precision = precision
        self._threads = threads
        self._memory_bytes = memory_bytes
        self._models: OrderedDict[Route, EmotionModel] = OrderedDict()
        self._to_check: dict[Route, bool] = {}

    def ready(self) -> None:
        """Set the threads; no model is loaded yet."""
        import torch

        torch.set_num_threads(self._threads)

    def logits(self, route: Route, pieces: Sequence[Piece], *signals: Signal) -> Scored:
        """Score a batch with one model, loading it first if it is not held."""
        if self._starved:
            self._give_back()
        model = self._hold(route)
        clock = Clock(self._cpu_s)
        cuts = [signals[piece.signal][piece.start : piece.stop] for piece in pieces]
        try:
            logits = model.logits(cuts)
        except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is a RuntimeError
            self._starved = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
            raise
        scored = Scored(logits, model.spec, clock.lap("score"), _device())
        if self._to_check.get(route):
            scored = replace(scored, check=self._check(route, model.spec, cuts, logits))
            clock.lap("check")
        return scored

    def held(self) -> tuple[Route, ...]:
        """The routes whose models are loaded, least recently used first."""
        return tuple(self._models)

    def _hold(self, route: Route) -> EmotionModel:
        if route not in self._models:
            model = self._models[route] = self._load(route, self._precision)
            self._forget(keep=route)
            self._to_check.setdefault(route, model.spec.precision != "fp32")
        self._models.move_to_end(route)
        return self._models[route]

    def _check(
        self, route: Route, spec: ModelSpec, signals: Sequence[Signal], logits: npt.NDArray[np.float32]
    ) -> PrecisionCheck | None:
        """What float32 says to a few of these signals. None where it cannot be asked: a batch never fails for that."""
        self._to_check[route] = False
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

    def _give_back(self) -> None:
        """Return what torch keeps of the GPU's memory, now that nothing of the batch that was too large is left."""
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self._starved = False

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


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def _rejected(medium: Medium, reason: Reason, detail: str) -> tuple[Rejection, Signal]:
    return Rejection(medium, Stage.READ, reason, detail), np.zeros(0, dtype=np.float32)


def _device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
