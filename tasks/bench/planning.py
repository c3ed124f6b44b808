"""The subject `planning`: a listing of very many objects, most of which are committed. The listing is made up.

The commits are real, in a real S3 store; so are reading them, the index, subtracting, and cutting shards. Planning runs
in a process of its own, whose memory is told.
"""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, cast

from actors.options import Resources
from actors.usage import usage_here
from infra.location import Location
from infra.services import Services
from infra.settings import Settings
from infra.storage import Store
from tasks.bench.arithmetic import command_of, versions
from tasks.bench.findings import PlanningOptions, PlanningResult
from tasks.bench.growth import Lister
from tasks.bench.place import Say, bench_config, stored, workplace
from tasks.bench.prepare import Models, prepare_models
from tasks.ledger import Entry
from tasks.records.run import code_version, lock_sha256
from tasks.run import Run, open_run, plan_run

_WRITERS = 8


@dataclass(frozen=True)
class _Job:
    """What is to be planned."""

    options: PlanningOptions
    bucket: Location
    models: Models
    services: Services


def run_planning(options: PlanningOptions, settings: Settings, say: Say) -> tuple[PlanningResult, Path]:
    """Measure.

    Returns:
        What was found, and the file it was stored in.

    Raises:
        StoreError: The store cannot be reached.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with workplace(settings, say, need=("s3",)) as place:
        job = _Job(options, place.bucket, prepare_models(place.folder, "tiny", 0), place.services)
        say(f"committing {options.done} of {options.objects} objects")
        _apart(commit_done, job)
        found = _apart(plan_twice, job)
    say(", ".join(f"from the {name} {seconds:.1f} s" for name, seconds in found["seconds"].items()))
    result = PlanningResult(
        started=started,
        command=command_of("planning", options),
        machine=job.models.machine,
        versions=versions(),
        code_version=code_version(),
        lock_sha256=lock_sha256(),
        options=options,
        **found,
    )
    return result, stored(result, "planning", started, settings.home)


def commit_done(job: _Job) -> None:
    """Commit the first objects of the listing, as runs before this one would have."""
    run, size = _opened(job), job.options.per_commit
    media = list(run.media_store.list(run.media))[: job.options.done]
    routes = {"en": run.identity.routes["en"]}

    def commit(start: int) -> None:
        entries = [
            Entry(uri=each.uri, etag=each.etag, outcome="scored", rows=100, routes=routes, duration_s=600.0)
            for each in media[start : start + size]
        ]
        run.results.commit(f"{start:032x}", run.run_id, entries)

    with ThreadPoolExecutor(_WRITERS) as threads:
        list(threads.map(commit, range(0, len(media), size)))


def plan_twice(job: _Job) -> dict[str, Any]:
    """Plan from the commits, then from the index that planning has written."""
    run = _opened(job)
    start_mb, seconds, cpu_s = usage_here().peak_mb, {}, {}
    for name in ("commits", "index"):
        started, spent = perf_counter(), process_time()
        plan = plan_run(run)
        seconds[name], cpu_s[name] = perf_counter() - started, process_time() - spent
    return {
        "seconds": seconds,
        "cpu_s": cpu_s,
        "start_mb": start_mb,
        "peak_mb": usage_here().peak_mb,
        "todo": plan.media,
        "skipped": plan.skipped,
        "shards": len(plan.shards),
    }


def _opened(job: _Job) -> Run:
    config = bench_config(job.models, "fp32", Resources())
    media, results = job.bucket.join("media"), job.bucket.join("results")
    run = open_run(media.uri, results.uri, config, job.services)
    return replace(run, media_store=cast(Store, Lister(job.options.objects, job.options.objects)))


def _apart(work: Any, job: _Job) -> Any:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, job).result()
