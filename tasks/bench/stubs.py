"""Workers that do nothing, or sleep as long as a model would work: what is left is what the pool and the driver cost.

They stand in `actors.pool.Cast` where the real ones do. Nothing is decoded, detected or scored; the rows that come out
have the form of real ones and mean nothing.
"""

import hashlib
import time
from collections.abc import Sequence

import numpy as np

from actors.contract import SAMPLING_RATE, Language, Medium, ModelSpec, Reading, Signal, Span
from actors.options import Route
from actors.usage import Usage, usage_here
from actors.workers import Piece, Scored

LABELS = ("neu", "hap", "ang", "sad")
"""As tasks/bench/models.py has them."""

_GAP_S = 0.5
_SEGMENT_S = (2.0, 8.0)
_SPREAD = 3.0


class Stub:
    """What every worker can say of itself, and its start, which takes no time."""

    def ready(self) -> None:
        """Load nothing."""

    def usage(self) -> Usage:
        """What the process has used."""
        return usage_here()


class StubReader(Stub):
    """Finds in a medium as many segments as its size in bytes: a stand-in's media have no others."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def read(self, medium: Medium, _: object = None) -> tuple[Reading, Signal]:
        """Lengths are drawn by the medium's name; the signal is empty, so that nothing is handed on."""
        seed = int.from_bytes(hashlib.sha256(medium.uri.encode()).digest()[:8], "big")
        lengths = np.random.default_rng(seed).uniform(*_SEGMENT_S, size=medium.size)
        starts = np.concatenate([[0.0], np.cumsum(lengths + _GAP_S)])
        spans = tuple(Span(float(s), float(s + length)) for s, length in zip(starts[:-1], lengths, strict=True))
        return Reading(medium, float(starts[-1]), spans), np.zeros(1, dtype=np.float32)


class StubListener(Stub):
    """Hears the first of the routed languages."""

    def __init__(self, _: object, routes: Sequence[str], *__: object) -> None:
        self._language = routes[0]

    def detect(self, _: Signal, spans: Sequence[Span]) -> tuple[tuple[Language, ...], float]:
        """At once."""
        return (Language(self._language, 0.9, 0.8, self._language),) * len(spans), 0.0


class StubScorer(Stub):
    """Answers with drawn logits, at once."""

    def __init__(self, precision: str = "fp32", *_: object) -> None:
        self._precision = "fp32" if precision == "auto" else precision
        self._rng = np.random.default_rng(0)

    def logits(self, route: Route, pieces: Sequence[Piece], *_: Signal) -> Scored:
        """One row for each piece."""
        logits = self._rng.normal(scale=_SPREAD, size=(len(pieces), len(LABELS))).astype(np.float32)
        sha256 = hashlib.sha256(route.model.encode()).hexdigest()
        spec = ModelSpec(
            route.model, None, sha256, "stub", "categorical", LABELS, SAMPLING_RATE, "stub", self._precision
        )
        return Scored(logits, spec, 0.0, "cpu")


class SleepingScorer(StubScorer):
    """Takes as long as a model would. The route's name ends in how many seconds of speech that hears in one."""

    def logits(self, route: Route, pieces: Sequence[Piece], *signals: Signal) -> Scored:
        """Sleep, then answer."""
        spoken = sum(piece.stop - piece.start for piece in pieces) / SAMPLING_RATE
        time.sleep(spoken / speed_of(route))
        return super().logits(route, pieces, *signals)


def sleeping_route(speed: float) -> Route:
    """The route of a model that hears `speed` seconds of speech in one."""
    return Route(model=f"sleep/{speed!r}")


def speed_of(route: Route) -> float:
    """What `sleeping_route` was given."""
    return float(route.model.rpartition("/")[2])
