"""The pool: readers, a language detector and scorers on Ray, and their life from enter to exit.

Media are read ahead within a bound; signals stay in Ray's object store, so the driver sees no audio. The crews grow
with the work that waits and shrink when it ends. What happens to a medium along its road is actors/road.py's business;
how segments become batches and get to the scorers, dispatch.py's.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import ray

from actors.ahead import Ahead
from actors.bounds import bounds_of
from actors.contract import (
    Language,
    Medium,
    MediumResult,
    ModelSpec,
    Reading,
    Rejection,
    SegmentLogits,
    Signal,
    Span,
)
from actors.crew import Crew
from actors.dispatch import Dispatcher
from actors.faults import WorkerLostError
from actors.following import Following
from actors.life import Life
from actors.retries import Waiting
from actors.road import Hands, PoolOptions, Road
from actors.sizing import Sizes
from actors.stall import Stall, Standing, cause_of
from actors.usage import Held, Usage
from actors.weights import Spread
from actors.workers import LanguageWorker, Reader, Scorer
from infra import cluster

_TRIES = 3
"""How often a medium is read, or its language asked, when workers die under it."""

_MOVES = 10
"""The same where it is their nodes that go: no doing of the medium's, and not for ever."""


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


class Pool(Life):
    """Actors for one run. A context manager: the actors live between enter and exit, across shards.

    `score` may be called from several threads at once: their media share the actors, and the batches.
    """

    def __init__(self, options: PoolOptions, sizes: Sizes, cast: Cast | None = None) -> None:
        super().__init__("the pool", options.resources.idle_s)
        self._options = options
        self._sizes = sizes
        self._cast = cast or Cast()
        self._bounds = bounds_of(options.routes, options.resources.languages)
        self._stall = Stall()
        self._at: Counter[str] = Counter()
        self.progress = Progress()

    # -- what callers use --------------------------------------------------------------------------------------------

    def score(self, media: Sequence[Medium]) -> list[MediumResult]:
        """Take media down the whole road.

        Returns:
            One result per medium, in order: scored, silent or quarantined, with every segment accounted for.

        Raises:
            RayError: The cluster cannot give the actors, or they die at every start.
            CheckpointError: A worker cannot load a model.
        """
        return self._on_loop(self._gathered(self._travel(medium) for medium in media))

    def score_signals(self, readings: Sequence[tuple[Reading, Signal, Language]]) -> list[MediumResult]:
        """Score segments of signals that are in memory, their language known: the road without reading and hearing."""
        return self._on_loop(self._gathered(self._from_memory(*each) for each in readings))

    def wants_shard(self, shards: int, media: int) -> bool:
        """Whether another shard should set out beside so many, with so many media between them."""
        return self._sizes.wants_shard(shards, media)

    @property
    def specs(self) -> dict[str, ModelSpec]:
        """Specs of the models that have scored so far, by weights_sha256."""
        return dict(self._dispatcher.specs)

    def usage(self) -> dict[str, list[Usage]]:
        """What the workers that live now have used so far, by kind."""
        return self._on_loop(self._usage())

    def held(self) -> Held:
        """What all workers have held so far, those that are gone included."""
        return sum((crew.held(self._loop.time()) for crew in self._crews), Held())

    def description(self) -> dict[str, Any]:
        """How many workers of each kind there were at most, and on what: for the run's record."""
        return {
            "readers": self._readers.peak,
            "language_workers": self._listeners.peak,
            "scorers": self._scorers.peak,
            "devices": sorted(self._dispatcher.devices),
            "precision": {spec.source: spec.precision for spec in self.specs.values()},
            "precision_check": {model: check.description() for model, check in self._dispatcher.checks.items()},
            **self._sizes.description(),
            "stall": self._stall.description(),
            "lost": sum(crew.lost for crew in self._crews),
            "lost_with_nodes": sum(crew.lost_nodes for crew in self._crews),
            "reduced_batch_seconds": dict(self._dispatcher.reduced),
            "warnings": list(self.warnings),
        }

    # -- the crews ----------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        self._ahead = Ahead(self._sizes.media_in_flight, self._sizes.small_bytes)
        options, sizes = self._options, self._sizes
        models = options.models or options.media
        reader: Any = ray.remote(self._cast.reader).options(**sizes.reader)
        listener: Any = ray.remote(self._cast.listener).options(**sizes.listener)
        scorer: Any = ray.remote(self._cast.scorer).options(**sizes.scorer, max_concurrency=sizes.scorer_calls)
        self._readers = self._crew(
            "readers",
            lambda: reader.remote(options.media, options.reading, options.segments, digest=options.digest),
            sizes.reader,
            sizes.readers,
            self._fed,
        )
        self._listeners = self._crew(
            "language detectors",
            lambda: listener.remote(options.language, tuple(options.routes), sizes.listener_threads, models),
            sizes.listener,
            sizes.listeners,
            self._fed,
        )
        self._scorers = self._crew(
            "scoring workers",
            lambda: scorer.remote(options.precision, sizes.scorer_threads, sizes.model_memory_bytes, models),
            sizes.scorer,
            sizes.most_scorers,
            lambda: self._dispatcher.dispatch(),
            depth=2,
            least=sizes.least_scorers,
        )
        self._feeding = (self._readers, self._listeners) if options.language else (self._readers,)
        self._dispatcher = Dispatcher(
            self._scorers, self._bounds, sizes.batch_s, self._fail, self._noted, self._note,
            reloads=sizes.model_memory_bytes is not None,
        )  # fmt: skip
        self._road = Road(options, Hands(self._read, self._listen, self._score))
        room = cluster.room(sizes.scorer)
        self._following = Following(sizes, options.resources, room)
        loaded = dict.fromkeys(options.routes.values()) if self._cast.scorer is Scorer else ()  # stand-ins load none
        self._spread = Spread(loaded, models)
        self._follow(room)
        self._readers.start(1)
        self._listeners.start(1 if options.language else 0)
        self._scorers.start(1)

    def _crew(
        self,
        name: str,
        spawn: Callable[[], Any],
        needs: Mapping[str, float],
        most: int,
        changed: Callable[[], None],
        *,
        depth: int = 1,
        least: int = 1,
    ) -> Crew:
        """Whole media go one at a time (a long one must not eat up the next one's time); a second batch may queue."""
        return self._engage(Crew(
            name, spawn, needs=needs, least=least, most=most, depth=depth, resources=self._options.resources,
            changed=changed, fatal=self._fail, warn=self._note,
        ))  # fmt: skip

    def _follow(self, room: cluster.Room) -> None:
        """Have as many scorers as the nodes have places for, and the models on those that have come."""
        self._spread.to(room.fitting)
        places = self._following.look(room)
        self._scorers.most, self._scorers.due = places.most, places.held
        self._sizes = replace(self._sizes, most_scorers=places.most)
        if self._options.resources.media_in_flight is None:
            self._ahead.allow(max(self._sizes.media_in_flight, 2 * (self._readers.most + places.held)))

    def _tend(self) -> None:
        """Follow the nodes, keep readers and detectors in proportion to scorers, and let go who has nothing to do."""
        self._follow(cluster.room(self._sizes.scorer))
        scorers = sum(member.ready for member in self._scorers.members)
        self._readers.most = self._sizes.readers_for(scorers)
        self._listeners.most = self._sizes.listeners_for(scorers)
        self._readers.tend()
        self._listeners.tend()
        if not self._dispatcher.waiting:
            self._scorers.rest()

    async def _usage(self) -> dict[str, list[Usage]]:
        crews = {"readers": self._readers, "language_workers": self._listeners, "scorers": self._scorers}
        return {name: await crew.ask_all("usage") for name, crew in crews.items()}

    def _fed(self) -> None:
        """Start the scorers that are always wanted, but not before those who feed them have their place."""
        # On a small cluster many scorers would leave them none.
        if all(any(member.ready for member in crew.members) for crew in self._feeding):
            self._scorers.start(self._sizes.least_scorers)

    # -- the road, and the hands along it ----------------------------------------------------------------------------

    async def _travel(self, medium: Medium) -> MediumResult:
        async with self._admitted(medium.size):
            return self._counted(await self._road.travel(medium))

    async def _from_memory(self, reading: Reading, signal: Signal, language: Language) -> MediumResult:
        async with self._admitted(signal.nbytes):
            stored = ray.put(signal)
            return self._counted(await self._road.score(reading, stored, (language,) * len(reading.spans)))

    @asynccontextmanager
    async def _admitted(self, size: int) -> AsyncIterator[None]:
        async with AsyncExitStack() as held:
            with self._being("ahead"):
                await held.enter_async_context(self._ahead.admitted(size))
            yield

    async def _read(self, medium: Medium, given: Sequence[Span] | None) -> tuple[Reading | Rejection, Any]:
        with self._being("reading"):
            reading, signal = await self._call_any(self._readers, "read", medium, given, num_returns=2)
        return reading, signal

    async def _listen(self, signal: Any, spans: Sequence[Span]) -> tuple[tuple[Language, ...], float]:
        with self._being("hearing"):
            languages, seconds = await self._call_any(self._listeners, "detect", signal, spans)
        return languages, seconds

    async def _score(self, segments: Sequence[Waiting]) -> list[SegmentLogits | Rejection]:
        with self._being("scoring"):
            return await self._dispatcher.score(segments)

    async def _call_any(self, crew: Crew, method: str, *args: Any, **options: Any) -> Any:
        """Call whichever member has room first; where it dies, another, up to a bound."""
        tries = moves = 0
        while True:
            member = await crew.claim()
            try:
                return await crew.call(member, method, *args, **options)
            except WorkerLostError as error:
                tries, moves = tries + (not error.node), moves + error.node
                if tries >= _TRIES or moves >= _MOVES:
                    raise

    @contextmanager
    def _being(self, where: str) -> Iterator[None]:
        """Count a medium at a part of its road."""
        self._at[where] += 1
        try:
            yield
        finally:
            self._at[where] -= 1
            self._noted()

    def _noted(self) -> None:
        """Keep account of what idle scorers wait for."""
        at, ready = self._at, [member for member in self._scorers.members if member.ready]
        idle = sum(not member.in_flight for member in ready)
        cause = cause_of(
            ahead=at["ahead"], reading=at["reading"], hearing=at["hearing"], scoring=at["scoring"],
            segments=self._dispatcher.waiting,
        )  # fmt: skip
        self._stall.note(self._loop.time(), Standing(len(ready), idle, cause))

    def _counted(self, result: MediumResult) -> MediumResult:
        self.progress.media += 1
        self.progress.segments += len(result.rows)
        self.progress.audio_s += sum(row.span.duration_s for row in result.rows)
        self.progress.rejected += len(result.rejections)
        return result
