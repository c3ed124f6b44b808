"""The subject `ray-data`: the same segments by `ray.data`'s `map_batches` with an actor class, as its guides have it.

Both sides start from signals in the driver's memory and end with logits there; no rows are written. Ray Data gets the
segments sorted by length, so that its batches are as little padded as ours.
"""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from actors.contract import SAMPLING_RATE, Signal
from actors.pool import Pool
from actors.sizing import Sizes, derive
from infra import cluster
from infra.settings import Settings
from tasks.bench.arithmetic import best_of, command_of, versions
from tasks.bench.findings import RayDataOptions, RayDataResult, Variant
from tasks.bench.loop import Floats, posterior_of, segments_of
from tasks.bench.place import LANGUAGE, Say, on_gpu, opened, stored, workplace
from tasks.bench.prepare import Materials, prepare
from tasks.bench.road import Memory
from tasks.records.run import code_version, lock_sha256
from tasks.run import Run, plan_run


@dataclass(frozen=True)
class Timed:
    """One pass: seconds with starting up, and from the first batch to the last; what was said, (n, labels)."""

    seconds: float
    started_s: float
    posterior: Floats


class Listening:
    """What `map_batches` makes an actor of."""

    def __init__(self, model: str, precision: str, threads: int) -> None:
        import torch

        from actors.checkpoints import load_audio

        torch.set_num_threads(threads)
        self._model = load_audio(model, dtype=precision)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Logits of a batch, and when it began and ended."""
        began = time.time()
        logits = self._model.logits(list(batch["signal"]))
        clock = np.ones(len(logits))
        return {"number": batch["number"], "logits": logits, "began": began * clock, "ended": time.time() * clock}


def run_against_ray_data(options: RayDataOptions, settings: Settings, say: Say) -> tuple[RayDataResult, Path]:
    """Measure, on whatever Ray there is.

    Returns:
        What was found, and the file it was stored in.

    Raises:
        StoreError, RayError: A service cannot be reached.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with workplace(settings, say) as place:
        options = options.on(gpu=on_gpu())
        say(f"preparing {sum(options.media_s()) / 60:g} minutes of audio and the models ({options.preset})")
        materials = prepare(place.folder, options)
        found = _measured(opened(place, materials, options.precision), materials, options, say)
    result = RayDataResult(
        started=started,
        command=command_of("ray-data", options),
        machine=materials.machine,
        versions=versions(),
        code_version=code_version(),
        lock_sha256=lock_sha256(),
        options=options,
        **found,
    )
    return result, stored(result, f"ray-data-{options.preset}", started, settings.home)


def figures(ours: Sequence[Timed], theirs: dict[int, list[Timed]], dtype: str) -> dict[str, Any]:
    """The figures of a `RayDataResult` that come from the clocks and the answers."""
    cold, warm = (
        tuple(
            Variant(dtype=dtype, batch_size=size, seconds=tuple(getattr(each, name) for each in passes))
            for size, passes in theirs.items()
        )
        for name in ("seconds", "started_s")
    )
    pool_s, pool_started_s = tuple(each.seconds for each in ours), tuple(each.started_s for each in ours)
    said = next(iter(theirs.values()))[0].posterior
    return {
        "ratio": best_of(cold).best / min(pool_s),
        "ratio_started": best_of(warm).best / min(pool_started_s),
        "pool_s": pool_s,
        "pool_started_s": pool_started_s,
        "variants": cold,
        "variants_started": warm,
        "difference": float(np.abs(said - ours[0].posterior).max()),
    }


def _measured(run: Run, materials: Materials, options: RayDataOptions, say: Say) -> dict[str, Any]:
    have = cluster.resources()
    sizes = derive(run.config.resources, cpus=have.cpus, gpus=have.gpus, routes=1)
    signals = segments_of(materials.media)
    ours: list[Timed] = []
    theirs: dict[int, list[Timed]] = {}
    workers: dict[str, Any] = {}
    for number in range(options.repetitions):
        timed, workers = _pool(run, materials, sizes)
        ours.append(timed)
        say(f"pool: {timed.seconds:.2f} s, {timed.started_s:.2f} s of it once started")
        best = [min(theirs, key=lambda size: min(each.seconds for each in theirs[size]))] if number else []
        for size in best or options.batch_sizes:
            heard = _ray_data(signals, materials, options.precision, sizes, size)
            theirs.setdefault(size, []).append(heard)
            say(f"Ray Data, batches of {size}: {heard.seconds:.2f} s, {heard.started_s:.2f} s of it once started")
    precision = ", ".join(sorted(set(workers["precision"].values())))
    return figures(ours, theirs, precision) | {
        "segments": len(signals),
        "audio_seconds": sum(len(signal) for signal in signals) / SAMPLING_RATE,
        "precision": precision,
        "device": ", ".join(workers["devices"]),
        "threads": sizes.scorer_threads,
    }


def _pool(run: Run, materials: Materials, sizes: Sizes) -> tuple[Timed, dict[str, Any]]:
    """A pool from its start to the last logits, and then the same again with what is started."""
    options = run.pool_options(plan_run(run))
    began = time.perf_counter()
    with Pool(options, sizes) as pool:
        memory = Memory(pool, materials.media, LANGUAGE)
        memory.score(memory.media)
        cold = time.perf_counter()
        results = memory.score(memory.media)
        warm = time.perf_counter()
        workers = pool.description()
    logits = np.array([row.logits for result in results for row in result.rows])
    return Timed(cold - began, warm - cold, posterior_of(logits)), workers


def _ray_data(signals: Sequence[Signal], materials: Materials, precision: str, sizes: Sizes, size: int) -> Timed:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    order = sorted(range(len(signals)), key=lambda number: -len(signals[number]))
    began = time.perf_counter()
    data: Any = ray.data.from_items(
        [{"number": number, "signal": signals[number]} for number in order],
        override_num_blocks=math.ceil(len(signals) / size),
    )
    listening = data.map_batches(
        Listening,
        batch_size=size,
        compute=ray.data.ActorPoolStrategy(size=1),
        fn_constructor_args=(str(materials.model), precision, sizes.scorer_threads),
        **sizes.scorer,
    )
    rows = sorted(listening.take_all(), key=lambda row: int(row["number"]))
    seconds = time.perf_counter() - began
    started_s = max(float(row["ended"]) for row in rows) - min(float(row["began"]) for row in rows)
    return Timed(seconds, started_s, posterior_of(np.array([row["logits"] for row in rows])))
