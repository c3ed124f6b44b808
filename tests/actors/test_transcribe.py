"""actors/transcribe.py: the plumbing on a tiny Whisper with random weights, and the rules on what is invented.

How well a real Whisper writes down speech cannot be tested without its weights; what it is given and what is made of
its answer can.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from actors.contract import SAMPLING_RATE
from actors.texts import TextFault, TextFlag
from actors.transcribe import Transcriber, load_transcriber, why_left_out
from infra.errors import WeightsAbsentError
from tests.support.media import speech_like

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Exception ignored in.*tiktoken:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Whisper of one small layer that stops after a few tokens, in openai-whisper's own format."""
    from whisper.model import ModelDimensions, Whisper

    dimensions = ModelDimensions(80, 1_500, 32, 2, 1, 51_865, 16, 32, 2, 1)
    generator = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(tensor.shape, generator=generator) * 0.3
        for name, tensor in Whisper(dimensions).state_dict().items()
    }
    file = tmp_path_factory.mktemp("whisper") / "tiny-random.pt"
    torch.save({"dims": dataclasses.asdict(dimensions), "model_state_dict": state}, file)
    return file


@pytest.fixture(scope="module")
def transcriber(path: Path) -> Transcriber:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load_transcriber(str(path))
    torch.set_num_threads(before)


def speech(seconds: float, seed: int = 0) -> np.ndarray:
    return speech_like(seconds, np.random.default_rng(seed))


def test_a_transcript_is_whispers_own_greedy_one(path: Path, transcriber: Transcriber) -> None:
    import whisper

    reference = whisper.load_model(str(path), device="cpu")
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(speech(3)))
    options = whisper.DecodingOptions(language="en", temperature=0.0, without_timestamps=True, fp16=False)
    expected = whisper.decode(reference, mel, options)
    (found,) = transcriber.transcribe([speech(3)], "en")
    assert why_left_out(expected.no_speech_prob, expected.avg_logprob, expected.compression_ratio) is None
    assert found.text == " ".join(expected.text.split())
    assert found.text


def test_words_have_times_in_order_within_the_signal(transcriber: Transcriber) -> None:
    (found,) = transcriber.transcribe([speech(3)], "en")
    assert found.words is not None
    assert "".join(word.word for word in found.words) == "".join((found.text or "").split())
    times = [time for word in found.words for time in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= 3


def test_words_are_timed_as_whisper_times_them(path: Path, transcriber: Transcriber) -> None:
    import whisper
    from whisper.timing import find_alignment, merge_punctuations
    from whisper.tokenizer import get_tokenizer

    reference = whisper.load_model(str(path), device="cpu")
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(speech(3)))
    options = whisper.DecodingOptions(language="en", temperature=0.0, without_timestamps=True, fp16=False)
    tokens = whisper.decode(reference, mel, options).tokens
    tokenizer = get_tokenizer(True, num_languages=99, language="en", task="transcribe")
    expected = find_alignment(reference, tokenizer, tokens, mel, 300)
    merge_punctuations(expected, "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、")
    (found,) = transcriber.transcribe([speech(3)], "en")
    assert [(word.start_s, word.end_s) for word in found.words or ()] == [
        (min(each.start, 3.0), min(each.end, 3.0)) for each in expected if each.word.strip()
    ]


def test_a_transcript_does_not_depend_on_what_else_is_transcribed(transcriber: Transcriber) -> None:
    signals = [speech(0.5 + 0.25 * seed, seed) for seed in range(9)]  # more than go together in one pass
    together = transcriber.transcribe(signals, "ko")
    for number in (1, 8):
        assert together[number].text == transcriber.transcribe([signals[number]], "ko")[0].text
    assert len({each.text for each in together}) > 1


def test_the_language_is_told_to_whisper(transcriber: Transcriber) -> None:
    texts = {transcriber.transcribe([speech(3)], language)[0].text for language in ("en", "ko", "ja")}
    assert len(texts) > 1


def test_a_language_that_nobody_knows_is_told_by_whisper_itself(path: Path, transcriber: Transcriber) -> None:
    import whisper

    reference = whisper.load_model(str(path), device="cpu")
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(speech(3)))
    _, mass = whisper.detect_language(reference, mel)
    (found,) = transcriber.transcribe([speech(3)], "")
    assert found == transcriber.transcribe([speech(3)], max(mass, key=mass.__getitem__))[0]


def test_what_is_longer_than_whisper_hears_is_heard_in_parts(transcriber: Transcriber) -> None:
    long = speech(45)
    halves = transcriber.transcribe([long[: len(long) // 2], long[len(long) // 2 :]], "en")
    (found,) = transcriber.transcribe([long], "en")
    assert found.text == " ".join(half.text or "" for half in halves)
    assert found.words is not None
    later = [word.start_s - 22.5 for word in found.words[len(halves[0].words or ()) :]]
    assert later == pytest.approx([word.start_s for word in halves[1].words or ()])


def test_a_signal_too_short_for_a_word_has_no_text(transcriber: Transcriber) -> None:
    empty, short, whole = transcriber.transcribe([np.zeros(0, np.float32), speech(0.05), speech(2)], "en")
    assert (empty.text, short.text) == (None, None)
    assert whole.text
    assert transcriber.transcribe([], "en") == []


def test_a_language_that_whisper_does_not_know_is_a_fault(transcriber: Transcriber) -> None:
    with pytest.raises(TextFault, match="no language 'tlh'"):
        transcriber.transcribe([speech(1)], "tlh")


def test_absent_weights_are_told_as_the_detectors_are() -> None:
    with pytest.raises(WeightsAbsentError, match=r"absent\.pt"):
        load_transcriber("absent.pt")


@pytest.mark.parametrize(
    ("no_speech", "mean_log_probability", "compression", "flag"),
    [
        (0.1, -0.3, 1.5, None),
        (0.9, -1.5, 1.5, TextFlag.NO_SPEECH),
        (0.9, -0.3, 1.5, None),  # sure of its words: there is speech in the noise
        (0.1, -1.5, 1.5, None),
        (0.1, -0.3, 2.5, TextFlag.REPETITIVE),
        (0.9, -1.5, 2.5, TextFlag.NO_SPEECH),
    ],
)
def test_what_whisper_invents_is_left_out_and_what_it_is_unsure_of_is_not(
    no_speech: float, mean_log_probability: float, compression: float, flag: TextFlag | None
) -> None:
    assert why_left_out(no_speech, mean_log_probability, compression) is flag


def test_a_transcript_that_is_left_out_says_why(path: Path) -> None:
    from whisper.decoding import DecodingResult

    transcriber = load_transcriber(str(path))
    stuck = DecodingResult(
        torch.zeros(1), "en", text="no " * 99, avg_logprob=-0.1, no_speech_prob=0.0, compression_ratio=9.0
    )
    transcriber._model.decode = lambda features, options: [stuck] * len(features)  # type: ignore[assignment,misc]
    (found,) = transcriber.transcribe([np.zeros(2 * SAMPLING_RATE, np.float32)], "en")
    assert (found.text, found.words, found.flags) == (None, None, (TextFlag.REPETITIVE,))
