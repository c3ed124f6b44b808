"""Clerks: processes on the cluster that call functions for the driver, so that it has time to route batches.

What they call is the caller's business: a function that can be pickled, and that does no harm where it is called twice.
What the road's actors do is actors/pool.py's.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import ray

from actors.crew import Crew
from actors.faults import InputLostError, WorkerLostError
from actors.life import Life
from actors.options import Resources
from actors.usage import Usage, usage_here
from infra import cluster
from infra.errors import RayError

P = ParamSpec("P")
T = TypeVar("T")

_TRIES = 3
"""How often a call is made whose clerk dies of it."""

_MOVES = 10
"""The same where it is the clerk's node that goes."""

_NEEDS = {"num_cpus": 0.0, "num_gpus": 0.0}
"""They work for moments: a share of a CPU, kept all the time, would be taken from a scoring worker."""


_CORES_PER_CLERK = 16
"""Sealing an hour takes half a second. A GPU at 1,000 × real time, with its cores, gives one such in four."""


class Clerk:
    """One process. `prepare` is called once, before it is asked for anything: to import what its work needs."""

    def __init__(self, prepare: Callable[[], object]) -> None:
        self._prepare = prepare

    def ready(self) -> None:
        """Get ready."""
        self._prepare()

    def call(self, work: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        """Call a function."""
        return work(*args, **kwargs)

    def usage(self) -> Usage:
        """What the process has used."""
        return usage_here()


class Clerks(Life):
    """The clerks of one run. A context manager: they live between enter and exit; the first one starts at once.

    Args:
        resources: How long to wait for a start and for an answer, and when an idle one may go.
        prepare: See `Clerk`.
        most: How many there may be at the moment; by default it follows the cluster. Others than the first start only
            where calls wait.
    """

    def __init__(
        self, resources: Resources, prepare: Callable[[], object], most: Callable[[], int] | None = None
    ) -> None:
        super().__init__("the pool of clerks", resources.idle_s)
        self._resources, self._prepare = resources, prepare
        self._most = most or (lambda: clerks_for(cluster.resources().cpus))

    @property
    def at_once(self) -> int:
        """How many calls may be made at once, at the moment."""
        return self._crew.most

    def call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have a function called, and wait for what it returns. From any thread; who came first is served first.

        Returns:
            Its result. Like its arguments, that is sent through Ray.

        Raises:
            SeraphError: The function raised it; of another error, `CallFailedError` has the words.
            RayError: Clerks die as they start, or of this call.
        """
        calls = (self._call(work, args, kwargs) for _ in range(1))  # begun only where the pool is open
        return self._on_loop(self._gathered(calls))[0]

    def usage(self) -> list[Usage]:
        """What those that live now have used so far."""
        return self._on_loop(self._crew.ask_all("usage"))

    async def _open(self) -> None:
        # Spread: next to each other, all would slow the same node's readers down.
        clerk: Any = ray.remote(Clerk).options(**_NEEDS, scheduling_strategy="SPREAD")
        self._crew = self._engage(Crew(
            "clerks", lambda: clerk.remote(self._prepare), needs=_NEEDS, most=self._most(), depth=1,
            resources=self._resources, changed=lambda: None, fatal=self._fail, warn=self._note,
        ))  # fmt: skip
        self._crew.start(1)

    def _tend(self) -> None:
        self._crew.most = self._most()
        self._crew.tend()

    async def _call(self, work: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        tries = moves = 0
        while True:
            member = await self._crew.claim()
            try:
                result: T = await self._crew.call(member, "call", work, args, kwargs)
            except (WorkerLostError, InputLostError) as error:
                of_node = isinstance(error, InputLostError) or error.node
                tries, moves = tries + (not of_node), moves + of_node
                if tries >= _TRIES or moves >= _MOVES:
                    raise RayError(_lost(work, tries + moves, str(error))) from error
            else:
                return result


def clerks_for(cpus: float) -> int:
    """How many clerks a cluster of so many cores may have."""
    return max(1, int(cpus) // _CORES_PER_CLERK)


def _lost(work: Callable[..., Any], times: int, detail: str) -> str:
    name = getattr(work, "__name__", repr(work))
    return (
        f"the process that was to call {name} was lost {times} times ({detail}); expected one to live until it is "
        "done: see that the nodes have memory to spare (about 0.5 GB for each), or raise `timeout_s` where it takes "
        "longer, and run the command again"
    )
