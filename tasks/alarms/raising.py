"""When a finished run should be looked at, decided from records alone: its own, and those of earlier runs.

Owns the alarms, their bounds and their words. How chance moves shares is tasks/numerics/share_bands.py; who is told,
flows/alarms.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from tasks.alarms.kinds import (
    CLASS_SHARES,
    KINDS,
    LANGUAGE_MIX,
    NEAR_UNIFORM,
    NEUTRAL_RATE,
    ONE_CLASS,
    QUARANTINE,
    SILENT,
    SLOW,
    VALIDATION,
)
from tasks.alarms.shares import RUNS_FOR_NIGHTS, share_alarms
from tasks.config.operations import Alarms
from tasks.numerics.share_bands import upper_tail
from tasks.records.parts import Alarm
from tasks.records.run import RunRecord

REFERENCE_SEGMENTS = 1000
REFERENCE_MEDIA = 20
"""Earlier runs are added up, from the newest on, until there is as much as this, of `RUNS_FOR_NIGHTS` runs at least."""
REFERENCE_RUNS = 30
LEAST_SEGMENTS = 50
"""With fewer segments in all of them there is no reference."""

SPOILT: Final = frozenset({VALIDATION, NEAR_UNIFORM, ONE_CLASS, NEUTRAL_RATE, CLASS_SHARES, LANGUAGE_MIX})
"""A run with such an alarm is no reference for later ones, or what is wrong would ring once and become the norm."""

LIMIT_LEVEL = 0.05
"""Chance of an alarm where the limit of quarantine is exactly met on average; below the limit it is far smaller."""

COMPARABLE = 3.0
"""Runs of up to so many times more or less audio are compared in speed: a start weighs more on a short night."""
LEAST_WALL_S = 60.0
"""A run that took less says nothing of speed."""


def raised(record: RunRecord, references: Sequence[RunRecord], options: Alarms) -> tuple[Alarm, ...]:
    """All alarms of a run, the gravest kind first.

    Args:
        record: The run; its own `alarms` are not looked at.
        references: What it is compared with (see `references_of`); without any, shares and speed raise none.
        options: Limits and levels. `level` is the chance of a false alarm a night, all shares together.
    """
    found = [
        *_validation(record),
        *_models(record),
        *_quarantine(record, options.max_quarantined),
        *share_alarms(record, references, options.level),
        *_speed(record, references, options.slow_ratio),
    ]
    return tuple(sorted(found, key=lambda each: KINDS.index(each.kind)))


def references_of(record: RunRecord, earlier: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """The newest earlier runs over the same media and results that together have scored enough.

    Args:
        record: The run that is to be compared.
        earlier: The runs of the store, the newest first; read no further than needed.
    """
    chosen: list[RunRecord] = []
    for each in _fit(record, earlier):
        chosen.append(each)
        if len(chosen) == REFERENCE_RUNS or _enough(chosen):
            break
    return tuple(chosen) if sum(run.segments for run in chosen) >= LEAST_SEGMENTS else ()


def silence(finished: Iterable[str], now: datetime, hours: float) -> Alarm | None:
    """The alarm that no run has finished for so many hours, or None.

    Args:
        finished: When runs finished, ISO 8601; empty: none ever did.
        now: With its time zone.
    """
    newest = max((datetime.fromisoformat(each) for each in finished), default=None)
    if newest is None:
        return Alarm(kind=SILENT, bound=hours, n=0, message="No run has finished yet. Look whether the schedule runs.")
    since = (now - newest).total_seconds() / 3600
    if since <= hours:
        return None
    message = (
        f"No run has finished for {since:.0f} hours; one every {hours:g} was expected. Look whether the schedule, "
    )
    return Alarm(kind=SILENT, value=since, bound=hours, n=0, message=message + "the server and the workers are up.")


def _enough(chosen: Sequence[RunRecord]) -> bool:
    """Of large nights one would do for the shares, but not for how far they differ from night to night."""
    segments, media = sum(run.segments for run in chosen), sum(run.media.scored for run in chosen)
    return len(chosen) >= RUNS_FOR_NIGHTS and segments >= REFERENCE_SEGMENTS and media >= REFERENCE_MEDIA


def _fit(record: RunRecord, earlier: Iterable[RunRecord]) -> Iterator[RunRecord]:
    for each in earlier:
        same = (each.media_uri, each.results_uri) == (record.media_uri, record.results_uri)
        sound = each.status == "completed" and each.validation.success and not SPOILT & {a.kind for a in each.alarms}
        if same and sound and each.segments > 0 and each.run_id < record.run_id:
            yield each


def _validation(record: RunRecord) -> Iterator[Alarm]:
    failed = record.validation.failed
    if not record.validation.success:
        first = f": {failed[0].rstrip(' .')}" if failed else ""
        checks = "1 data check" if len(failed) == 1 else f"{len(failed)} data checks"
        message = f"{checks} failed{first}. What failed was not committed; see validation.json."
        yield Alarm(kind=VALIDATION, value=len(failed), bound=0, n=record.media.planned, message=message)


def _models(record: RunRecord) -> Iterator[Alarm]:
    words = {
        NEAR_UNIFORM: "says almost nothing, as a head with random weights does. Do not use its scores: "
        "`seraph models check`, then evaluate it on labels.",
        ONE_CLASS: "gives (almost) every segment the same label. Evaluate it on labels before you use its scores.",
    }
    for model, kinds in record.corpus.alarms.items():
        for kind in (each for each in kinds if each in words):
            yield Alarm(kind=kind, n=record.corpus.segments, subject=model, message=f"{model} {words[kind]}")


def _quarantine(record: RunRecord, limit: float) -> Iterator[Alarm]:
    media, faulty = record.media.planned, record.media.quarantined
    if not media or faulty / media <= limit or float(upper_tail(faulty, media, limit, 1.0)) > LIMIT_LEVEL:
        return
    message = f"{faulty} of {media} media are in quarantine, {faulty / media:.1%}; the limit is {limit:.1%}. "
    yield Alarm(
        kind=QUARANTINE,
        value=faulty / media,
        bound=limit,
        n=media,
        message=message + "Their reasons are in the report.",
    )


def _speed(record: RunRecord, references: Sequence[RunRecord], ratio: float) -> Iterator[Alarm]:
    if record.realtime_factor is None or record.seconds < LEAST_WALL_S:
        return
    factors = sorted(
        each.realtime_factor
        for each in references
        if each.realtime_factor is not None
        and each.seconds >= LEAST_WALL_S
        and 1 / COMPARABLE <= each.audio_seconds / record.audio_seconds <= COMPARABLE
    )
    if not factors:
        return
    usual = (factors[(len(factors) - 1) // 2] + factors[len(factors) // 2]) / 2
    if record.realtime_factor < ratio * usual:
        told = f"{record.realtime_factor:.1f} × real time; runs of this size had {usual:.1f}"
        message = f"{told}. Look at the times by stage, at who else uses the machines, and whether a GPU is missing."
        yield Alarm(
            kind=SLOW,
            value=record.realtime_factor,
            bound=ratio * usual,
            expected=usual,
            n=len(factors),
            message=message,
        )
