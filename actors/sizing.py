"""How many actors of each kind, and what each asks of Ray: derived from the cluster, overridden by `Resources`.

The shares add up to the machine, so that a laptop with two cores places a reader, Whisper and two scorers at once.
"""

import math
from dataclasses import dataclass
from typing import Any

from actors.gpu_shares import LISTENERS_PER_SCORER, listener_share, listeners_beside, places, scorer_share
from actors.options import Resources

_READER_CPUS = 0.25
_LISTENER_CPUS = 0.25
_CORES_PER_SCORER = 4
"""CPU threads beyond which one wav2vec2 gains little; more workers do."""

_CORES_PER_LISTENER = 8
"""Cores of a GPU machine beyond which there is another detector on the CPU: half of them are its threads."""

_LISTENERS_PER_CORE = 4
"""Of those that compute on a GPU: a core only hands them their work."""

GPU_CALLS = 2
"""Batches that a scorer on a GPU may have at once: one is computed while the other is prepared (27 to 42 ms of the 160
that 320 s of speech take at 2,000 × real time). On a CPU never: two threads with a team of OpenMP threads each would
spin against each other, and share the cores that one of them could use."""

_READERS_PER_GPU = 7.0
"""Where no GPU is there yet to go by: silero-vad hears about 150 × real time a core, a large model 1,000 on a GPU."""

_READERS_PER_CPU_SCORER = 0.5

_SMALL_BYTES = 64 << 20
"""About an hour of compressed speech, half an hour of plain samples: some batches for each of four GPUs."""

_FEWEST_SHARDS, _MOST_SHARDS = 4, 128
"""Shards at once: the tail of one is filled with the head of the next; and each keeps a thread, and its results."""

_CPU_BATCH_S = 30.0
_GPU_BATCH_S = 320.0


@dataclass(frozen=True)
class Sizes:
    """Numbers of actors, their threads, and their Ray options (`num_cpus`, `num_gpus`).

    Attributes:
        readers, listeners: At most, for the cluster as it was when this was derived.
        media_in_flight: Media on the road at once; more, as long as all together have fewer than `small_bytes`.
        readers_per_scorer, listeners_per_scorer: For one that has grown since; 0: never more than those.
        scorer_calls: Batches that one scorer takes at once.
    """

    readers: int
    listeners: int
    least_scorers: int
    most_scorers: int
    listener_threads: int
    scorer_threads: int
    reader: dict[str, float]
    listener: dict[str, float]
    scorer: dict[str, float]
    batch_s: float
    media_in_flight: int
    model_memory_bytes: int | None
    small_bytes: int = 0
    readers_per_scorer: float = 0.0
    listeners_per_scorer: float = 0.0
    scorer_calls: int = 1

    def readers_for(self, scorers: int) -> int:
        """How many readers keep so many scoring workers busy."""
        return max(self.readers, math.ceil(scorers * self.readers_per_scorer))

    def listeners_for(self, scorers: int) -> int:
        """How many language detectors do."""
        return max(self.listeners, math.ceil(scorers * self.listeners_per_scorer))

    @property
    def shards_at_once(self) -> int:
        """How many shards of an hour keep the scoring workers busy: one for each."""
        return min(_MOST_SHARDS, max(_FEWEST_SHARDS, self.most_scorers))

    def wants_shard(self, shards: int, media: int) -> bool:
        """Whether another shard should set out beside so many, with so many media between them.

        Where they are a few long media each, `shards_at_once` are too few: then until twice as many media are at hand
        as may be on the road, since some of them are done already.
        """
        return shards < self.shards_at_once or (shards < _MOST_SHARDS and media < 2 * self.media_in_flight)

    def description(self) -> dict[str, Any]:
        """What a run's record says of them."""
        return {
            "max_scorers": self.most_scorers,
            "scorer_threads": self.scorer_threads,
            "num_cpus": self.scorer["num_cpus"],
            "num_gpus": self.scorer["num_gpus"],
            "batch_seconds": self.batch_s,
            "media_in_flight": self.media_in_flight,
        }


