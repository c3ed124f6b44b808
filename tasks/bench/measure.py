"""One benchmark from its preparation to the stored result: the sides take turns, the best repetition of each counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from actors.pool import Pool
from actors.sizing import Sizes, derive
from actors.usage import usage_here
from infra import cluster
from infra.settings import Settings
from tasks.bench.loop import load_loop
from tasks.bench.place import LANGUAGE, Place, Say, on_gpu, opened, stored, workplace
from tasks.bench.prepare import Materials, prepare
from tasks.bench.result import BenchOptions, BenchResult, Seconds, StageCost
from tasks.bench.road import Lap, Memory, from_memory, from_store
from tasks.bench.sides import Pass, Side
from tasks.records.run import code_version, lock_sha256
from tasks.run import Run, plan_run

_STAGES = ("fetch", "decode", "segment", "language", "score", "decide", "validate", "commit", "other")


@dataclass(frozen=True)
class _Turn:
    """One repetition of all three sides."""

    loop: Pass
    memory: Lap
    road: Lap


def run_bench(options: BenchOptions, settings: Settings, say: Say) -> tuple[BenchResult, Path]:
    """Measure, on the local store and whatever Ray there is.

    Returns:
        What was found, and the file it was stored in.

    Raises:
        StoreError, RayError: A service cannot be reached.
        SeraphError: A side did not do its work.
    """
    started = datetime.now(UTC)
    with workplace(settings, say) as place:
        options = options.on(gpu=on_gpu())
        say(f"preparing {sum(options.media_s()) / 60:g} minutes of audio and the models ({options.preset})")
        materials = prepare(place.folder, options)
        run = opened(place, materials, options.precision)
        result = _measured(run, place, materials, options, started, say)
    return result, stored(result, options.preset, result.started, settings.home)


def _measured(
    run: Run, place: Place, materials: Materials, options: BenchOptions, started: datetime, say: Say
) -> BenchResult:
    have = cluster.resources()
    sizes = derive(run.config.resources, cpus=have.cpus, gpus=have.gpus, routes=1)
    with Pool(run.pool_options(plan_run(run)), sizes) as pool:
        say("starting the pool and the loop")
        from_store(replace(run, media=place.bucket.join("warm")), pool, "warm")
        memory = Memory(pool, materials.media, LANGUAGE)
        with Side("loop", partial(load_loop, materials, options.precision, sizes.scorer_threads)) as loop:
            turns = [_turn(run, pool, memory, loop, number, say) for number in range(options.repetitions)]
        return _result(options, materials, turns, pool, sizes, started)


def _turn(run: Run, pool: Pool, memory: Memory, loop: Side[None, Pass], number: int, say: Say) -> _Turn:
    alone = loop.ask(None)
    turn = _Turn(alone, from_memory(run, memory, pool, f"memory-{number}"), from_store(run, pool, f"road-{number}"))
    say(
        f"repetition {number + 1}: loop {turn.loop.seconds:.2f} s, from memory {turn.memory.seconds:.2f} s, "
        f"whole road {turn.road.seconds:.2f} s"
    )
    return turn


def _result(
    options: BenchOptions, materials: Materials, turns: Sequence[_Turn], pool: Pool, sizes: Sizes, started: datetime
) -> BenchResult:
    memory = min((turn.memory for turn in turns), key=lambda lap: lap.seconds)
    road = min((turn.road for turn in turns), key=lambda lap: lap.seconds)
    alone = min((turn.loop for turn in turns), key=lambda each: each.seconds)
    best = Seconds(alone.seconds, memory.seconds, road.seconds)
    media_s = sum(each.duration_s for each in materials.media)
    peaks = {kind: sum(each.peak_mb for each in members) for kind, members in pool.usage().items()}
    peaks["driver"] = usage_here().peak_mb
    workers = pool.description()
    return BenchResult(
        started=started.isoformat(timespec="seconds"),
        options=options,
        ratio=best.loop / best.memory,
        ratio_road=best.loop / best.road,
        realtime_factor={
            "loop": memory.audio_s / best.loop,
            "memory": memory.audio_s / best.memory,
            "road": road.audio_s / best.road,
        },
        best=best,
        repetitions=tuple(Seconds(turn.loop.seconds, turn.memory.seconds, turn.road.seconds) for turn in turns),
        loop_cpu_s=alone.cpu_s,
        stages=_stages(road, media_s),
        stages_memory=_stages(memory, media_s),
        media=len(materials.media),
        media_seconds=media_s,
        segments=road.segments,
        audio_seconds=road.audio_s,
        precision=", ".join(sorted(set(workers["precision"].values()))),
        device=", ".join(workers["devices"]),
        threads=sizes.scorer_threads,
        batch_seconds=sizes.batch_s,
        peak_mb=sum(peaks.values()),
        peak_mb_by=peaks,
        machine=materials.machine,
        code_version=code_version(),
        lock_sha256=lock_sha256(),
    )


def _stages(lap: Lap, media_s: float) -> dict[str, StageCost]:
    total = sum(lap.cpu_s.values())
    return {
        stage: StageCost(
            wall_s=lap.wall_s.get(stage),
            cpu_s=lap.cpu_s[stage],
            share=lap.cpu_s[stage] / total,
            cpu_s_per_audio_hour=lap.cpu_s[stage] * 3600 / media_s,
        )
        for stage in _STAGES
        if stage in lap.cpu_s and (lap.cpu_s[stage] or stage in lap.wall_s)
    }
