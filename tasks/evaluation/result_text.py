"""The part of an evaluation's record that is about what was read: the models behind a candidate, and its texts."""

from typing import Literal

from pydantic import Field

from tasks.records.parts import Record


class Part(Record):
    """A model behind a candidate.

    Attributes:
        says: Emotions that it can say, under the label map.
    """

    modality: Literal["audio", "text"]
    source: str
    revision: str | None = None
    weights_sha256: str
    output_kind: Literal["categorical", "multilabel", "dimensional"]
    labels: tuple[str, ...] = ()
    label_map: dict[str, str | None] = Field(default_factory=dict)
    says: tuple[str, ...] = ()


class TextRead(Record):
    """What a candidate read of the segments, apart from what it heard.

    Attributes:
        n: Segments whose text a model answered to. sources: those, by where the text is from.
        missing: The others, by reason (`no_text`, `text_failed`, `no_text_model`, `not_read` …).
        has_say: Whether the candidate's answers depend on it: with an `audio_weight` of 1 they do not.
        accuracy, accuracy_audio: Of the text alone, and of the audio alone, on the n segments.
        problem: Why nothing could be found or read at all.
        details: The commonest things that went wrong with single segments, in words, with their counts.
    """

    n: int
    sources: dict[str, int] = Field(default_factory=dict)
    missing: dict[str, int] = Field(default_factory=dict)
    has_say: bool = False
    accuracy: float | None = None
    accuracy_audio: float | None = None
    problem: str | None = None
    details: dict[str, int] = Field(default_factory=dict)
