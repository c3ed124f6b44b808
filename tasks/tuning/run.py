"""One tuning from its evidence to its stored report, as plain functions. No media, no model and no service is needed.

Owns the order: search and nested validation, then each language, fusion and calibration beside it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from infra.errors import InputError
from infra.shelf import Shelf
from tasks.evaluation.archive import Archive
from tasks.evaluation.figures import record_interval
from tasks.evaluation.gather import gather
from tasks.evaluation.result_model import Bin as RecordBin
from tasks.labels import read_labelled
from tasks.numerics import calibration as numeric_calibration
from tasks.numerics.choice import Choice, nested_choice
from tasks.numerics.decision import Pooling, pooled
from tasks.numerics.fusing import Rule, fixed, pooled_by, stacked
from tasks.numerics.gains import Gain as NumericGain
from tasks.numerics.grid import DEFAULTS, Evidence, Grid, options_of
from tasks.numerics.idle import cannot_matter
from tasks.numerics.languages import LanguageChoice, by_language
from tasks.numerics.nested import Nested, nested
from tasks.numerics.nested import Scores as NumericScores
from tasks.numerics.search import answers
from tasks.numerics.tallies import Objective
from tasks.numerics.tempering import temper
from tasks.records.run import code_version, lock_sha256, new_run_id
from tasks.report.tuning import build_tuning_page
from tasks.tuning.archive import TuningArchive
from tasks.tuning.evidence import Subject, recorded, stored
from tasks.tuning.grids import grid_of
from tasks.tuning.request import TuneRequest
from tasks.tuning.result import (
    Calibration,
    Fusion,
    FusionCandidate,
    Gain,
    LanguageResult,
    Luck,
    PairResponse,
    Response,
    Scored,
    Scores,
    Tuning,
)
from tasks.tuning.verdict import LOG_LINEAR, STACKER, notes, reason, text_helps

MOST_POINTS, MOST_ANSWERS = 10_000_000, 400_000_000
"""Points, and points × segments, of a grid that is tried as a whole: the nested validation holds all answers, 2 GB. A
larger one is searched along its parameters."""


def tune(request: TuneRequest, fetch: Callable[[str], bytes], shelf: Shelf) -> Tuning:
    """Search decision parameters, say what the search is worth, and store the report.

    Args:
        request: What to tune.
        fetch: The bytes of a label file, by its path or URI.
        shelf: Where stored evaluations are, and where the tuning goes.

    Raises:
        InputError: The labels or the evaluation cannot be used.
        ConfigError: The grid is wrong.
    """
    started = time.perf_counter()
    subject = _subject(request, fetch, shelf)
    evidence = subject.evidence
    if not len(evidence.truth):
        raise InputError(f"{subject.name}: no labelled segment has an answer to tune on.")
    grid = grid_of(request.grid, request.settings, with_text=evidence.text is not None)
    near = {**DEFAULTS, **request.near}
    given = answers(evidence, grid) if _can_all_be_tried(grid, len(evidence.truth)) else None
    found = nested(given, grid, evidence, request.objective, seed=request.seed, near=near)
    languages: tuple[LanguageChoice, ...] = ()
    if len(set(subject.languages)) > 1:
        languages = by_language(
            given, grid, evidence, subject.languages, objective=request.objective, seed=request.seed, near=near
        )
    fusion = _fusion(subject, request)
    beside = notes(subject, grid, found, fusion.chosen if fusion else None)
    tuning = _record(request, subject, grid, found, near).model_copy(
        update={
            "notes": tuple(each.en for each in beside),
            "notes_ko": tuple(each.ko for each in beside),
            "languages": tuple(_language(each) for each in languages),
            "fusion": fusion,
            "calibration": _calibration(evidence, request.seed),
            "seconds": time.perf_counter() - started,
        }
    )
    return _store(tuning, TuningArchive(shelf))


def configuration(tuning: Tuning) -> str:
    """The chosen parameters as YAML: a configuration's `decision:`, and what it rests on."""
    document: dict[str, Any] = {"decision": options_of(tuning.apparent.params)}
    if (pooling := tuning.settings.get("pooling", "linear")) != "linear":
        document["decision"]["pooling"] = pooling
    own = {each.language: options_of(each.params) for each in tuning.languages if each.kind != "common"}
    if own:
        document["decisions"] = own
    header = (
        f"# From tuning {tuning.tuning_id}: {tuning.verdict}. {tuning.reason}\n"
        f"# Use it: seraph promote {tuning.tuning_id}\n"
    )
    return header + yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def _subject(request: TuneRequest, fetch: Callable[[str], bytes], shelf: Shelf) -> Subject:
    if request.evaluation:
        found = stored(Archive(shelf), request.evaluation, request.candidate)
    else:
        files = dict.fromkeys(request.labels)
        found = recorded(gather([read_labelled(fetch(each), each, aliases=request.aliases) for each in files]))
    return replace(found, evidence=replace(found.evidence, pooling=request.pooling))


def _can_all_be_tried(grid: Grid, segments: int) -> bool:
    return grid.size <= MOST_POINTS and grid.size * segments <= MOST_ANSWERS


