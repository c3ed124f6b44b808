"""The subject `growth`: a run over more and more segments, with workers that do nothing.

Real are Ray, the pool, the clerks, the tables, the data checks, the commits in a real S3 store, and the report; the
listing is made up. Each size has a driver process of its own, because a process's peak memory never falls again.
"""

import math
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import cast

from actors.clerks import Clerks
from actors.options import Resources
from actors.pool import Cast, Pool
from actors.sizing import derive
from actors.usage import usage_here
from infra import cluster
from infra.errors import SeraphError
from infra.location import Location
from infra.services import Services
from infra.settings import Settings
from infra.storage import ObjectInfo, Store
from tasks.bench.arithmetic import command_of, growth_of, versions
from tasks.bench.findings import GrowthOptions, GrowthResult, Size
from tasks.bench.place import Say, bench_config, stored, workplace
from tasks.bench.prepare import Models, prepare_models
from tasks.bench.stubs import StubListener, StubReader, StubScorer
from tasks.plan import Plan
from tasks.records.run import code_version, lock_sha256
from tasks.run import Run, finish, open_run, plan_run
from tasks.score import Calls, ShardReport, score_shard
from tasks.validate import prepare

_BATCH_S = 320.0
"""As on a GPU: so many segments are no work for a CPU."""

_SHARD_SEGMENTS = 650
"""Segments in a shard: with their pauses, an hour, as shards usually are."""


class Lister:
    """A listing of media that are nowhere. Their size is how many segments a stub reader finds in them."""

    def __init__(self, media: int, segments: int) -> None:
        self._media, self._segments = media, segments

    def list(self, location: Location) -> Iterator[ObjectInfo]:
        """All of them; the last one has what is left."""
        modified = datetime(2026, 1, 1, tzinfo=UTC)
        share = math.ceil(self._segments / self._media)
        for number in range(self._media):
            place = location.join(f"{number // 1000:04}", f"{number:07}.wav")
            size = min(share, self._segments - number * share)
            yield ObjectInfo(place.uri, place.key, size, "0", modified)


@dataclass(frozen=True)
class _Job:
    """What a driver is to do."""

    segments: int
    per_medium: int
    bucket: Location
    models: Models
    services: Services


def run_growth(options: GrowthOptions, settings: Settings, say: Say) -> tuple[GrowthResult, Path]:
    """Measure, one size after the other.

    Returns:
        What was found, and the file it was stored in.

    Raises:
        StoreError, RayError: A service cannot be reached.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    sizes: list[Size] = []
    with workplace(settings, say) as place:
        models = prepare_models(place.folder, "tiny", 0)
        cluster.disconnect()  # each size connects for itself
        for segments in options.segments:
            job = _Job(segments, options.per_medium, place.bucket.join(str(segments)), models, place.services)
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as driver:
                size = driver.submit(drive, job).result()
            sizes.append(size)
            say(f"{segments} segments: {size.ms_per_segment:.2f} ms each, {size.peak_mb:.0f} MB at most")
    result = GrowthResult.model_validate(
        {
            "started": started,
            "command": command_of("growth", options),
            "machine": models.machine,
            "versions": versions(),
            "code_version": code_version(),
            "lock_sha256": lock_sha256(),
            "options": options,
            "sizes": tuple(sizes),
            **growth_of(sizes),
        }
    )
    return result, stored(result, "growth", started, settings.home)


def drive(job: _Job) -> Size:
    """One run, from its listing to its report, in this process; a small one before it, so that all is imported."""
    job.services.export()
    cluster.connect(job.services)
    have = cluster.resources()
    run, warm = _opened(job, "run", job.segments), _opened(job, "warm", job.per_medium)
    sizes = derive(run.config.resources, cpus=have.cpus, gpus=0, routes=1)
    plan = plan_run(run)
    clerks = Clerks(run.config.resources, prepare)
    with clerks, Pool(run.pool_options(plan), sizes, Cast(StubReader, StubListener, StubScorer)) as pool:
        _scored(warm, plan_run(warm), pool, clerks, sizes.shards_at_once)
        before, started = usage_here(), perf_counter()
        shards, finish_s = _scored(run, plan, pool, clerks, sizes.shards_at_once)
        seconds, after = perf_counter() - started, usage_here()
    cluster.disconnect()
    _check(job, shards)
    stages = sum((Counter(shard.seconds) for shard in shards), Counter[str]())
    return Size(
        segments=job.segments,
        media=plan.media,
        shards=len(plan.shards),
        seconds=seconds,
        finish_s=finish_s,
        ms_per_segment=1000 * seconds / job.segments,
        cpu_ms_per_segment=1000 * (after.cpu_s - before.cpu_s) / job.segments,
        stages=dict(stages),
        start_mb=before.peak_mb,
        peak_mb=after.peak_mb,
    )


def _scored(run: Run, plan: Plan, pool: Pool, clerks: Calls, at_once: int) -> tuple[list[ShardReport], float]:
    """Every shard as the flow does it, then the end of the run; what came of the shards, and seconds of the end."""
    with ThreadPoolExecutor(at_once) as threads:
        work = partial(
            score_shard, pool=pool, results=run.results, identity=run.identity, run_id=run.run_id, clerks=clerks
        )
        shards = list(threads.map(work, plan.shards))
    ended = perf_counter()
    finish(run, plan, shards, pool.description(), clerks=clerks)
    return shards, perf_counter() - ended


def media_of(segments: int, per_medium: int) -> int:
    """How many media it takes."""
    return math.ceil(segments / per_medium)


def _opened(job: _Job, name: str, segments: int) -> Run:
    config = bench_config(job.models, "fp32", Resources(max_workers=1, batch_seconds=_BATCH_S))
    cut = config.media.model_copy(update={"shard_media": max(1, _SHARD_SEGMENTS // job.per_medium)})
    media, results = job.bucket.join(name, "media"), job.bucket.join(name, "results")
    run = open_run(media.uri, results.uri, config.model_copy(update={"media": cut}), job.services)
    return replace(run, media_store=cast(Store, Lister(media_of(segments, job.per_medium), segments)))


def _check(job: _Job, shards: list[ShardReport]) -> None:
    scored = sum(shard.segments for shard in shards)
    failed = [line for shard in shards for line in shard.failed]
    if scored != job.segments or failed:
        raise SeraphError(
            f"{scored} of {job.segments} segments were scored ({'; '.join(failed) or 'no check failed'}); "
            "expected all of them: run it again, and report it where it stays so"
        )
