"""The road of one medium through the crews: read, heard, scored, with every segment accounted for at its end.

Runs on the pool's event loop. Who works and how many is actors/crew.py's business, batches are actors/dispatch.py's,
and the life of them all is actors/pool.py's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from actors.contract import (
    SHORT_SECONDS,
    Flag,
    Language,
    Medium,
    MediumResult,
    Reading,
    Reason,
    Rejection,
    SegmentLogits,
    Span,
    Stage,
    segment_id,
)
from actors.faults import CallFailedError, InputLostError, WorkerLostError
from actors.options import LanguageOptions, ReadOptions, Resources, Route, SegmentOptions
from actors.retries import Waiting
from infra.settings import StoreAccess

_TRIES = 5
"""How often a medium is read again whose signal went with a node."""

UNHEARD = Language("", 1.0, 1.0, "")
"""The language of segments that nobody listened to, because one model hears them all."""


@dataclass(frozen=True)
class PoolOptions:
    """All that the actors need to know.

    Attributes:
        media: Where media are read from.
        routes: Language to emotion model.
        route_ids: Route key to identity, written into the results (see `tasks.config.identity.Identity.routes`).
        fallback: The route that hears what is in doubt, where `on_uncertain` or `on_unrouted` say `fallback`.
        language: None where nobody listens: `routes` then has one model, under "", that hears every segment.
        given: Segments by media uri, where a label file gives them.
        digest: Hash each medium's content (`MediumResult.sha256`).
        models: Where models in a store (`s3://…`) are fetched from; None: where media are.
    """

    media: StoreAccess
    routes: Mapping[str, Route]
    route_ids: Mapping[str, str]
    fallback: str | None = None
    on_uncertain: Literal["fallback", "quarantine"] = "quarantine"
    on_unrouted: Literal["fallback", "quarantine"] = "quarantine"
    reading: ReadOptions = field(default_factory=ReadOptions)
    segments: SegmentOptions = field(default_factory=SegmentOptions)
    language: LanguageOptions | None = field(default_factory=LanguageOptions)
    precision: str = "auto"
    resources: Resources = field(default_factory=Resources)
    given: Mapping[str, tuple[Span, ...]] | None = None
    digest: bool = False
    models: StoreAccess | None = None


@dataclass(frozen=True)
class Hands:
    """Who does the work along the road: the pool's crews, as three calls.

    Attributes:
        read: What is in a medium, and a reference to its signal.
        listen: The language of each span of a signal, and the seconds it took.
        score: The answers of the models, in order.
    """

    read: Callable[[Medium, Sequence[Span] | None], Awaitable[tuple[Reading | Rejection, Any]]]
    listen: Callable[[Any, Sequence[Span]], Awaitable[tuple[tuple[Language, ...], float]]]
    score: Callable[[Sequence[Waiting]], Awaitable[list[SegmentLogits | Rejection]]]


@dataclass(frozen=True)
class _Heard:
    """Which model hears a segment, its route key in the results, and the flags of doubt."""

    route: Route
    recorded: str
    flags: tuple[Flag, ...] = ()


class Road:
    """Takes media along, one call each."""

    def __init__(self, options: PoolOptions, hands: Hands) -> None:
        self._options, self._hands = options, hands

    async def travel(self, medium: Medium) -> MediumResult:
        """Take a medium from the store to its result; its own faults, and the deaths of workers, become rejections."""
        for _ in range(_TRIES):
            try:
                return await self._once(medium)
            except InputLostError:
                continue  # its signal went with a node: read it again
        detail = f"its signal was lost with its node {_TRIES} times"
        return _rejected(Rejection(medium, Stage.SCORE, Reason.WORKER_DIED, detail))

    async def score(self, reading: Reading, signal: Any, languages: Sequence[Language]) -> MediumResult:
        """Route each segment, let it wait for its batch, and gather the answers."""
        segments: list[Waiting] = []
        medium, loop = reading.medium, asyncio.get_running_loop()
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
            segments.append(Waiting(name, medium, span, signal, language, heard.route, flags, loop.create_future()))
        answers = await self._hands.score(segments)
        rejections += [answer for answer in answers if isinstance(answer, Rejection)]
        rows = tuple(answer for answer in answers if isinstance(answer, SegmentLogits))
        seconds = reading.seconds | {"score": sum(segment.seconds for segment in segments)}
        return MediumResult(
            medium,
            reading.duration_s,
            planned,
            rows,
            tuple(rejections),
            dict(sorted(routes.items())),
            seconds,
            reading.sha256,
        )

    async def _once(self, medium: Medium) -> MediumResult:
        given = None if self._options.given is None else self._options.given.get(medium.uri, ())
        stage = Stage.READ
        try:
            reading, signal = await self._hands.read(medium, given)
            if isinstance(reading, Rejection):
                return _rejected(reading)
            if not reading.spans:
                return await self.score(reading, signal, ())
            stage = Stage.LANGUAGE
            languages, reading = await self._languages(reading, signal)
        except WorkerLostError as error:
            return _rejected(Rejection(medium, stage, error.reason, error.detail))
        except CallFailedError as error:
            reason = Reason.WORKER_DIED if error.out_of_memory else Reason.MODEL_ERROR
            return _rejected(Rejection(medium, stage, reason, str(error)))
        return await self.score(reading, signal, languages)

    async def _languages(self, reading: Reading, signal: Any) -> tuple[tuple[Language, ...], Reading]:
        if self._options.language is None:
            return (UNHEARD,) * len(reading.spans), reading
        languages, seconds = await self._hands.listen(signal, reading.spans)
        return languages, replace(reading, seconds=reading.seconds | {"language": seconds})

    def _route(self, language: Language) -> _Heard | Reason:
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
