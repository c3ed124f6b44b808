"""actors/workers.py without Ray: the plain classes, on a real store and real small checkpoints."""

import hashlib
import itertools
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pytest
import torch

from actors.checkpoints import load
from actors.contract import SAMPLING_RATE, Flag, Medium, Reading, Reason, Rejection, Signal, Span, Stage
from actors.options import LanguageOptions, ReadOptions, Route, SegmentOptions
from actors.workers import LanguageWorker, Piece, Reader, Scorer, pieces_of
from infra.errors import CheckpointError, StoreError
from infra.settings import StoreAccess
from tests.support.checkpoints import some_signals, write_stock
from tests.support.media import float_wav, speech_like, tone

WINDOWS = SegmentOptions(method="windows", window_s=1.0, min_s=0.5)


@pytest.fixture
def threads() -> Iterator[None]:
    """Put torch's threads back to what they were."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


# -- Reader ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def put(local_store: Any) -> Any:
    """Put a medium into the store, and return it as a listing has it."""

    def written(name: str, data: bytes) -> Medium:
        local_store.store.put_bytes(local_store.bucket.join(name).uri, data)
        (found,) = local_store.store.list(local_store.bucket.join(name))
        return Medium(found.uri, found.etag, found.size)

    return written


def _reader(access: StoreAccess, segments: SegmentOptions = WINDOWS, **reading: Any) -> Reader:
    reader = Reader(access, ReadOptions(**reading), segments)
    reader.ready()
    return reader


def _sound(seconds: float = 2.25) -> bytes:
    return float_wav(tone(SAMPLING_RATE, seconds))


@pytest.mark.stack
def test_a_medium_is_fetched_decoded_and_cut(local_store: Any, put: Any) -> None:
    medium = put("한국어 1화.wav", _sound())
    reading, signal = _reader(local_store.access).read(medium)
    assert isinstance(reading, Reading)
    assert (reading.medium, reading.duration_s, reading.flags, reading.outside) == (medium, 2.25, (), ())
    # The last quarter of a second is too short for a window of its own, and joins the one before.
    assert reading.spans == (Span(0.0, 1.0), Span(1.0, 2.25))
    assert set(reading.seconds) == {"fetch", "decode", "segment"}
    assert signal == pytest.approx(tone(SAMPLING_RATE, 2.25)[0], abs=1e-3)


@pytest.mark.stack
def test_a_medium_is_known_by_its_bytes_where_that_is_asked_for(local_store: Any, put: Any) -> None:
    medium = put("known.wav", _sound())
    reader = Reader(local_store.access, ReadOptions(), WINDOWS, digest=True)
    reader.ready()
    reading, signal = reader.read(medium)
    assert isinstance(reading, Reading)
    assert reading.sha256 == hashlib.sha256(_sound()).hexdigest()
    assert len(signal) == 36_000, "hashing must leave the file where decoding begins"


@pytest.mark.stack
def test_speech_is_found_by_the_detector_that_ready_loads(local_store: Any, put: Any) -> None:
    speech = speech_like(4.0, np.random.default_rng(0))
    silence = np.zeros(3 * SAMPLING_RATE, dtype=np.float32)
    reader = _reader(local_store.access, SegmentOptions())
    quiet, _ = reader.read(put("quiet.wav", float_wav(silence[None])))
    assert isinstance(quiet, Reading)
    assert quiet.spans == ()
    loud, _ = reader.read(put("loud.wav", float_wav(np.concatenate([silence, speech, silence])[None])))
    assert isinstance(loud, Reading)
    assert all(2.5 < span.start_s < span.end_s < 7.5 for span in loud.spans)
    assert loud.spans


@pytest.mark.stack
def test_given_segments_are_cut_at_the_end_or_lie_outside_and_need_no_detector(local_store: Any, put: Any) -> None:
    reader = _reader(local_store.access, SegmentOptions(method="labels", labels="labels.jsonl"))
    given = (Span(0.5, 1.0), Span(2.0, 9.0), Span(2.25, 3.0))
    reading, _ = reader.read(put("a.wav", _sound()), given)
    assert isinstance(reading, Reading)
    assert reading.spans == (Span(0.5, 1.0), Span(2.0, 2.25))
    assert reading.outside == (Span(2.25, 3.0),)
    nothing, _ = reader.read(put("b.wav", _sound()), ())
    assert isinstance(nothing, Reading)
    assert nothing.spans == ()


@pytest.mark.stack
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"These are words, and no film. " * 40, Reason.NOT_MEDIA),
        (_sound(5.0), Reason.TOO_LONG),
    ],
)
def test_a_fault_of_a_medium_is_a_rejection_with_its_own_reason(
    local_store: Any, put: Any, data: bytes, reason: Reason
) -> None:
    medium = put("a.mp4", data)
    rejection, signal = _reader(local_store.access, max_duration_s=3.0).read(medium)
    assert isinstance(rejection, Rejection)
    assert (rejection.medium, rejection.stage, rejection.reason) == (medium, Stage.READ, reason)
    assert rejection.detail
    assert signal.shape == (0,)


@pytest.mark.stack
def test_a_medium_that_vanished_or_was_replaced_since_the_listing_is_left_for_the_next_run(
    local_store: Any, put: Any
) -> None:
    reader = _reader(local_store.access)
    gone, replaced = put("gone.wav", _sound()), put("replaced.wav", _sound())
    local_store.store.delete([gone.uri])
    put("replaced.wav", _sound(1.0))
    for medium in (gone, replaced):
        rejection, _ = reader.read(medium)
        assert isinstance(rejection, Rejection)
        assert rejection.reason is Reason.VANISHED
        assert rejection.reason.transient


@pytest.mark.stack
def test_a_medium_is_scored_as_what_it_is_not_as_what_an_earlier_one_was(local_store: Any, put: Any) -> None:
    reader = _reader(local_store.access)
    readings = [reader.read(put(f"{n}.wav", _sound(n)))[0] for n in (3.0, 1.0)]
    assert [reading.duration_s for reading in readings if isinstance(reading, Reading)] == [3.0, 1.0]


class FailingStore:
    """A store whose every download fails in one way."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @contextmanager
    def fetch(self, uri: str, *, if_match: str) -> Iterator[BinaryIO]:
        raise self._error
        yield


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StoreError("the store answered 503"), Reason.STORE_ERROR),
        (OSError(28, "No space left on device"), Reason.STORE_ERROR),
        (MemoryError("4 GiB"), Reason.WORKER_DIED),
        (ZeroDivisionError("in a decoder"), Reason.UNDECODABLE),
    ],
)
def test_only_what_the_medium_itself_is_to_blame_for_is_final(error: Exception, reason: Reason) -> None:
    reader = Reader(StoreAccess("http://127.0.0.1:9", "key", "secret"), ReadOptions(), WINDOWS)
    reader._store = FailingStore(error)  # type: ignore[assignment]
    rejection, _ = reader.read(Medium("s3://media/a.wav", "e1", 1))
    assert isinstance(rejection, Rejection)
    assert rejection.reason is reason
    assert str(error) in rejection.detail
    assert rejection.reason.transient == (reason is not Reason.UNDECODABLE)


