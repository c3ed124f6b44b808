"""The run record: what one run of `score_corpus` did, with what, and how it ended. Stored as `runs/<run_id>/run.json`.

The keys at the top level of `RunRecord.summary` are relied upon from outside (`seraph score --json`).
"""

import hashlib
import secrets
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from actors.contract import ModelSpec


class Record(BaseModel):
    """Base of the stored records: immutable, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MediaCounts(Record):
    """Media by what became of them. planned = scored + silent + quarantined + failed; skipped were committed before."""

    planned: int = 0
    scored: int = 0
    silent: int = 0
    skipped: int = 0
    quarantined: int = 0
    failed: int = 0
    """In shards that the data checks refused: not committed, tried again by the next run."""
    removed: int = 0
    """Committed earlier, and no longer in the listing: marked, and left out of the current table."""
    other: dict[str, int] = Field(default_factory=dict)
    """Objects under the prefix that are no media, by suffix."""


class Validation(Record):
    """What the data checks said. `failed` names each check that failed, with the shard or `summary`."""

    success: bool = True
    failed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Outputs(Record):
    """Where everything lies (s3:// URIs; `report_file` is the same page as a local path where the store is local)."""

    scores: str
    report: str
    quarantine: str
    run: str
    report_file: str | None = None


class Corpus(Record):
    """The current table over the run's media prefix, whichever run scored its rows."""

    media: int = 0
    segments: int = 0
    audio_seconds: float = 0.0
    languages: dict[str, int] = Field(default_factory=dict)
    emotions: dict[str, int] = Field(default_factory=dict)
    undecided: int = 0
    quarantined: int = 0
    alarms: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By model, what makes it suspicious: `near_uniform`, `one_class`. Models without an alarm are left out."""


class RunRecord(Record):
    """One run.

    Attributes:
        segments: Segments scored by this run; `languages` and `emotions` count them (undecided apart).
        audio_seconds: Their total duration: seconds of scored speech.
        seconds: Wall time of the whole run.
        realtime_factor: audio_seconds / seconds, or None where this run scored nothing.
        stages: Wall time by stage, summed over parallel work: it may exceed `seconds`.
        config: The whole configuration, as it was.
        models: What heard each language, by language. `whisper`: name and weights_sha256 of the detector.
        workers: How many of each actor, on what, in which precision.
    """

    run_id: str
    status: Literal["completed", "failed"] = "completed"
    started: str
    finished: str
    media_uri: str
    results_uri: str
    code_version: str
    lock_sha256: str | None
    fingerprint: str
    decision: str
    config: dict[str, Any]
    models: dict[str, ModelSpec]
    whisper: dict[str, str]
    workers: dict[str, Any] = Field(default_factory=dict)
    media: MediaCounts
    segments: int
    redecided: int = 0
    """Segments decided again from stored logits, no model loaded."""
    audio_seconds: float
    seconds: float
    realtime_factor: float | None
    stages: dict[str, float] = Field(default_factory=dict)
    languages: dict[str, int]
    emotions: dict[str, int]
    undecided: int = 0
    validation: Validation
    corpus: Corpus
    outputs: Outputs

    def summary(self) -> dict[str, Any]:
        """What `seraph score --json` prints."""
        document = self.model_dump(mode="json")
        if self.realtime_factor is None:
            document["undefined"] = {"realtime_factor": "this run scored nothing: all was already done"}
        return document


def new_run_id(now: datetime | None = None) -> str:
    """A new run's id: the time in UTC and six random hex digits, so that ids sort by time."""
    return f"{now or datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def code_version() -> str:
    """Version of the installed project."""
    return version("seraph")


def lock_sha256() -> str | None:
    """Hash of the lock file this checkout was installed from, or None where there is no checkout."""
    lock = Path(__file__).parents[1] / "constraints.txt"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None
