"""The language detector as a worker: which routed language each segment of a medium is in."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from actors.contract import Flag, Language, LanguageDetector, Signal, Span
from actors.options import LanguageOptions
from actors.usage import Clock
from actors.weights import detector_here
from actors.workers.worker import Worker
from infra.settings import StoreAccess

_HEARD_AT_ONCE = 16
"""Signals in one call of Whisper: of a film heard segment by segment there may be thousands."""


class LanguageWorker(Worker):
    """Tells which routed language each segment of a medium is in.

    Args:
        options: How, and by which Whisper.
        routes: The languages that are routed.
        threads: CPU threads of Whisper.
        models: Where a Whisper in a store is fetched from; None: where the environment says.
    """

    def __init__(
        self, options: LanguageOptions, routes: Sequence[str], threads: int, models: StoreAccess | None = None
    ) -> None:
        super().__init__()
        self._access = models
        self._options = options
        self._routes = tuple(routes)
        self._threads = threads
        self._detector: LanguageDetector | None = None

    def ready(self) -> None:
        """Load Whisper."""
        import torch

        from actors.language import load_detector

        torch.set_num_threads(self._threads)
        self._detector = load_detector(detector_here(self._options.model, self._access))

    def detect(self, signal: Signal, spans: Sequence[Span]) -> tuple[tuple[Language, ...], float]:
        """The language of each span, and the seconds it took.

        Once per medium, from windows of its speech; for every segment where that is configured, or where the windows
        disagree (then each is flagged `mixed_language`).
        """
        from actors.language import decide, speech_windows

        assert self._detector is not None, "ready() comes first"
        clock = Clock(self._cpu_s)
        mixed: tuple[Flag, ...] = ()
        if not self._options.per_segment:
            windows = self._masses(speech_windows(signal, spans, self._options))
            language = decide(windows, self._detector.languages, self._routes, self._options)
            if Flag.MIXED_LANGUAGE not in language.flags:
                return (language,) * len(spans), clock.lap("language")
            mixed = (Flag.MIXED_LANGUAGE,)
        masses = self._masses([span.cut(signal) for span in spans])
        each = [decide(row[None], self._detector.languages, self._routes, self._options) for row in masses]
        flagged = (Language(e.language, e.confidence, e.margin, e.top, (*e.flags, *mixed)) for e in each)
        return tuple(flagged), clock.lap("language")

    def _masses(self, signals: Sequence[Signal]) -> npt.NDArray[np.float32]:
        """The mass on each language, a few signals at a time: Whisper pads every one of them to 30 s."""
        assert self._detector is not None, "ready() comes first"
        parts = [signals[start : start + _HEARD_AT_ONCE] for start in range(0, len(signals), _HEARD_AT_ONCE)]
        return np.concatenate([self._detector.probabilities(part) for part in parts])
