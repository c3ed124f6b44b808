"""The reader without Ray, on a real store."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
import pytest

from actors.contract import SAMPLING_RATE, Medium, Reading, Reason, Rejection, Span, Stage
from actors.options import ReadOptions, SegmentOptions
from actors.workers import Reader
from infra.errors import StoreError
from infra.settings import StoreAccess
from tests.support.media import float_wav, speech_like, tone

WINDOWS = SegmentOptions(method="windows", window_s=1.0, min_s=0.5)


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
        # Of a library of another version: not the medium's fault either.
        (TypeError("open() got an unexpected keyword argument 'metadata_errors'"), Reason.WORKER_DIED),
        (AttributeError("module 'av' has no attribute 'open'"), Reason.WORKER_DIED),
        (ImportError("libavformat.so.62: cannot open shared object file"), Reason.WORKER_DIED),
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
