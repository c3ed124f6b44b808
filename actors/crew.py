"""A crew: Ray actors of one kind, with bounds on their number and on the work each has in flight.

Starts them, replaces the dead, and turns Ray's many errors into three: the worker was lost, the call's input was lost,
or the call itself failed. Which work goes to whom is decided elsewhere. All of it runs on the pool's event loop.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ray
from ray import exceptions as errors

from actors.contract import Reason
from actors.options import Route
from infra.errors import RayError, SeraphError

_PATIENCE_S = 20.0
"""How long a starting worker counts as help on its way; after that the others do its work as well."""

_DEATHS_IN_A_ROW = 3
"""Workers of a crew that may die one after the other as they start, before the run gives up."""

_log = logging.getLogger(__name__)


class WorkerLostError(Exception):
    """The worker died, or did not answer in time, during the call."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class InputLostError(Exception):
    """An object that the call needed is gone with the node that held it."""


class CallFailedError(Exception):
    """The call raised an error of its own; the worker lives."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.out_of_memory = type(cause).__name__.endswith("OutOfMemoryError") or isinstance(cause, MemoryError)


@dataclass(eq=False)
class Member:
    """One actor of a crew."""

    handle: Any
    started: float
    ready: bool = False
    in_flight: int = 0
    holds: set[Route] = field(default_factory=set)
    exclusive: bool = False
    """Holds suspicious work: nothing is queued behind it, so that a death is blamed on the right batch."""


class Crew:
    """Actors of one kind.

    Args:
        name: For messages.
        spawn: Makes one actor (asynchronously, as Ray does).
        needs: What one asks of Ray: `num_cpus`, `num_gpus`.
        most: How many at most.
        depth: Calls in flight per actor at most: 2 keeps one queued behind the one that runs.
        ready_s: How long the first actor may take to start before it is asked whether the cluster has room at all.
        timeout_s: How long a call may take.
        changed: Called whenever an actor has become ready, free or lost.
        fatal: Called with the error that ends the run.
    """

    def __init__(
        self,
        name: str,
        spawn: Callable[[], Any],
        *,
        needs: Mapping[str, float],
        most: int,
        depth: int,
        ready_s: float,
        timeout_s: float,
        changed: Callable[[], None],
        fatal: Callable[[BaseException], None],
    ) -> None:
        self.name = name
        self.most = most
        self.members: list[Member] = []
        self.peak = 0
        self._spawn = spawn
        self._needs = dict(needs)
        self._depth = depth
        self._ready_s = ready_s
        self._timeout_s = timeout_s
        self._changed = changed
        self._fatal = fatal
        self._deaths = 0
        self._tasks: set[asyncio.Task[None]] = set()

    # -- size --------------------------------------------------------------------------------------------------------

    def grow(self) -> bool:
        """Start one more actor, unless there are enough or one is starting already."""
        if len(self.members) >= self.most or any(not member.ready for member in self.members):
            return False
        self._start()
        return True

    def help_is_coming(self) -> bool:
        """Whether there will soon be another actor: one is starting, and not for too long, or could be started."""
        starting = [member for member in self.members if not member.ready]
        if starting:
            now = asyncio.get_running_loop().time()
            return any(now - member.started < _PATIENCE_S for member in starting)
        return len(self.members) < self.most

    def start(self, number: int) -> None:
        """Start actors until there are `number`."""
        while len(self.members) < min(number, self.most):
            self._start()

    def stop(self) -> None:
        """End all actors."""
        for task in self._tasks:
            task.cancel()
        for member in self.members:
            ray.kill(member.handle)
        self.members.clear()

    # -- work --------------------------------------------------------------------------------------------------------

    def free(self) -> list[Member]:
        """The actors with room for another call, the least busy first."""
        free = [each for each in self.members if each.ready and each.in_flight < self._depth and not each.exclusive]
        return sorted(free, key=lambda member: member.in_flight)

    def reserve(self, member: Member) -> Member:
        """Count a call that is about to be made, so that nobody else takes its place meanwhile."""
        member.in_flight += 1
        return member

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
            result = await asyncio.wait_for(_answer(first), self._timeout_s)
            return (result, *rest) if rest else result
        except TimeoutError as error:
            self._lose(member)
            raise WorkerLostError(Reason.TIMEOUT, f"no answer within {self._timeout_s:g} s") from error
        except WorkerLostError:
            self._lose(member)
            raise
        finally:
            member.in_flight -= 1
            self._changed()

    async def ask_all(self, method: str) -> list[Any]:
        """Call a method of every actor that is ready, and wait for the answers."""
        ready = [member.handle for member in self.members if member.ready]
        return list(await asyncio.gather(*(_answer(getattr(handle, method).remote()) for handle in ready)))

    # -- helpers -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        member = Member(self._spawn(), loop.time())
        self.members.append(member)
        loop.call_later(_PATIENCE_S + 0.1, self._changed)
        task = asyncio.create_task(self._welcome(member))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _welcome(self, member: Member) -> None:
        """Wait until a new actor is ready; give up the run where none of the crew ever is."""
        try:
            await self._until_ready(member)
        except WorkerLostError as error:
            self._lose(member, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - whatever keeps a worker from starting must end the run, not hang it
            self._fatal(error if isinstance(error, SeraphError) else RayError(f"{self.name} cannot start: {error}"))
        else:
            member.ready = True
            self.peak = max(self.peak, sum(each.ready for each in self.members))
        self._changed()

    async def _until_ready(self, member: Member) -> None:
        answer = asyncio.ensure_future(_answer(member.handle.ready.remote()))
        while not (await asyncio.wait({answer}, timeout=self._ready_s))[0]:
            # Where others work already, this one may wait for the cluster as long as it likes.
            if any(each.ready for each in self.members):
                continue
            total: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
            cpus, gpus = total.get("CPU", 0.0), total.get("GPU", 0.0)
            room = f"it has {cpus:g} CPUs and {gpus:g} GPUs in all, and each takes {self._needs}"
            if cpus < self._needs.get("num_cpus", 0) or gpus < self._needs.get("num_gpus", 0):
                answer.cancel()
                self._fatal(RayError(f"the Ray cluster can start no {self.name}: {room}; ask for less in `resources`"))
                return
            _log.warning("waiting for the Ray cluster to start %s: %s; something else may hold it", self.name, room)
        answer.result()

    def _lose(self, member: Member, detail: str = "") -> None:
        """Forget a dead actor and start another in its place."""
        if member not in self.members:
            return
        self.members.remove(member)
        ray.kill(member.handle)
        # One that had become ready was killed by its work, and that is bounded where the work comes from.
        self._deaths = 0 if member.ready else self._deaths + 1
        if self._deaths >= _DEATHS_IN_A_ROW:
            self._fatal(RayError(f"{self._deaths} {self.name} died one after the other as they started: {detail}"))
        else:
            self._start()


async def _answer(ref: Any) -> Any:
    """Await a Ray reference; its errors as one of this module's three, or as the SeraphError that the worker raised."""
    try:
        return await ref
    except errors.RayTaskError as error:
        cause = error.cause if isinstance(error.cause, BaseException) else error
        if isinstance(cause, SeraphError):
            raise cause from None
        if isinstance(cause, errors.ObjectLostError):
            raise InputLostError(str(cause)) from error
        if type(cause).__name__ == "AcceleratorError" or "CUDA error" in str(cause):
            # After such an error every call in that process fails: a new one is needed.
            raise WorkerLostError(Reason.WORKER_DIED, f"{type(cause).__name__}: {cause}") from error
        raise CallFailedError(cause) from error
    except errors.ObjectLostError as error:
        raise InputLostError(str(error)) from error
    except (errors.RayActorError, errors.WorkerCrashedError, errors.OutOfMemoryError) as error:
        raise WorkerLostError(Reason.WORKER_DIED, str(error).splitlines()[0]) from error
