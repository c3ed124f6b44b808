"""The transformers pipeline, as its documentation has it, in a process of its own: the other side."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.bench.loop import Floats, Scored, segments_of
from tasks.bench.prepare import Materials
from tasks.bench.sides import Pass


@dataclass(frozen=True)
class Setting:
    """How it is asked to work: `fp32` is how it comes."""

    dtype: str = "fp32"
    batch_size: int = 1


def settings_for(batch_sizes: tuple[int, ...], *, gpu: bool) -> tuple[Setting, ...]:
    """What is worth trying: on a GPU also half precision."""
    dtypes = ("fp32", "bf16", "fp16") if gpu else ("fp32",)
    return tuple(Setting(dtype, size) for dtype in dtypes for size in batch_sizes)


def load_pipeline(materials: Materials, threads: int) -> Callable[[Setting], Scored]:
    """A pipeline over the benchmark's model that hears all segments in a setting.

    Args:
        materials: The model's folder, and what it hears.
        threads: CPU threads, as many as the pool's model has.
    """
    import torch

    torch.set_num_threads(threads)
    signals, warm = segments_of(materials.media), segments_of([materials.warm])
    pipes: dict[str, Any] = {}

    def hear(setting: Setting) -> Scored:
        if setting.dtype not in pipes:
            pipes.clear()
            pipes[setting.dtype] = _pipeline(materials, setting.dtype)
        pipe = pipes[setting.dtype]
        pipe(warm, batch_size=setting.batch_size)
        return _timed(pipe, signals, setting.batch_size)

    return hear


def _pipeline(materials: Materials, dtype: str) -> Any:
    import torch
    from transformers import pipeline
    from transformers.utils import logging

    logs: Any = logging
    logs.set_verbosity_error()
    logs.disable_progress_bar()
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    # A precision is named only where it is not the one that the pipeline would take by itself.
    lower: dict[str, Any] = {} if dtype == "fp32" else {"dtype": {"bf16": torch.bfloat16, "fp16": torch.float16}[dtype]}
    make: Any = pipeline
    return make("audio-classification", model=str(materials.model), device=device, **lower)


def _timed(pipe: Any, signals: Any, batch_size: int) -> Scored:
    """Its answers are Python's numbers, so that the clock stops only when a GPU has finished."""
    started, spent = time.perf_counter(), time.process_time()
    answers = pipe(signals, batch_size=batch_size, top_k=None)
    took = Pass(time.perf_counter() - started, time.process_time() - spent)
    return Scored(took, _posterior(answers, pipe.model.config.id2label))


def _posterior(answers: Any, labels: dict[int, str]) -> Floats:
    """Its answers, sorted by score, in the order of the model's labels: shape (n, labels)."""
    scores = [{each["label"]: each["score"] for each in answer} for answer in answers]
    return np.array([[score[labels[number]] for number in sorted(labels)] for score in scores])
