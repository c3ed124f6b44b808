"""The pool: readers, a language detector and scorers on Ray, and their life from enter to exit.

Media are read ahead within a bound; signals stay in Ray's object store, so the driver sees no audio. What happens to a
medium along its road is actors/road.py's business; how segments become batches and get to the scorers, dispatch.py's.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import ray

from actors.contract import Language, Medium, MediumResult, ModelSpec, Reading, Rejection, Signal, Span
from actors.crew import Crew, Member, WorkerLostError
from actors.dispatch import Dispatcher
from actors.road import Hands, PoolOptions, Road
from actors.sizing import Sizes
from actors.usage import Usage
from actors.workers import LanguageWorker, Reader, Scorer
from infra.errors import RayError

T = TypeVar("T")

_LEAVE_S = 5.0
"""How long closing waits for cancelled work to end."""

_TRIES = 3
"""How often a medium is read, or its language asked, when workers die under it."""


@dataclass(frozen=True)
class Cast:
    """Who plays which part. Tests and benchmarks put their own in."""

    reader: type = Reader
    listener: type = LanguageWorker
    scorer: type = Scorer


@dataclass
class Progress:
    """Running counts, read by whoever shows them."""

    media: int = 0
    segments: int = 0
    audio_s: float = 0.0
    rejected: int = 0


class Pool:
    """Actors for one run. A context manager: the actors live between enter and exit, across shards.

    `score` may be called from several threads at once: their media share the actors, and the batches.
    """

    def __init__(self, options: PoolOptions, sizes: Sizes, cast: Cast | None = None) -> None:
        self._options = options
        self._sizes = sizes
        self._cast = cast or Cast()
        self._callers: set[asyncio.Task[Any]] = set()
        self._gate = threading.Lock()
        self._closed = False
        self.progress = Progress()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="seraph-pool", daemon=True)
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

    # -- what callers use --------------------------------------------------------------------------------------------

    def score(self, media: Sequence[Medium]) -> list[MediumResult]:
        """Take media down the whole road.

        Returns:
            One result per medium, in order: scored, silent or quarantined, with every segment accounted for.

        Raises:
            RayError: The cluster cannot give the actors, or they die at every start.
            CheckpointError: A worker cannot load a model.
        """
        return self._on_loop(self._all(self._travel(medium) for medium in media))

    def score_signals(self, readings: Sequence[tuple[Reading, Signal, Language]]) -> list[MediumResult]:
        """Score segments of signals that are in memory, their language known: the road without reading and hearing."""
        return self._on_loop(self._all(self._from_memory(*each) for each in readings))

    @property
    def specs(self) -> dict[str, ModelSpec]:
        """Specs of the models that have scored so far, by weights_sha256."""
        return dict(self._dispatcher.specs)

    def usage(self) -> dict[str, list[Usage]]:
        """What the workers that live now have used so far, by kind."""
        return self._on_loop(self._usage())

    def description(self) -> dict[str, Any]:
        """How many workers of each kind there were at most, and on what: for the run's record."""
        return {
            "readers": self._readers.peak,
            "language_workers": self._listeners.peak,
            "scorers": self._scorers.peak,
            "devices": sorted(self._dispatcher.devices),
            "precision": {spec.source: spec.precision for spec in self._dispatcher.specs.values()},
            **self._sizes.description(),
        }

    # -- the loop ----------------------------------------------------------------------------------------------------

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        # Behind the gate: work handed to a loop that is about to stop would be waited for by its thread for ever.
        with self._gate:
            if self._closed:
                work.close()
                raise RayError("the pool is closed")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _open(self) -> None:
        self._fatal: asyncio.Future[None] = self._loop.create_future()
        self._changed = asyncio.Condition()
        self._ahead = asyncio.Semaphore(self._sizes.media_in_flight)
        options, sizes = self._options, self._sizes
        reader: Any = ray.remote(self._cast.reader).options(**sizes.reader)
        listener: Any = ray.remote(self._cast.listener).options(**sizes.listener)
        scorer: Any = ray.remote(self._cast.scorer).options(**sizes.scorer)
        self._readers = self._crew(
            "readers",
            lambda: reader.remote(options.media, options.reading, options.segments, digest=options.digest),
            sizes.reader,
            sizes.readers,
        )
        self._listeners = self._crew(
            "language detectors",
            lambda: listener.remote(options.language, tuple(options.routes), sizes.listener_threads),
            sizes.listener,
            sizes.listeners,
        )
        self._scorers = self._crew(
            "scoring workers",
            lambda: scorer.remote(options.precision, sizes.scorer_threads, sizes.model_memory_bytes),
            sizes.scorer,
            sizes.most_scorers,
            depth=2,
        )
        self._dispatcher = Dispatcher(self._scorers, options.routes.values(), sizes.batch_s, self._fail)
        self._road = Road(options, Hands(self._read, self._listen, self._dispatcher.score))
        self._readers.start(1)
        self._listeners.start(1 if options.language else 0)
        self._scorers.start(sizes.least_scorers)

    def _crew(self, name: str, spawn: Any, needs: Mapping[str, float], most: int, *, depth: int = 1) -> Crew:
        """Whole media go one at a time (a long one must not eat up the next one's time); a second batch may queue."""
        resources = self._options.resources
        return Crew(
            name, spawn, needs=needs, most=most, depth=depth, ready_s=resources.ready_s, timeout_s=resources.timeout_s,
            changed=self._wake, fatal=self._fail,
        )  # fmt: skip

    async def _close(self) -> None:
        self._dispatcher.stop()
        for crew in (self._readers, self._listeners, self._scorers):
            crew.stop()
        # Whoever still waits for a result in another thread must not wait for ever.
        self._fail(RayError("the pool was closed while media were on the road"))
        self._fatal.exception()
        await asyncio.gather(*self._callers, return_exceptions=True)
        # What was cancelled tells others as it ends: a loop that stops under it leaves coroutines that nobody awaits.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            if not (await asyncio.wait(others, timeout=_LEAVE_S))[0]:
                break

    async def _usage(self) -> dict[str, list[Usage]]:
        crews = {"readers": self._readers, "language_workers": self._listeners, "scorers": self._scorers}
        return {name: await crew.ask_all("usage") for name, crew in crews.items()}

    def _fail(self, error: BaseException) -> None:
        if not self._fatal.done():
            self._fatal.set_exception(error)

    def _wake(self) -> None:
        """Something changed: give free scorers work, and let those who wait for a member look again."""
        self._dispatcher.dispatch()
        self._loop.create_task(self._notify())

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _all(self, roads: Iterable[Coroutine[Any, Any, MediumResult]]) -> list[MediumResult]:
        if self._fatal.done():
            self._fatal.result()
        caller = asyncio.current_task()
        assert caller is not None, "runs as a task of the pool's loop"
        self._callers.add(caller)
        caller.add_done_callback(self._callers.discard)
        work = asyncio.gather(*roads)
        either: set[asyncio.Future[Any]] = {work, self._fatal}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._fatal.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self._fatal.result()
        return await work

    # -- the road, and the hands along it ----------------------------------------------------------------------------

    async def _travel(self, medium: Medium) -> MediumResult:
        async with self._ahead:
            return self._counted(await self._road.travel(medium))

    async def _from_memory(self, reading: Reading, signal: Signal, language: Language) -> MediumResult:
        async with self._ahead:
            stored = ray.put(signal)
            return self._counted(await self._road.score(reading, stored, (language,) * len(reading.spans)))

    async def _read(self, medium: Medium, given: Sequence[Span] | None) -> tuple[Reading | Rejection, Any]:
        reading, signal = await self._call_any(self._readers, "read", medium, given, num_returns=2)
        return reading, signal

    async def _listen(self, signal: Any, spans: Sequence[Span]) -> tuple[tuple[Language, ...], float]:
        languages, seconds = await self._call_any(self._listeners, "detect", signal, spans)
        return languages, seconds

    async def _call_any(self, crew: Crew, method: str, *args: Any, **options: Any) -> Any:
        """Call whichever member has room first; where it dies, another, up to a bound."""
        for trial in range(1, _TRIES + 1):
            member = await self._member(crew)
            try:
                return await crew.call(member, method, *args, **options)
            except WorkerLostError:
                if trial == _TRIES:
                    raise
        raise AssertionError("unreachable")

    async def _member(self, crew: Crew) -> Member:
        async with self._changed:
            while True:
                if free := crew.free():
                    return crew.reserve(free[0])
                crew.grow()
                await self._changed.wait()

    def _counted(self, result: MediumResult) -> MediumResult:
        self.progress.media += 1
        self.progress.segments += len(result.rows)
        self.progress.audio_s += sum(row.span.duration_s for row in result.rows)
        self.progress.rejected += len(result.rejections)
        return result
