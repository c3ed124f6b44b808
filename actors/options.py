"""How the actors work: frozen, validated options. tasks/config/scoring.py composes them into a run's configuration.

Each has a default that suits most corpora; what changes a result is covered by the run's fingerprint, what only changes
speed is not (`Resources`).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Options(BaseModel):
    """Base of all options: immutable, and a misspelt name is an error."""

    # Defaults, too: an int that stands for a float hashes differently once it was written and read back.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class ReadOptions(Options):
    """Fetching and decoding. `max_duration_s`: a longer medium is quarantined as `too_long`."""

    max_duration_s: float = Field(4 * 3600, gt=0)


class SegmentOptions(Options):
    """Cutting a signal into segments.

    Attributes:
        method: `speech` (silero-vad), `windows` (fixed), or `labels` (the segments of a label file).
        min_s, max_s: Bounds of a segment's duration in seconds.
        merge_gap_s: Speech separated by less than this is one segment (as long as it stays under `max_s`).
        window_s: Length of fixed windows.
        speech_threshold: silero-vad's probability above which a frame is speech.
        labels: Label file or URI whose segments are scored, with `method: labels`.
    """

    method: Literal["speech", "windows", "labels"] = "speech"
    min_s: float = Field(0.5, gt=0)
    max_s: float = Field(15.0, gt=0)
    merge_gap_s: float = Field(0.3, ge=0)
    window_s: float = Field(5.0, gt=0)
    speech_threshold: float = Field(0.5, gt=0, lt=1)
    labels: str | None = None

    @model_validator(mode="after")
    def _check(self) -> "SegmentOptions":
        if self.max_s < 2 * self.min_s:
            raise ValueError(f"max_s ({self.max_s}) must be at least twice min_s ({self.min_s})")
        if not self.min_s <= self.window_s <= self.max_s:
            raise ValueError(
                f"window_s ({self.window_s}) must lie between min_s ({self.min_s}) and max_s ({self.max_s})"
            )
        if (self.method == "labels") != (self.labels is not None):
            raise ValueError("`labels` names the label file of `method: labels`, and is given with that method only")
        return self


class LanguageOptions(Options):
    """Detecting the language.

    Attributes:
        model: Whisper checkpoint: a name (`tiny`, `base`, …), a path to a .pt file, or `s3://…` of one.
        windows, window_s: How many windows of speech to hear per medium, and how long each, at most 30 s.
        per_segment: Ask for every segment instead of once per medium.
        min_confidence: Below this raw mass the language is uncertain.
        unrouted_mass: At or above this raw mass, a first choice that no route serves makes the medium unrouted.
    """

    model: str = "base"
    windows: int = Field(3, ge=1, le=10)
    window_s: float = Field(30.0, gt=0, le=30)
    per_segment: bool = False
    min_confidence: float = Field(0.5, ge=0, le=1)
    unrouted_mass: float = Field(0.5, ge=0, le=1)


class Route(Options):
    """The emotion model that hears a language: a folder or a hub id, and the hub revision it is pinned to."""

    model: str
    revision: str | None = None


class Bounds(Options):
    """Workers that hold one language's model: at least `min_workers` as soon as it has work, at most `max_workers`."""

    min_workers: int = Field(1, ge=1)
    max_workers: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _check(self) -> "Bounds":
        if self.max_workers is not None and self.max_workers < self.min_workers:
            raise ValueError(f"max_workers ({self.max_workers}) must be at least min_workers ({self.min_workers})")
        return self


class Resources(Options):
    """How much of the cluster to use. None of these changes a result.

    Attributes:
        readers: CPU actors that fetch, decode and segment; None: in proportion to the scoring workers.
        listeners: Language detectors at most; None: in proportion to the scoring workers.
        min_workers, max_workers: Bounds of the scoring pool; None: 1, and what the cluster holds as its nodes come and
            go. With `num_gpus` or `num_cpus`, `max_workers` may go beyond it: those without a place wait for nodes.
        languages: Bounds by language, within those.
        num_cpus, num_gpus: What one scoring worker asks Ray for; None derives it: where there are GPUs, 0.95 of
            one, and the rest is the language detectors' (without any, all of it).
            0.25 of a GPU lets four workers share one.
        batch_seconds: Padded audio in one batch at most, in seconds; None: 30 on a CPU, 320 on a GPU.
        media_in_flight: Media that may be read ahead; None: two for each reader and scoring worker, and more of small
            ones. Bounds memory.
        model_memory_gb: Weights one worker may keep; the least recently used model goes first. None: no bound.
        timeout_s: A read or a batch that takes longer counts as failed.
        ready_s: How long to wait for a place in the cluster; then the run goes on with what it has, and says so. With
            nothing at all, it ends: nodes that an autoscaler adds must be there by then.
        queue_s: How long to wait where the cluster has the place, but something else holds it all.
        idle_s: A worker that has had nothing to do for so long, while no work waits, is let go.
    """

    readers: int | None = Field(None, ge=1)
    listeners: int | None = Field(None, ge=1)
    min_workers: int | None = Field(None, ge=1)
    max_workers: int | None = Field(None, ge=1)
    languages: dict[str, Bounds] = Field(default_factory=dict)
    num_cpus: float | None = Field(None, ge=0)
    num_gpus: float | None = Field(None, ge=0)
    batch_seconds: float | None = Field(None, gt=0)
    media_in_flight: int | None = Field(None, ge=1)
    model_memory_gb: float | None = Field(None, gt=0)
    timeout_s: float = Field(900, gt=0)
    ready_s: float = Field(180, gt=0)
    queue_s: float = Field(3600, gt=0)
    idle_s: float = Field(60, gt=0)

    @property
    def first_needs(self) -> dict[str, float]:
        """What a first node must be able to hold, where the cluster has none yet: as configured, or a core."""
        return {"num_cpus": self.num_cpus or 1.0, "num_gpus": self.num_gpus or 0.0}
