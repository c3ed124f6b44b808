"""Workers that do nothing must still answer as real ones do: so many segments, one row each, the same each time."""

import time

import numpy as np
import pytest

from actors.contract import Medium
from actors.workers import Piece
from tasks.bench.stubs import LABELS, SleepingScorer, StubListener, StubReader, StubScorer, sleeping_route, speed_of

MEDIUM = Medium("s3://media/0000001.wav", "0", 100)


def test_a_medium_has_as_many_segments_as_its_size_apart_from_each_other_and_the_same_each_time() -> None:
    reading, signal = StubReader("store", digest=False).read(MEDIUM)
    assert len(reading.spans) == 100
    assert all(one.end_s < other.start_s for one, other in zip(reading.spans, reading.spans[1:], strict=False))
    assert reading.spans[-1].end_s <= reading.duration_s
    assert StubReader().read(MEDIUM)[0].spans == reading.spans
    assert len(signal) == 1


def test_the_language_is_the_first_of_the_routed_ones() -> None:
    spans = StubReader().read(MEDIUM)[0].spans
    languages, _ = StubListener(None, ("ko", "en"), 1).detect(np.zeros(1, np.float32), spans)
    assert {each.language for each in languages} == {"ko"}
    assert len(languages) == 100


def test_every_piece_gets_a_row_of_finite_logits() -> None:
    scored = StubScorer("auto").logits(sleeping_route(10.0), [Piece(0, 0, 16_000)] * 5)
    assert scored.logits.shape == (5, len(LABELS))
    assert np.isfinite(scored.logits).all()
    assert scored.spec.precision == "fp32"


def test_a_sleeper_takes_as_long_as_the_model_of_its_route() -> None:
    route = sleeping_route(40.0)
    assert speed_of(route) == pytest.approx(40.0)
    started = time.perf_counter()
    # Two segments of 2 s at 40 seconds of speech a second: 0.1 s.
    SleepingScorer().logits(route, [Piece(0, 0, 32_000)] * 2)
    assert time.perf_counter() - started >= 0.1
