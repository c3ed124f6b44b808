"""The text pool: text workers on Ray, a call for each medium. A death or a timeout becomes a reason in the rows.

It lives after the pool that hears, never beside it: text must not make audio wait. A checkpoint that cannot be loaded,
or a cluster that gives no worker, ends it with its error.
"""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, Self, TypeVar

import ray

from actors.contract import Reason
from actors.crew import CallFailedError, Crew, InputLostError, Member, WorkerLostError
from actors.options import Resources
from actors.sizing import Sizes
from actors.text_worker import TextWorker
from actors.texts import TextAnswer, TextSetup, TextWork, failed
from infra.errors import RayError

T = TypeVar("T")

_TRIES = 2
"""How often a medium is tried whose worker dies."""


class TextPool:
    """Text workers for one run. A context manager: the actors live between enter and exit.

    `read` may be called from several threads at once.

    Args:
        setup: What the workers need to know.
        sizes: How many there may be at most, and what each asks of Ray: those of the scoring workers.
        resources: How long to wait for a start and for an answer.
        worker: The class of the workers; tests put their own in.
    """

    def __init__(self, setup: TextSetup, sizes: Sizes, resources: Resources, worker: type = TextWorker) -> None:
        self._setup, self._sizes, self._resources, self._worker = setup, sizes, resources, worker
        self._callers: set[asyncio.Task[Any]] = set()
        self._gate = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="seraph-texts", daemon=True)
        self._thread.start()
        self._on_loop(self._open())
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

    def read(self, works: Sequence[TextWork]) -> list[TextAnswer]:
        """Find and read the texts of media.

        Returns:
            One answer for each, in order, with a row for every segment; what went wrong stands in its rows.

        Raises:
            RayError: The cluster gives no worker, or they die as they start.
            CheckpointError: A worker cannot load a model.
        """
        return self._on_loop(self._all(works))

    @property
    def peak(self) -> int:
        """How many workers there were at most."""
        return self._crew.peak

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        # Behind the gate: work handed to a loop that is about to stop would be waited for by its thread for ever.
        with self._gate:
            if self._closed:
                work.close()
                raise RayError("the text pool is closed")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _open(self) -> None:
        self._fatal: asyncio.Future[None] = self._loop.create_future()
        self._changed = asyncio.Condition()
        worker: Any = ray.remote(self._worker).options(**self._sizes.scorer)
        self._crew = Crew(
            "text workers",
            lambda: worker.remote(self._setup, self._sizes.scorer_threads),
            needs=self._sizes.scorer,
            most=self._sizes.most_scorers,
            depth=1,
            ready_s=self._resources.ready_s,
            timeout_s=self._resources.timeout_s,
            changed=self._wake,
            fatal=self._fail,
        )
        self._crew.start(1)

    async def _close(self) -> None:
        self._crew.stop()
        self._fail(RayError("the text pool was closed while media were being read"))
        self._fatal.exception()
        await asyncio.gather(*self._callers, return_exceptions=True)
        # What was cancelled tells others as it ends: a loop that stops under it leaves coroutines that nobody awaits.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            if not (await asyncio.wait(others, timeout=5.0))[0]:
                break

    def _fail(self, error: BaseException) -> None:
        if not self._fatal.done():
            self._fatal.set_exception(error)

    def _wake(self) -> None:
        """Let those who wait for a worker look again."""
        self._loop.create_task(self._notify())

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _all(self, works: Sequence[TextWork]) -> list[TextAnswer]:
        if self._fatal.done():
            self._fatal.result()
        caller = asyncio.current_task()
        assert caller is not None, "runs as a task of the pool's loop"
        self._callers.add(caller)
        caller.add_done_callback(self._callers.discard)
        work = asyncio.gather(*map(self._read, works))
        either: set[asyncio.Future[Any]] = {work, self._fatal}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._fatal.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self._fatal.result()
        return await work

    async def _read(self, work: TextWork) -> TextAnswer:
        for trial in range(1, _TRIES + 1):
            member = await self._member()
            try:
                answer: TextAnswer = await self._crew.call(member, "read", work)
            except WorkerLostError as error:
                # Whoever has taken all of its time once would take it again.
                if trial == _TRIES or error.reason is Reason.TIMEOUT:
                    return failed(work, f"{error.reason}: {error.detail}")
            except (CallFailedError, InputLostError) as error:
                return failed(work, str(error))
            else:
                return answer
        raise AssertionError("unreachable")

    async def _member(self) -> Member:
        async with self._changed:
            while True:
                if free := self._crew.free():
                    return self._crew.reserve(free[0])
                self._crew.grow()
                await self._changed.wait()
