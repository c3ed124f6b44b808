"""What a reader must know first: the verdict in one sentence, and the warnings. Decides when each is said.

The words are in words.*.yaml, the data checks in tasks/validate.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from actors.checkpoints import non_commercial
from actors.contract import Flag, Reason
from tasks.alarms.kinds import CLASS_SHARES, LANGUAGE_MIX, NEUTRAL_RATE, OTHER, QUARANTINE, SLOW
from tasks.records.parts import Alarm
from tasks.records.run import RunRecord
from tasks.report.summary import Summary
from tasks.report.words import Text, duration, has_words, named, number, percent, shortened, visible, words

SHORT_SHARE = 0.3
NEUTRAL_SHARE = 0.8
UNDECIDED_SHARE = 0.05
LANGUAGE_SHARE = 0.05
"""From these shares on, a warning is shown."""

NAMES_PER_REASON = 20
"""Quarantined names listed in the page for each reason."""


_ALARM_WORDS = {
    QUARANTINE: "alarm_quarantine",
    NEUTRAL_RATE: "alarm_share",
    CLASS_SHARES: "alarm_share",
    LANGUAGE_MIX: "alarm_language",
    SLOW: "alarm_slow",
}
_TWO_SIDED = {NEUTRAL_RATE, CLASS_SHARES, LANGUAGE_MIX}


@dataclass(frozen=True)
class Finding:
    """One banner. `grave` ones are about results that should not be used as they are."""

    text: Text
    grave: bool = False


@dataclass(frozen=True)
class Fault:
    """One quarantined medium or segment."""

    name: str
    detail: str


@dataclass(frozen=True)
class FaultGroup:
    """What was quarantined for one reason."""

    reason: Text
    remedy: Text
    again: Text | None
    media: int
    segments: int
    shown: tuple[Fault, ...]

    @property
    def total(self) -> int:
        """Media and single segments together."""
        return self.media + self.segments


def verdict(record: RunRecord) -> Text:
    """How the run ended, in one sentence or two."""
    if record.status == "failed":
        return words("verdict_failed")
    media = record.media
    if not media.planned:
        return _nothing_planned(record)
    text = words("verdict_scored", n=media.planned, scored=media.scored)
    for key, count in (("verdict_silent", media.silent), ("verdict_quarantined", media.quarantined)):
        text = text.joined(words(key, n=count), ", ") if count else text
    text = Text(text.en + ".", text.ko + ".")
    return text.joined(words("verdict_skipped", n=media.skipped)) if media.skipped else text


def asides(record: RunRecord) -> list[Text]:
    """What goes with the verdict: how fast it was, what left the corpus."""
    said = []
    if record.realtime_factor is not None:
        speech, wall = duration(record.audio_seconds), duration(record.seconds)
        said.append(words("verdict_speed", speech=speech, wall=wall, factor=number(record.realtime_factor, 1)))
    if record.media.removed:
        said.append(words("verdict_removed", n=record.media.removed))
    return said


def warnings(record: RunRecord, summary: Summary, quarantine: pa.Table) -> list[Finding]:
    """The banners of a page, the gravest first: what makes all scores doubtful, then the alarms, then the others."""
    alarms = map(_alarm, _told_here(record.alarms))
    found = [*_of_all_scores(record), *alarms, *_of_run(record, summary), *_of_scores(summary)]
    faulty = pc.count_distinct(quarantine["media_uri"]).as_py()
    if faulty and not any(alarm.kind == QUARANTINE for alarm in record.alarms):
        found.append(Finding(words("warn_quarantine", n=faulty)))
    return sorted(found, key=lambda each: not each.grave)


def quarantined(quarantine: pa.Table, shorten: Callable[[str], str]) -> list[FaultGroup]:
    """The faults by reason, the most frequent first."""
    counts = quarantine.group_by("reason").aggregate([([], "count_all")]).to_pylist()
    ordered = sorted(counts, key=lambda row: (-row["count_all"], row["reason"]))
    return [_group(row["reason"], quarantine.filter(pc.field("reason") == row["reason"]), shorten) for row in ordered]


def _told_here(alarms: Iterable[Alarm]) -> list[Alarm]:
    """The alarms whose matter no other banner speaks of."""
    return [alarm for alarm in alarms if alarm.kind in _ALARM_WORDS]


def _alarm(alarm: Alarm) -> Finding:
    assert alarm.value is not None, "set for every kind with words"
    assert alarm.bound is not None, "as above"
    key, written = _ALARM_WORDS[alarm.kind], partial(number, digits=1) if alarm.kind == SLOW else percent
    if alarm.kind in _TWO_SIDED:
        key = f"{key}_{'high' if alarm.value > alarm.bound else 'low'}"
    figures = {name: written(getattr(alarm, name)) for name in ("value", "bound", "expected")}
    return Finding(words(key, n=alarm.n, what=_subject(alarm), **figures), grave=alarm.kind != SLOW)


def _subject(alarm: Alarm) -> Text:
    if alarm.kind != LANGUAGE_MIX:
        return named("emotion", alarm.subject or "")
    return words("alarm_other_languages") if alarm.subject == OTHER else named("language", alarm.subject or "")


def _nothing_planned(record: RunRecord) -> Text:
    if record.redecided:
        return words("verdict_redecided", n=record.redecided)
    skipped = record.media.skipped
    return words("verdict_nothing_new", n=skipped) if skipped else words("verdict_no_media")


def _of_all_scores(record: RunRecord) -> Iterable[Finding]:
    """In the order of the alarms' kinds (tasks/alarms/kinds.py), of which these have other words."""
    if record.status == "failed":
        yield Finding(words("warn_failed"), grave=True)
    if not record.validation.success:
        yield Finding(words("warn_validation", n=max(1, len(record.validation.failed))), grave=True)
    for model, alarms in record.corpus.alarms.items():
        for alarm in alarms:
            yield Finding(words(f"warn_{alarm}", model=shortened(visible(model))), grave=True)


