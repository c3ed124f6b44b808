"""How many actors of each kind, and what each asks of Ray: derived from the cluster, overridden by `Resources`.

The shares add up to the machine, so that a laptop with two cores places a reader, Whisper and two scorers at once.
"""

from dataclasses import dataclass
from typing import Any

from actors.options import Resources

_READER_CPUS = 0.25
_LISTENER_CPUS = 0.25
_CORES_PER_SCORER = 4
"""CPU threads beyond which one wav2vec2 gains little; more workers do."""

_CPU_BATCH_S = 30.0
_GPU_BATCH_S = 320.0


@dataclass(frozen=True)
class Sizes:
    """Numbers of actors, their threads, and their Ray options (`num_cpus`, `num_gpus`)."""

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


def derive(resources: Resources, *, cpus: float, gpus: float, routes: int) -> Sizes:
    """Sizes for a cluster.

    Args:
        resources: What is configured; None means: derive it.
        cpus, gpus: What the cluster has in all.
        routes: How many languages are routed: with two cores or more each can have a worker of its own.
    """
    cores = max(1, int(cpus))
    num_gpus = resources.num_gpus if resources.num_gpus is not None else float(gpus >= 1)
    on_gpu = num_gpus > 0
    if resources.max_workers is not None:
        most = resources.max_workers
    elif on_gpu:
        most = max(1, int(gpus / num_gpus))
    else:
        most = min(cores, max(routes, cores // _CORES_PER_SCORER))
    readers = resources.readers or (max(1, cores - most - 1) if on_gpu else max(1, cores // 8))
    if resources.num_cpus is not None:
        num_cpus = resources.num_cpus
    else:
        share = _share(cores - _LISTENER_CPUS - readers * _READER_CPUS, most)
        num_cpus = min(1.0, share) if on_gpu else share
    threads = max(1, round(num_cpus)) if resources.num_cpus is not None else max(1, cores // most)
    memory_gb = resources.model_memory_gb
    return Sizes(
        readers=readers,
        listeners=1,
        least_scorers=min(resources.min_workers or 1, most),
        most_scorers=most,
        listener_threads=max(1, min(4, cores // 2)),
        scorer_threads=1 if on_gpu else threads,
        reader={"num_cpus": _READER_CPUS, "num_gpus": 0},
        listener={"num_cpus": _LISTENER_CPUS, "num_gpus": 0},
        scorer={"num_cpus": num_cpus, "num_gpus": num_gpus},
        batch_s=resources.batch_seconds or (_GPU_BATCH_S if on_gpu else _CPU_BATCH_S),
        media_in_flight=resources.media_in_flight or 2 * (readers + most),
        model_memory_bytes=None if memory_gb is None else int(memory_gb * 1e9),
    )


def _share(cpus: float, workers: int) -> float:
    """An equal share of the CPUs: a whole number above one, as Ray wants it, and never none at all."""
    share = max(cpus, 0.1) / workers
    return float(int(share)) if share >= 1 else int(share * 100) / 100 or 0.01
