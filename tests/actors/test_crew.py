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
        self.killed: list[Actor] = []
        self.refuses: Exception | None = None
        self._ready = ready
        self.crew = Crew(
            "workers", self._spawn, needs={}, most=most, depth=1, resources=Resources(**resources),  # type: ignore[arg-type]
            changed=lambda: None, fatal=self.ended.append, warn=lambda _: None, kill=self.killed.append,
            room=lambda _: Room((), ()),
        )  # fmt: skip

    def _spawn(self) -> Actor:
        if self.refuses:
            raise self.refuses
        self.actors.append(Actor(ready=self._ready))
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
