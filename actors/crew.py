"""A crew: Ray actors of one kind, with bounds on their number and on the work each has in flight.

Starts them, replaces the dead, and lets the idle go. What Ray's errors mean is actors/answers.py's business; which work
goes to whom is decided elsewhere. All of it runs on the pool's event loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import ray

from actors.answers import answer
from actors.contract import Reason
from actors.faults import WorkerLostError
from actors.member import Member
from actors.options import Resources
from actors.shortage import Shortage
from actors.usage import Held
from infra import cluster
from infra.errors import RayError, SeraphError

_PATIENCE_S = 20.0
"""How long a starting worker counts as help on its way; after that the others do its work as well."""

_DEATHS_IN_A_ROW = 3
"""Workers of a crew that may die one after the other as they start, before the run gives up."""

_LOST_AS_THEY_START = 20
"""The same where their nodes went under them: no fault of ours, and not for ever."""


class Crew:
    """Actors of one kind.

    Args:
        name: For messages.
        spawn: Makes one actor (asynchronously, as Ray does).
        needs: What one asks of Ray: `num_cpus`, `num_gpus`.
        least, most: How many are kept though they are idle, and how many there may be; `most` may change.
        depth: Calls in flight per actor at most: 2 keeps one queued behind the one that runs.
        resources: How long to wait: for a start (`ready_s`, `queue_s`), for an answer, for an idle one to get work.
        changed: Called whenever an actor has become ready, was lost or let go, or others should do its work.
        fatal: Called with the error that ends the run.
        warn: Told what the cluster does not give.
        kill: Ends an actor.
        room: What the cluster has.

    Attributes:
        due: How many the cluster should have places for; others only hope for a node. None: all have been asked for.
        waiting: Those who wait for a member with room (`claim`).
        peak: How many were ready at once, at most.
        lost, lost_nodes: How many died or did not answer, and how many of them with their nodes.
    """

    def __init__(
        self,
        name: str,
        spawn: Callable[[], Any],
        *,
        needs: Mapping[str, float],
        most: int,
        depth: int,
        resources: Resources,
        changed: Callable[[], None],
        fatal: Callable[[BaseException], None],
        warn: Callable[[str], None],
        least: int = 1,
        kill: Callable[[Any], None] = ray.kill,
        room: Callable[[Mapping[str, float]], cluster.Room] = cluster.room,
    ) -> None:
        self.name = name
        self.least, self.most = least, most
        self.due: int | None = None
        self.members: list[Member] = []
        self.waiting = 0
        self.peak = 0
        self.lost = 0
        self.lost_nodes = 0
        self._spawn = spawn
        self._needs = dict(needs)
        self._depth = depth
        self._resources = resources
        self._changed = changed
        self._fatal = fatal
        self._kill = kill
        self._shortage = Shortage(name, self._needs, resources, room, warn)
        self._deaths = 0
        self._unlucky = 0
        self._stopped = False
        self._past_s = 0.0
        self._queue: deque[asyncio.Future[Member]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- size --------------------------------------------------------------------------------------------------------

    def grow(self, wanted: int = 1) -> None:
        """Have so many actors on their way, within the bound. Those without a place make an autoscaler add nodes."""
        coming = [member for member in self.members if not member.ready]
        for member in coming:  # they are wanted still: an autoscaler may be about to give them a node
            member.idle_since = asyncio.get_running_loop().time()
        self.start(len(self.members) - len(coming) + max(len(coming), wanted))

    def rest(self) -> None:
        """Let go who has been idle for long, those without a place first, so that a node can go. No work may wait."""
        since = asyncio.get_running_loop().time() - self._resources.idle_s
        idle = [each for each in self.members if not each.in_flight and each.idle_since <= since]
        idle.sort(key=lambda each: (each.ready, each.idle_since))
        if gone := idle[: max(0, len(self.members) - self.least)]:
            for member in gone:
                self._let_go(member)
            self._changed()

    def tend(self) -> None:
        """Look after the size, now and then: more where somebody waits for a member, else fewer."""
        if self.waiting:
            self.grow(self.waiting)
        else:
            self.rest()

    def help_is_coming(self) -> bool:
        """Whether there will soon be another actor: one starts, not for too long, or could, and needs no other node."""
        starting = [member for member in self.members if not member.ready]
        if self.due is not None and len(self.members) - len(starting) >= self.due:
            return False
        if starting:
            now = asyncio.get_running_loop().time()
            return any(now - member.started < _PATIENCE_S for member in starting)
        return len(self.members) < self.most

    def start(self, number: int) -> None:
        """Start actors until there are `number`."""
        while not self._stopped and len(self.members) < min(number, self.most):
            self._start()

    def held(self, now: float) -> Held:
        """What the actors have held until `now` on the loop's clock, those that are gone included.

        Counted from ready on: an actor that waits for a place holds nothing, and Ray does not say when it got one.
        """
        seconds = self._past_s + sum(now - each.since for each in self.members if each.since is not None)
        return Held(seconds * self._needs.get("num_gpus", 0), seconds * self._needs.get("num_cpus", 0))

    def stop(self) -> None:
        """End all actors; there will be no others, whatever is set or asked for afterwards."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        members, self.members = self.members, []
        for member in members:
            self._count(member)
            self._kill(member.handle)

    # -- work --------------------------------------------------------------------------------------------------------

    def free(self) -> list[Member]:
        """The actors with room for another call, the least busy first."""
        return sorted(filter(self.has_room, self.members), key=lambda member: member.in_flight)

    def has_room(self, member: Member) -> bool:
        """Whether a member may have another call."""
        return member.ready and member.in_flight < self._depth and not member.exclusive

    def reserve(self, member: Member) -> Member:
        """Count a call that is about to be made, so that nobody else takes its place meanwhile."""
        member.in_flight += 1
        return member

    async def claim(self) -> Member:
        """Whichever member has room first, reserved. Who came first is served first."""
        place: asyncio.Future[Member] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        self.waiting += 1
        try:
            self._serve()
            if not place.done():
                self.grow(self.waiting)
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it had just got its member
                self._release(place.result())
            raise
        finally:
            self.waiting -= 1

    async def call(self, member: Member, method: str, *args: Any, **options: Any) -> Any:
        """Make a reserved call: an actor's method, and wait for (the first of) its results.

        Returns:
            The result; with `num_returns` 2 the first result and the second one's reference.

        Raises:
            WorkerLostError, InputLostError, CallFailedError: See each.
            SeraphError: The worker raised it on purpose: a missing checkpoint, say.
        """
        try:
            refs = getattr(member.handle, method).options(**options).remote(*args)
            first, *rest = refs if isinstance(refs, list) else [refs]
            result = await asyncio.wait_for(answer(first), self._resources.timeout_s)
            return (result, *rest) if rest else result
        except TimeoutError as error:
            self._lose(member)
            raise WorkerLostError(Reason.TIMEOUT, f"no answer within {self._resources.timeout_s:g} s") from error
        except WorkerLostError as error:
            self._lose(member, error)
            raise
        finally:
            self._release(member)

    async def ask_all(self, method: str) -> list[Any]:
        """Call a method of every actor that is ready, and wait for the answers. Who is lost meanwhile gives none."""
        calls = [answer(getattr(each.handle, method).remote()) for each in self.members if each.ready]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for each in answers:
            if isinstance(each, BaseException) and not isinstance(each, WorkerLostError):
                raise each
        return [each for each in answers if not isinstance(each, BaseException)]

    # -- helpers -----------------------------------------------------------------------------------------------------

    def _release(self, member: Member) -> None:
        member.in_flight -= 1
        member.idle_since = asyncio.get_running_loop().time()
        self._serve()

    def _serve(self) -> None:
        """Give members with room to those who wait."""
        # A queue, and not a condition that wakes all: a thousand who wait would look at a thousand members each.
        while self._queue and (member := self._roomiest()):
            place = self._queue.popleft()
            if not place.done():
                place.set_result(self.reserve(member))

    def _roomiest(self) -> Member | None:
        return min(filter(self.has_room, self.members), key=lambda member: member.in_flight, default=None)

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        member = Member(self._spawn(), loop.time(), idle_since=loop.time())
        self.members.append(member)
        loop.call_later(_PATIENCE_S + 0.1, self._changed)
        task = asyncio.create_task(self._welcome(member))
        self._tasks.add(task)
        task.add_done_callback(self._welcomed)

    def _welcomed(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._fatal(error)  # it could not even be replaced

    async def _welcome(self, member: Member) -> None:
        """Wait until a new actor is ready; give up the run where none of the crew ever is."""
        try:
            await self._until_ready(member)
        except WorkerLostError as error:
            self._lose(member, error)
        except Exception as error:  # noqa: BLE001 - whatever keeps a worker from starting must end the run, not hang it
            self._fatal(error if isinstance(error, SeraphError) else RayError(f"{self.name} cannot start: {error}"))
        else:
            self._deaths = self._unlucky = 0
            member.ready, member.since = True, asyncio.get_running_loop().time()
            member.idle_since = member.since
            self.peak = max(self.peak, sum(each.ready for each in self.members))
            self._serve()
        self._changed()

    async def _until_ready(self, member: Member) -> None:
        """Wait; in vain, it raises what ends the run."""
        up = asyncio.ensure_future(answer(member.handle.ready.remote()))
        try:
            while not (await asyncio.wait({up}, timeout=self._resources.ready_s))[0]:
                ready = sum(each.ready for each in self.members)
                if ready:  # where others work already, this one may wait for the cluster as long as it likes
                    asked = len(self.members) if self.due is None else min(self.due, len(self.members))
                    if ready < asked:
                        self._shortage.of_some(ready, asked)
                elif error := self._shortage.of_all(asyncio.get_running_loop().time() - member.started):
                    raise error
            up.result()
        finally:
            up.cancel()  # nobody would hear what becomes of it

    def _lose(self, member: Member, error: WorkerLostError | None = None) -> None:
        """Forget a dead actor and start another in its place."""
        if member not in self.members:
            return
        self._let_go(member)
        self.lost += 1
        if error is not None and error.node:
            self.lost_nodes += 1
            self._unlucky += not member.ready
        # One that had become ready was killed by its work, and that is bounded where the work comes from.
        elif not member.ready:
            self._deaths += 1
        if self._deaths >= _DEATHS_IN_A_ROW or self._unlucky >= _LOST_AS_THEY_START:
            number, detail = max(self._deaths, self._unlucky), "" if error is None else error.detail
            self._fatal(RayError(f"{number} {self.name} died one after the other as they started: {detail}"))
        else:
            self._start()

    def _let_go(self, member: Member) -> None:
        self.members.remove(member)
        self._count(member)
        self._kill(member.handle)

    def _count(self, member: Member) -> None:
        """Keep the time of an actor that ends."""
        if member.since is not None:
            self._past_s += asyncio.get_running_loop().time() - member.since
