"""The dispatcher: segments wait in one batcher per model; a scorer with room takes a batch of a model it holds.

A batch whose worker dies is halved and its halves are tried elsewhere, each alone on its worker, until the guilty
segment is alone; it ends in quarantine and everything else is scored. Runs on the pool's event loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from actors.batching import Batcher
from actors.contract import (
    SAMPLING_RATE,
    Flag,
    Language,
    Medium,
    ModelSpec,
    Reason,
    Rejection,
    SegmentLogits,
    Span,
    Stage,
)
from actors.crew import CallFailedError, Crew, InputLostError, Member, WorkerLostError
from actors.options import Route
from actors.workers import Scored, pieces_of

_TRIES = 3
"""How often a lone segment is tried when workers die under it."""

_STEAL_BATCHES = 2.0
"""Batches that must wait for a model before a worker that does not hold it loads it, though another holds it."""


@dataclass(eq=False)
class Waiting:
    """A segment on its way: what it is, where its samples are, which route hears it, and where its answer goes.

    Attributes:
        signal: Ray reference of its medium's signal.
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
    seconds: float = 0.0


class Dispatcher:
    """Hands out batches to a crew of scorers.

    Args:
        scorers: The crew.
        routes: The models that segments are routed to; two languages may share one.
        batch_s: Padded seconds in a batch at most.
        fatal: Called with an error that must end the run.
    """

    def __init__(
        self, scorers: Crew, routes: Iterable[Route], batch_s: float, fatal: Callable[[BaseException], None]
    ) -> None:
        self.specs: dict[str, ModelSpec] = {}
        self.devices: set[str] = set()
        self._scorers = scorers
        self._fatal = fatal
        self._retries: deque[list[Waiting]] = deque()
        self._batchers = {route: Batcher[Waiting](batch_s, lambda each: each.span.duration_s) for route in routes}
        self._running: set[asyncio.Task[None]] = set()

    async def score(self, segments: Sequence[Waiting]) -> list[SegmentLogits | Rejection]:
        """Let segments wait for their batches, and return their answers in order.

        Raises:
            InputLostError: A signal went with its node; the medium must be read again.
        """
        for segment in segments:
            self._batchers[segment.route].add(segment)
        self.dispatch()
        try:
            return list(await asyncio.gather(*(segment.answer for segment in segments)))
        finally:
            # Where one was lost, its fellows must not be scored in vain, nor make others' batches fail.
            for segment in segments:
                segment.answer.cancel()

    def stop(self) -> None:
        """Forget what is running."""
        for task in self._running:
            task.cancel()

    def dispatch(self) -> None:
        """Give every scorer with room its next batch; start another scorer where work still waits."""
        for member in self._scorers.free():
            while member in self._scorers.free() and (batch := self._next_batch(member)):
                self._send(member, batch)
        if any(self._needs_another(route) for route in self._batchers):
            self._scorers.grow()

    def _next_batch(self, member: Member) -> list[Waiting]:
        """Suspicious work goes to an idle worker, alone; else a batch of a model it holds; else of one nobody holds.

        A busy worker takes only whole batches: until then later segments may still join them. A worker that holds a
        model loads another one only where no new worker is to be had for it.
        """
        idle = member.in_flight == 0
        if idle and self._retries:
            return self._retries.popleft()
        waiting = sorted((route for route in self._batchers if self._batchers[route]), key=self._urgency)
        for route in waiting:
            if route in member.holds and (idle or self._batchers[route].full):
                return self._batchers[route].take()
        if idle and not (member.holds and self._scorers.help_is_coming()):
            for route in waiting:
                if self._needs_another(route):
                    return self._batchers[route].take()
        return []

    def _urgency(self, route: Route) -> float:
        return -self._batchers[route].seconds

    def _needs_another(self, route: Route) -> bool:
        """Whether a model needs another worker: segments wait, and nobody holds it, or those who do are far behind."""
        batcher = self._batchers[route]
        held = any(route in member.holds for member in self._scorers.members)
        return len(batcher) > 0 and (not held or batcher.batches >= _STEAL_BATCHES)

    def _send(self, member: Member, batch: list[Waiting]) -> None:
        batch = [segment for segment in batch if not segment.answer.done()]
        if not batch:
            return
        member.holds.add(batch[0].route)
        member.exclusive = batch[0].tries > 0
        task = asyncio.create_task(self._score_batch(self._scorers.reserve(member), batch))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _score_batch(self, member: Member, batch: list[Waiting]) -> None:
        signals = {id(segment.signal): segment.signal for segment in batch}
        numbers = {name: number for number, name in enumerate(signals)}
        pieces = pieces_of([(numbers[id(segment.signal)], segment.span) for segment in batch])
        try:
            self._answer(batch, await self._scorers.call(member, "logits", batch[0].route, pieces, *signals.values()))
        except WorkerLostError as error:
            self._try_again(batch, error.reason, error.detail)
        except CallFailedError as error:
            self._try_again(batch, Reason.MODEL_ERROR, str(error), blame_at_once=not error.out_of_memory)
        except InputLostError as error:
            for segment in batch:
                _set(segment.answer, error)
        except Exception as error:  # noqa: BLE001 - whatever else goes wrong here must end the run, not hang it
            self._fatal(error)
        finally:
            member.exclusive = False
            self.dispatch()

    def _answer(self, batch: Sequence[Waiting], scored: Scored) -> None:
        self.specs[scored.spec.weights_sha256] = scored.spec
        self.devices.add(scored.device)
        total = sum(segment.span.duration_s for segment in batch)
        for segment, row in zip(batch, scored.logits, strict=True):
            segment.seconds = scored.seconds * segment.span.duration_s / total
            if np.isfinite(row).all():
                _set(segment.answer, _row(segment, scored.spec, row))
            else:
                detail = f"{scored.spec.source} answered {[float(value) for value in row]}"
                rejected = Rejection(segment.medium, Stage.SCORE, Reason.NON_FINITE, detail, segment.id)
                _set(segment.answer, rejected)

    def _try_again(self, batch: list[Waiting], reason: Reason, detail: str, *, blame_at_once: bool = False) -> None:
        """Halve a failed batch and try the halves alone; a lone segment that fails again and again is quarantined."""
        for segment in batch:
            segment.tries += 1
        if len(batch) > 1:
            middle = len(batch) // 2
            self._retries.extend([batch[:middle], batch[middle:]])
            for segment in batch:
                segment.tries = 1
        elif batch[0].tries >= _TRIES or (blame_at_once and batch[0].tries > 1):
            segment = batch[0]
            _set(segment.answer, Rejection(segment.medium, Stage.SCORE, reason, detail, segment.id))
        else:
            self._retries.append(batch)


def _row(segment: Waiting, spec: ModelSpec, logits: np.ndarray[Any, np.dtype[np.float32]]) -> SegmentLogits:
    values = tuple(float(value) for value in logits)
    return SegmentLogits(
        segment.id,
        segment.span,
        segment.language,
        spec.source,
        spec.weights_sha256,
        spec.precision,
        values,
        (*segment.flags, *window_flags(segment.span, spec)),
    )


def window_flags(span: Span, spec: ModelSpec) -> tuple[Flag, ...]:
    """`cut_to_window` where a segment is longer than its model hears, by a sample or more."""
    beyond = 0.0 if spec.window_s is None else span.duration_s - spec.window_s
    return (Flag.CUT_TO_WINDOW,) if round(beyond * SAMPLING_RATE) > 0 else ()


def _set(future: "asyncio.Future[Any]", value: Any) -> None:
    """Answer a future that may have been cancelled meanwhile."""
    if future.done():
        return
    if isinstance(value, BaseException):
        future.set_exception(value)
    else:
        future.set_result(value)
