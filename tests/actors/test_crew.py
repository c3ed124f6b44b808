"""actors/crew.py with stand-ins for the actors: who is served, started, let go. The pool's tests have real ones."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from ray import exceptions as errors

from actors.crew import Crew
from actors.options import Resources
from infra.cluster import Room
from infra.errors import RayError


class Actor:
    """Stands for an actor: its methods are told by the test when to end, and how."""

    def __init__(self, *, ready: bool = True) -> None:
        loop = asyncio.get_running_loop()
        self._calls: dict[str, asyncio.Future[Any]] = {
            name: loop.create_future() for name in ("ready", "work", "usage")
        }
        if ready:
            self.end("ready")

    def __getattr__(self, name: str) -> "Actor":
        self._asked = name
        return self

    def options(self, **_: Any) -> "Actor":
        return self

    def remote(self, *_: Any) -> "asyncio.Future[Any]":
        return self._calls[self._asked]

    def end(self, name: str, result: object = None) -> None:
        call = self._calls[name]
        _ = call.set_exception(result) if isinstance(result, BaseException) else call.set_result(result)


class Company:
    """A crew of stand-ins, and what it said."""

    def __init__(self, most: int, *, ready: bool = True, **resources: float) -> None:
        self.actors: list[Actor] = []
        self.ended: list[BaseException] = []
        self.said: list[str] = []
        self.killed: list[Actor] = []
        self.refuses: Exception | None = None
        self.places = 100
        self._ready = ready
        self.crew = Crew(
            "workers", self._spawn, needs={}, most=most, depth=1, resources=Resources(**resources),  # type: ignore[arg-type]
            changed=lambda: None, fatal=self.ended.append, warn=self.said.append, kill=self.killed.append,
            room=lambda _: Room((), ()),
        )  # fmt: skip

    def _spawn(self) -> Actor:
        if self.refuses:
            raise self.refuses
        self.actors.append(Actor(ready=self._ready and len(self.actors) < self.places))
        return self.actors[-1]


def told(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 10))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_who_came_first_is_served_first_and_who_left_is_passed_over() -> None:
    async def scenario() -> None:
        company = Company(most=1)
        crew = company.crew
        tasks = [asyncio.create_task(crew.claim()) for _ in range(3)]
        await settle()
        assert [task.done() for task in tasks] == [True, False, False]
        tasks[1].cancel()
        company.actors[0].end("work", "done")
        assert await crew.call(tasks[0].result(), "work") == "done"
        await settle()
        assert tasks[2].done()
        assert (crew.waiting, crew.members[0].in_flight) == (0, 1)

    told(scenario())


def test_who_leaves_as_it_is_served_gives_its_member_back() -> None:
    async def scenario() -> None:
        company = Company(most=1)
        first = asyncio.create_task(company.crew.claim())
        await settle()
        second = asyncio.create_task(company.crew.claim())
        await settle()
        company.actors[0].end("work")
        await company.crew.call(first.result(), "work")
        second.cancel()
        await settle()
        assert second.cancelled()
        assert company.crew.members[0].in_flight == 0

    told(scenario())


def test_as_many_are_started_as_wait_within_the_bound_and_more_when_it_rises() -> None:
    async def scenario() -> None:
        company = Company(most=2)
        tasks = [asyncio.create_task(company.crew.claim()) for _ in range(4)]
        await settle()
        assert len(company.actors) == 2
        company.crew.most = 3
        company.crew.tend()
        await settle()
        assert sum(task.done() for task in tasks) == 3
        tasks[3].cancel()

    told(scenario())


def test_the_idle_go_but_not_the_last_and_not_while_somebody_waits() -> None:
    async def scenario() -> None:
        company = Company(most=2, idle_s=0.01)
        company.crew.start(2)
        claims = [asyncio.create_task(company.crew.claim()) for _ in range(3)]
        await asyncio.sleep(0.05)
        company.crew.tend()
        assert company.killed == []
        claims[2].cancel()
        for claim, actor in zip(claims, company.actors, strict=False):
            actor.end("work")
            await company.crew.call(claim.result(), "work")
        await asyncio.sleep(0.05)
        company.crew.tend()
        assert len(company.killed) == 1

    told(scenario())


def test_a_worker_that_never_had_a_place_has_held_nothing_and_gets_no_work() -> None:
    async def scenario() -> None:
        company = Company(most=1, ready=False, ready_s=0.01)
        company.crew.start(1)
        await asyncio.sleep(0.1)
        assert ["can start no workers" in str(error) for error in company.ended] == [True]
        assert company.crew.free() == []
        assert company.crew.peak == 0

    told(scenario())


def test_a_worker_that_can_not_be_replaced_ends_the_run() -> None:
    async def scenario() -> None:
        company = Company(most=1, ready=False)
        company.crew.start(1)
        await settle()
        company.refuses = RayError("the driver is cut off")
        company.actors[0].end("ready", errors.WorkerCrashedError())
        await settle()
        assert company.ended == [company.refuses]

    told(scenario())


def test_who_is_lost_while_all_are_asked_is_left_out() -> None:
    async def scenario() -> None:
        company = Company(most=2)
        company.crew.start(2)
        await settle()
        company.actors[0].end("usage", 7)
        company.actors[1].end("usage", errors.WorkerCrashedError())
        assert await company.crew.ask_all("usage") == [7]

    told(scenario())


def test_of_workers_that_the_cluster_should_hold_those_without_a_place_are_told_of_and_of_others_not() -> None:
    async def scenario() -> None:
        company = Company(most=4, ready_s=0.01)
        company.places, company.crew.due = 2, 2
        company.crew.start(4)
        await asyncio.sleep(0.1)
        assert company.said == []
        company.crew.due = 3
        await asyncio.sleep(0.1)
        assert ["gave 2 of 3 workers" in line for line in company.said] == [True]
        company.crew.stop()

    told(scenario())


def test_who_only_hopes_for_a_node_is_no_help_on_its_way() -> None:
    async def scenario() -> None:
        company = Company(most=4)
        company.places = 1
        company.crew.start(2)
        await settle()
        assert company.crew.help_is_coming()
        company.crew.due = 1
        assert not company.crew.help_is_coming()
        company.crew.stop()

    told(scenario())


def test_a_crew_that_was_ended_starts_nobody_any_more() -> None:
    async def scenario() -> None:
        company = Company(most=2)
        company.crew.start(1)
        await settle()
        company.crew.stop()
        company.crew.most = 5  # as whoever looks after its size may do before it hears of the end
        company.crew.grow(3)
        assert (len(company.actors), company.crew.members) == (1, [])

    told(scenario())


def test_who_waits_for_a_place_goes_when_it_has_not_been_wanted_for_long_and_not_before() -> None:
    async def scenario() -> None:
        company = Company(most=3, ready=False, idle_s=0.1)
        company.crew.grow(3)
        await asyncio.sleep(0.12)
        company.crew.grow(1)
        company.crew.tend()
        assert len(company.crew.members) == 3
        await asyncio.sleep(0.12)
        company.crew.tend()
        assert len(company.crew.members) == 1
        company.crew.stop()

    told(scenario())
