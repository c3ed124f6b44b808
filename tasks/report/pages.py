"""The pages of one run's report: gathers what they show and fills the templates.

What every page shares, the content security policy among it, is frame.py.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import yaml
from markupsafe import Markup

from tasks.records.run import ConfigUsed, RunRecord
from tasks.report import charts, findings, palette
from tasks.report.frame import environment, frame, moment, on_one_line
from tasks.report.summary import MEDIA_PER_PAGE, MediumSummary, Summary
from tasks.report.timelines import MAX_MARKS, Part, composition, short_name, timeline
from tasks.report.words import UNDEFINED, Text, duration, named, number, percent, visible, words

ENTRY = "report.html"
EXPORT_COMMAND = "seraph export"


def build_pages(record: RunRecord, summary: Summary, quarantine: pa.Table) -> dict[str, str]:
    """Build the report of a run.

    Args:
        record: What the run did.
        summary: The fold of the current table.
        quarantine: The `quarantine` rows to explain.

    Returns:
        File name to HTML. `report.html` is the entry, with the first 50 timelines; `timelines-002.html` … hold further
        ones, at most `MAX_LINKED_PAGES` pages.
    """
    template = environment().get_template
    shared = _shared(record, summary)
    groups = _pages(summary.timelines)
    entry = _entry(record, summary, quarantine)
    pages = {ENTRY: template("report.html").render(**shared, **entry, **_page(record, groups, 0))}
    for index in range(1, len(groups)):
        pages[_name(index)] = template("timelines.html").render(**shared, **_page(record, groups, index))
    return pages


def _pages(media: Sequence[MediumSummary]) -> list[Sequence[MediumSummary]]:
    """The media of each page; one empty page where there are none."""
    starts = range(0, max(1, len(media)), MEDIA_PER_PAGE)
    return [media[start : start + MEDIA_PER_PAGE] for start in starts]


def _name(index: int) -> str:
    return f"timelines-{index + 1:03}.html" if index else ENTRY


def _page(record: RunRecord, groups: Sequence[Sequence[MediumSummary]], index: int) -> dict[str, Any]:
    """What a page's timelines need: the media themselves, which they are, and the way to the other pages."""
    drawn = [timeline(medium, record.media_uri) for medium in groups[index]]
    first = index * MEDIA_PER_PAGE + 1
    return {
        "timelines": drawn,
        "pooled": any(each.pooled for each in drawn),
        "first": first,
        "last": first + len(drawn) - 1,
        "links": [(_name(other), _range(groups, other), other == index) for other in range(len(groups))],
    }


def _range(groups: Sequence[Sequence[MediumSummary]], index: int) -> str:
    first = index * MEDIA_PER_PAGE + 1
    return f"{first}–{first + len(groups[index]) - 1}"


def _shared(record: RunRecord, summary: Summary) -> dict[str, Any]:
    return {
        **frame(["report.css"], ["report.js"]),
        "record": record,
        "summary": summary,
        "page_title": words("page_title", run=record.run_id),
        "finished": moment(record.finished),
        "legend": [(index, named("emotion", name)) for index, name in enumerate(palette.CATEGORIES)],
        "max_marks": MAX_MARKS,
        "export_command": EXPORT_COMMAND,
    }


def _entry(record: RunRecord, summary: Summary, quarantine: pa.Table) -> dict[str, Any]:
    plain = record.model_dump(mode="json")
    shorten = partial(short_name, root=record.media_uri)
    return {
        "verdict": findings.verdict(record),
        "asides": findings.asides(record),
        "warnings": findings.warnings(record, summary, quarantine),
        "tiles": _tiles(record, summary),
        "emotion_rows": _emotion_rows(summary),
        "drawn": _drawn(summary),
        "faults": findings.quarantined(quarantine, shorten),
        "flags": [(named("flag", flag), n, percent(n / summary.segments)) for flag, n in summary.flags.items()],
        "figures": _figures(summary),
        "texts": _texts(record),
        "run_rows": _run_rows(record),
        "stages": _stages(record),
        "workers": [(visible(str(key)), on_one_line(value)) for key, value in plain["workers"].items()],
        "config": yaml.safe_dump(plain["config"], sort_keys=False, allow_unicode=True),
        "identity": _identity(record),
    }


def _drawn(summary: Summary) -> dict[str, Markup]:
    """The charts, or none where there is nothing to draw."""
    if not summary.segments:
        return {}
    return {
        "emotions": charts.emotions_by_language(summary),
        "confidence": charts.language_confidence(summary),
        "lengths": charts.segment_lengths(summary),
    }


def _tiles(record: RunRecord, summary: Summary) -> list[tuple[Text, str | Text, Text | None]]:
    """Label, figure, and why it is undefined where it is."""
    nothing = None if summary.segments else words("why_nothing_scored")
    undecided = None if summary.neutral_rate is not None else words("why_nothing_decided")
    idle = None if record.realtime_factor is not None else words("why_no_work")
    return [
        (words("tile_media"), number(summary.media), None),
        (words("tile_speech"), duration(summary.seconds), None),
        (words("tile_segments"), number(summary.segments), None),
        (words("tile_neutral"), percent(summary.neutral_rate), nothing or undecided),
        (words("tile_confidence"), percent(summary.mean_confidence), nothing or undecided),
        (words("tile_speed"), number(record.realtime_factor, 1), idle),
    ]


