"""The dispatcher: segments wait in one batcher per model; a scorer with room takes a batch of a model it holds.

What failed is tried again as actors/retries.py says; how many workers a model should have, actors/bounds.py. Runs on
the pool's event loop.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from actors.batching import Batcher
from actors.bounds import wanted
from actors.contract import SAMPLING_RATE, Flag, ModelSpec, Reason, Rejection, SegmentLogits, Span, Stage
from actors.crew import Crew
from actors.faults import CallFailedError, InputLostError, WorkerLostError
from actors.member import Member
from actors.options import Bounds, Route
from actors.precision_check import PrecisionCheck
from actors.retries import Retries, Waiting
from actors.workers import Scored, pieces_of

_IN_A_ROW = 16
"""Batches of one model, before a worker that cannot keep two turns to another that nobody else works on."""


class Dispatcher:
    """Hands out batches to a crew of scorers.

    Args:
        scorers: The crew.
        bounds: Of each model that segments are routed to.
        batch_s: Padded seconds in a batch at most.
        fatal: Called with an error that must end the run.
        noted: Called when work has been handed out, or there was none.
        warn: Told where a precision is too low for a model.
        reloads: Whether a worker that turns to another model may have to load it again: its memory is bounded.

    Attributes:
        reduced: By model, the padded seconds that a batch was reduced to where memory ran out.
        checks: By model, how far its low precision is from float32.
    """

    def __init__(
        self,
        scorers: Crew,
        bounds: Mapping[Route, Bounds],
        batch_s: float,
        fatal: Callable[[BaseException], None],
        noted: Callable[[], None],
        warn: Callable[[str], None] = lambda _: None,
        *,
        reloads: bool = False,
    ) -> None:
        self.specs: dict[str, ModelSpec] = {}
        self.devices: set[str] = set()
        self.reduced: dict[str, float] = {}
        self.checks: dict[str, PrecisionCheck] = {}
        self._scorers = scorers
        self._bounds = bounds
        self._fatal = fatal
        self._noted = noted
        self._warn = warn
        self._reloads = reloads
        self._retries = Retries()
        self._batchers = {route: Batcher[Waiting](batch_s, lambda each: each.span.duration_s) for route in bounds}
        self._running: set[asyncio.Task[None]] = set()
        self._holders: Counter[Route] = Counter()

    @property
    def waiting(self) -> int:
        """Segments that wait for a batch, and batches that wait to be tried again."""
        return sum(map(len, self._batchers.values())) + len(self._retries)

    async def score(self, segments: Sequence[Waiting]) -> list[SegmentLogits | Rejection]:
        """Let segments wait for their batches, and return their answers in order.

        Raises:
            InputLostError: A signal went with its node; the medium must be read again.
        """
        for segment in segments:
            self._batchers[segment.route].add(segment)
        self._hand_out()
        try:
            return list(await asyncio.gather(*(segment.answer for segment in segments)))
        finally:
            # Where one was lost, its fellows must not be scored in vain, nor make others' batches fail.
            for segment in segments:
                segment.answer.cancel()

    def dispatch(self) -> None:
        """The crew has changed: see who is there, and hand out what they can take."""
        self._count()
        self._hand_out()

    def _hand_out(self) -> None:
        """Give every scorer with room its next batch; start other scorers where work still waits."""
        if self.waiting:
            self._give()
        self._noted()

    def _give(self) -> None:
        kept = 0
        for member in self._scorers.free():
            if not self.waiting:
                break
            if member.in_flight and kept < len(self._retries) and self._retries.fits(self._may_hold(member)):
                kept += 1  # nothing more until it is idle: what is suspicious would else wait for the end of all work
                continue
            while self._scorers.has_room(member) and (batch := self._next_batch(member)):
                self._send(member, batch)
        if more := sum(max(0, self._wanted(route)) for route in self._batchers):
            self._scorers.grow(more)

    def _count(self) -> None:
        # Not at each batch's end: a thousand workers take a millisecond.
        self._holders = Counter(route for member in self._scorers.members for route in member.holds)

    def _next_batch(self, member: Member) -> list[Waiting]:
        """Suspicious work goes to an idle worker, alone; else a batch of a model it holds; else of one nobody holds.

        A busy worker takes only whole batches: until then later segments may still join them. A worker that holds a
        model loads another one only where no new worker is to be had for it.
        """
        idle = member.in_flight == 0
        if idle and (batch := self._retries.take(self._may_hold(member))):
            return batch
        routes = self._in_turn(member)
        for route in routes:
            if route in member.holds and (idle or self._full(route, member)):
                return self._batchers[route].take(member.budgets.get(route))
        if idle and not (member.holds and self._scorers.help_is_coming()):
            for route in routes:
                if self._wanted(route) > 0:
                    return self._batchers[route].take(member.budgets.get(route))
        return []

    def _in_turn(self, member: Member) -> list[Route]:
        """The models that segments wait for, the most urgent first; but no change of model without need."""
        routes = sorted((route for route in self._batchers if self._batchers[route]), key=self._urgency)
        latest = member.latest
        if not self._reloads or latest not in routes or len(routes) < 2:
            return routes
        busy = {each.latest for each in self._scorers.members}
        left = [route for route in routes if route not in busy and self._full(route, member)]
        stays = self._full(latest, member) and member.in_a_row < _IN_A_ROW
        first = [latest, *left] if stays else [*left, latest]
        return [*first, *(route for route in routes if route not in first)]

    def _full(self, route: Route, member: Member) -> bool:
        """Whether a whole batch waits, by the measure of this worker."""
        return self._batchers[route].full(member.budgets.get(route))

    def _may_hold(self, member: Member) -> Callable[[Route], bool]:
        """Whether a worker may load a model: none may beyond the bound of its languages."""

        def may(route: Route) -> bool:
            most = self._bounds[route].max_workers
            return route in member.holds or most is None or self._holders[route] < most

        return may

    def _urgency(self, route: Route) -> tuple[bool, float]:
        """First what has fewer workers than it should, then what has most work."""
        return self._holders[route] >= self._bounds[route].min_workers, -self._batchers[route].seconds

    def _wanted(self, route: Route) -> int:
        """How many more workers should hold a model; below zero where too many do."""
        batcher = self._batchers[route]
        return wanted(self._bounds[route], holders=self._holders[route], segments=len(batcher), batches=batcher.batches)

    def _send(self, member: Member, batch: list[Waiting]) -> None:
        batch = [segment for segment in batch if not segment.answer.done()]
        if not batch:
            return
        route = batch[0].route
        self._holders[route] += route not in member.holds
        member.holds.add(route)
        member.latest, member.in_a_row = route, member.in_a_row + 1 if route == member.latest else 1
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
            self._retries.lost(batch, error)
            self._count()
        except CallFailedError as error:
            if error.out_of_memory:
                self._reduce(member, batch)
            self._retries.failed(batch, error)
        except InputLostError as error:
            self._retries.input_lost(batch, error)
        except Exception as error:  # noqa: BLE001 - whatever else goes wrong here must end the run, not hang it
            self._fatal(error)
        finally:
            member.exclusive = False
            self._hand_out()

    def _reduce(self, member: Member, batch: Sequence[Waiting]) -> None:
        """Remember that this worker can hold half of that at most, with this model."""
        if len(batch) < 2:
            return
        route = batch[0].route
        half = len(batch) * max(segment.span.duration_s for segment in batch) / 2
        member.budgets[route] = min(half, member.budgets.get(route, half))
        self.reduced[route.model] = min(half, self.reduced.get(route.model, half))

    def _answer(self, batch: Sequence[Waiting], scored: Scored) -> None:
        self.specs[scored.spec.weights_sha256] = scored.spec
        self.devices.add(scored.device)
        if scored.check is not None:
            self._keep(scored.check)
        total = sum(segment.span.duration_s for segment in batch)
        for segment, row in zip(batch, scored.logits, strict=True):
            segment.seconds = scored.seconds * segment.span.duration_s / total
            if np.isfinite(row).all():
                _set(segment, _row(segment, scored.spec, row))
            else:
                detail = f"{scored.spec.source} answered {[float(value) for value in row]}"
                _set(segment, Rejection(segment.medium, Stage.SCORE, Reason.NON_FINITE, detail, segment.id))

    def _keep(self, check: PrecisionCheck) -> None:
        """Keep what a worker found, with what others found of the same model, and say it once where it is too much."""
        before = self.checks.get(check.model)
        found = self.checks[check.model] = check | before
        if found.warning and not (before and before.warning):
            self._warn(found.warning)


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


def _set(segment: Waiting, answer: SegmentLogits | Rejection) -> None:
    """Answer a segment that may have been given up meanwhile."""
    if not segment.answer.done():
        segment.answer.set_result(answer)
