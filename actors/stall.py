"""How long scoring workers had nothing to do while there was work on the road, and what they waited for. Pure.

Starting workers and workers that load a model do not stall; a pool that nobody gave any work does not either.
"""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What a worker without work waits for."""

    READERS = "readers"
    """Media that are being fetched and decoded, or wait for it."""
    LANGUAGE = "language"
    """Media whose language is being asked."""
    MODELS = "models"
    """Segments wait, but for a worker that holds their model, or is about to start."""
    NOTHING_LEFT = "nothing_left"
    """The rest is in other workers' hands."""


@dataclass(frozen=True)
class Standing:
    """How things stand at a moment.

    Attributes:
        ready: Workers that could work.
        idle: Those of them with nothing to do.
        cause: What these wait for; None where there is no work on the road at all.
    """

    ready: int = 0
    idle: int = 0
    cause: Cause | None = None


def cause_of(*, ahead: int, reading: int, hearing: int, segments: int, scoring: int) -> Cause | None:
    """What an idle worker waits for: the fuller of two queues is the slower one.

    Args:
        ahead: Media that may not be read yet, because as many as may be are on the road.
        reading, hearing: Media with a reader or a language detector, or on the way to one.
        segments: Segments that wait for a batch.
        scoring: Media whose segments are being scored.
    """
    if segments:
        return Cause.MODELS
    if reading or hearing:
        return Cause.LANGUAGE if hearing > reading else Cause.READERS
    if ahead:
        return Cause.READERS
    return Cause.NOTHING_LEFT if scoring else None


class Stall:
    """Adds up worker-seconds, told each time that something changes."""

    def __init__(self) -> None:
        self.worker_s = 0.0
        self.seconds = dict.fromkeys(Cause, 0.0)
        self._since = 0.0
        self._standing = Standing()

    def note(self, now: float, standing: Standing) -> None:
        """From `now` (seconds of any clock) on it stands so; until now it stood as noted before."""
        before, self._standing = self._standing, standing
        elapsed, self._since = now - self._since, now
        if before.cause is not None:
            self.worker_s += before.ready * elapsed
            self.seconds[before.cause] += before.idle * elapsed

    def description(self) -> dict[str, float]:
        """Shares of the workers' time, 0…1: in all, and by cause. Empty where there was no time at all."""
        if not self.worker_s:
            return {}
        shares = {str(cause): round(seconds / self.worker_s, 4) for cause, seconds in self.seconds.items()}
        return {"share": round(sum(self.seconds.values()) / self.worker_s, 4), **shares}
