"""The life of a pool: an event loop in its own thread, the work handed to it, and an end that leaves none waiting.

What the actors of a pool do is the pool's business; this knows neither Ray's actors nor media.
"""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Coroutine, Iterable
from typing import Any, Self, TypeVar

from actors.crew import Crew
from infra.errors import RayError

T = TypeVar("T")

_log = logging.getLogger(__name__)

_LEAVE_S = 5.0
"""How long closing waits for cancelled work to end."""

_TEND_S = 5.0
"""How often it is looked at whether somebody may go; more often where `idle_s` is short."""


class Life:
    """Base of the pools. A context manager: `_open` runs on entering, on the loop; the crews end on leaving.

    Args:
        name: What the pool is called in messages, as in "the text pool".
        idle_s: After how long without work a worker may go.

    Attributes:
        warnings: What the user should be told: what the cluster did not give.
    """

    def __init__(self, name: str, idle_s: float) -> None:
        self._name, self._idle_s = name, idle_s
        self._crews: list[Crew] = []
        self._callers: set[asyncio.Task[Any]] = set()
        self._gate = threading.Lock()
        self._closed = False
        self.warnings: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"seraph {self._name}", daemon=True)
        self._thread.start()
        try:
            self._on_loop(self._begin())
        except BaseException:
            self.__exit__()  # nobody else will
            raise
        return self

    def __exit__(self, *_: object) -> None:
        closing = self._close()
        with self._gate:
            self._closed = True
            closed = asyncio.run_coroutine_threadsafe(closing, self._loop)
        try:
            closed.result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _open(self) -> None:
        """Engage the crews, and start them."""
        raise NotImplementedError

    def _tend(self) -> None:
        """Look after the crews' sizes. Called now and then."""
        raise NotImplementedError

    def _engage(self, crew: Crew) -> Crew:
        """Have a crew end with the pool."""
        self._crews.append(crew)
        return crew

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
        except concurrent.futures.CancelledError as error:
            raise RayError(f"{self._name} was closed meanwhile") from error
        except BaseException:
            future.cancel()
            raise

    async def _gathered(self, works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """All results in order; an error of one, or what is fatal to the pool, ends them all at once."""
        if self._fatal.done():
            self._fatal.result()
        caller = asyncio.current_task()
        assert caller is not None, "runs as a task of the pool's loop"
        self._callers.add(caller)
        caller.add_done_callback(self._callers.discard)
        tasks = [asyncio.ensure_future(work) for work in works]
        every = asyncio.gather(*tasks)
        either: set[asyncio.Future[Any]] = {every, self._fatal}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._fatal.done():
                self._fatal.result()
            return list(await every)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(every, *tasks, return_exceptions=True)

    def _fail(self, error: BaseException) -> None:
        """End the pool's work with an error."""
        if not self._fatal.done():
            self._fatal.set_exception(error)

    def _note(self, warning: str) -> None:
        """Keep a warning for the record, and say it now."""
        self.warnings = (*self.warnings, warning)
        _log.warning("%s", warning)

    async def _begin(self) -> None:
        self._fatal: asyncio.Future[None] = self._loop.create_future()
        await self._open()
        self._tending = asyncio.create_task(self._go_on_tending())
        self._tending.add_done_callback(self._tended)

    async def _go_on_tending(self) -> None:
        while True:
            await asyncio.sleep(min(_TEND_S, self._idle_s / 2))
            self._tend()

    def _tended(self, tending: "asyncio.Task[None]") -> None:
        if not tending.cancelled() and (error := tending.exception()):
            self._fail(error)

    async def _close(self) -> None:
        try:
            for crew in self._crews:
                crew.stop()
        finally:
            # Whoever still waits for a result in another thread must not wait for ever.
            self._fail(RayError(f"{self._name} was closed while work was under way"))
            self._fatal.exception()
            await asyncio.gather(*self._callers, return_exceptions=True)
            await self._leave()

    async def _leave(self) -> None:
        """End all other work, and whoever waits for it. A loop that stopped under it would leave it unawaited."""
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            if not (await asyncio.wait(others, timeout=_LEAVE_S))[0]:
                break
