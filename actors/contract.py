"""The types that pass between the rooms: media, segments, models, results. No behaviour beyond their own checks.

Times are seconds (float64), rates Hz, signals float32 mono in [-1, 1], shape (samples,), at `SAMPLING_RATE`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

SAMPLING_RATE = 16_000
"""Hz. Whisper, silero-vad and every wav2vec2-like model hear this rate."""

TAXONOMY = ("neutral", "happy", "sad", "angry", "fear", "surprise", "disgust")
"""The seven emotions, in the order of every posterior. Ties break to the lower index."""

Signal = npt.NDArray[np.float32]


class Stage(StrEnum):
    """Where on the road something went wrong."""

    READ = "read"
    SEGMENT = "segment"
    LANGUAGE = "language"
    SCORE = "score"


class Reason(StrEnum):
    """Why a medium or a segment is in quarantine."""

    EMPTY = "empty"
    """The object has no bytes."""
    NOT_MEDIA = "not_media"
    """No container format that FFmpeg knows, whatever its name says."""
    NO_AUDIO_TRACK = "no_audio_track"
    UNDECODABLE = "undecodable"
    """An audio track is there, but not one frame of it decodes."""
    TOO_LONG = "too_long"
    OUTSIDE = "outside"
    """A labelled segment that begins after the medium ends."""
    UNROUTED_LANGUAGE = "unrouted_language"
    UNCERTAIN_LANGUAGE = "uncertain_language"
    NON_FINITE = "non_finite"
    """The model answered with NaN or infinity."""
    MODEL_ERROR = "model_error"
    """The model raised an error on this segment alone."""
    STORE_ERROR = "store_error"
    VANISHED = "vanished"
    """Removed or replaced between the listing and the reading."""
    WORKER_DIED = "worker_died"
    """The process that held this segment (or medium), alone, died."""
    TIMEOUT = "timeout"

    @property
    def transient(self) -> bool:
        """Whether another run may fare better; a permanent reason is final for the medium's etag."""
        return self in {Reason.STORE_ERROR, Reason.VANISHED, Reason.WORKER_DIED, Reason.TIMEOUT}


class Flag(StrEnum):
    """What a user should know about a row before trusting it."""

    SHORT = "short"
    """Under 3 s: unreliable for these models."""
    TRUNCATED = "truncated"
    """The file ends or breaks before its declared end; what could be decoded was scored."""
    SEVERAL_TRACKS = "several_tracks"
    UNCERTAIN_LANGUAGE = "uncertain_language"
    UNROUTED_LANGUAGE = "unrouted_language"
    MIXED_LANGUAGE = "mixed_language"
    FALLBACK_MODEL = "fallback_model"
    DEMO_MODEL = "demo_model"
    MAPPED_FROM_DIMENSIONS = "mapped_from_dimensions"
    """In scores only: the model gives arousal, dominance, valence; the emotion is the nearest one."""
    CUT_TO_WINDOW = "cut_to_window"
    """Longer than the model hears (`ModelSpec.window_s`): only its beginning was scored."""
    NEAR_UNIFORM = "near_uniform"
    """In scores only: the model's own posterior says almost nothing, as that of a random head does."""
    NO_TEXT = "no_text"
    """In scores only: texts were asked for, and there is none of this segment."""
    TEXT_FAILED = "text_failed"
    """In scores only: something went wrong with its text."""
    UNDECIDED = "undecided"
    """In scores only: nothing left to decide with."""


SHORT_SECONDS = 3.0
"""Below this a segment is flagged `short`."""


@dataclass(frozen=True)
class Medium:
    """One object of the corpus, as a listing knows it."""

    uri: str
    etag: str
    size: int


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of a medium in seconds, start before end."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s:
            raise ValueError(f"a span must have 0 <= start < end, not {self.start_s} … {self.end_s}")

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    def cut(self, signal: Signal, sampling_rate: int = SAMPLING_RATE) -> Signal:
        """The samples of this span: a view of `signal`, shape (samples,)."""
        return signal[round(self.start_s * sampling_rate) : round(self.end_s * sampling_rate)]