def _emotion_rows(summary: Summary) -> list[tuple[Text, list[tuple[str, int]], int, Text, tuple[Part, ...]]]:
    """By language, then all: share of speech and segments for each category, segments and seconds in all."""
    rows = [
        (named("language", language), summary.category_seconds[language], counts)
        for language, counts in summary.counts.items()
    ]
    if len(rows) > 1:
        rows.append((words("all_languages"), summary.totals_s, summary.totals))
    return [
        (name, _cells(seconds, counts), int(counts.sum()), duration(float(seconds.sum())), composition(seconds))
        for name, seconds, counts in rows
    ]


def _cells(seconds: Any, counts: Any) -> list[tuple[str, int]]:
    total = float(seconds.sum())
    return [(percent(s / total), int(n)) for s, n in zip(seconds.tolist(), counts.tolist(), strict=True)]


def _figures(summary: Summary) -> list[tuple[Text, str, Text | None]]:
    nothing = None if summary.segments else words("why_nothing_scored")
    undecided = None if summary.neutral_rate is not None else words("why_nothing_decided")
    return [
        (words("neutral_rate"), percent(summary.neutral_rate), nothing or undecided),
        (words("mean_confidence"), percent(summary.mean_confidence), nothing or undecided),
        (words("undecided_count"), number(summary.undecided), None),
        (words("dropped_mass"), percent(summary.mean_dropped_mass), nothing),
    ]


def _texts(record: RunRecord) -> list[tuple[Text, str]]:
    """How many segments have a text, from where, and which models read them; nothing where nobody asks for texts."""
    text = record.text
    if text is None:
        return []
    counts = [(key, getattr(text, key)) for key in ("without", "waiting", "failed")]
    return [
        (words("texts_with"), number(text.segments)),
        *((named("text_source", source), number(count)) for source, count in text.sources.items()),
        *((words(f"texts_{key}"), number(count)) for key, count in counts if count),
        *((named("language", language), visible(spec.source)) for language, spec in text.models.items()),
    ]


def _run_rows(record: RunRecord) -> list[tuple[Text, str | Text, Text | None]]:
    media = record.media
    other = ", ".join(f"{visible(suffix) or UNDEFINED} {number(n)}" for suffix, n in sorted(media.other.items()))
    rows: list[tuple[str, str | Text]] = [
        *((f"run_{key}", number(getattr(media, key))) for key in ("planned", "scored", "silent", "quarantined")),
        *((f"run_{key}", number(getattr(media, key))) for key in ("skipped", "removed") if getattr(media, key)),
        *([("run_other", other)] if other else []),
        ("run_segments", number(record.segments)),
        *([("run_redecided", number(record.redecided))] if record.redecided else []),
        ("run_speech", duration(record.audio_seconds)),
        ("run_wall", duration(record.seconds)),
        ("run_factor", number(record.realtime_factor, 1)),
        *_took(record),
    ]
    idle = words("why_no_work")
    return [(words(key), value, idle if value == UNDEFINED else None) for key, value in rows]


def _took(record: RunRecord) -> list[tuple[str, str | Text]]:
    """What the workers held, and what it cost, where a price is known."""
    if record.spent is None:
        return []
    held = [("run_gpu", record.spent.gpu_seconds), ("run_cpu", record.spent.cpu_seconds)]
    rows: list[tuple[str, str | Text]] = [(key, duration(seconds)) for key, seconds in held if seconds]
    if (cost := record.cost) is None:
        return rows
    rows.append(("run_cost", f"{number(cost.total, 2)} {visible(cost.currency)}"))
    if cost.per_1000_audio_hours is not None:
        rows.append(("run_cost_1000", f"{number(cost.per_1000_audio_hours, 2)} {visible(cost.currency)}"))
    return rows


def _stages(record: RunRecord) -> list[tuple[Text, Text, str]]:
    """Name, seconds, and the length of the bar in percent of the longest."""
    longest = max(record.stages.values(), default=0.0) or 1.0
    return [
        (named("stage", stage), duration(seconds), f"{100 * seconds / longest:.1f}%")
        for stage, seconds in record.stages.items()
    ]


def _identity(record: RunRecord) -> list[tuple[Text, str]]:
    values = {
        "run": record.run_id,
        "started": moment(record.started),
        "finished": moment(record.finished),
        "media": record.media_uri,
        "results": record.results_uri,
        "scores": record.outputs.scores,
        "version": record.code_version,
        "revision": record.code_revision or UNDEFINED,
        "lock": record.lock_sha256 or UNDEFINED,
        "snapshot": record.snapshot.sha256 if record.snapshot else UNDEFINED,
        "fingerprint": record.fingerprint,
        "decision": record.decision,
        **_configuration(record.configuration),
    }
    return [(words(f"identity_{key}"), visible(value)) for key, value in values.items()]


def _configuration(used: ConfigUsed | None) -> dict[str, str]:
    """Which configuration it was, and where it was the current one, who made it so and on what grounds."""
    if used is None:
        return {}
    rows = {"configuration": f"{used.name} ({used.hash})"}
    if made := used.promotion:
        forced = "--force" if made.forced else None
        parts = (moment(made.promoted_at), made.who, made.tuning_id, forced, made.why)
        rows["promoted"] = ", ".join(part for part in parts if part)
    return rows
