"""Stand-ins for the workers, for tests of the pool on a real Ray: they need no store, no Whisper and no checkpoint.

What a stand-in does with a medium stands in its uri's last part: `3` has three segments, `silent`, `broken`, `poison`
(ends every scorer that gets it, once per segment), `sigkill` (the same, as the kernel does it), `nan`, `error`, `oom2`
(out of memory in batches over two).
"""

import os
import signal
from collections.abc import Sequence

import numpy as np

from actors.contract import (
    Language,
    Medium,
    ModelSpec,
    Reading,
    Reason,
    Rejection,
    Signal,
    Span,
    Stage,
)
from actors.options import Route
from actors.usage import Usage, usage_here
from actors.workers import Piece, Scored

SECOND = 16_000
MARKS = {"poison": -0.9, "nan": -0.8, "error": -0.7, "oom": -0.6, "sigkill": -0.5}
"""What a signal of that kind is filled with; a plain one holds its medium's number / 1000."""


class Stub:
    """What every worker can say of itself."""

    def usage(self) -> Usage:
        return usage_here()


class StubReader(Stub):
    """Makes signals of one-second segments instead of reading any."""

    def __init__(self, *_: object, digest: bool) -> None:
        self._sha256 = "c0ffee" if digest else None

    def ready(self) -> None: ...

    def read(self, medium: Medium, given: object) -> tuple[Reading | Rejection, Signal]:
        kind, _, count = medium.uri.rsplit("/", 1)[1].partition("-")
        if kind == "broken":
            return Rejection(medium, Stage.READ, Reason.UNDECODABLE, "broken"), np.zeros(0, np.float32)
        if kind == "kill":
            os._exit(1)
        number = 0 if kind == "silent" else int(count or 1)
        value = MARKS.get(kind, number / 1000)
        spans = tuple(Span(float(i), float(i + 1)) for i in range(number))
        return Reading(medium, float(number), spans, sha256=self._sha256), np.full(number * SECOND, value, np.float32)


class StubListener(Stub):
    """Hears Korean in uris with `/ko/`, Japanese in `/ja/`, English elsewhere."""

    def __init__(self, *_: object) -> None:
        pass

    def ready(self) -> None: ...

    def detect(self, signal: Signal, spans: Sequence[Span]) -> tuple[tuple[Language, ...], float]:
        language = "ko" if signal[0] > 0.5 else "en"
        return (Language(language, 0.9, 0.8, language),) * len(spans), 0.0


class StubScorer(Stub):
    """Answers with (first sample, route's length, batch size) instead of a model's logits."""

    def __init__(self, *_: object) -> None:
        self._held: list[str] = []

    def ready(self) -> None: ...

    def logits(self, route: Route, pieces: Sequence[Piece], *signals: Signal) -> Scored:
        values = [float(signals[piece.signal][piece.start]) for piece in pieces]
        marked = {name for name, mark in MARKS.items() if any(abs(value - mark) < 1e-6 for value in values)}
        if "poison" in marked:
            os._exit(1)
        if "sigkill" in marked:
            os.kill(os.getpid(), signal.SIGKILL)
        if "error" in marked:
            raise ValueError("no such sound")
        if "oom" in marked and len(pieces) > 2:
            raise MemoryError("too much at once")
        rows = [[value, float(len(route.model)), float(len(pieces))] for value in values]
        logits = np.array(rows, dtype=np.float32)
        logits[[abs(value - MARKS["nan"]) < 1e-6 for value in values]] = np.nan
        spec = ModelSpec(route.model, None, route.model * 4, "stub", "categorical", ("a", "b", "c"), SECOND, "", "fp32")
        return Scored(logits, spec, 0.01, "cpu")
