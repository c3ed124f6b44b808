"""What the pool is measured against: one process, one model, segment after segment. No Ray, no store, no tables."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from infra.errors import SeraphError
from tasks.bench.prepare import Materials, Prepared

if TYPE_CHECKING:
    from actors.contract import EmotionModel, Signal


@dataclass(frozen=True)
class Pass:
    """One pass over all segments: wall time and CPU time in seconds."""

    seconds: float
    cpu_s: float


class Loop:
    """The loop's process, model loaded and warmed between enter and exit. It sleeps while it is not asked.

    Args:
        materials: The model, and what it hears.
        precision: As in a run's configuration.
        threads: CPU threads, as many as the pool's model has.
    """

    def __init__(self, materials: Materials, precision: str, threads: int) -> None:
        processes = get_context("spawn")
        self._ours, theirs = processes.Pipe()
        work = (theirs, materials.model, materials.media, materials.warm, precision, threads)
        self._process = processes.Process(target=_serve, args=work, daemon=True)
        self._theirs = theirs

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()
        self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()
        self._process.join()

    def run(self) -> "Pass":
        """Score every segment once; what it took."""
        self._ours.send(None)
        return cast(Pass, self._answer())

    def _answer(self) -> Any:
        try:
            return self._ours.recv()
        except EOFError as error:
            self._process.join()
            raise SeraphError(
                f"the benchmark's loop ended with status {self._process.exitcode}; expected it to score: "
                "its own error stands above, and memory is the usual cause"
            ) from error


def score_one_by_one(model: "EmotionModel", signals: "Sequence[Signal]") -> Pass:
    """The loop itself; what it took."""
    started, spent = time.perf_counter(), time.process_time()
    for signal in signals:
        model.logits([signal])
    return Pass(time.perf_counter() - started, time.process_time() - spent)


def segments_of(media: Sequence[Prepared]) -> "list[Signal]":
    """The samples of all segments, in order."""
    return [span.cut(signal) for medium in media for signal in (np.load(medium.signal),) for span in medium.spans]


def _serve(channel: Any, model: Path, media: Sequence[Prepared], warm: Prepared, precision: str, threads: int) -> None:
    import torch

    from actors.checkpoints import load_audio

    torch.set_num_threads(threads)
    loaded = load_audio(str(model), dtype=precision)
    signals = segments_of(media)
    channel.send(score_one_by_one(loaded, segments_of([warm])))
    try:
        while True:
            channel.recv()
            channel.send(score_one_by_one(loaded, signals))
    except EOFError:
        return  # the other end was closed: that is how it is asked to leave
