"""Our own model without anything around it: segment after segment, or fed with batches. No Ray, no store, no tables.

Each is loaded in a process of its own (tasks/bench/sides.py). `model.logits` returns numbers in the CPU's memory, so
that the clock stops only when a GPU has finished.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from actors.batching import Batcher
from actors.sizing import GPU_CALLS
from tasks.bench.prepare import Materials, Prepared
from tasks.bench.sides import Pass

if TYPE_CHECKING:
    from actors.contract import EmotionModel, Signal

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """One pass over all segments, and what was said of them: a posterior over the model's own labels, (n, labels)."""

    took: Pass
    posterior: Floats


def load_loop(materials: Materials, precision: str, threads: int) -> Callable[[None], Pass]:
    """The model as somebody would first use it: `for signal in segments: model.logits([signal])`.

    Args:
        materials: The model, and what it hears.
        precision: As in a run's configuration.
        threads: CPU threads, as many as the pool's model has.
    """
    model = _loaded(materials, precision, threads)
    signals = segments_of(materials.media)
    return lambda _: score_one_by_one(model, signals)


def load_fed(materials: Materials, precision: str, threads: int, batch_s: float) -> Callable[[None], Scored]:
    """The model fed from memory with the batches that the pool would make: what the pool could reach at most.

    Args:
        materials, precision, threads: As above.
        batch_s: Padded seconds in a batch at most.
    """
    model = _loaded(materials, precision, threads)
    signals = segments_of(materials.media)
    batches = batches_of([len(signal) for signal in signals], batch_s * model.spec.sampling_rate)
    return lambda _: _score_batches(model, signals, batches)


def score_one_by_one(model: "EmotionModel", signals: "Sequence[Signal]") -> Pass:
    """The loop itself; what it took."""
    started, spent = time.perf_counter(), time.process_time()
    for signal in signals:
        model.logits([signal])
    return Pass(time.perf_counter() - started, time.process_time() - spent)


def score_batches(model: "EmotionModel", signals: "Sequence[Signal]", batches: Sequence[Sequence[int]]) -> Floats:
    """Batch after batch, as many at once as a scoring worker would take; the logits, (signals, labels)."""
    logits = np.empty((len(signals), len(model.spec.labels)))

    def score(batch: Sequence[int]) -> None:
        logits[batch] = model.logits([signals[number] for number in batch])

    if (number := calls_at_once()) == 1:
        for batch in batches:
            score(batch)  # here: in a thread of its own, torch would have a second team of threads
        return logits
    with ThreadPoolExecutor(number) as threads:
        list(threads.map(score, batches))
    return logits


def calls_at_once() -> int:
    """How many calls a scoring worker takes at once on this device."""
    import torch

    return GPU_CALLS if torch.cuda.is_available() else 1


def segments_of(media: Sequence[Prepared]) -> "list[Signal]":
    """The samples of all segments, in order."""
    return [span.cut(signal) for medium in media for signal in (np.load(medium.signal),) for span in medium.spans]


def batches_of(lengths: Sequence[int], budget: float) -> list[list[int]]:
    """Numbers of the segments that go together, as the pool's batcher would choose where all wait at once.

    Args:
        lengths: Samples of each segment.
        budget: Samples of a padded batch at most.
    """
    batcher = Batcher[int](budget, lambda number: lengths[number])
    for number in range(len(lengths)):
        batcher.add(number)
    batches: list[list[int]] = []
    while len(batcher):
        batches.append(batcher.take())
    return batches


def posterior_of(logits: Floats) -> Floats:
    """Softmax by row, (n, labels): a model's own posterior, before any map or decision."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _loaded(materials: Materials, precision: str, threads: int) -> "EmotionModel":
    """The model, warm."""
    import torch

    from actors.checkpoints import load_audio

    torch.set_num_threads(threads)
    model = load_audio(str(materials.model), dtype=precision)
    score_one_by_one(model, segments_of([materials.warm]))
    return model


def _score_batches(model: "EmotionModel", signals: "Sequence[Signal]", batches: Sequence[Sequence[int]]) -> Scored:
    started, spent = time.perf_counter(), time.process_time()
    logits = score_batches(model, signals, batches)
    took = Pass(time.perf_counter() - started, time.process_time() - spent)
    return Scored(took, posterior_of(logits))
