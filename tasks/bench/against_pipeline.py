"""The subject `pipeline`: the transformers pipeline and our sides take turns over the same segments.

In the first round the pipeline runs at every batch size, later at its best one only; ours run in every round. So the
pipeline has the most tries, and the least seconds of each count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from actors.pool import Pool
from actors.sizing import derive
from infra import cluster
from infra.settings import Settings
from tasks.bench.arithmetic import best_of, command_of, versions
from tasks.bench.findings import Against, PipelineOptions, PipelineResult, Variant
from tasks.bench.loop import Floats, Scored, load_fed
from tasks.bench.pipeline import Setting, load_pipeline, settings_for
from tasks.bench.place import LANGUAGE, Place, Say, on_gpu, opened, stored, workplace
from tasks.bench.prepare import Materials, prepare
from tasks.bench.road import Lap, Memory, from_memory, from_store
from tasks.bench.sides import Side
from tasks.records.run import code_version, lock_sha256
from tasks.run import Run, plan_run


@dataclass(frozen=True)
class Ours:
    """One repetition of our sides."""

    fed: Scored
    memory: Lap
    road: Lap

    @property
    def seconds(self) -> dict[str, float]:
        """Of each."""
        return {"fed": self.fed.took.seconds, "memory": self.memory.seconds, "road": self.road.seconds}


@dataclass
class Theirs:
    """What the pipeline did, by setting; its answers one at a time in full precision are kept."""

    seconds: dict[Setting, list[float]] = field(default_factory=dict)
    posterior: Floats | None = None

    def add(self, setting: Setting, heard: Scored) -> float:
        """Keep a pass; its seconds."""
        self.seconds.setdefault(setting, []).append(heard.took.seconds)
        if self.posterior is None or setting == Setting():
            self.posterior = heard.posterior
        return heard.took.seconds

    @property
    def variants(self) -> tuple[Variant, ...]:
        """In the order in which they were first tried."""
        return tuple(
            Variant(dtype=each.dtype, batch_size=each.batch_size, seconds=tuple(seconds))
            for each, seconds in self.seconds.items()
        )

    def best(self) -> list[Setting]:
        """The best in full precision and, where that is another, the best of all."""
        found = (best_of(self.variants, ["fp32"]), best_of(self.variants))
        return list(dict.fromkeys(Setting(each.dtype, each.batch_size) for each in found))


def run_against_pipeline(options: PipelineOptions, settings: Settings, say: Say) -> tuple[PipelineResult, Path]:
    """Measure, on the local store and whatever Ray there is.

    Returns:
        What was found, and the file it was stored in.

    Raises:
        StoreError, RayError: A service cannot be reached.
        SeraphError: A side did not do its work.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with workplace(settings, say) as place:
        options = options.on(gpu=on_gpu())
        say(f"preparing {sum(options.media_s()) / 60:g} minutes of audio and the models ({options.preset})")
        materials = prepare(place.folder, options)
        found = _measured(opened(place, materials, options.precision), place, materials, options, say)
    result = PipelineResult(
        started=started,
        command=command_of("pipeline", options),
        machine=materials.machine,
        versions=versions(),
        code_version=code_version(),
        lock_sha256=lock_sha256(),
        options=options,
        **found,
    )
    return result, stored(result, f"pipeline-{options.preset}", started, settings.home)


def _measured(run: Run, place: Place, materials: Materials, options: PipelineOptions, say: Say) -> dict[str, Any]:
    have = cluster.resources()
    sizes = derive(run.config.resources, cpus=have.cpus, gpus=have.gpus, routes=1)
    tries = settings_for(options.batch_sizes, gpu=materials.machine.gpu is not None)
    fed = Side("model", partial(load_fed, materials, options.precision, sizes.scorer_threads, sizes.batch_s))
    theirs = Side("pipeline", partial(load_pipeline, materials, sizes.scorer_threads))
    with Pool(run.pool_options(plan_run(run)), sizes) as pool, fed, theirs:
        say("starting the pool, the model and the pipeline")
        from_store(replace(run, media=place.bucket.join("warm")), pool, "warm")
        memory = Memory(pool, materials.media, LANGUAGE)
        fed.wait()
        theirs.wait()
        rounds, heard = _rounds(run, pool, memory, fed, theirs, options.repetitions, tries, say)
        workers = pool.description()
    return figures(rounds, heard) | {
        "media_seconds": sum(each.duration_s for each in materials.media),
        "precision": ", ".join(sorted(set(workers["precision"].values()))),
        "device": ", ".join(workers["devices"]),
        "threads": sizes.scorer_threads,
        "batch_seconds": sizes.batch_s,
    }


def _rounds(
    run: Run,
    pool: Pool,
    memory: Memory,
    fed: "Side[None, Scored]",
    theirs: "Side[Setting, Scored]",
    repetitions: int,
    tries: Sequence[Setting],
    say: Say,
) -> tuple[list[Ours], Theirs]:
    rounds: list[Ours] = []
    heard = Theirs()
    for number in range(repetitions):
        for setting in heard.best() if number else tries:
            seconds = heard.add(setting, theirs.ask(setting))
            say(f"pipeline, {setting.dtype}, batches of {setting.batch_size}: {seconds:.2f} s")
        ours = Ours(
            fed.ask(None),
            from_memory(run, memory, pool, f"memory-{number}"),
            from_store(run, pool, f"road-{number}"),
        )
        rounds.append(ours)
        say(", ".join(f"{name} {seconds:.2f} s" for name, seconds in ours.seconds.items()))
    return rounds, heard


def figures(rounds: Sequence[Ours], heard: Theirs) -> dict[str, Any]:
    """The figures of a `PipelineResult` that come from the clocks and the answers."""
    ours = {name: min(each.seconds[name] for each in rounds) for name in ("fed", "memory", "road")}
    usual, quickest = best_of(heard.variants, ["fp32"]), best_of(heard.variants)
    alone = min((each for each in heard.variants if each.dtype == "fp32"), key=lambda each: each.batch_size)
    best = {"pipeline": usual.best, "pipeline_one": alone.best, **ours}
    spoken = rounds[0].memory.audio_s
    assert heard.posterior is not None
    over = {f"{name}_s": seconds for name, seconds in ours.items()}
    return {
        "ratio_pipeline": Against.over(usual.best, **over),
        "ratio_pipeline_any": Against.over(quickest.best, **over),
        "ratio_fed": {name: ours["fed"] / ours[name] for name in ("memory", "road")},
        "best": best,
        "realtime_factor": {name: spoken / seconds for name, seconds in best.items()},
        "variants": heard.variants,
        "rounds": tuple(each.seconds for each in rounds),
        "difference": float(np.abs(heard.posterior - rounds[0].fed.posterior).max()),
        "segments": rounds[0].memory.segments,
        "audio_seconds": spoken,
    }
