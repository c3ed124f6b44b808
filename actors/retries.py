"""What becomes of a batch that failed: it moves elsewhere as it is, it is halved, or its last segment is given up.

Whoever is guilty ends alone, and in quarantine; nobody else does. Pure: hands nothing out, and waits for nobody.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actors.contract import Flag, Language, Medium, Reason, Rejection, SegmentLogits, Span, Stage
from actors.faults import CallFailedError, InputLostError, WorkerLostError
from actors.options import Route

_TRIES = 3
"""How often a lone segment is tried when workers die under it."""

_MOVES = 2
"""Nodes that may go under a batch before it is suspected of it: in a spot market they go by themselves."""


@dataclass(eq=False)
class Waiting:
    """A segment on its way: what it is, where its samples are, which route hears it, and where its answer goes.

    Attributes:
        signal: Ray reference of its medium's signal.
        tries: Failures that may have been its doing.
        moves: Nodes that went under it.
        seconds: Its share of its batch's time in the model, once that is done.
    """

    id: str
    medium: Medium
    span: Span
    signal: Any
    language: Language
    route: Route
    flags: tuple[Flag, ...]
    answer: "asyncio.Future[SegmentLogits | Rejection]"
    tries: int = 0
    moves: int = 0
    seconds: float = 0.0


class Retries:
    """Batches that are to be tried again, the oldest first."""

    def __init__(self) -> None:
        self._batches: deque[list[Waiting]] = deque()

    def __len__(self) -> int:
        return len(self._batches)

    def fits(self, may: Callable[[Route], bool]) -> bool:
        """Whether one of the batches is of a model that may be had."""
        return any(may(batch[0].route) for batch in self._batches)

    def take(self, may: Callable[[Route], bool]) -> list[Waiting]:
        """The first batch of a model that may be had, or none; who has been answered meanwhile is still in it."""
        for number, batch in enumerate(self._batches):
            if may(batch[0].route):
                del self._batches[number]
                return batch
        return []

    def lost(self, batch: list[Waiting], error: WorkerLostError) -> None:
        """The worker was lost. Where its node went, the batch moves on unsplit and unblamed, within a bound."""
        if error.node and max(segment.moves for segment in batch) < _MOVES:
            for segment in batch:
                segment.moves += 1
            self._batches.append(batch)
        else:
            self._suspect(batch, error.reason, error.detail)

    def failed(self, batch: list[Waiting], error: CallFailedError) -> None:
        """The call raised an error. One that is too large for the memory is halved without suspicion."""
        if error.out_of_memory:
            if len(batch) > 1:
                self._halve(batch)
            else:  # perhaps there is more room on another worker, or later
                self._suspect(batch, Reason.WORKER_DIED, str(error))
        else:
            self._suspect(batch, Reason.MODEL_ERROR, str(error), tries=2)

    def input_lost(self, batch: list[Waiting], error: InputLostError) -> None:
        """A signal is gone: its medium must be read again; the others of the batch wait on."""
        gone = [segment for segment in batch if _name(segment.signal) == error.object] or batch
        for segment in gone:
            if not segment.answer.done():
                segment.answer.set_exception(error)
        if rest := [segment for segment in batch if segment not in gone]:
            self._batches.append(rest)

    def _suspect(self, batch: list[Waiting], reason: Reason, detail: str, *, tries: int = _TRIES) -> None:
        if len(batch) > 1:
            for segment in batch:
                segment.tries = 1
            self._halve(batch)
            return
        (segment,) = batch
        segment.tries += 1
        if segment.tries < tries:
            self._batches.append(batch)
        elif not segment.answer.done():
            segment.answer.set_result(Rejection(segment.medium, Stage.SCORE, reason, detail, segment.id))

    def _halve(self, batch: list[Waiting]) -> None:
        middle = len(batch) // 2
        self._batches.extend([batch[:middle], batch[middle:]])


def _name(signal: Any) -> str:
    """Ray's name of an object."""
    return str(signal.hex())
