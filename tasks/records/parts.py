"""The parts of a run record that say what there was, what it took and what to look at. The whole is run.py."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

UNDECIDED = "undecided"
"""What segments without an emotion are counted under, beside the emotions."""


def _with_zone(moment: str) -> str:
    if datetime.fromisoformat(moment).tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment


Moment = Annotated[str, AfterValidator(_with_zone)]
"""ISO 8601, with its time zone."""

Count = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    """Base of the stored records: immutable, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Snapshot(Record):
    """What was there to be scored: the media of the run's listing, scored before or not.

    Attributes:
        sha256: Over the sorted (uri, etag): equal for two runs that found the same media.
        media, bytes: How many, and their sizes together.
    """

    sha256: str
    media: int
    bytes: int


class Spread(Record):
    """How a run's segments lie in its media: segments of one film are alike, and say less than as many of many films.

    Attributes:
        media: Media with segments.
        squares: Sum over them of segments squared.
        emotions: By emotion (and `undecided`), two sums over the media: of its segments squared, and of its segments
            times all of that medium's.
    """

    media: int = 0
    squares: int = 0
    emotions: dict[str, tuple[int, int]] = Field(default_factory=dict)

    def __add__(self, other: "Spread") -> "Spread":
        """Both together; a medium that stands in both counts as two."""
        names = dict.fromkeys((*self.emotions, *other.emotions))
        both = {name: (self.emotions.get(name, (0, 0)), other.emotions.get(name, (0, 0))) for name in names}
        return Spread(
            media=self.media + other.media,
            squares=self.squares + other.squares,
            emotions={name: (a[0] + b[0], a[1] + b[1]) for name, (a, b) in both.items()},
        )


class Spent(Record):
    """What a run's workers kept from others: GPUs and CPUs (shares of them count as shares), times seconds."""

    gpu_seconds: float
    cpu_seconds: float


class Cost(Record):
    """What a run cost at a price; `per_1000_audio_hours` is of scored speech, None where nothing was scored."""

    gpu_hour: float
    cpu_hour: float
    currency: str
    total: float
    per_1000_audio_hours: float | None


class Alarm(Record):
    """Something that somebody should look at.

    Attributes:
        kind: Which alarm it is (tasks/alarms/kinds.py).
        value, bound: What was found, and what it passed, where it is a figure. Shares are 0…1.
        expected: The reference's value, where there is a reference.
        n: Segments (or media) that it rests on.
        subject: The emotion, language or model that it is about, where it is about one.
        message: All of it in a sentence, with what to do.
    """

    kind: str
    n: int
    message: str
    value: float | None = None
    bound: float | None = None
    expected: float | None = None
    subject: str | None = None