def _record(request: TuneRequest, subject: Subject, grid: Grid, found: Nested, near: Mapping[str, float]) -> Tuning:
    said = reason(found)
    luck = found.luck
    return Tuning(
        tuning_id=new_run_id(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=code_version(),
        lock_sha256=lock_sha256(),
        seed=request.seed,
        subject=subject.name,
        evaluation_id=subject.evaluation_id,
        dataset=subject.dataset,
        objective=request.objective,
        grid=dict(grid.values),
        points=found.points,
        exhaustive=found.exhaustive,
        folds=found.folds,
        sources=found.sources,
        default=Scored(**_scores(found.default), params=dict(near)),
        apparent=Scored(**_scores(found.apparent), params=dict(found.params)),
        nested=Scores(**_scores(found.nested)),
        optimism=found.optimism,
        gains=_gains(found.gains),
        stability=found.stability,
        verdict=found.judgement.verdict,
        reason=said.en,
        reason_ko=said.ko,
        labels_to_decide=found.judgement.labels_to_decide,
        luck=Luck(
            points=luck.points,
            distinct=luck.distinct,
            mean=luck.mean,
            high=luck.high,
            observed=luck.observed,
            share_as_good=luck.share_as_good,
            gains=luck.gains,
            reason=luck.reason,
        ),
        responses=tuple(
            Response(parameter=r.parameter, values=r.values, best=r.best, influence=r.influence, chosen=r.chosen)
            for r in found.responses
        ),
        pair=_pair(found),
        cannot_matter={
            name: str(why) for name, why in cannot_matter(subject.evidence, grid, request.objective).items()
        },
        flags=(*(("single_source",) if found.single_source else ()), *(f"audio_{alarm}" for alarm in subject.alarms)),
        settings=request.model_dump(mode="json"),
        undefined={"labels_to_decide": found.judgement.labels_note} if found.judgement.labels_note else {},
    )


def _pair(found: Nested) -> PairResponse | None:
    pair = found.pair
    if pair is None:
        return None
    return PairResponse(
        first=pair.first,
        second=pair.second,
        first_values=pair.first_values,
        second_values=pair.second_values,
        best=pair.best,
    )


def _language(each: LanguageChoice) -> LanguageResult:
    return LanguageResult(
        language=each.language,
        n=each.n,
        sources=each.sources,
        kind=each.kind,
        params=dict(each.params),
        nested=Scores(**_scores(each.nested)),
        gains=_gains(each.gains),
        verdict=each.judgement.verdict,
        reason=each.judgement.text,
    )


def _fusion(subject: Subject, request: TuneRequest) -> Fusion | None:
    """Audio alone, text alone, and three ways to put them together, by one protocol; None without text."""
    evidence = subject.evidence
    if evidence.text is None or evidence.text_says is None or evidence.audio_says is None:
        return None
    audio, text, truth = subject.posterior, evidence.text, evidence.truth
    audio_says, text_says = evidence.audio_says, evidence.text_says
    objective: Objective = request.objective

    def pool(pooling: Pooling) -> Rule:
        return pooled_by(truth, lambda w: pooled(audio, text, audio_says, text_says, w, pooling), objective)

    choice = nested_choice(
        {
            "audio alone": fixed(audio),
            "text alone": fixed(text),
            "weighted sum": pool("linear"),
            LOG_LINEAR: pool("log"),
            STACKER: stacked(truth, audio, text),
        },
        truth,
        evidence.source,
        evidence.start_s,
        objective=objective,
        baseline="audio alone",
        seed=request.seed,
    )
    return _fused(choice)


def _fused(choice: Choice) -> Fusion:
    said = text_helps(choice)
    return Fusion(
        candidates=tuple(
            FusionCandidate(name=each.name, scores=Scores(**_scores(each.scores)), gains=_gains(each.gains))
            for each in choice.candidates
        ),
        chosen=choice.chosen,
        nested=Scores(**_scores(choice.nested)),
        gains=_gains(choice.gains),
        verdict=choice.judgement.verdict,
        sentence=said.en,
        sentence_ko=said.ko,
    )


def _calibration(evidence: Evidence, seed: int) -> Calibration:
    found = temper(evidence, seed=seed)
    before = found.final.before  # at temperature 1 there is nothing to hold out
    return Calibration(
        temperature=found.final.value,
        before=before,
        after=None if before is None or found.gain is None else before - found.gain.value,
        ece_before=found.error_before.value,
        ece_after=found.error_after.value,
        reliability_before=_bins(found.before),
        reliability_after=_bins(found.after),
        reason=found.final.reason,
    )


def _bins(bins: Sequence[numeric_calibration.Bin]) -> tuple[RecordBin, ...]:
    return tuple(RecordBin(n=each.n, confidence=each.confidence, accuracy=each.accuracy) for each in bins)


def _gains(made: Mapping[Objective, NumericGain]) -> dict[str, Gain]:
    return {
        str(name): Gain(value=each.value, ci=record_interval(each.interval), probability=each.probability)
        for name, each in made.items()
    }


def _scores(found: NumericScores) -> dict[str, Any]:
    return {str(name): None if value is None or not np.isfinite(value) else value for name, value in found.items()}


def _store(tuning: Tuning, archive: TuningArchive) -> Tuning:
    outputs = archive.outputs(tuning.tuning_id)
    local = Path(outputs.report)
    outputs = outputs.model_copy(update={"report_file": str(local) if local.is_absolute() else None})
    tuning = tuning.model_copy(update={"outputs": outputs})
    archive.save(tuning, build_tuning_page(tuning), configuration(tuning))
    return tuning
