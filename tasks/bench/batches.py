"""The subject `batches`: how fast the model alone is by the padded seconds in a batch, and with how much memory.

To choose `resources.batch_seconds` for a device. The segments are noise of 1 to 10 s: what they say costs nothing.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from infra.settings import Settings
from tasks.bench.arithmetic import command_of, versions
from tasks.bench.batch_findings import BatchesOptions, BatchesResult, Budget, best_of
from tasks.bench.loop import batches_of, calls_at_once, score_batches
from tasks.bench.place import Say, stored
from tasks.bench.prepare import prepare_models
from tasks.bench.sides import Side
from tasks.records.run import code_version, lock_sha256

if TYPE_CHECKING:
    from actors.contract import EmotionModel, Signal

_SHORTEST_S, _LONGEST_S = 1.0, 10.0


@dataclass(frozen=True)
class Heard:
    """One size of batches, and what the model is."""

    budget: Budget
    segments: int
    audio_s: float
    precision: str
    device: str
    at_once: int


def run_batches(options: BatchesOptions, settings: Settings, say: Say) -> tuple[BatchesResult, Path]:
    """Measure. No service is needed.

    Returns:
        What was found, and the file it was stored in.

    Raises:
        SeraphError: The process that holds the model ended.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with TemporaryDirectory(prefix="seraph-bench-") as folder:
        models = prepare_models(Path(folder), options.preset, options.seed)
        gpu = models.machine.gpu is not None
        threads = 1 if gpu else models.machine.cores
        sizes, minutes = options.on(gpu=gpu)
        load = partial(load_batches, str(models.model), options, threads, minutes)
        with Side[int, Heard]("model", load) as side:
            heard = _in_turn(side, sizes, say)
    budgets, last = tuple(each.budget for each in heard), heard[-1]
    result = BatchesResult(
        started=started,
        command=command_of("batches", options),
        machine=models.machine,
        versions=versions(),
        code_version=code_version(),
        lock_sha256=lock_sha256(),
        options=options,
        budgets=budgets,
        best=best_of(budgets),
        segments=last.segments,
        audio_seconds=last.audio_s,
        precision=last.precision,
        device=last.device,
        threads=threads,
        at_once=last.at_once,
    )
    return result, stored(result, f"batches-{options.preset}", started, settings.home)


def load_batches(model: str, options: BatchesOptions, threads: int, minutes: float) -> Callable[[int], Heard]:
    """The model and its segments, ready to be asked for a size of batches."""
    import torch

    from actors.checkpoints import load_audio

    torch.set_num_threads(threads)
    loaded = load_audio(model, dtype=options.precision)
    signals = noise(minutes, loaded.spec.sampling_rate, np.random.default_rng(options.seed))
    return lambda seconds: hear(loaded, signals, seconds, options.repetitions)


def noise(minutes: float, sampling_rate: int, rng: np.random.Generator) -> "list[Signal]":
    """Segments of 1 to 10 s, so much in all: float32, each (samples,)."""
    left, signals = round(60 * minutes * sampling_rate), []
    while left > 0:
        samples = min(left, round(rng.uniform(_SHORTEST_S, _LONGEST_S) * sampling_rate))
        signals.append(rng.standard_normal(samples, dtype=np.float32))
        left -= samples
    return signals


def hear(model: "EmotionModel", signals: "Sequence[Signal]", batch_s: int, repetitions: int) -> Heard:
    """All segments, in batches of one size, several times; once where memory runs out."""
    import torch

    lengths = [len(signal) for signal in signals]
    batches = batches_of(lengths, batch_s * model.spec.sampling_rate)
    padded = sum(len(batch) * max(lengths[number] for number in batch) for batch in batches)
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        score_batches(model, signals, batches[:2])  # the first of a size pays for more than itself
        seconds = tuple(_timed(model, signals, batches) for _ in range(repetitions))
    except torch.OutOfMemoryError:
        seconds = ()
    audio_s = sum(lengths) / model.spec.sampling_rate
    budget = Budget(
        batch_s=batch_s,
        batches=len(batches),
        padding=1 - sum(lengths) / padded,
        seconds=seconds,
        realtime_factor=audio_s / min(seconds) if seconds else None,
        peak_mb=torch.cuda.max_memory_reserved() / 1e6 if gpu else None,
    )
    device = torch.cuda.get_device_name() if gpu else "cpu"
    return Heard(budget, len(signals), audio_s, model.spec.precision, device, calls_at_once())


def _in_turn(side: Side[int, Heard], sizes: Sequence[int], say: Say) -> list[Heard]:
    """From small to large, until memory runs out."""
    heard: list[Heard] = []
    for size in sizes:
        found = side.ask(size)
        heard.append(found)
        speed = found.budget.realtime_factor
        say(f"{size} s in a batch: " + ("out of memory" if speed is None else f"{speed:.1f} × real time"))
        if speed is None:
            break
    return heard


def _timed(model: "EmotionModel", signals: "Sequence[Signal]", batches: Sequence[Sequence[int]]) -> float:
    started = time.perf_counter()
    score_batches(model, signals, batches)
    return time.perf_counter() - started
