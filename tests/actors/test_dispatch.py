"""actors/dispatch.py with a stand-in for the crew: who gets which batch, and what is added to a row."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pytest

from actors.contract import Flag, Language, Medium, ModelSpec, Reason, Rejection, SegmentLogits, Span
from actors.dispatch import Dispatcher, window_flags
from actors.faults import CallFailedError, WorkerLostError
from actors.member import Member
from actors.options import Bounds, Route
from actors.retries import Waiting
from actors.workers import Piece, Scored

ENGLISH, KOREAN = Route(model="english"), Route(model="korean")
Work = Callable[["Worker", int], None]
"""What a worker does with a batch of so many: nothing, or raise."""


class Worker(Member):
    """One of the crew; Route and size of each batch that it got."""

    def __init__(self) -> None:
        super().__init__(None, 0.0, ready=True)
        self.got: list[tuple[Route, int]] = []


class StandInCrew:
    """Workers that answer at once, or do to a batch what they are told."""

    def __init__(self, number: int, work: Work) -> None:
        self.members = [Worker() for _ in range(number)]
        self.asked: list[int] = []
        self._work = work

    def free(self) -> list[Worker]:
        return sorted(filter(self.has_room, self.members), key=lambda each: each.in_flight)

    def has_room(self, member: Worker) -> bool:
        return member.in_flight < 2 and not member.exclusive

    def reserve(self, member: Worker) -> Worker:
        member.in_flight += 1
        return member

    def grow(self, number: int) -> None:
        self.asked.append(number)

    def help_is_coming(self) -> bool:
        return False

    async def call(self, member: Worker, method: str, route: Route, pieces: Sequence[Piece], *signals: Any) -> Scored:
        member.got.append((route, len(pieces)))
        try:
            await asyncio.sleep(0)
            self._work(member, len(pieces))
        except WorkerLostError:
            self.members.remove(member)
            raise
        finally:
            member.in_flight -= 1
        return Scored(np.zeros((len(pieces), 2), np.float32), spec(None), 0.1, "cpu")


def willing(worker: Worker, number: int) -> None: ...


def spec(window_s: float | None) -> ModelSpec:
    return ModelSpec("m", None, "0" * 64, "whisper", "categorical", ("a", "b"), 16_000, "p", "fp32", window_s=window_s)


def scored(
    crew: StandInCrew, *asked: tuple[Route, int], bounds: dict[Route, Bounds] | None = None, reloads: bool = False
) -> tuple[list[SegmentLogits | Rejection], Dispatcher]:
    """Let segments of one second be scored, so many of each route; a batch holds four."""

    async def scenario() -> tuple[list[SegmentLogits | Rejection], Dispatcher]:
        def fatal(error: BaseException) -> None:
            raise error

        unbounded = {ENGLISH: Bounds(), KOREAN: Bounds()}
        limits = unbounded | (bounds or {})
        dispatcher = Dispatcher(crew, limits, 4.0, fatal, lambda: None, reloads=reloads)  # type: ignore[arg-type]
        return await asyncio.wait_for(dispatcher.score(_segments(asked)), 5), dispatcher

    return asyncio.run(scenario())


def _segments(asked: Sequence[tuple[Route, int]]) -> list[Waiting]:
    loop, medium, language = asyncio.get_running_loop(), Medium("s3://b/a", "e", 1), Language("en", 0.9, 0.8, "en")
    return [
        Waiting(f"{route.model}-{n}", medium, Span(n, n + 1), b"1", language, route, (), loop.create_future())
        for route, number in asked
        for n in range(number)
    ]


def test_a_worker_whose_memory_ran_out_gets_smaller_batches_of_that_model_from_then_on() -> None:
    def small(worker: Worker, number: int) -> None:
        if number > 2:
            raise CallFailedError(MemoryError("4 GiB"))

    crew = StandInCrew(1, small)
    answers, dispatcher = scored(crew, (ENGLISH, 16))
    assert all(isinstance(answer, SegmentLogits) for answer in answers)
    sizes = [number for _, number in crew.members[0].got]
    # The second batch was queued behind the first before that one failed.
    assert (sizes[:2], set(sizes[2:])) == ([4, 4], {2})
    assert dispatcher.reduced == {"english": 2.0}


def test_a_batch_whose_node_went_goes_elsewhere_as_it_is() -> None:
    def on_a_lost_node(worker: Worker, number: int) -> None:
        if worker is first:
            raise WorkerLostError(Reason.WORKER_DIED, "its node has died", node=True)

    crew = StandInCrew(2, on_a_lost_node)
    first, second = crew.members
    answers, _ = scored(crew, (ENGLISH, 4))
    assert all(isinstance(answer, SegmentLogits) for answer in answers)
    assert (first.got, second.got) == ([(ENGLISH, 4)], [(ENGLISH, 4)])


def test_a_guilty_segment_costs_no_other() -> None:
    def on_death(worker: Worker, number: int) -> None:
        crew.members.append(Worker())  # as a real crew replaces the dead
        raise WorkerLostError(Reason.WORKER_DIED, "signal 9")

    crew = StandInCrew(1, on_death)
    answers, _ = scored(crew, (ENGLISH, 2))
    assert [type(answer) for answer in answers] == [Rejection, Rejection]
    assert {answer.segment_id for answer in answers if isinstance(answer, Rejection)} == {"english-0", "english-1"}


def test_no_more_workers_load_a_model_than_its_language_may_have() -> None:
    crew = StandInCrew(3, willing)
    scored(crew, (KOREAN, 40), bounds={KOREAN: Bounds(max_workers=1)})
    assert [bool(worker.got) for worker in crew.members] == [True, False, False]
    assert crew.asked == [], "nor is another started"
    unbounded = StandInCrew(3, willing)
    scored(unbounded, (KOREAN, 40))
    assert all(worker.got for worker in unbounded.members)


def test_a_language_has_its_least_workers_as_soon_as_there_is_work() -> None:
    crew = StandInCrew(2, willing)
    scored(crew, (ENGLISH, 12), bounds={ENGLISH: Bounds(min_workers=2)})
    assert all(worker.got for worker in crew.members)


def test_what_is_suspicious_does_not_wait_for_the_end_of_all_work() -> None:
    failed: list[int] = []

    def fails_once(worker: Worker, number: int) -> None:
        if not failed:
            failed.append(number)
            raise CallFailedError(ValueError("no such sound"))

    crew = StandInCrew(1, fails_once)
    scored(crew, (ENGLISH, 80))
    sizes = [number for _, number in crew.members[0].got]
    # The batch that was queued behind, the two halves, and then the rest.
    assert sizes == [4, 4, 2, 2, *[4] * 18]


def test_what_is_tried_again_loads_no_model_on_more_workers_than_its_language_may_have() -> None:
    def out_of_memory(worker: Worker, number: int) -> None:
        if worker.got[-1] == (KOREAN, 4):
            raise CallFailedError(MemoryError("4 GiB"))

    crew = StandInCrew(3, out_of_memory)
    answers, _ = scored(crew, (KOREAN, 16), (ENGLISH, 40), bounds={KOREAN: Bounds(max_workers=1)})
    assert all(isinstance(answer, SegmentLogits) for answer in answers)
    assert sum(any(route == KOREAN for route, _ in worker.got) for worker in crew.members) == 1


def experienced(number: int) -> StandInCrew:
    """Workers that have had work of both models before."""
    crew = StandInCrew(number, willing)
    for worker in crew.members:
        worker.holds = {ENGLISH, KOREAN}
    return crew


def changes(worker: Worker) -> int:
    """How often a worker got a batch of another model than the one before."""
    return sum(one != other for (one, _), (other, _) in pairwise(worker.got))


def test_a_worker_whose_memory_is_bounded_stays_with_a_model_for_a_while_and_then_turns_to_the_other() -> None:
    crew = experienced(1)
    scored(crew, (ENGLISH, 160), (KOREAN, 160), reloads=True)
    # Forty batches of each, sixteen in a row; where it keeps both it changes with nearly every batch.
    assert [len(list(run)) for _, run in groupby(route for route, _ in crew.members[0].got)] == [16, 16, 16, 16, 8, 8]
    free = experienced(1)
    scored(free, (ENGLISH, 160), (KOREAN, 160))
    assert changes(free.members[0]) > 40


def test_two_such_workers_keep_a_model_each_to_the_end() -> None:
    crew = experienced(2)
    scored(crew, (ENGLISH, 160), (KOREAN, 160), reloads=True)
    assert [changes(worker) for worker in crew.members] == [0, 0]
    assert {worker.got[0][0] for worker in crew.members} == {ENGLISH, KOREAN}


def test_where_no_whole_batch_of_its_model_waits_such_a_worker_turns_to_one_that_nobody_works_on() -> None:
    crew = experienced(1)
    scored(crew, (ENGLISH, 6), (KOREAN, 8), reloads=True)
    assert crew.members[0].got == [(KOREAN, 4), (KOREAN, 4), (ENGLISH, 4), (ENGLISH, 2)]


def test_a_thousand_workers_without_work_cost_a_batch_next_to_nothing() -> None:
    class Counted(StandInCrew):
        looks = 0

        def free(self) -> list[Worker]:
            self.looks += len(self.members)
            return super().free()

    crew = Counted(1000, willing)
    scored(crew, (ENGLISH, 4))
    # Once when the segments come; when they are answered there is nothing left to look for.
    assert crew.looks == 1000


def test_as_many_workers_are_asked_for_as_the_waiting_work_is_worth() -> None:
    async def scenario() -> None:
        dispatcher = Dispatcher(crew, {ENGLISH: Bounds(), KOREAN: Bounds()}, 4.0, print, lambda: None)  # type: ignore[arg-type]
        waiting = asyncio.create_task(dispatcher.score(_segments([(ENGLISH, 32), (KOREAN, 1)])))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    crew = StandInCrew(0, willing)
    asyncio.run(scenario())
    # Eight English batches are worth four workers, and Korean must have one.
    assert crew.asked[0] == 5


@pytest.mark.parametrize(
    ("span", "window_s", "flags"),
    [
        (Span(0.0, 30.1), 30.0, (Flag.CUT_TO_WINDOW,)),
        (Span(0.0, 30.0), 30.0, ()),
        (Span(15.3, 45.300000000000004), 30.0, ()),  # a rounding error is no sample
        (Span(0.0, 29.0), 30.0, ()),
        (Span(0.0, 600.0), None, ()),
    ],
)
def test_a_segment_longer_than_its_model_hears_is_flagged(
    span: Span, window_s: float | None, flags: tuple[Flag, ...]
) -> None:
    assert window_flags(span, spec(window_s)) == flags