# -- LanguageWorker ----------------------------------------------------------------------------------------------------


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


# -- Scorer ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Route, ...]:
    """Three small models of the same size."""
    folder = tmp_path_factory.mktemp("models")
    places = [write_stock(folder / str(seed), seed=seed, hidden=16, layers=1) for seed in range(3)]
    return tuple(Route(model=str(place)) for place in places)


@pytest.fixture(scope="module")
def weight_bytes(routes: tuple[Route, ...]) -> int:
    return int(load(routes[0].model, dtype="fp32").weight_bytes)  # type: ignore[attr-defined]


SIGNALS = some_signals(seconds=(0.9, 0.5))
PIECES = [Piece(1, 0, 8000), Piece(0, 1600, 9600), Piece(0, 0, 3200)]


def test_a_batchs_pieces_are_cut_from_its_signals_and_scored_in_order(routes: tuple[Route, ...]) -> None:
    scored = Scorer("fp32", threads=1).logits(routes[0], PIECES, *SIGNALS)
    model = load(routes[0].model, dtype="fp32")
    cuts = [SIGNALS[1][:8000], SIGNALS[0][1600:9600], SIGNALS[0][:3200]]
    assert scored.logits == pytest.approx(model.logits(cuts), abs=1e-4)
    assert not np.allclose(scored.logits[1], scored.logits[2], atol=1e-3)
    assert scored.spec == model.spec
    assert scored.spec.precision == "fp32"
    assert scored.seconds > 0


def test_a_model_is_loaded_at_its_first_batch_and_kept(routes: tuple[Route, ...], tmp_path: Path) -> None:
    moved = Route(model=str(shutil.copytree(routes[0].model, tmp_path / "model")))
    scorer = Scorer("fp32", threads=1)
    assert scorer.held() == ()
    first = scorer.logits(moved, PIECES, *SIGNALS)
    assert scorer.held() == (moved,)
    shutil.rmtree(moved.model)  # a second load would fail
    assert (scorer.logits(moved, PIECES, *SIGNALS).logits == first.logits).all()