def derive(resources: Resources, *, cpus: float, gpus: float, routes: int, hears: bool = True) -> Sizes:
    """Sizes for a cluster.

    Args:
        resources: What is configured; None means: derive it.
        cpus, gpus: What the cluster has in all.
        routes: How many languages are routed: with two cores or more each can have a worker of its own.
        hears: Whether language detectors are wanted: beside GPUs, they compute there.
    """
    cores = max(1, int(cpus))
    num_gpus = scorer_share(resources.num_gpus, gpus=gpus, hears=hears)
    on_gpu = num_gpus > 0
    if resources.max_workers is not None:
        most = resources.max_workers
    elif on_gpu:
        most = max(1, places(gpus, num_gpus))
    elif resources.num_cpus:
        most = max(1, int((cores - _READER_CPUS - _LISTENER_CPUS) / max(1, resources.num_cpus)))
    else:
        most = min(cores, max(routes, cores // _CORES_PER_SCORER))
    present = _present(resources, cores, gpus, num_gpus, most)
    hearing = listener_share(num_gpus, most=most, listeners=resources.listeners) if hears else 0.0
    listeners = resources.listeners or _listeners(cores, present, on_gpu=on_gpu, share=hearing)
    handing = math.ceil(listeners / _LISTENERS_PER_CORE) if hearing else listeners
    readers = resources.readers or (max(1, cores - present - handing) if on_gpu else max(1, cores // 8))
    if resources.num_cpus is not None:
        num_cpus = resources.num_cpus
    else:
        beside = listeners * _LISTENER_CPUS + readers * _READER_CPUS
        num_cpus = min(1.0, _share(cores - beside, present or 1)) if on_gpu else _share(cores - beside, most)
    threads = max(1, round(num_cpus)) if resources.num_cpus is not None else max(1, cores // most)
    memory_gb = resources.model_memory_gb
    each = LISTENERS_PER_SCORER if hearing else listeners / max(1, present)
    usual = _READERS_PER_GPU if on_gpu else _READERS_PER_CPU_SCORER
    return Sizes(
        readers=readers,
        listeners=listeners,
        least_scorers=min(resources.min_workers or 1, most),
        most_scorers=most,
        listener_threads=1 if hearing else max(1, min(4, cores // 2)),
        scorer_threads=1 if on_gpu else threads,
        reader={"num_cpus": _READER_CPUS, "num_gpus": 0},
        listener={"num_cpus": _LISTENER_CPUS, "num_gpus": hearing},
        scorer={"num_cpus": num_cpus, "num_gpus": num_gpus},
        batch_s=resources.batch_seconds or (_GPU_BATCH_S if on_gpu else _CPU_BATCH_S),
        media_in_flight=resources.media_in_flight or 2 * (readers + most),
        model_memory_bytes=None if memory_gb is None else int(memory_gb * 1e9),
        small_bytes=0 if resources.media_in_flight else _SMALL_BYTES * max(1, most // 4),
        readers_per_scorer=0.0 if resources.readers else readers / present if present else usual,
        listeners_per_scorer=0.0 if resources.listeners else each,
        scorer_calls=GPU_CALLS if on_gpu else 1,
    )


def _listeners(cores: int, scorers: int, *, on_gpu: bool, share: float) -> int:
    """How many language detectors: on GPUs in proportion to the scorers, on the CPUs beside GPUs as cores allow."""
    if share:
        return min(listeners_beside(scorers), cores)
    return max(1, min(scorers, cores // _CORES_PER_LISTENER)) if on_gpu else 1


def _present(resources: Resources, cores: int, gpus: float, num_gpus: float, most: int) -> int:
    """How many of the scoring workers the cluster could hold as it is; none, where an autoscaler is yet to start."""
    if num_gpus > 0:
        return min(most, places(gpus, num_gpus))
    return min(most, max(1, int(cores / resources.num_cpus))) if resources.num_cpus else most


def _share(cpus: float, workers: int) -> float:
    """An equal share of the CPUs: a whole number above one, as Ray wants it, and never none at all."""
    share = max(cpus, 0.1) / workers
    return float(int(share)) if share >= 1 else int(share * 100) / 100 or 0.01
