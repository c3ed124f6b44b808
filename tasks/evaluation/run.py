"""One evaluation from its label files to what its candidates heard: plain functions for flows/evaluate_models.py.

Recorded scores take the short way, `evaluate_recorded`: no media, no model, no service.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from actors.contract import Medium
from infra.errors import CheckpointError, InputError, ObjectMissing, StoreError, WeightsAbsentError
from infra.location import SCHEME, Location
from infra.services import Services
from infra.settings import StoreAccess
from infra.shelf import Shelf, StoreShelf
from infra.storage import Store
from tasks.config.scoring import CURRENT, ScoreConfig
from tasks.evaluation.answers import IN_SAMPLE, Answers, from_heard, from_recorded
from tasks.evaluation.archive import Archive
from tasks.evaluation.cache import HeardCache
from tasks.evaluation.candidates import Candidate, prepare
from tasks.evaluation.gather import Segments, find_media, gather, without_unheard
from tasks.evaluation.hear import Heard, OpenPool, Wanted, hear, reason_counts
from tasks.evaluation.read_texts import unread
from tasks.evaluation.record import Findings, config_of, store
from tasks.evaluation.request import RECORDED, EvaluateRequest
from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import ModelResult
from tasks.evaluation.router import route_models
from tasks.labels import LabelledSet, read_labelled
from tasks.promotion.current import choose
from tasks.records.run import new_run_id

Fetch = Callable[[str], bytes]
"""The bytes of a label file, by its path or URI."""


_PIECE_BYTES = 2**20


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
    try:
        if source.startswith(SCHEME) and store is not None:
            return store(source).get_bytes(source)
        return Path(source).read_bytes()
    except (ObjectMissing, FileNotFoundError, IsADirectoryError) as error:
        raise InputError(f"no label file {source}: give a path or an s3:// URI") from error
    except OSError as error:
        raise InputError(f"the label file {source} cannot be read: {error.strerror}") from error


def evaluate_recorded(request: EvaluateRequest, fetch: Fetch, shelf: Shelf) -> Evaluation:
    """Evaluate the scores that stand in the label files, and store the report.

    Raises:
        InputError: A file cannot be read, or has no such scores.
    """
    started = time.perf_counter()
    request = _with_current(request, shelf)
    segments = gather(_read(request, fetch))
    missing = [kind for kind in _kinds(request, segments) if kind not in segments.recorded]
    if missing or not segments.recorded:
        there = ", ".join(segments.recorded) or "none"
        raise InputError(
            f"{', '.join(request.labels)}: no recorded {' and '.join(missing) or 'scores'} (there: {there}). Expected "
            "audio_scores, text_scores or combined_scores on its lines."
        )
    options = config_of(request).decision
    decision = options.build(options.label_map)
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
    shelf = StoreShelf(Store(services.access_for(results)), Location.parse(results))
    request = _with_current(request, shelf)
    assert request.media is not None, "checked where the request is built"
    config = config_of(request)
    segments = gather(_read(request, lambda source: read_label_file(source, lambda s: Store(services.access_for(s)))))
    media = Store(services.access_for(request.media))
    listed = media.list(Location.parse(request.media))
    segments, wanted = find_media(segments, listed, config.media.suffixes)
    return Opened(
        new_run_id(),
        started,
        request,
        config,
        segments,
        tuple(wanted),
        tuple(_candidates(request.models, config, lambda name: choose(name, lambda: shelf).config)),
        services,
        Archive(shelf),
        HeardCache(shelf),
    )


def hear_candidate(opened: Opened, candidate: Candidate, open_pool: OpenPool) -> Heard | ModelResult:
    """Let one candidate hear the segments; one that cannot be loaded comes back as a row with its reason.

    One that only reads has heard nothing: see `tasks.evaluation.run_texts`.
    """
    assert opened.request.media is not None
    if not candidate.hears:
        return unread(len(opened.wanted))
    access = opened.services.access_for(opened.request.media)
    try:
        return hear(candidate, opened.wanted, opened.cache, access, open_pool, lambda each: content_of(access, each))
    except WeightsAbsentError as error:
        return unavailable(candidate, "failed", str(error))
    except CheckpointError as error:
        return unavailable(candidate, "refused", str(error))


def unavailable(candidate: Candidate, status: Literal["refused", "failed"], why: str) -> ModelResult:
    """The row of a candidate that has no answers."""
    return ModelResult(model=candidate.name, kind=candidate.kind, status=status, reason=why)


def content_of(access: StoreAccess, medium: Medium) -> str | None:
    """SHA-256 of a medium's bytes; None where it cannot be read as it was listed."""
    try:
        with Store(access).fetch(medium.uri, if_match=medium.etag) as file:
            digest = hashlib.sha256()
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
            return digest.hexdigest()
    except StoreError:
        return None  # whoever reads it to hear it will say what is wrong


