"""The types of the text branch: what is asked of a text worker, and what it answers. No behaviour beyond making them.

Who finds the texts is actors/text_sources.py's part, which model reads them actors/text_worker.py's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from actors.contract import Medium, ModelSpec, Span
from actors.options import ReadOptions, Route
from infra.settings import StoreAccess

SourceName = Literal["sidecar", "whisper", "labels"]
"""Where a text may come from: a subtitle file beside the medium, Whisper's transcript, or a label file."""


class TextFlag(StrEnum):
    """What a user should know of a segment's text."""

    TEXT_FAILED = "text_failed"
    """There is no text, or no answer of the model to it, because something went wrong: `reason` says what."""
    NO_SPEECH = "no_speech"
    """Whisper hears no speech, and what it would write is its own invention: left out."""
    REPETITIVE = "repetitive"
    """Whisper wrote the same words over and over, as it does where it is lost: left out."""
    NO_TEXT_MODEL = "no_text_model"
    """There is a text, but no text model for its language."""


class TextFault(Exception):  # noqa: N818 - a fault of a medium or of its subtitles is no error of ours
    """A source that has no text for a medium because something is wrong with what it reads."""


@dataclass(frozen=True)
class Cue:
    """A piece of text, and when it is said or shown, in seconds of the medium."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Word:
    """A word, and when it is spoken, in seconds of the medium."""

    word: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class AskedText:
    """A scored segment whose text is wanted."""

    segment_id: str
    span: Span
    language: str


@dataclass(frozen=True)
class TextWork:
    """A medium and its segments: one call of a worker.

    Attributes:
        labels: What a label file says of the medium, where that is a source.
        known: What it says of the very segments that are asked for, by segment_id: before what `labels` says.
    """

    medium: Medium
    asked: tuple[AskedText, ...]
    labels: tuple[Cue, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What a source says of one segment; `text` is None where it has none, and `reason` what went wrong then."""

    text: str | None
    words: tuple[Word, ...] | None = None
    flags: tuple[TextFlag, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class SegmentText:
    """One segment's text and what the text model makes of it: a row of `texts`.

    Attributes:
        source: Where the text is from; None where there is none.
        words: Where Whisper timed them.
        model, weights_sha256: The model that read it; None where none did.
        logits: Its raw outputs.
        reason: What went wrong, in words.
    """

    segment_id: str
    language: str
    text: str | None = None
    source: SourceName | None = None
    words: tuple[Word, ...] | None = None
    model: str | None = None
    weights_sha256: str | None = None
    logits: tuple[float, ...] | None = None
    flags: tuple[TextFlag, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class TextAnswer:
    """What came of a medium: one row for each segment that was asked for, in order.

    Attributes:
        specs: The models that read, by weights_sha256.
        transient: What another run may not meet (the store did not answer), or None.
    """

    medium: Medium
    rows: tuple[SegmentText, ...]
    specs: Mapping[str, ModelSpec] = field(default_factory=dict)
    transient: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TextSetup:
    """All that a text worker needs to know.

    Attributes:
        media: Where media and the files beside them are read from.
        sources: Where texts are looked for: of each segment the first that has one counts.
        models: Language to text model.
        whisper: Whisper's name or file, where it transcribes.
        store: Where models in a store are fetched from; None: where the environment says.
    """

    media: StoreAccess
    sources: tuple[SourceName, ...]
    models: Mapping[str, Route]
    whisper: str
    reading: ReadOptions = field(default_factory=ReadOptions)
    precision: str = "auto"
    store: StoreAccess | None = None


def failed(work: TextWork, reason: str) -> TextAnswer:
    """The answer for a medium of which nothing could be found out."""
    rows = (_failed(each, reason) for each in work.asked)
    return TextAnswer(work.medium, tuple(rows))


def _failed(asked: AskedText, reason: str) -> SegmentText:
    return SegmentText(asked.segment_id, asked.language, flags=(TextFlag.TEXT_FAILED,), reason=reason)
