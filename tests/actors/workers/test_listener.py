"""The language detector as a worker, without Ray."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from actors.contract import SAMPLING_RATE, Flag, Signal, Span
from actors.options import LanguageOptions
from actors.workers import LanguageWorker


class StubDetector:
    """Hears what a signal is filled with: 0.1 English, 0.2 Korean, 0.3 Japanese, with 0.9 of the mass."""

    languages = ("ja", "en", "ko")

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def probabilities(self, signals: Sequence[Signal]) -> npt.NDArray[np.float32]:
        self.calls.append([len(signal) for signal in signals])
        spoken = [{1: "en", 2: "ko", 3: "ja"}[round(10 * float(signal.mean()))] for signal in signals]
        return np.array([[0.9 if name == each else 0.05 for name in self.languages] for each in spoken], np.float32)


def _listener(**options: Any) -> tuple[LanguageWorker, StubDetector]:
    worker, detector = LanguageWorker(LanguageOptions(**options), ("en", "ko"), threads=1), StubDetector()
    worker._detector = detector
    return worker, detector


def _spoken(*parts: tuple[float, float]) -> tuple[Signal, list[Span]]:
    """A signal of stretches (value, seconds), and one span over each."""
    signal = np.concatenate([np.full(round(s * SAMPLING_RATE), value, np.float32) for value, s in parts])
    edges = np.cumsum([0.0, *(seconds for _, seconds in parts)])
    return signal, [Span(float(start), float(end)) for start, end in itertools.pairwise(edges)]


def test_a_medium_is_heard_once_and_every_segment_gets_its_language() -> None:
    worker, detector = _listener()
    languages, seconds = worker.detect(*_spoken((0.2, 2.0), (0.2, 3.0), (0.2, 1.0)))
    assert len(languages) == 3
    assert set(languages) == {languages[0]}
    assert (languages[0].language, languages[0].top, languages[0].flags) == ("ko", "ko", ())
    assert languages[0].confidence == pytest.approx(0.9)
    # The lead over the next route after renormalising over the routes: (0.9 - 0.05) / 0.95.
    assert languages[0].margin == pytest.approx(0.85 / 0.95)
    assert detector.calls == [[6 * SAMPLING_RATE]]
    assert seconds >= 0


def test_windows_are_those_of_the_options() -> None:
    worker, detector = _listener(windows=2, window_s=2.0)
    worker.detect(*_spoken((0.1, 5.0), (0.1, 5.0)))
    assert detector.calls == [[2 * SAMPLING_RATE] * 2]


def test_where_the_windows_disagree_every_segment_is_heard_by_itself_and_flagged() -> None:
    worker, _ = _listener(windows=2, window_s=5.0)
    languages, _ = worker.detect(*_spoken((0.1, 5.0), (0.2, 3.0), (0.3, 2.0)))
    assert [each.top for each in languages] == ["en", "ko", "ja"]
    assert [each.flags for each in languages] == [
        (Flag.MIXED_LANGUAGE,),
        (Flag.MIXED_LANGUAGE,),
        (Flag.UNROUTED_LANGUAGE, Flag.MIXED_LANGUAGE),
    ]


def test_every_segment_is_heard_by_itself_where_that_is_asked_for() -> None:
    worker, detector = _listener(per_segment=True)
    languages, _ = worker.detect(*_spoken((0.1, 2.0), (0.2, 3.0)))
    assert [(each.language, each.flags) for each in languages] == [("en", ()), ("ko", ())]
    assert detector.calls == [[2 * SAMPLING_RATE, 3 * SAMPLING_RATE]]


def test_a_long_film_is_heard_a_few_segments_at_a_time_in_order() -> None:
    worker, detector = _listener(per_segment=True)
    languages, _ = worker.detect(*_spoken(*[((0.1, 0.2)[n % 3 == 0], 0.5) for n in range(40)]))
    assert [each.language for each in languages] == [("en", "ko")[n % 3 == 0] for n in range(40)]
    assert max(map(len, detector.calls)) <= 16


def test_before_ready_a_listener_says_what_is_missing() -> None:
    with pytest.raises(AssertionError, match="ready"):
        LanguageWorker(LanguageOptions(), ("en",), 1).detect(*_spoken((0.1, 1.0)))


@pytest.mark.usefixtures("threads")
def test_ready_loads_the_configured_whisper_and_sets_the_threads(tmp_path: Path) -> None:
    from whisper.model import ModelDimensions, Whisper

    # mels, then context, state, heads and layers of the encoder, vocabulary, and the same of the decoder
    dimensions = ModelDimensions(80, 1500, 8, 1, 1, 51865, 8, 8, 1, 1)
    tensors = {name: torch.zeros_like(tensor) for name, tensor in Whisper(dimensions).state_dict().items()}
    torch.save({"dims": vars(dimensions), "model_state_dict": tensors}, tmp_path / "whisper.pt")
    worker = LanguageWorker(LanguageOptions(model=str(tmp_path / "whisper.pt")), ("en", "ko"), threads=1)
    worker.ready()
    assert torch.get_num_threads() == 1
    (language,), _ = worker.detect(*_spoken((0.1, 1.0)))
    # All tensors are 0: every one of the 99 languages is as likely.
    assert language.confidence == pytest.approx(1 / 99)
    assert Flag.UNCERTAIN_LANGUAGE in language.flags
