"""The run in a few lines of Markdown, for the page of its flow run. The whole report is pages.py."""

import re
from urllib.parse import quote

from tasks.records.run import RunRecord
from tasks.report.findings import verdict
from tasks.report.words import Text, duration, named, number, visible, words


def markdown_summary(record: RunRecord) -> str:
    """A short table of what the run did, in both languages, and where its report is."""
    said = verdict(record)
    lines = [f"**{escaped(said.en)}**", "", escaped(said.ko), "", "| | | |", "|:--|:--|--:|"]
    lines += [f"| {escaped(label.en)} | {escaped(label.ko)} | {escaped(value)} |" for label, value in _rows(record)]
    lines += ["", f"[{escaped(record.outputs.report)}](<{quote(record.outputs.report, safe=':/?=&%~._-')}>)"]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown (and HTML inside it) shows as it is."""
    plain = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#+!|~-])", r"\\\1", plain).replace("://", ":&#47;/")


def _rows(record: RunRecord) -> list[tuple[Text, str]]:
    media = record.media
    counts = [(f"run_{key}", getattr(media, key)) for key in ("planned", "scored", "silent", "quarantined", "skipped")]
    emotions = [(named("emotion", each), number(count)) for each, count in record.emotions.items()]
    checks = words("validation_passed" if record.validation.success else "validation_failed")
    return [
        (words("identity_media"), record.media_uri),
        *((words(key), number(count)) for key, count in counts),
        (words("run_segments"), number(record.segments)),
        (words("run_speech"), duration(record.audio_seconds).en),
        (words("run_factor"), number(record.realtime_factor, 1)),
        *emotions,
        (words("about_validation"), f"{checks.en} {checks.ko}"),
    ]
