import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from actors.contract import Flag, Language, Span
from actors.language import WhisperDetector, decide, load_detector, speech_windows
from actors.options import LanguageOptions
from infra.errors import CheckpointError, ConfigError, WeightsAbsentError
from tests.support.media import speech_like

RATE = 16_000
EN, KO, JA = 0, 1, 2
LANGUAGES = ("en", "ko", "ja")


def checkpoint(vocabulary: int = 51_865) -> dict[str, object]:
    """A tiny Whisper with random weights, in openai-whisper's own format."""
    from whisper.model import ModelDimensions, Whisper

    dimensions = ModelDimensions(80, 1_500, 32, 2, 1, vocabulary, 448, 32, 2, 1)
    generator = torch.Generator().manual_seed(0)
    state = {
        # decoder.positional_embedding is uninitialised memory in a new Whisper
        name: torch.randn(tensor.shape, generator=generator) * 0.3
        for name, tensor in Whisper(dimensions).state_dict().items()
    }
    return {"dims": dataclasses.asdict(dimensions), "model_state_dict": state}


def save(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return save(checkpoint(), tmp_path_factory.mktemp("whisper") / "tiny-random.pt")


@pytest.fixture(scope="module")
def detector(path) -> WhisperDetector:
    return load_detector(str(path), device="cpu")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def signals() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [speech_like(3, rng), np.zeros(RATE, dtype=np.float32), speech_like(31, rng, loudness=0.6)]


# --- loading and listening ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Exception ignored in.*tiktoken:pytest.PytestUnraisableExceptionWarning")
def test_the_masses_are_those_of_whispers_own_detection(path, detector):
    import whisper

    reference = whisper.load_model(str(path), device="cpu")
    masses = detector.probabilities(signals())
    for row, signal in zip(masses, signals(), strict=True):
        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(signal))
        _, expected = whisper.detect_language(reference, mel)
        assert set(expected) == set(detector.languages)
        assert np.abs(row - [expected[language] for language in detector.languages]).max() < 1e-5
    assert masses.max() > 3 / 99  # random weights, yet no flat answer


def test_a_row_does_not_depend_on_the_other_signals(detector):
    alone = np.concatenate([detector.probabilities([signal]) for signal in signals()])
    assert np.abs(detector.probabilities(signals()) - alone).max() < 1e-5
    assert np.abs(alone[0] - alone[2]).max() > 1e-3


def test_masses_sum_to_one_and_nothing_in_is_nothing_out(detector):
    masses = detector.probabilities(signals())
    assert masses.dtype == np.float32
    assert masses.shape == (3, 99)
    assert masses.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert detector.probabilities([]).shape == (0, 99)


def test_the_detector_knows_the_hash_of_its_weights(path, detector):
    assert detector.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_newer_vocabulary_has_one_language_more(tmp_path):
    detector = load_detector(str(save(checkpoint(51_866), tmp_path / "newer.pt")), device="cpu")
    assert detector.languages[-1] == "yue"
    assert len(detector.languages) == 100


def test_a_name_whose_weights_are_absent_says_what_to_do(tmp_path):
    with pytest.raises(WeightsAbsentError) as caught:
        load_detector("base", folder=tmp_path)
    for words in ("'base'", str(tmp_path / "base.pt"), "seraph models pull base", "--config demo"):
        assert words in str(caught.value)


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(WeightsAbsentError, match=r"nowhere\.pt"):
        load_detector(str(tmp_path / "nowhere.pt"))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"'bsae'.*tiny.*large-v3"):
        load_detector("bsae")


def test_a_named_checkpoint_with_other_bytes_is_refused(tmp_path):
    save(checkpoint(), tmp_path / "tiny.pt")
    with pytest.raises(CheckpointError, match="SHA-256"):
        load_detector("tiny", folder=tmp_path)


def test_an_english_only_checkpoint_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="English only"):
        load_detector(str(save(checkpoint(51_864), tmp_path / "english.pt")))


def test_a_checkpoint_of_another_layout_is_refused(tmp_path):
    lacking = checkpoint()
    del lacking["model_state_dict"]["decoder.ln.weight"]
    for name, content in {"lacking": lacking, "other": {"weights": torch.zeros(1)}, "list": [1, 2]}.items():
        with pytest.raises(CheckpointError, match=name):
            load_detector(str(save(content, tmp_path / f"{name}.pt")))


def test_bytes_that_are_no_checkpoint_are_refused(tmp_path):
    for content in (b"", b"no checkpoint", np.random.default_rng(0).bytes(10_000)):
        (tmp_path / "bytes.pt").write_bytes(content)
        with pytest.raises(CheckpointError, match=r"bytes\.pt"):
            load_detector(str(tmp_path / "bytes.pt"))


class _Runs:
    """Pickles to a call of `exec`."""

    def __reduce__(self):
        return exec, ("raise SystemExit('code in a checkpoint was run')",)


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    with pytest.raises(CheckpointError):
        load_detector(str(save({"dims": _Runs()}, tmp_path / "hostile.pt")))


# --- windows of speech -------------------------------------------------------------------------------------------


def ramp(seconds: float) -> np.ndarray:
    """Every sample tells its own place."""
    return np.arange(round(seconds * RATE), dtype=np.float32)


