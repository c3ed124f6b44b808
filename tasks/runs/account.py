"""What a run's record says, drawn up from what the run was given and from what came of it. Stores nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from actors.contract import TAXONOMY
from actors.usage import Held
from tasks.plan import Plan
from tasks.promotion.current import Chosen
from tasks.records.parts import Spent, Spread
from tasks.records.run import Corpus, MediaCounts, Outputs, code_version, lock_sha256
from tasks.report import Summary
from tasks.runs.costs import cost
from tasks.runs.revision import code_revision
from tasks.score import ShardReport
from tasks.texts.stage import TextStage

if TYPE_CHECKING:
    from tasks.run import Run

N = TypeVar("N", int, float)


def what_was_used(run: "Run", plan: Plan, workers: Mapping[str, Any]) -> dict[str, Any]:
    """Code, configuration, models, workers, and what there was to be scored."""
    return {
        "run_id": run.run_id,
        "media_uri": run.media.uri,
        "results_uri": run.results.location.uri,
        "code_version": code_version(),
        "code_revision": code_revision(),
        "lock_sha256": lock_sha256(),
        # Nothing in a run draws random numbers: not the road, not the decision, not the bands of the alarms.
        "seeds": {},
        "snapshot": plan.snapshot,
        "fingerprint": run.identity.fingerprint,
        "config": run.config.model_dump(mode="json"),
        "configuration": Chosen(run.config, run.promotion).used,
        "models": {key: each.spec(run.config.precision) for key, each in run.identity.checkpoints.items()},
        "whisper": {"name": run.config.language.model, "weights_sha256": run.identity.detector_sha256},
        "workers": dict(workers),
    }


def what_came_of_it(run: "Run", plan: Plan, shards: Sequence[ShardReport], texts: TextStage | None) -> dict[str, Any]:
    """Media, segments, shares and times."""
    finished = datetime.now(UTC)
    seconds = (finished - run.started).total_seconds()
    audio_s = sum(shard.audio_seconds for shard in shards)
    outcomes = _sum(shard.outcomes for shard in shards)
    return {
        "started": run.started.isoformat(timespec="seconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "seconds": seconds,
        "audio_seconds": audio_s,
        "realtime_factor": audio_s / seconds if audio_s else None,
        "media": MediaCounts(
            planned=plan.media,
            scored=outcomes.get("scored", 0),
            silent=outcomes.get("silent", 0),
            skipped=plan.skipped,
            quarantined=outcomes.get("quarantined", 0),
            failed=outcomes.get("failed", 0),
            removed=len(plan.removed),
            other=dict(plan.other),
        ),
        "segments": sum(shard.segments for shard in shards),
        "stages": _sum([*(shard.seconds for shard in shards), *([texts.seconds] if texts else [])]),
        "languages": _sum(shard.languages for shard in shards),
        "emotions": _sum(shard.emotions for shard in shards),
        "undecided": sum(shard.undecided for shard in shards),
        "spread": sum((shard.spread for shard in shards), Spread()),
    }


def what_it_took(run: "Run", shards: Sequence[ShardReport], held: Held | None) -> dict[str, Any]:
    """What the workers held, and what that costs where a price is known."""
    if held is None:
        return {}
    spent = Spent(gpu_seconds=held.gpu_s, cpu_seconds=held.cpu_s)
    audio_s = sum(shard.audio_seconds for shard in shards)
    return {"spent": spent, "cost": None if run.price is None else cost(spent, audio_s, run.price)}


def corpus_of(run: "Run", summary: Summary, quarantined: int) -> Corpus:
    """The current table, in counts."""
    emotions = {emotion: int(count) for emotion, count in zip(TAXONOMY, summary.totals, strict=False) if count}
    return Corpus(
        media=summary.media,
        segments=summary.segments,
        audio_seconds=summary.seconds,
        languages={language: int(counts.sum()) for language, counts in summary.counts.items()},
        emotions=emotions,
        undecided=summary.undecided,
        quarantined=quarantined,
        alarms=_alarms(run, summary),
    )


def outputs_of(run: "Run", decision: str) -> Outputs:
    """Where everything lies."""
    report = run.results.run_uri(run.run_id, "report.html")
    local = run.services.local_path(report)
    return Outputs(
        scores=run.results.folder_uri("scores", decision),
        report=report,
        quarantine=run.results.folder_uri("quarantine"),
        run=run.results.run_uri(run.run_id, "run.json"),
        report_file=None if local is None else str(local),
    )


def _alarms(run: "Run", summary: Summary) -> dict[str, tuple[str, ...]]:
    """What makes the models of this run suspicious, from all that they said of the corpus."""
    labels = {
        each.source: TAXONOMY if each.kind == "dimensional" else each.labels
        for each in run.identity.checkpoints.values()
    }
    found = {model: said.alarms(labels[model]) for model, said in summary.said.items() if model in labels}
    return {model: alarms for model, alarms in found.items() if alarms}


def _sum(counts: Iterable[Mapping[str, N]]) -> dict[str, N]:
    total: dict[str, N] = {}
    for each in counts:
        for key, value in each.items():
            total[key] = total[key] + value if key in total else value
    return dict(sorted(total.items()))
