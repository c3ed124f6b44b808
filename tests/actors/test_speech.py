import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from actors.speech import SpeechDetector
from tests.support.media import speech_like


@pytest.fixture(scope="module")
def detector() -> SpeechDetector:
    return SpeechDetector()


@pytest.fixture(autouse=True)
def _one_thread():
    """The reference's products are so small that more threads only wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def reference(signal: np.ndarray) -> np.ndarray:
    """silero-vad's own model, one frame a call."""
    folder = importlib.util.find_spec("silero_vad").submodule_search_locations[0]
    model = torch.jit.load(Path(folder) / "data" / "silero_vad.jit")
    model.reset_states()
    frames = np.pad(signal, (0, -len(signal) % 512)).reshape(-1, 512)
    with torch.inference_mode():
        return np.array([model(torch.from_numpy(frame), 16_000).item() for frame in frames], dtype=np.float32)


def signals() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    speech = speech_like(36, rng)  # more than one block
    return {
        "speech": speech,
        "loud": np.clip(speech * 50, -1, 1),
        "silence": np.zeros(16_000, dtype=np.float32),
        "noise": rng.normal(scale=0.1, size=80_001).astype(np.float32),
        "quiet": speech[:80_000] * np.float32(1e-3),
        "one sample": np.ones(1, dtype=np.float32),
        "one frame": speech[:512],
    }


@pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", list(signals()))
def test_the_probabilities_are_those_of_silero_vads_own_model(name, detector):
    signal = signals()[name]
    assert np.abs(detector.probabilities(signal) - reference(signal)).max() < 1e-5


def test_speech_like_sound_is_told_from_noise(detector):
    # Otherwise the comparison with the reference would say little.
    probabilities = detector.probabilities(signals()["speech"])
    assert probabilities.max() > 0.5
    assert probabilities.min() < 0.1


def test_there_is_one_probability_for_each_begun_frame_and_none_for_an_empty_signal(detector):
    assert detector.probabilities(np.zeros(513, dtype=np.float32)).shape == (2,)
    assert detector.probabilities(np.zeros(0, dtype=np.float32)).shape == (0,)


def test_a_call_does_not_remember_the_one_before(detector):
    signal = signals()["speech"][:100_000]
    first = detector.probabilities(signal)
    assert np.array_equal(detector.probabilities(signal), first)


def test_loading_leaves_the_number_of_threads_alone():
    torch.set_num_threads(2)
    SpeechDetector()
    assert torch.get_num_threads() == 2
