"""From an evaluation to the stored re-evaluation: plain functions for flows/reevaluate.py."""

import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from infra.errors import InputError
from infra.location import SCHEME
from infra.services import Services
from tasks.evaluation.archive import Archive
from tasks.evaluation.result import Evaluation
from tasks.records.run import code_version, lock_sha256, new_run_id
from tasks.reevaluation.archive import ReevaluationArchive
from tasks.reevaluation.compare import Before, rows
from tasks.reevaluation.open import Opened
from tasks.reevaluation.recommend import recommend
from tasks.reevaluation.result import Label, Labels, Outputs, Reevaluation, Tuned
from tasks.reevaluation.tune import promote
from tasks.report.reevaluation import build_reevaluation_page
from tasks.watch.archive import WatchArchive
from tasks.watch.snapshot import Difference, Said, difference

SHOWN = 100
"""Labels that the record lists of those that came, changed or went."""


def conclude_reevaluation(
    opened: Opened, evaluation: Evaluation, tuned: Tuned, now: datetime, services: Services | None = None
) -> Reevaluation:
    """Compare, promote where that was asked for, recommend, and store the record with its page.

    Args:
        opened: What was to be done.
        evaluation: Of the configuration and the candidates, on all labels; stored.
        tuned: The tuning of the configuration on it.
        now: The moment, with its time zone.
        services: None where no store was used.
    """
    snapshot_uri = WatchArchive(opened.shelf, opened.request.labels).keep(opened.snapshot)
    promoted, why_not = promote(opened, tuned, now)
    archive, found = ReevaluationArchive(opened.shelf), _drawn_up(opened, evaluation, tuned, promoted, snapshot_uri)
    found = found.model_copy(
        update={
            "created": now.astimezone(UTC).isoformat(timespec="seconds"),
            "not_promoted": why_not.en if why_not else None,
            "not_promoted_ko": why_not.ko if why_not else None,
            "outputs": _outputs(archive.outputs(found.reevaluation_id), services),
            "seconds": time.perf_counter() - opened.started,
        }
    )
    archive.save(found, build_reevaluation_page(found))
    return found


def _drawn_up(
    opened: Opened, evaluation: Evaluation, tuned: Tuned, promoted: str | None, snapshot_uri: str
) -> Reevaluation:
    request, archive = opened.request, Archive(opened.shelf)
    predictions = archive.predictions(evaluation.evaluation_id)
    named = (request.config, *request.candidates)
    candidates = (*rows(evaluation, predictions, request.config, named, _before(opened, archive)), *opened.unusable)
    current = next(each for each in candidates if each.model == request.config)
    others = [each for each in candidates if each.named and each.model != request.config]
    used = opened.chosen.used
    name = new_run_id()
    return Reevaluation(
        reevaluation_id=name,
        created="",
        code_version=code_version(),
        lock_sha256=lock_sha256(),
        seed=request.seed,
        asked=opened.asked,
        labels=_labels(opened, snapshot_uri),
        media=request.media,
        config=used,
        configurations=(used.hash, promoted) if promoted else (used.hash,),
        current=request.config,
        candidates=candidates,
        n=evaluation.dataset.n,
        sources=evaluation.dataset.sources,
        evaluation_id=evaluation.evaluation_id,
        verdict=evaluation.verdict,
        verdict_ko=evaluation.verdict_ko,
        evaluation_report=evaluation.outputs.report if evaluation.outputs else None,
        inferred=evaluation.inferred,
        cached=evaluation.cached,
        tuning=tuned,
        promoted=promoted,
        fitted_on=_fitted_on(opened, archive, predictions),
        recommendation=recommend(current, others, tuned, promoted),
        last=opened.last.reevaluation_id if opened.last else None,
        settings=request.model_dump(mode="json"),
        outputs=ReevaluationArchive(opened.shelf).outputs(name),
    )


def _before(opened: Opened, archive: Archive) -> Before | None:
    if opened.last is None:
        return None
    return Before(opened.last, _predictions(archive, opened.last.evaluation_id))


def _predictions(archive: Archive, evaluation_id: str) -> pd.DataFrame | None:
    """Every answer of an earlier evaluation; None where housekeeping took it, or it cannot be read any more."""
    try:
        return archive.predictions(evaluation_id)
    except InputError:
        return None


def _fitted_on(opened: Opened, archive: Archive, predictions: pd.DataFrame) -> int:
    """How many of the segments the current decision was tuned on, as far as the promotion tells."""
    promotion = opened.chosen.promotion
    if promotion is None or promotion.evaluation_id is None:
        return 0
    earlier = _predictions(archive, promotion.evaluation_id)
    return 0 if earlier is None else len(set(predictions["segment_key"]) & set(earlier["segment_key"]))


def _labels(opened: Opened, snapshot_uri: str) -> Labels:
    snapshot, last = opened.snapshot, opened.last
    archive = WatchArchive(opened.shelf, opened.request.labels)
    earlier = archive.snapshot(last.labels.snapshot) if last else None
    new = difference(earlier, snapshot)
    return Labels(
        uri=opened.request.labels,
        snapshot=snapshot.content,
        snapshot_uri=snapshot_uri,
        files=tuple(each.uri for each in snapshot.usable),
        problems=tuple(snapshot.problems),
        said=len(snapshot.said),
        counts=_counts(snapshot.said.values()),
        since=last.reevaluation_id if last and earlier else None,
        added=len(new.added),
        changed=len(new.changed),
        withdrawn=len(new.withdrawn),
        added_counts=_counts(new.added),
        shown=_shown(new),
    )


def _shown(new: Difference) -> tuple[Label, ...]:
    changed = [_label(now, now.emotion, before.emotion) for before, now in new.changed]
    withdrawn = [_label(each, None, each.emotion) for each in new.withdrawn]
    return (*changed, *withdrawn, *(_label(each, each.emotion) for each in new.added[:SHOWN]))[:SHOWN]


def _label(each: Said, emotion: str | None, before: str | None = None) -> Label:
    place = {"media": each.media, "start_s": each.start_ms / 1000, "end_s": each.end_ms / 1000}
    return Label(**place, rater=each.rater, emotion=emotion, before=before)


def _counts(said: Iterable[Said]) -> dict[str, int]:
    return dict(sorted(Counter(each.emotion for each in said).items()))


def _outputs(outputs: Outputs, services: Services | None) -> Outputs:
    local = services.local_path(outputs.report) if services and outputs.report.startswith(SCHEME) else None
    path = local or (None if outputs.report.startswith(SCHEME) else Path(outputs.report))
    return outputs.model_copy(update={"report_file": str(path) if path else None})