def test_all_models_are_kept_where_memory_has_no_bound(routes: tuple[Route, ...]) -> None:
    scorer = Scorer("fp32", threads=1)
    for route in routes:
        scorer.logits(route, PIECES, *SIGNALS)
    assert scorer.held() == routes


def test_the_least_recently_used_model_goes_first_where_memory_is_short(
    routes: tuple[Route, ...], weight_bytes: int
) -> None:
    one, two, three = routes
    scorer = Scorer("fp32", threads=1, memory_bytes=2 * weight_bytes)
    for route in (one, two, one):
        scorer.logits(route, PIECES, *SIGNALS)
    assert scorer.held() == (two, one)
    scorer.logits(three, PIECES, *SIGNALS)
    assert scorer.held() == (one, three)
    scorer.logits(two, PIECES, *SIGNALS)
    assert scorer.held() == (three, two)


def test_the_model_in_use_is_kept_however_large(routes: tuple[Route, ...]) -> None:
    scorer = Scorer("fp32", threads=1, memory_bytes=1)
    for route in routes[:2]:
        scorer.logits(route, PIECES, *SIGNALS)
        assert scorer.held() == (route,)


def test_a_checkpoint_that_cannot_be_loaded_is_an_error_of_the_run_and_takes_no_model_with_it(
    routes: tuple[Route, ...], tmp_path: Path
) -> None:
    scorer = Scorer("fp32", threads=1)
    scorer.logits(routes[0], PIECES, *SIGNALS)
    with pytest.raises(CheckpointError, match="no folder"):
        scorer.logits(Route(model=str(tmp_path / "nothing")), PIECES, *SIGNALS)
    assert scorer.held() == (routes[0],)


class FullModel:
    """Has no room for more than one signal at once."""

    spec = None

    def logits(self, signals: Sequence[Signal]) -> npt.NDArray[np.float32]:
        if len(signals) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return np.zeros((len(signals), 2), np.float32)


def test_a_worker_whose_memory_ran_out_keeps_its_model_and_scores_what_fits() -> None:
    scorer, route = Scorer("fp32", threads=1), Route(model="full")
    scorer._models[route] = FullModel()  # type: ignore[assignment]
    for _ in range(2):
        with pytest.raises(torch.OutOfMemoryError):
            scorer.logits(route, PIECES, *SIGNALS)
        assert scorer.logits(route, PIECES[:1], *SIGNALS).logits.shape == (1, 2)
    assert scorer.held() == (route,)


@pytest.mark.usefixtures("threads")
def test_ready_sets_the_threads_and_loads_nothing() -> None:
    scorer = Scorer("fp32", threads=1)
    scorer.ready()
    assert torch.get_num_threads() == 1
    assert scorer.held() == ()


def test_spans_become_samples_of_their_signals() -> None:
    assert pieces_of([(0, Span(0.0, 0.5)), (3, Span(1.00003, 2.0))]) == [Piece(0, 0, 8000), Piece(3, 16000, 32000)]


# -- Scorer: a low precision against float32 ---------------------------------------------------------------------------


def test_the_first_batch_in_a_low_precision_is_compared_with_float32_once(routes: tuple[Route, ...]) -> None:
    scorer = Scorer("bf16", threads=1, memory_bytes=1)
    first = scorer.logits(routes[0], PIECES, *SIGNALS)
    exact = load(routes[0].model, dtype="fp32").logits([SIGNALS[p.signal][p.start : p.stop] for p in PIECES])

    assert first.check is not None
    assert (first.check.precision, first.check.segments) == ("bf16", len(PIECES))
    assert first.check.logits == pytest.approx(np.abs(first.logits - exact).max(), abs=1e-5)
    assert 0 < first.check.posterior < 0.02
    assert scorer.logits(routes[0], PIECES, *SIGNALS).check is None
    scorer.logits(routes[1], PIECES, *SIGNALS)
    assert scorer.logits(routes[0], PIECES, *SIGNALS).check is None, "it had to be loaded again, and is known"


def test_float32_has_nothing_to_be_compared_with(routes: tuple[Route, ...]) -> None:
    assert Scorer("fp32", threads=1).logits(routes[0], PIECES, *SIGNALS).check is None


def test_where_float32_cannot_be_asked_the_batch_is_scored_all_the_same(
    routes: tuple[Route, ...], tmp_path: Path
) -> None:
    moved = Route(model=str(shutil.copytree(routes[0].model, tmp_path / "model")))
    scorer = Scorer("bf16", threads=1)
    scorer._hold(moved)
    shutil.rmtree(moved.model)

    scored = scorer.logits(moved, PIECES, *SIGNALS)

    assert scored.check is None
    assert np.isfinite(scored.logits).all()