def test_speech_shorter_than_a_window_is_heard_whole_and_once():
    heard = speech_windows(ramp(10), [Span(1, 2), Span(5, 7)], LanguageOptions())
    assert len(heard) == 1
    assert np.array_equal(heard[0], np.concatenate([ramp(10)[RATE : 2 * RATE], ramp(10)[5 * RATE : 7 * RATE]]))


def test_windows_lie_at_the_start_the_middle_and_the_end_of_long_speech():
    heard = speech_windows(ramp(1_000), [Span(0, 400), Span(500, 1_000)], LanguageOptions())
    assert [len(window) for window in heard] == [30 * RATE] * 3
    assert [window[0] / RATE for window in heard] == [0, 535, 970]


def test_a_window_runs_on_over_a_pause():
    window = speech_windows(ramp(100), [Span(0, 20), Span(60, 100)], LanguageOptions(windows=1))[0]
    assert window[20 * RATE - 1] == 20 * RATE - 1
    assert window[20 * RATE] == 60 * RATE


@pytest.mark.parametrize("seconds", [0.5, 29, 30, 31, 45, 61, 89, 90, 91, 400])
def test_windows_never_overlap_and_are_no_more_than_needed(seconds):
    options = LanguageOptions()
    heard = np.concatenate(windows := speech_windows(ramp(seconds), [Span(0, seconds)], options))
    assert len(np.unique(heard)) == len(heard)
    assert len(windows) == min(3, int(np.ceil(seconds / 30)))
    assert len(heard) >= min(seconds, 90) * RATE - 3


def test_without_speech_there_is_nothing_to_hear():
    assert speech_windows(ramp(10), [], LanguageOptions()) == []


# --- the decision ------------------------------------------------------------------------------------------------


def decided(*windows: tuple[float, float, float], routes=("en", "ko"), **options: float) -> Language:
    return decide(np.array(windows, dtype=np.float32), LANGUAGES, routes, LanguageOptions(**options))


def test_the_routed_language_with_the_greatest_average_mass_is_chosen():
    language = decided((0.9, 0.1, 0.0), (0.8, 0.1, 0.1))
    assert (language.language, language.top, language.flags) == ("en", "en", ())
    assert language.confidence == pytest.approx(0.85)
    # (0.85 − 0.1) / (0.85 + 0.1)
    assert language.margin == pytest.approx(0.75 / 0.95)


def test_japanese_never_passes_for_english():
    # Renormalised over the routes, English would have 0.67.
    language = decided((0.067, 0.033, 0.9))
    assert language.top == "ja"
    assert language.confidence == pytest.approx(0.067)
    assert language.margin == pytest.approx(0.34)
    assert language.flags == (Flag.UNROUTED_LANGUAGE,)


def test_an_unrouted_first_choice_without_the_mass_is_uncertain_instead():
    language = decided((0.3, 0.25, 0.45))
    assert (language.language, language.top) == ("en", "ja")
    assert language.flags == (Flag.UNCERTAIN_LANGUAGE,)
    assert decided((0.3, 0.25, 0.45), unrouted_mass=0.44).flags == (Flag.UNROUTED_LANGUAGE,)


def test_low_confidence_is_flagged():
    assert decided((0.45, 0.40, 0.15)).flags == (Flag.UNCERTAIN_LANGUAGE,)
    assert decided((0.45, 0.40, 0.15), min_confidence=0.4).flags == ()


def test_windows_that_disagree_make_the_medium_mixed():
    language = decided((0.9, 0.1, 0.0), (0.9, 0.1, 0.0), (0.1, 0.9, 0.0))
    assert (language.language, language.flags) == ("en", (Flag.MIXED_LANGUAGE,))


def test_an_unrouted_medium_whose_small_masses_disagree_is_not_mixed():
    assert decided((0.06, 0.04, 0.9), (0.04, 0.06, 0.9)).flags == (Flag.UNROUTED_LANGUAGE,)


def test_a_medium_of_which_one_window_is_unrouted_is_mixed():
    assert decided((0.9, 0.1, 0.0), (0.9, 0.1, 0.0), (0.05, 0.05, 0.9)).flags == (Flag.MIXED_LANGUAGE,)


def test_with_one_route_the_margin_is_one_and_the_confidence_still_raw():
    language = decided((0.2, 0.7, 0.1), routes=("en",))
    assert (language.language, language.margin, language.top) == ("en", 1.0, "ko")
    assert language.confidence == pytest.approx(0.2)
    assert language.flags == (Flag.UNROUTED_LANGUAGE,)


def test_without_any_routed_mass_nothing_is_divided_by_zero():
    assert decided((0.0, 0.0, 1.0)) == Language("en", 0.0, 0.0, "ja", (Flag.UNROUTED_LANGUAGE,))


def test_a_route_whisper_does_not_know_is_named():
    with pytest.raises(ConfigError, match="kr"):
        decided((0.9, 0.1, 0.0), routes=("en", "kr"))


def test_a_decision_needs_a_window_and_a_route():
    with pytest.raises(ValueError, match="0 windows"):
        decide(np.empty((0, 3), dtype=np.float32), LANGUAGES, ("en",), LanguageOptions())
    with pytest.raises(ValueError, match="0 routes"):
        decided((0.9, 0.1, 0.0), routes=())
