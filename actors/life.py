"""The life of a pool: an event loop in its own thread, the work handed to it, and an end that leaves none waiting.

What the actors of a pool do is the pool's business; this knows neither Ray's actors nor media.
"""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterable
from typing import Any, Self, TypeVar

from actors.crew import Crew, Member
from infra.errors import RayError

T = TypeVar("T")

_log = logging.getLogger(__name__)

_LEAVE_S = 5.0
"""How long closing waits for cancelled work to end."""


class Life:
    """Base of the pools. A context manager: `_open` runs on entering, `_stop` on leaving, both on the loop.

    Args:
        name: What the pool is called in messages, as in "the text pool".

    Attributes:
        warnings: What the user should be told: what the cluster did not give.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._callers: set[asyncio.Task[Any]] = set()
        self._gate = threading.Lock()
        self._closed = False
        self.warnings: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"seraph {self._name}", daemon=True)
        self._thread.start()
        self._on_loop(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        closing = self._close()
        with self._gate:
            self._closed = True
            closed = asyncio.run_coroutine_threadsafe(closing, self._loop)
        closed.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> None:
        """Start the crews."""
        raise NotImplementedError

    def _stop(self) -> None:
        """End the crews."""
        raise NotImplementedError

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work on the loop, from any thread, and wait for its result."""
        # Behind the gate: work handed to a loop that is about to stop would be waited for by its thread for ever.
        with self._gate:
            if self._closed:
                work.close()
                raise RayError(f"{self._name} is closed")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _gathered(self, works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """All results in order; what is fatal to the pool ends them at once."""
        if self._fatal.done():
            self._fatal.result()
        caller = asyncio.current_task()
        assert caller is not None, "runs as a task of the pool's loop"
        self._callers.add(caller)
        caller.add_done_callback(self._callers.discard)
        work = asyncio.gather(*works)
        either: set[asyncio.Future[Any]] = {work, self._fatal}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._fatal.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self._fatal.result()
        return list(await work)

    async def _member(self, crew: Crew) -> Member:
        """Whichever member of a crew has room first, reserved."""
        crew.waiting += 1
        try:
            async with self._changed:
                while not (free := crew.free()):
                    crew.grow(crew.waiting)
                    await self._changed.wait()
                return crew.reserve(free[0])
        finally:
            crew.waiting -= 1

    def _fail(self, error: BaseException) -> None:
        """End the pool's work with an error."""
        if not self._fatal.done():
            self._fatal.set_exception(error)

    def _note(self, warning: str) -> None:
        """Keep a warning for the record, and say it now."""
        self.warnings = (*self.warnings, warning)
        _log.warning("%s", warning)

    def _wake(self) -> None:
        """Something changed: let those who wait for a member look again."""
        self._loop.create_task(self._notify())

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _begin(self) -> None:
        self._fatal: asyncio.Future[None] = self._loop.create_future()
        self._changed = asyncio.Condition()
        await self._open()

    async def _close(self) -> None:
        self._stop()
        # Whoever still waits for a result in another thread must not wait for ever.
        self._fail(RayError(f"{self._name} was closed while media were on the road"))
        self._fatal.exception()
        await asyncio.gather(*self._callers, return_exceptions=True)
        # What was cancelled tells others as it ends: a loop that stops under it leaves coroutines that nobody awaits.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            if not (await asyncio.wait(others, timeout=_LEAVE_S))[0]:
                break