def segment_id(media_uri: str, media_etag: str, span: Span) -> str:
    """Name of a segment: a hash of the medium, its etag and the span in milliseconds (32 hex digits)."""
    key = f"{media_uri}\n{media_etag}\n{round(span.start_s * 1000)}\n{round(span.end_s * 1000)}"
    return hashlib.sha256(key.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Rejection:
    """A medium, or one segment of it, that could not be scored."""

    medium: Medium
    stage: Stage
    reason: Reason
    detail: str
    segment_id: str | None = None


@dataclass(frozen=True)
class Reading:
    """What the reader found in a medium, without the signal.

    Attributes:
        duration_s: Decoded duration in seconds.
        spans: The segments to score, in order, without overlap; none where there is no speech.
        outside: Given segments (of a label file) that begin after the medium ends.
        flags: `truncated`, `several_tracks`.
        seconds: Wall time by step: `fetch`, `decode`, `segment`.
        sha256: Of the object's bytes, where it was asked for.
    """

    medium: Medium
    duration_s: float
    spans: tuple[Span, ...]
    outside: tuple[Span, ...] = ()
    flags: tuple[Flag, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    sha256: str | None = None


@dataclass(frozen=True)
class Language:
    """Which language a medium or a segment is in, and how sure Whisper is.

    Attributes:
        language: The routed language with the greatest mass (ISO 639-1, as Whisper names it).
        confidence: Whisper's raw mass on it, 0…1.
        margin: Its lead over the next routed language after renormalising over the routed ones, 0…1 (1 with one route).
        top: Whisper's own first choice over all its languages.
        flags: `uncertain_language`, `unrouted_language`, `mixed_language`.
    """

    language: str
    confidence: float
    margin: float
    top: str
    flags: tuple[Flag, ...] = ()


Kind = Literal["categorical", "multilabel", "dimensional"]
Modality = Literal["audio", "text"]


@dataclass(frozen=True)
class ModelSpec:
    """What a loaded emotion model is.

    Attributes:
        source: Folder or hub id, as configured.
        revision: Commit of the hub repository, or None for a folder.
        weights_sha256: Hash over the weight files' bytes.
        family: Which layout it has (one per file in actors/checkpoints).
        kind: How outputs become a posterior: softmax, sigmoid, or distances to centroids.
        labels: The model's own labels, in the order of its outputs.
        sampling_rate: Hz.
        preprocessing: Short hash over everything between the signal and the network (normalising, mask, …).
        precision: `fp32`, `bf16` or `fp16`: what it computes in.
        demo: Whether it is one of the bundled toys.
        licence: As its model card says, or None where it does not.
        modality: What it hears or reads; a text model's `sampling_rate` is 0.
        window_s: Seconds that it hears at most, or None: as published, what is beyond is not heard.
    """

    source: str
    revision: str | None
    weights_sha256: str
    family: str
    kind: Kind
    labels: tuple[str, ...]
    sampling_rate: int
    preprocessing: str
    precision: str
    demo: bool = False
    licence: str | None = None
    modality: Modality = "audio"
    window_s: float | None = None


class EmotionModel(Protocol):
    """A loaded emotion model."""

    spec: ModelSpec

    def logits(self, signals: Sequence[Signal]) -> npt.NDArray[np.float32]:
        """Score signals of any lengths.

        Args:
            signals: float32 mono at `spec.sampling_rate`, each of shape (samples,).

        Returns:
            Raw outputs, shape (len(signals), len(spec.labels)), in input order. A row does not depend on what else is
            in the call: one at a time and together agree within 1e-4 in fp32.
        """
        ...


class TextEmotionModel(Protocol):
    """A loaded emotion model that reads: for fusion with one that hears."""

    spec: ModelSpec

    def logits(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Score texts of any lengths; what exceeds the model's tokens is cut at the end, as published.

        Returns:
            Raw outputs, shape (len(texts), len(spec.labels)), in input order. A row does not depend on what else is in
            the call.
        """
        ...


class LanguageDetector(Protocol):
    """A loaded language detector."""

    languages: tuple[str, ...]

    def probabilities(self, signals: Sequence[Signal]) -> npt.NDArray[np.float32]:
        """Mass on each language, shape (len(signals), len(languages)); rows sum to 1. Signals are at most 30 s long."""
        ...


@dataclass(frozen=True)
class SegmentLogits:
    """One scored segment: a row of the `logits` table."""

    segment_id: str
    span: Span
    language: Language
    model: str
    weights_sha256: str
    precision: str
    logits: tuple[float, ...]
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True)
class MediumResult:
    """All that came of one medium: scored, silent (no speech) or quarantined, with every segment accounted for.

    Attributes:
        planned: Ids of the segments that were to be scored; each is in exactly one of `rows` and `rejections`.
        routes: Language to route identity (see `tasks.config.identity`) of every model that heard a segment of it.
        seconds: Wall time by stage, summed over its calls.
        sha256: Of the object's bytes, where it was asked for.
    """

    medium: Medium
    duration_s: float
    planned: tuple[str, ...]
    rows: tuple[SegmentLogits, ...]
    rejections: tuple[Rejection, ...]
    routes: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    sha256: str | None = None