def conclude(opened: Opened, heard: Mapping[str, Heard | ModelResult]) -> Evaluation:
    """Make figures of what was heard, and store the record and its report.

    Args:
        opened: The evaluation.
        heard: What each candidate heard, by its name.
    """
    spoken = {name: each for name, each in heard.items() if isinstance(each, Heard)}
    rows = _comparable(list(spoken.values()), len(opened.segments))
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
            answers.append(_warned(from_heard(candidates[name], kept), candidates[name], segments))
        else:
            silent[name] = _failed(candidates[name], kept)
    beside = [each.read for name, each in spoken.items() if each.read and candidates[name].hears]
    findings = Findings(
        opened.request,
        segments,
        answers,
        silent,
        opened.evaluation_id,
        opened.started,
        inferred=sum(each.inferred for each in spoken.values()) + sum(each.inferred for each in beside),
        cached=sum(each.cached for each in spoken.values()) + sum(each.cached for each in beside),
        candidates=candidates,
    )
    local = {uri: opened.services.local_path(uri) for uri in set(segments.uri.tolist())}
    at_hand = {uri: path.resolve() for uri, path in local.items() if path is not None and path.exists()}
    return store(findings, opened.archive, at_hand, opened.services)


def _read(request: EvaluateRequest, fetch: Fetch) -> list[LabelledSet]:
    return [read_labelled(fetch(source), source, aliases=request.aliases) for source in dict.fromkeys(request.labels)]


def _kinds(request: EvaluateRequest, segments: Segments) -> Sequence[str]:
    if request.modality == "fused":
        return ("audio", "text")
    return (request.modality,) if request.modality else tuple(segments.recorded)


def _with_current(request: EvaluateRequest, shelf: Shelf) -> EvaluateRequest:
    """The request with what is `current` on the shelf in place of that word."""
    if request.config != CURRENT:
        return request
    return request.model_copy(update={"config": choose(CURRENT, lambda: shelf).config})


def _candidates(
    names: Sequence[str], config: ScoreConfig, load: Callable[[str], ScoreConfig]
) -> list[Candidate | ModelResult]:
    """The candidates in order, each once; a configuration brings its routes' models along, for the router audit."""
    found: dict[str, Candidate | ModelResult] = {}
    for name in names:
        each = found.setdefault(name, prepare(name, config, load))
        if isinstance(each, Candidate):
            for model in route_models(each):
                found.setdefault(model, prepare(model, each.config))
    return list(found.values())


def _comparable(heard: Sequence[Heard], n: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which segments stay: all but those that somebody could not hear through a fault of the medium.

    A store that fails while one candidate reads is no mistake of that candidate.
    """
    stay = np.ones(n, dtype=bool)
    for each in heard:
        stay[sorted(each.of_medium)] = False
    return stay


def _only(heard: Heard, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> Heard:
    places = {old: new for new, old in enumerate(np.flatnonzero(rows).tolist())}
    return replace(
        heard,
        row=heard.row[rows],
        reasons={places[index]: reason for index, reason in heard.reasons.items() if index in places},
        of_medium=frozenset(places[index] for index in heard.of_medium if index in places),
        in_doubt=frozenset(places[index] for index in heard.in_doubt if index in places),
        read=heard.read and heard.read.take(rows),
    )


def _warned(answers: Answers, candidate: Candidate, segments: Segments) -> Answers:
    """Flag a candidate whose decision was fitted on some of these very labels: it is no stranger to them."""
    known = candidate.fitted_on & set(segments.key.tolist())
    return replace(answers, flags=(*answers.flags, IN_SAMPLE)) if known else answers


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
