"""The two roads that are timed against the loop: from memory, and from the store. Both end in committed rows.

Everything after the pool is `tasks.score.score_shard`, as in a real run; only Prefect is left out,
and the clerks: shards are sealed in this process, where their CPU time can be told by stage.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from actors.contract import Language, Medium, MediumResult, ModelSpec, Reading, Signal
from actors.pool import Pool
from infra.errors import SeraphError
from infra.location import Location
from tasks.bench.prepare import Prepared
from tasks.plan import Shard
from tasks.run import Run, plan_run
from tasks.score import Scores, ShardReport, score_shard
from tasks.store import ResultsStore, shard_id

_SHARDS_AT_ONCE = 4  # as many as the flow score_corpus takes
_SHARD_S = 3600.0
_DECIDING = ("decide", "validate", "commit")


@dataclass(frozen=True)
class Lap:
    """One repetition of a road: its wall time, and what it used, by stage (`other`: everything besides), in seconds."""

    seconds: float
    wall_s: dict[str, float]
    cpu_s: dict[str, float]
    segments: int
    audio_s: float


class Memory:
    """Media whose signals and segments are in memory, as something that scores: the pool without its readers.

    Attributes:
        media: What to ask for.
    """

    def __init__(self, pool: Pool, prepared: Sequence[Prepared], language: str) -> None:
        self.media = tuple(Medium(f"s3://memory/{each.medium.name}", "0", 0) for each in prepared)
        known = Language(language, 1.0, 1.0, language)
        self._pool = pool
        self._readings: dict[Medium, tuple[Reading, Signal, Language]] = {
            medium: (Reading(medium, each.duration_s, each.spans), np.load(each.signal), known)
            for medium, each in zip(self.media, prepared, strict=True)
        }

    @property
    def specs(self) -> dict[str, ModelSpec]:
        """Specs of the models that have scored so far, by weights_sha256."""
        return self._pool.specs

    def score(self, media: Sequence[Medium]) -> list[MediumResult]:
        """Score the segments of these media."""
        return self._pool.score_signals([self._readings[medium] for medium in media])

    def shards(self) -> list[tuple[Medium, ...]]:
        """The media by hours, as planning would cut them: one is sealed while the next is scored."""
        seconds = max(reading.duration_s for reading, _, _ in self._readings.values())
        size = max(1, round(_SHARD_S / seconds))
        return [self.media[start : start + size] for start in range(0, len(self.media), size)]


def from_memory(run: Run, memory: Memory, pool: Pool, name: str) -> Lap:
    """Score what is in memory, and commit it under results of its own."""
    run = _elsewhere(run, name)
    return _timed(lambda: [_shard(run, media) for media in memory.shards()], run, memory, pool)


def from_store(run: Run, pool: Pool, name: str) -> Lap:
    """Plan and score the media of the run, and commit them under results of their own."""
    run = _elsewhere(run, name)
    return _timed(lambda: plan_run(run).shards, run, pool, pool)


def _shard(run: Run, media: tuple[Medium, ...]) -> Shard:
    marks = [(medium.uri, medium.etag, 1) for medium in media]
    return Shard(shard_id(run.identity.fingerprint, run.identity.routes, marks), media, (1,) * len(marks))


def _timed(plan: Callable[[], Sequence[Shard]], run: Run, scores: Scores, pool: Pool) -> Lap:
    before, driver = _used(pool), time.process_time()
    started = time.perf_counter()
    with ThreadPoolExecutor(_SHARDS_AT_ONCE) as threads:
        done = list(threads.map(lambda shard: _score(shard, run, scores), plan()))
    seconds = time.perf_counter() - started
    cpu_s = {stage: spent - before.get(stage, 0.0) for stage, spent in _used(pool).items()}
    reports = [report for report, _ in done]
    wall_s = _sum([report.seconds for report in reports])
    for report, thread_s in done:
        laps = {stage: report.seconds[stage] for stage in _DECIDING}
        total = sum(laps.values())
        cpu_s = _sum([cpu_s, {stage: thread_s * lap / total for stage, lap in laps.items()}])
    known = sum(spent for stage, spent in cpu_s.items() if stage != "all")
    cpu_s["other"] = cpu_s.pop("all") + time.process_time() - driver - known
    segments = sum(report.segments for report in reports)
    return Lap(seconds, wall_s, cpu_s, segments, sum(report.audio_seconds for report in reports))


def _score(shard: Shard, run: Run, scores: Scores) -> tuple[ShardReport, float]:
    """Score a shard, and tell this thread's CPU time: deciding, validating and committing. Scoring only waits."""
    started = time.thread_time()
    report = score_shard(shard, scores, run.results, run.identity, run.run_id)
    if report.failed or set(report.outcomes) != {"scored"}:
        raise SeraphError(
            f"the benchmark's media did not all come out as scored ({report.outcomes}, {'; '.join(report.failed)}); "
            "expected that of generated speech: run it again, and report it where it stays so"
        )
    return report, time.thread_time() - started


def _used(pool: Pool) -> dict[str, float]:
    """CPU seconds of the workers so far, by stage; `all` is the whole of their processes."""
    everybody = [each for kind in pool.usage().values() for each in kind]
    return _sum([*(each.steps_s for each in everybody), {"all": sum(each.cpu_s for each in everybody)}])


def _elsewhere(run: Run, name: str) -> Run:
    """The run with results under a prefix of their own: nothing is done there yet, so nothing is skipped."""
    store = run.results
    location = Location.parse(f"{store.location.uri}/{name}")
    return replace(run, results=ResultsStore(run.media_store, location, store.fingerprint))


def _sum(counts: Sequence[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for each in counts:
        for stage, seconds in each.items():
            total[stage] = total.get(stage, 0.0) + seconds
    return total
