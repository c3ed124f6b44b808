"""One evaluation from its label files to what its candidates heard: plain functions for flows/evaluate_models.py.

Recorded scores take the short way, `evaluate_recorded`: no media, no model, no service.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from actors.contract import Reason
from infra.errors import CheckpointError, InputError
from infra.location import SCHEME, Location
from infra.services import Services
from infra.shelf import Shelf, StoreShelf
from infra.storage import Store
from tasks.config import DecisionOptions, ScoreConfig
from tasks.evaluation.answers import from_heard, from_recorded
from tasks.evaluation.archive import Archive
from tasks.evaluation.cache import HeardCache
from tasks.evaluation.candidates import Candidate, prepare
from tasks.evaluation.gather import Segments, find_media, gather, without_unheard
from tasks.evaluation.hear import Heard, OpenPool, Wanted, hear, reason_counts
from tasks.evaluation.record import Findings, config_of, store
from tasks.evaluation.request import RECORDED, EvaluateRequest
from tasks.evaluation.result import Evaluation, ModelResult
from tasks.evaluation.router import route_models
from tasks.labels import LabelledSet, read_labelled
from tasks.numerics.decision import Decision
from tasks.records import new_run_id

Fetch = Callable[[str], bytes]
"""The bytes of a label file, by its path or URI."""

_OF_THE_MEDIUM = {
    Reason.EMPTY,
    Reason.NOT_MEDIA,
    Reason.NO_AUDIO_TRACK,
    Reason.UNDECODABLE,
    Reason.TOO_LONG,
    Reason.OUTSIDE,
    Reason.STORE_ERROR,
    Reason.VANISHED,
}
"""Why a segment was not heard though no candidate is to blame."""


@dataclass(frozen=True)
class Opened:
    """An evaluation on media, ready to be heard.

    Attributes:
        wanted: The segments with their media, in the order of `segments`.
        candidates: Who hears them, or the reason why one cannot, in the order in which they were named.
    """

    evaluation_id: str
    started: float
    request: EvaluateRequest
    config: ScoreConfig
    segments: Segments
    wanted: tuple[Wanted, ...]
    candidates: tuple[Candidate | ModelResult, ...]
    services: Services
    archive: Archive
    cache: HeardCache


def read_label_file(source: str, store: Callable[[str], Store] | None = None) -> bytes:
    """The bytes of a label file: a path, or an s3:// URI where there is a store to ask.

    Raises:
        InputError: There is no such file.
    """
    if source.startswith(SCHEME) and store is not None:
        return store(source).get_bytes(source)
    path = Path(source)
    if not path.is_file():
        raise InputError(f"no label file {source}: give a path or an s3:// URI")
    return path.read_bytes()


def evaluate_recorded(request: EvaluateRequest, fetch: Fetch, shelf: Shelf) -> Evaluation:
    """Evaluate the scores that stand in the label files, and store the report.

    Raises:
        InputError: A file cannot be read, or has no such scores.
    """
    started = time.perf_counter()
    segments = gather(_read(request, fetch))
    missing = [kind for kind in _kinds(request, segments) if kind not in segments.recorded]
    if missing or not segments.recorded:
        there = ", ".join(segments.recorded) or "none"
        raise InputError(
            f"{', '.join(request.labels)}: no recorded {' and '.join(missing) or 'scores'} (there: {there}). Expected "
            "audio_scores, text_scores or combined_scores on its lines."
        )
    decision = _decision(config_of(request).decision)
    asked = [request.modality] if request.modality else [kind for kind in RECORDED if kind in segments.recorded]
    answers = [from_recorded(segments.recorded, kind, request.audio_weight, decision) for kind in asked]
    findings = Findings(request, segments, answers, {}, new_run_id(), started)
    return store(findings, Archive(shelf), {})


def open_evaluation(request: EvaluateRequest, results: str, services: Services) -> Opened:
    """Read the labels, find their media, and look at every candidate.

    Raises:
        InputError: The labels cannot be used, or none of their media is there.
        ConfigError: A configuration is wrong.
        StoreError: A store cannot be reached.
    """
    started = time.perf_counter()
    assert request.media is not None, "checked where the request is built"
    config = config_of(request)
    segments = gather(_read(request, lambda source: read_label_file(source, lambda s: Store(services.access_for(s)))))
    media = Store(services.access_for(request.media))
    segments, wanted = find_media(segments, media.list(Location.parse(request.media)))
    shelf = StoreShelf(Store(services.access_for(results)), Location.parse(results))
    return Opened(
        new_run_id(),
        started,
        request,
        config,
        segments,
        tuple(wanted),
        tuple(_candidates(request.models, config)),
        services,
        Archive(shelf),
        HeardCache(shelf),
    )


def hear_candidate(opened: Opened, candidate: Candidate, open_pool: OpenPool) -> Heard | ModelResult:
    """Let one candidate hear the segments; one that cannot be loaded comes back as a row with its reason."""
    assert opened.request.media is not None
    access = opened.services.access_for(opened.request.media)
    try:
        return hear(candidate, opened.wanted, opened.cache, access, open_pool)
    except CheckpointError as error:
        return ModelResult(model=candidate.name, kind=candidate.kind, status="refused", reason=str(error))


def conclude(opened: Opened, heard: Mapping[str, Heard | ModelResult]) -> Evaluation:
    """Make figures of what was heard, and store the record and its report.

    Args:
        opened: The evaluation.
        heard: What each candidate heard, by its name.
    """
    spoken = {name: each for name, each in heard.items() if isinstance(each, Heard)}
    rows = _heard_by_anybody(list(spoken.values()), len(opened.segments))
    segments = without_unheard(opened.segments, rows)
    if not len(segments):
        reasons = sorted({reason for each in spoken.values() for reason in each.reasons.values()})
        raise InputError(f"not one labelled segment could be heard ({', '.join(reasons)}). Look at the media.")
    silent = {name: each for name, each in heard.items() if isinstance(each, ModelResult)}
    silent |= {each.model: each for each in opened.candidates if isinstance(each, ModelResult)}
    answers, candidates = [], {each.name: each for each in opened.candidates if isinstance(each, Candidate)}
    for name, each in spoken.items():
        kept = _only(each, rows)
        if (kept.row >= 0).any():
            answers.append(from_heard(candidates[name], kept))
        else:
            silent[name] = _failed(candidates[name], kept)
    findings = Findings(
        opened.request,
        segments,
        answers,
        silent,
        opened.evaluation_id,
        opened.started,
        inferred=sum(each.inferred for each in spoken.values()),
        cached=sum(each.cached for each in spoken.values()),
        candidates=candidates,
    )
    local = {uri: opened.services.local_path(uri) for uri in set(segments.uri.tolist())}
    at_hand = {uri: path.resolve() for uri, path in local.items() if path is not None and path.exists()}
    return store(findings, opened.archive, at_hand, opened.services)


def _read(request: EvaluateRequest, fetch: Fetch) -> list[LabelledSet]:
    return [read_labelled(fetch(source), source, aliases=request.aliases) for source in dict.fromkeys(request.labels)]


def _decision(options: DecisionOptions) -> Decision:
    return Decision(**options.model_dump())


def _kinds(request: EvaluateRequest, segments: Segments) -> Sequence[str]:
    if request.modality == "fused":
        return ("audio", "text")
    return (request.modality,) if request.modality else tuple(segments.recorded)


def _candidates(names: Sequence[str], config: ScoreConfig) -> list[Candidate | ModelResult]:
    """The candidates in order, each once; a configuration brings its routes' models along, for the router audit."""
    found: dict[str, Candidate | ModelResult] = {}
    for name in names:
        each = found.setdefault(name, prepare(name, config))
        if isinstance(each, Candidate):
            for model in route_models(each):
                found.setdefault(model, prepare(model, each.config))
    return list(found.values())


def _heard_by_anybody(heard: Sequence[Heard], n: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which segments stay: heard by somebody, or missed by somebody through a fault of its own."""
    stay = np.zeros(n, dtype=bool)
    for each in heard:
        stay |= each.row >= 0
        own_fault = [index for index, reason in each.reasons.items() if reason not in _OF_THE_MEDIUM]
        stay[own_fault] = True
    return stay if heard else np.ones(n, dtype=bool)


def _only(heard: Heard, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> Heard:
    kept = np.flatnonzero(rows).tolist()
    reasons = {new: heard.reasons[old] for new, old in enumerate(kept) if old in heard.reasons}
    return replace(heard, row=heard.row[rows], reasons=reasons)


def _failed(candidate: Candidate, heard: Heard) -> ModelResult:
    counts = reason_counts(heard)
    told = ", ".join(f"{reason} {count}" for reason, count in counts.items())
    return ModelResult(
        model=candidate.name,
        kind=candidate.kind,
        status="failed",
        reason=f"it answered none of the {len(heard.row)} segments ({told})",
        unscored=len(heard.row),
        unscored_reasons=counts,
    )
