"""The run record: what one run of `score_corpus` did, with what, and how it ended. Stored as `runs/<run_id>/run.json`.

The keys at the top level of `RunRecord.summary` are relied upon from outside (`seraph score --json`).
"""

import hashlib
import secrets
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from actors.contract import ModelSpec
from tasks.records.parts import UNDECIDED as UNDECIDED
from tasks.records.parts import Alarm as Alarm
from tasks.records.parts import Cost as Cost
from tasks.records.parts import Count, Moment
from tasks.records.parts import Record as Record
from tasks.records.parts import Snapshot as Snapshot
from tasks.records.parts import Spent as Spent
from tasks.records.parts import Spread as Spread


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


class TextCounts(Record):
    """The texts of the current table, where they are asked for: segments = with text + without + waiting.

    Attributes:
        id: Names them in the store; None where a problem keeps them from being looked for at all.
        segments: With a text; `sources` says from where.
        without: Without one: nobody speaks there, no source has it, or something failed.
        waiting: Of shards whose texts are not written: scored by audio alone until a later run has them.
        failed: Where something went wrong; `reasons` counts the most frequent.
        problems: What went wrong with the texts as a whole in this run. The audio results stand all the same.
        unsound: Shards whose scores with text fail the data checks, with what failed: audio alone decides them.
        models: What reads each language (no precision: nothing is loaded to find out).
    """

    id: str | None
    segments: int = 0
    sources: dict[str, int] = Field(default_factory=dict)
    without: int = 0
    waiting: int = 0
    failed: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)
    problems: tuple[str, ...] = ()
    unsound: tuple[str, ...] = ()
    models: dict[str, ModelSpec] = Field(default_factory=dict)

    @property
    def nothing_read(self) -> bool:
        """Whether no shard has its texts: all of them are scored by audio alone."""
        return not self.segments + self.without

    @property
    def warnings(self) -> tuple[str, ...]:
        """The problems, as lines among other warnings."""
        return tuple(f"texts: {problem}" for problem in (*self.problems, *self.unsound))


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


class Grounds(Record):
    """Who made a configuration current, and on what grounds.

    Attributes:
        source: As it was named: a tuning, a preset or a file.
        verdict: Of the tuning `tuning_id`; None where it rests on none. `evaluation_id`: whose answers were tuned.
        forced: The verdict was not `adopt`, and it was promoted all the same.
    """

    who: str
    why: str | None
    source: str
    tuning_id: str | None = None
    evaluation_id: str | None = None
    verdict: str | None = None
    forced: bool = False


class Promotion(Grounds):
    """One promotion of a configuration: stored as `configs/current.yaml` and in the history (promotion/current.py).

    Attributes:
        hash, name: Of the configuration. `before`: the hash of the one it replaced.
        promoted_at: ISO 8601, UTC.
        rolled_back: It had been current earlier, on these grounds; `who` and `why` are those of the rollback.
    """

    hash: str = Field(pattern="^[0-9a-f]{16}$")
    name: str
    promoted_at: str
    before: str | None = None
    rolled_back: bool = False


class ConfigUsed(Record):
    """Which configuration it was; `promotion`: where it was the current one of the results store."""

    name: str
    hash: str
    promotion: Promotion | None = None


class RunRecord(Record):
    """One run.

    Attributes:
        code_revision: Git commit of the checkout that the code ran from; None where there is none.
        segments: Segments scored by this run; `languages` and `emotions` count them (undecided apart).
        audio_seconds: Their total duration: seconds of scored speech.
        seconds: Wall time of the whole run.
        realtime_factor: audio_seconds / seconds, or None where this run scored nothing.
        stages: Wall time by stage, summed over parallel work: it may exceed `seconds`.
        config: The whole configuration, as it was. `configuration`: which one it was.
        models: What heard each language, by language. `whisper`: name and weights_sha256 of the detector.
        workers: How many of each actor, on what, in which precision.
        text: What is known of texts; None where nobody asks for them.
        snapshot: What was there to be scored.
        seeds: Of whatever drew random numbers, by name. Empty: nothing did.
        spent: What the workers held; None where none was started. `cost`: at the price that the run was given.
        spread: How the segments lie in media.
        alarms: What somebody should look at. `reference`: the runs that this one was compared with for it.

    What an older record does not say is None.
    """

    run_id: str
    status: Literal["completed", "failed"] = "completed"
    started: Moment
    finished: Moment
    media_uri: str
    results_uri: str
    code_version: str
    lock_sha256: str | None
    fingerprint: str
    decision: str
    config: dict[str, Any]
    configuration: ConfigUsed | None = None
    models: dict[str, ModelSpec]
    whisper: dict[str, str]
    workers: dict[str, Any] = Field(default_factory=dict)
    media: MediaCounts
    segments: Count
    redecided: int = 0
    """Segments decided again from stored logits, no model loaded."""
    audio_seconds: float = Field(ge=0)
    seconds: float = Field(ge=0)
    realtime_factor: float | None
    stages: dict[str, float] = Field(default_factory=dict)
    languages: dict[str, Count]
    emotions: dict[str, Count]
    undecided: Count = 0
    validation: Validation
    corpus: Corpus
    text: TextCounts | None = None
    outputs: Outputs
    code_revision: str | None = None
    snapshot: Snapshot | None = None
    seeds: dict[str, int] | None = None
    spent: Spent | None = None
    cost: Cost | None = None
    spread: Spread | None = None
    alarms: tuple[Alarm, ...] = ()
    reference: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """What `seraph score --json` prints."""
        document = self.model_dump(mode="json")
        return {**document, "undefined": self.undefined} if self.undefined else document

    @property
    def undefined(self) -> dict[str, str]:
        """Why a figure is None, by its path; empty where none is."""
        found = {
            "realtime_factor": self.realtime_factor is None,
            "cost.per_1000_audio_hours": self.cost is not None and self.cost.per_1000_audio_hours is None,
        }
        return {name: "this run scored nothing: all was already done" for name, missing in found.items() if missing}


def new_run_id(now: datetime | None = None) -> str:
    """A new run's id: the time in UTC and six random hex digits, so that ids sort by time."""
    return f"{now or datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def code_version() -> str:
    """Version of the installed project."""
    return version("seraph")


def lock_sha256() -> str | None:
    """Hash of the lock file this checkout was installed from, or None where there is no checkout."""
    lock = Path(__file__).parents[2] / "constraints.txt"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None
