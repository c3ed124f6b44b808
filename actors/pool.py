"""The pool: readers, a language detector and scorers on Ray, and their life from enter to exit.

Media are read ahead within a bound; signals stay in Ray's object store, so the driver sees no audio. What happens to a
medium along its road is actors/road.py's business; how segments become batches and get to the scorers, dispatch.py's.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray

from actors.contract import Language, Medium, MediumResult, ModelSpec, Reading, Rejection, Signal, Span
from actors.crew import Crew, WorkerLostError
from actors.dispatch import Dispatcher
from actors.life import Life
from actors.road import Hands, PoolOptions, Road
from actors.sizing import Sizes
from actors.usage import Usage
from actors.workers import LanguageWorker, Reader, Scorer

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


class Pool(Life):
    """Actors for one run. A context manager: the actors live between enter and exit, across shards.

    `score` may be called from several threads at once: their media share the actors, and the batches.
    """

    def __init__(self, options: PoolOptions, sizes: Sizes, cast: Cast | None = None) -> None:
        super().__init__("the pool")
        self._options = options
        self._sizes = sizes
        self._cast = cast or Cast()
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

    # -- the crews ----------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
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

    def _stop(self) -> None:
        self._dispatcher.stop()
        for crew in (self._readers, self._listeners, self._scorers):
            crew.stop()

    async def _usage(self) -> dict[str, list[Usage]]:
        crews = {"readers": self._readers, "language_workers": self._listeners, "scorers": self._scorers}
        return {name: await crew.ask_all("usage") for name, crew in crews.items()}

    def _wake(self) -> None:
        """Something changed: give free scorers work, too."""
        self._dispatcher.dispatch()
        super()._wake()

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

    def _counted(self, result: MediumResult) -> MediumResult:
        self.progress.media += 1
        self.progress.segments += len(result.rows)
        self.progress.audio_s += sum(row.span.duration_s for row in result.rows)
        self.progress.rejected += len(result.rejections)
        return result
