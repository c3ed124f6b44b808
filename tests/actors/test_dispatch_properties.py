"""actors/dispatch.py under faults of all kinds in any order: who is innocent is scored, and nobody waits for ever."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.contract import Language, Medium, ModelSpec, Reason, Rejection, SegmentLogits, Span
from actors.dispatch import Dispatcher
from actors.faults import CallFailedError, WorkerLostError
from actors.member import Member
from actors.options import Bounds, Route
from actors.retries import Waiting
from actors.workers import Piece, Scored

ROUTES = (Route(model="english"), Route(model="korean"))
DEPTH = 2
SPEC = ModelSpec("m", None, "0" * 64, "stub", "categorical", ("a", "b"), 16_000, "p", "fp32")


@dataclass(frozen=True)
class Story:
    """What happens.

    Attributes:
        segments: Number of a route, and length in seconds, of each segment.
        killers, broken: Segments whose batch kills its worker, or makes the model fail.
        lost: At which calls a whole node goes; at most two, as a batch moves twice without being suspected.
        pauses: How long the workers take, in turns of the loop.
        memory_s: Padded seconds above which the memory runs out.
        most: Workers that may hold the second model.
    """

    segments: list[tuple[int, int]]
    killers: frozenset[int]
    broken: frozenset[int]
    lost: frozenset[int]
    pauses: list[int]
    memory_s: int
    workers: int
    most: int | None


numbers = st.integers(0, 29)
stories = st.builds(
    Story,
    segments=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 4)), min_size=1, max_size=30),
    killers=st.frozensets(numbers, max_size=3),
    broken=st.frozensets(numbers, max_size=3),
    lost=st.frozensets(st.integers(0, 40), max_size=2),
    pauses=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    memory_s=st.integers(4, 12),
    workers=st.integers(1, 4),
    most=st.sampled_from([None, 1, 2]),
)


@dataclass
class StoryCrew:
    """Workers to whom a story happens. The dead are replaced at once."""

    story: Story
    members: list[Member] = field(default_factory=list)
    calls: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    busiest: int = 0
    holders: int = 0
    crowded: bool = False
    """A suspicious batch shared a worker."""

    def __post_init__(self) -> None:
        self.members = [_worker() for _ in range(self.story.workers)]

    def free(self) -> list[Member]:
        return sorted(filter(self.has_room, self.members), key=lambda each: each.in_flight)

    def has_room(self, member: Member) -> bool:
        return member.in_flight < DEPTH and not member.exclusive

    def reserve(self, member: Member) -> Member:
        self.crowded |= member.exclusive and member.in_flight > 0
        member.in_flight += 1
        self.busiest = max(self.busiest, member.in_flight)
        self.holders = max(self.holders, sum(ROUTES[1] in each.holds for each in self.members))
        return member

    def grow(self, number: int) -> None: ...

    def help_is_coming(self) -> bool:
        return False

    async def call(self, member: Member, method: str, route: Route, pieces: Sequence[Piece], *signals: Any) -> Scored:
        numbers = [int(signals[piece.signal]) for piece in pieces]
        self.calls += 1
        call = self.calls
        try:
            for _ in range(self.story.pauses[call % len(self.story.pauses)]):
                await asyncio.sleep(0)
            self._happens(member, call, numbers)
        finally:
            member.in_flight -= 1
        self.answered.update(numbers)
        return Scored(np.zeros((len(pieces), 2), np.float32), SPEC, 0.1, "cpu")

    def _happens(self, member: Member, call: int, numbers: Sequence[int]) -> None:
        padded = max(self.story.segments[each][1] for each in numbers) * len(numbers)
        if member not in self.members:  # it died under another batch meanwhile
            raise WorkerLostError(Reason.WORKER_DIED, "gone")
        if call in self.story.lost or self.story.killers & set(numbers):
            self.members[self.members.index(member)] = _worker()
            raise WorkerLostError(Reason.WORKER_DIED, "died", node=call in self.story.lost)
        if padded > self.story.memory_s and len(numbers) > 1:
            raise CallFailedError(MemoryError())
        if self.story.broken & set(numbers):
            raise CallFailedError(ValueError("no such sound"))


def _worker() -> Member:
    return Member(None, 0.0, ready=True)


async def _told(story: Story) -> tuple[list[SegmentLogits | Rejection], StoryCrew]:
    ended: list[BaseException] = []
    crew = StoryCrew(story)
    bounds = {ROUTES[0]: Bounds(), ROUTES[1]: Bounds(max_workers=story.most)}
    dispatcher = Dispatcher(crew, bounds, 8.0, ended.append, lambda: None)  # type: ignore[arg-type]
    answers = await asyncio.wait_for(dispatcher.score(_segments(story)), 10)
    assert (ended, dispatcher.waiting) == ([], 0)
    return answers, crew


def _segments(story: Story) -> list[Waiting]:
    """Each has a signal of its own: its number."""
    loop, language = asyncio.get_running_loop(), Language("en", 0.9, 0.8, "en")
    return [
        Waiting(
            str(number), Medium("s3://b/a", "e", 1), Span(0, seconds), _Signal(number), language, ROUTES[route], (),
            loop.create_future(),
        )
        for number, (route, seconds) in enumerate(story.segments)
    ]  # fmt: skip


class _Signal(int):
    """A number that is another object each time, as references to signals are."""


@given(stories)
def test_whatever_happens_the_innocent_are_scored_once_and_the_guilty_are_named(story: Story) -> None:
    answers, crew = asyncio.run(_told(story))
    guilty = (story.killers | story.broken) & set(range(len(story.segments)))
    named = {number for number, answer in enumerate(answers) if isinstance(answer, Rejection)}
    assert named == guilty
    assert [number for number, times in crew.answered.items() if times != 1] == []
    assert crew.answered.keys() == set(range(len(story.segments))) - guilty


@given(stories)
def test_whatever_happens_the_bounds_hold_and_suspicious_work_is_alone(story: Story) -> None:
    _, crew = asyncio.run(_told(story))
    assert crew.busiest <= DEPTH
    assert not crew.crowded
    assert story.most is None or crew.holders <= story.most
