"""What a benchmark works on: generated media, what is heard in them, and models. Made in a process of its own.

So the memory that it takes is not counted as the driver's, and the loop starts as freshly as a worker does.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np

from actors.contract import Span
from tasks.bench.result import BenchOptions, Machine, Preset

T = TypeVar("T")

_WARM_S = 20.0

_FEW = 8
"""Media that are sooner made one after the other than other processes for them are started."""


@dataclass(frozen=True)
class Prepared:
    """One medium: its MP3, its decoded signal (.npy, float32 mono at 16 kHz), and the speech segments in it."""

    medium: Path
    signal: Path
    duration_s: float
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Models:
    """The models that a benchmark needs, and the machine that it runs on."""

    model: Path
    whisper: Path
    machine: Machine


@dataclass(frozen=True)
class Materials(Models):
    """Models and media. `warm` is a short medium for the first round, which does not count."""

    media: tuple[Prepared, ...]
    warm: Prepared


def prepare(folder: Path, options: BenchOptions) -> Materials:
    """Write media and models into `folder`; the same options give the same bytes."""
    return _elsewhere(make, folder, options)


def prepare_models(folder: Path, preset: Preset, seed: int) -> Models:
    """Write the models alone."""
    return _elsewhere(make_models, folder, preset, seed)


def gpu_here() -> bool:
    """Whether the models will find a GPU on this machine. Asked in a process of its own: it takes torch."""
    return _elsewhere(_machine).gpu is not None


def make(folder: Path, options: BenchOptions) -> Materials:
    """As `prepare`, in this process."""
    models = make_models(folder, options.preset, options.seed)
    lengths = [_WARM_S, *options.media_s()]
    paths = [folder / "warm.mp3", *(folder / f"{number:03}.mp3" for number in range(len(lengths) - 1))]
    generators = np.random.default_rng(options.seed).spawn(len(lengths))
    warm, *media = _media(paths, lengths, generators, models.machine.cores)
    return Materials(models.model, models.whisper, models.machine, tuple(media), warm)


def make_models(folder: Path, preset: Preset, seed: int) -> Models:
    """As `prepare_models`, in this process."""
    from tasks.bench.models import DIMENSIONS, write_wav2vec2, write_whisper

    machine = _machine()
    write_wav2vec2(folder / "wav2vec2", DIMENSIONS[preset], seed)
    write_whisper(folder / "whisper.pt", DIMENSIONS[preset], seed)
    return Models(folder / "wav2vec2", folder / "whisper.pt", machine)


def _machine() -> Machine:
    from tasks.bench.machine import describe_machine

    return describe_machine()


def _elsewhere(work: Callable[..., T], *arguments: object) -> T:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


def _media(
    paths: Sequence[Path], lengths: Sequence[float], generators: Sequence[np.random.Generator], cores: int
) -> list[Prepared]:
    """Write media; where they are many, on all cores: ten minutes take one of them ten seconds."""
    if len(paths) <= _FEW or cores == 1:
        return list(map(_medium, paths, lengths, generators))
    with ProcessPoolExecutor(min(cores, len(paths)), get_context("spawn"), _one_thread) as processes:
        return list(processes.map(_medium, paths, lengths, generators))


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _medium(path: Path, seconds: float, generator: np.random.Generator) -> Prepared:
    """Write a medium, and what reading it back gives: so the loop hears the very samples that the pool hears."""
    from actors.decode import decode
    from actors.options import ReadOptions, SegmentOptions
    from actors.segment import Segmenter
    from tasks.bench.audio import speech, write_mp3

    write_mp3(speech(seconds, generator), path)
    with path.open("rb") as file:
        decoded = decode(file, ReadOptions())
    np.save(path.with_suffix(".npy"), decoded.signal)
    spans = Segmenter(SegmentOptions()).segment(decoded.signal)
    return Prepared(path, path.with_suffix(".npy"), decoded.duration_s, spans)
