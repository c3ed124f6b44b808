"""The record of an evaluation, drawn up from the answers, and stored with its page and its predictions."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.location import SCHEME
from infra.services import Services
from tasks.config.scoring import ScoreConfig, load_config
from tasks.evaluation.answers import Answers
from tasks.evaluation.archive import Archive, predictions_table
from tasks.evaluation.assess import agreement, comparisons, raters, worst
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.figures import baselines, figures
from tasks.evaluation.gather import Segments
from tasks.evaluation.request import EvaluateRequest
from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import ModelResult
from tasks.evaluation.router import audit
from tasks.evaluation.verdict import notes, verdict
from tasks.records.run import code_version, lock_sha256
from tasks.report.evaluation import build_evaluation_page, build_leaderboard


@dataclass(frozen=True)
class Findings:
    """All that a record is drawn up from.

    Attributes:
        silent: Rows of the candidates without answers, by name.
        started: Of `time.perf_counter`.
        candidates: Those that answered, by name, for the router audit.
    """

    request: EvaluateRequest
    segments: Segments
    answers: Sequence[Answers]
    silent: Mapping[str, ModelResult]
    evaluation_id: str
    started: float
    inferred: int = 0
    cached: int = 0
    candidates: Mapping[str, Candidate] | None = None


def store(
    findings: Findings, archive: Archive, media: Mapping[str, Path], services: Services | None = None
) -> Evaluation:
    """Draw up the record, and store it with its page and every answer.

    Args:
        findings: What came of the candidates.
        archive: Where to.
        media: Files of this machine by their URIs, for the page's player.
        services: None where no store was used.
    """
    outputs = archive.outputs(findings.evaluation_id)
    local = _local(outputs.report, services)
    outputs = outputs.model_copy(update={"report_file": str(local) if local else None})
    evaluation = drawn_up(findings).model_copy(update={"outputs": outputs})
    page = build_evaluation_page(evaluation, media)
    archive.save(evaluation, page, predictions_table(findings.segments, findings.answers))
    archive.save_leaderboard(build_leaderboard)
    return evaluation


def drawn_up(findings: Findings) -> Evaluation:
    """The record, but for where it will lie."""
    segments, answers, request = findings.segments, findings.answers, findings.request
    measured = {each.name: figures(segments, each, request.seed) for each in answers}
    models = _in_order(request, measured | dict(findings.silent))
    pairs, ranks = comparisons(segments, answers) if answers else ((), ())
    said = verdict(segments, answers, models, pairs, ranks)
    beside = notes(segments, models)
    return Evaluation(
        evaluation_id=findings.evaluation_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=code_version(),
        lock_sha256=lock_sha256(),
        seed=request.seed,
        dataset=segments.dataset,
        models=(*models, *baselines(segments)),
        comparisons=pairs,
        ranking=ranks,
        verdict=said.en,
        verdict_ko=said.ko,
        notes=tuple(each.en for each in beside),
        notes_ko=tuple(each.ko for each in beside),
        worst=worst(segments, answers),
        agreement=agreement(answers),
        raters=raters(segments),
        router=tuple(_audits(findings)),
        inferred=findings.inferred,
        cached=findings.cached,
        seconds=time.perf_counter() - findings.started,
        settings=_settings(request),
    )


def _local(address: str, services: Services | None) -> Path | None:
    """The file behind an address on this machine, or None."""
    if not address.startswith(SCHEME):
        return Path(address)
    return services.local_path(address) if services else None


def _in_order(request: EvaluateRequest, found: Mapping[str, ModelResult]) -> list[ModelResult]:
    """The candidates as they were named, then those that came along."""
    named = [name for name in dict.fromkeys(request.models) if name in found]
    return [found[name] for name in (*named, *(name for name in found if name not in named))]


def _audits(findings: Findings) -> list[Any]:
    found = []
    for each in findings.answers:
        if each.kind == "system" and findings.candidates:
            audited = audit(findings.segments, findings.candidates[each.name], each, findings.answers)
            found += [audited] if audited else []
    return found


def _settings(request: EvaluateRequest) -> dict[str, Any]:
    config = config_of(request)
    return {
        **request.model_dump(mode="json", exclude={"config"}),
        "config": config.model_dump(mode="json", include={"name", "precision", "reading", "decision"}),
    }


def config_of(request: EvaluateRequest) -> ScoreConfig:
    """The configuration of the candidates that are models."""
    if isinstance(request.config, ScoreConfig):
        return request.config
    return load_config(request.config or "default")
