"""Generated speech: a speech detector must take it for speech, and the same seed must give the same samples."""

import numpy as np
import pytest

from actors.contract import SAMPLING_RATE
from actors.decode import decode
from actors.options import ReadOptions, SegmentOptions
from actors.segment import Segmenter
from tasks.bench.audio import speech, write_mp3

pytestmark = pytest.mark.slow

SECONDS = 60.0


@pytest.fixture(scope="module")
def signal():
    return speech(SECONDS, np.random.default_rng(0))


@pytest.mark.parametrize("seed", [0, 1, 11])
def test_silero_finds_segments_of_several_seconds_with_pauses_between_them(seed) -> None:
    spans = Segmenter(SegmentOptions()).segment(speech(120.0, np.random.default_rng(seed)))
    assert 0.35 * 120 < sum(span.duration_s for span in spans) < 0.85 * 120
    assert len(spans) >= 8
    assert np.median([span.duration_s for span in spans]) > 2


def test_it_is_as_long_as_asked_and_never_clips(signal) -> None:
    assert signal.dtype == np.float32
    assert signal.shape == (round(SECONDS * SAMPLING_RATE),)
    assert 0.1 < np.abs(signal).max() < 1


def test_the_same_seed_gives_the_same_samples_and_another_one_others() -> None:
    first, again, other = (speech(3.0, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_mp3_of_it_reads_back_as_the_same_sound(signal, tmp_path) -> None:
    write_mp3(signal[: 10 * SAMPLING_RATE], tmp_path / "it.mp3")
    with (tmp_path / "it.mp3").open("rb") as file:
        decoded = decode(file, ReadOptions())
    assert decoded.duration_s == pytest.approx(10, abs=0.1)
    assert decoded.flags == ()
    samples = min(len(decoded.signal), 10 * SAMPLING_RATE)
    assert np.corrcoef(decoded.signal[:samples], signal[:samples])[0, 1] > 0.95