def _of_run(record: RunRecord, summary: Summary) -> Iterable[Finding]:
    if summary.flags.get(Flag.DEMO_MODEL) or any(spec.demo for spec in record.models.values()):
        yield Finding(words("warn_demo"), grave=True)
    used = [*record.models.values(), *(record.text.models.values() if record.text else ())]
    restricted = sorted({spec.source for spec in used if non_commercial(spec.licence)})
    if restricted:
        yield Finding(words("warn_non_commercial", models=", ".join(shortened(visible(each)) for each in restricted)))
    for problem in record.text.problems if record.text else ():
        yield Finding(words("warn_texts", problem=shortened(visible(problem), 300)))
    if record.text and record.text.unsound:
        shards = record.text.unsound
        yield Finding(words("warn_unsound_texts", n=len(shards), first=shortened(visible(shards[0]), 300)))


def _of_scores(summary: Summary) -> Iterable[Finding]:
    unsure = summary.flags.get(Flag.UNCERTAIN_LANGUAGE, 0) + summary.flags.get(Flag.UNROUTED_LANGUAGE, 0)
    for key, count, least in (
        ("warn_language", min(unsure, summary.segments), LANGUAGE_SHARE),
        ("warn_fallback", summary.flags.get(Flag.FALLBACK_MODEL, 0), LANGUAGE_SHARE),
        ("warn_short", summary.short, SHORT_SHARE),
        ("warn_undecided", summary.undecided, UNDECIDED_SHARE),
    ):
        if summary.segments and count / summary.segments >= least:
            yield Finding(words(key, share=percent(count / summary.segments)))
    if (summary.neutral_rate or 0) >= NEUTRAL_SHARE:
        yield Finding(words("warn_neutral", share=percent(summary.neutral_rate)))
    if truncated := summary.flags.get(Flag.TRUNCATED, 0):
        yield Finding(words("warn_truncated", n=truncated))


def _group(reason: str, faults: pa.Table, shorten: Callable[[str], str]) -> FaultGroup:
    known = has_words(f"reason_{reason}") and reason in {*Reason}
    segments = len(faults) - faults["segment_id"].null_count
    first = faults.sort_by("media_uri").slice(0, NAMES_PER_REASON).to_pylist()
    return FaultGroup(
        reason=words(f"reason_{reason}") if known else words("reason_unknown", reason=visible(reason)),
        remedy=words(f"remedy_{reason}" if known else "remedy_unknown"),
        again=words("quarantine_again" if Reason(reason).transient else "quarantine_final") if known else None,
        media=len(faults) - segments,
        segments=segments,
        shown=tuple(Fault(shorten(row["media_uri"]), shortened(visible(row["detail"] or ""), 300)) for row in first),
    )
