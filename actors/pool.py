"""The pool: readers, a language detector and scorers on Ray, and the road of a medium through them.

Media are read ahead within a bound; signals stay in Ray's object store, so the driver sees no audio. How segments
become batches and get to the scorers is actors/dispatch.py's business; results are joined by segment id.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeVar

import ray

from actors.contract import (
    SHORT_SECONDS,
    Flag,
    Language,
    Medium,
    MediumResult,
    ModelSpec,
    Reading,
    Reason,
    Rejection,
    SegmentLogits,
    Signal,
    Span,
    Stage,
    segment_id,
)
from actors.crew import CallFailedError, Crew, InputLostError, Member, WorkerLostError
from actors.dispatch import Dispatcher, Waiting
from actors.options import LanguageOptions, ReadOptions, Resources, Route, SegmentOptions
from actors.sizing import Sizes
from actors.usage import Usage
from actors.workers import LanguageWorker, Reader, Scorer
from infra.errors import RayError
from infra.settings import StoreAccess

T = TypeVar("T")

_LEAVE_S = 5.0
"""How long closing waits for cancelled work to end."""

_TRIES = 3
"""How often a medium is read, or its language asked, when workers die under it."""


@dataclass(frozen=True)
class PoolOptions:
    """All that the actors need to know.

    Attributes:
        media: Where media are read from.
        routes: Language to emotion model.
        route_ids: Route key to identity, written into the results (see `tasks.config.Identity.routes`).
        fallback: The route that hears what is in doubt, where `on_uncertain` or `on_unrouted` say `fallback`.
        given: Segments by media uri, where a label file gives them.
    """

    media: StoreAccess
    routes: Mapping[str, Route]
    route_ids: Mapping[str, str]
    fallback: str | None = None
    on_uncertain: Literal["fallback", "quarantine"] = "quarantine"
    on_unrouted: Literal["fallback", "quarantine"] = "quarantine"
    reading: ReadOptions = field(default_factory=ReadOptions)
    segments: SegmentOptions = field(default_factory=SegmentOptions)
    language: LanguageOptions = field(default_factory=LanguageOptions)
    precision: str = "auto"
    resources: Resources = field(default_factory=Resources)
    given: Mapping[str, tuple[Span, ...]] | None = None


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


@dataclass(frozen=True)
class _Heard:
    """Which model hears a segment, its route key in the results, and the flags of doubt."""

    route: Route
    recorded: str
    flags: tuple[Flag, ...] = ()


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
        return self._on_loop(self._all(self._road(medium) for medium in media))

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
            lambda: reader.remote(options.media, options.reading, options.segments),
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
        self._readers.start(1)
        self._listeners.start(1)
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

    # -- the road of a medium ----------------------------------------------------------------------------------------

    async def _road(self, medium: Medium) -> MediumResult:
        async with self._ahead:
            for _ in range(_TRIES):
                try:
                    return self._counted(await self._once(medium))
                except InputLostError:
                    continue  # its signal went with a node: read it again
        detail = f"its signal was lost with its node {_TRIES} times"
        return self._counted(_rejected(Rejection(medium, Stage.SCORE, Reason.WORKER_DIED, detail)))

    async def _once(self, medium: Medium) -> MediumResult:
        given = None if self._options.given is None else self._options.given.get(medium.uri, ())
        stage = Stage.READ
        try:
            reading, signal = await self._call_any(self._readers, "read", medium, given, num_returns=2)
            if isinstance(reading, Rejection):
                return _rejected(reading)
            if not reading.spans:
                return await self._score_reading(reading, signal, ())
            stage = Stage.LANGUAGE
            languages, seconds = await self._call_any(self._listeners, "detect", signal, reading.spans)
        except WorkerLostError as error:
            return _rejected(Rejection(medium, stage, error.reason, error.detail))
        except CallFailedError as error:
            reason = Reason.WORKER_DIED if error.out_of_memory else Reason.MODEL_ERROR
            return _rejected(Rejection(medium, stage, reason, str(error)))
        reading = replace(reading, seconds=reading.seconds | {"language": seconds})
        return await self._score_reading(reading, signal, languages)

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

    async def _from_memory(self, reading: Reading, signal: Signal, language: Language) -> MediumResult:
        async with self._ahead:
            stored = ray.put(signal)
            return self._counted(await self._score_reading(reading, stored, (language,) * len(reading.spans)))

    async def _score_reading(self, reading: Reading, signal: Any, languages: Sequence[Language]) -> MediumResult:
        """Route each segment, let it wait for its batch, and gather the answers."""
        segments: list[Waiting] = []
        medium = reading.medium
        rejections = [
            Rejection(medium, Stage.SEGMENT, Reason.OUTSIDE, _outside(span, reading), _id(medium, span))
            for span in reading.outside
        ]
        routes: dict[str, str] = {}
        planned = tuple(_id(medium, span) for span in (*reading.spans, *reading.outside))
        for name, span, language in zip(planned[: len(reading.spans)], reading.spans, languages, strict=True):
            heard = self._route(language)
            if isinstance(heard, Reason):
                routes["fallback"] = self._options.route_ids["fallback"]
                rejections.append(Rejection(medium, Stage.LANGUAGE, heard, _doubt(language), name))
                continue
            routes[heard.recorded] = self._options.route_ids[heard.recorded]
            flags = (*reading.flags, *_short(span), *language.flags, *heard.flags)
            answer = self._loop.create_future()
            segments.append(Waiting(name, medium, span, signal, language, heard.route, flags, answer))
        answers = await self._dispatcher.score(segments)
        rejections += [answer for answer in answers if isinstance(answer, Rejection)]
        rows = tuple(answer for answer in answers if isinstance(answer, SegmentLogits))
        seconds = reading.seconds | {"score": sum(segment.seconds for segment in segments)}
        return MediumResult(
            medium, reading.duration_s, planned, rows, tuple(rejections), dict(sorted(routes.items())), seconds
        )

    def _route(self, language: Language) -> "_Heard | Reason":
        """Which model hears it; or why none may."""
        if Flag.UNROUTED_LANGUAGE in language.flags:
            doubt, reason = self._options.on_unrouted, Reason.UNROUTED_LANGUAGE
        elif Flag.UNCERTAIN_LANGUAGE in language.flags:
            doubt, reason = self._options.on_uncertain, Reason.UNCERTAIN_LANGUAGE
        else:
            return _Heard(self._options.routes[language.language], language.language)
        if doubt == "quarantine" or self._options.fallback is None:
            return reason
        return _Heard(self._options.routes[self._options.fallback], "fallback", (Flag.FALLBACK_MODEL,))

    def _counted(self, result: MediumResult) -> MediumResult:
        self.progress.media += 1
        self.progress.segments += len(result.rows)
        self.progress.audio_s += sum(row.span.duration_s for row in result.rows)
        self.progress.rejected += len(result.rejections)
        return result


def _rejected(rejection: Rejection) -> MediumResult:
    return MediumResult(rejection.medium, 0.0, (), (), (rejection,))


def _id(medium: Medium, span: Span) -> str:
    return segment_id(medium.uri, medium.etag, span)


def _outside(span: Span, reading: Reading) -> str:
    return f"the segment begins at {span.start_s:g} s, and the medium ends at {reading.duration_s:.2f} s"


def _short(span: Span) -> tuple[Flag, ...]:
    return (Flag.SHORT,) if span.duration_s < SHORT_SECONDS else ()


def _doubt(language: Language) -> str:
    return (
        f"Whisper's first choice is {language.top}; of the routed languages {language.language} has a mass of "
        f"{language.confidence:.2f}"
    )
