"""What is said in a segment: openai-whisper's transcript, greedy and without memory, with the time of each word.

Owns the call of Whisper and the rules by which an invented text is left out. Which segments are transcribed is decided
in actors/text_sources.py; loading Whisper is actors/language.py's part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from actors.contract import SAMPLING_RATE, Signal
from actors.language import WINDOW_S, load_whisper
from actors.texts import Found, TextFault, TextFlag, Word

if TYPE_CHECKING:
    from whisper.decoding import DecodingResult
    from whisper.model import Whisper

MAX_NO_SPEECH = 0.6
MIN_MEAN_LOG_PROBABILITY = -1.0
"""Above the one and below the other there is no speech. openai-whisper's own limits, as is the next."""
MAX_COMPRESSION = 2.4
"""A text that zlib shortens more than so many times says the same thing over and over."""

_AT_ONCE = 8
"""Segments in one pass: Whisper pads each of them to 30 s."""

_SHORTEST_S = 0.1
_HOP = 160  # samples of one frame of Whisper's spectrogram
_BEFORE_A_WORD = "\"'“¿([{-"
_BEHIND_A_WORD = "\"'.。,，!！?？:：”)]}、"


@dataclass(frozen=True)
class _Part:
    """A stretch of at most `WINDOW_S` of a signal."""

    number: int
    offset_s: float
    signal: Signal


class Transcriber:
    """A loaded Whisper that writes down what it hears."""

    def __init__(self, model: "Whisper") -> None:
        self._model = model
        self._half = model.device.type == "cuda"

    def transcribe(self, signals: Sequence[Signal], language: str) -> list[Found]:
        """Write down what is said in each signal; nothing is carried from one to the next.

        Args:
            signals: float32 mono at 16 kHz, each of shape (samples,); one longer than 30 s is heard in equal parts.
            language: Whisper's code of the language that is spoken; "": Whisper tells it of each signal.

        Returns:
            One for each signal, in order; words in seconds from its start.

        Raises:
            TextFault: Whisper knows no such language.
        """
        from whisper.tokenizer import LANGUAGES

        if language and language not in LANGUAGES:
            raise TextFault(f"Whisper knows no language {language!r}: it takes codes as en, ko, ja, zh")
        parts = [part for number, signal in enumerate(signals) for part in _parts(number, signal)]
        heard: list[list[Found]] = [[] for _ in signals]
        for first in range(0, len(parts), _AT_ONCE):
            batch = parts[first : first + _AT_ONCE]
            for part, found in zip(batch, self._hear(batch, language), strict=True):
                heard[part.number].append(found)
        return [_joined(each) for each in heard]

    @torch.inference_mode()
    def _hear(self, parts: Sequence[_Part], language: str) -> list[Found]:
        from whisper.decoding import DecodingOptions

        features = self._model.embed_audio(torch.stack([self._spectrogram(part.signal) for part in parts]))
        told = language or (None if self._model.is_multilingual else "en")
        options = DecodingOptions(language=told, temperature=0.0, without_timestamps=True, fp16=self._half)
        results: Any = self._model.decode(features, options)
        return [
            self._found(part, result, each, result.language)
            for part, result, each in zip(parts, results, features, strict=True)
        ]

    def _spectrogram(self, signal: Signal) -> torch.Tensor:
        from whisper.audio import log_mel_spectrogram, pad_or_trim

        padded = pad_or_trim(torch.from_numpy(np.ascontiguousarray(signal, dtype=np.float32)))
        spectrogram: torch.Tensor = log_mel_spectrogram(padded, self._model.dims.n_mels, device=self._model.device)
        return spectrogram.half() if self._half else spectrogram

    def _found(self, part: _Part, result: "DecodingResult", features: torch.Tensor, language: str) -> Found:
        if invented := why_left_out(result.no_speech_prob, result.avg_logprob, result.compression_ratio):
            return Found(None, flags=(invented,))
        text = " ".join(result.text.split())
        return Found(text, self._words(part, result.tokens, features, language)) if text else Found(None)

    def _words(self, part: _Part, tokens: Sequence[int], features: torch.Tensor, language: str) -> tuple[Word, ...]:
        from whisper.timing import find_alignment, merge_punctuations
        from whisper.tokenizer import get_tokenizer

        tokenizer = get_tokenizer(True, num_languages=self._model.num_languages, language=language, task="transcribe")
        text = [token for token in tokens if token < tokenizer.eot]
        encoded: Any = _Encoded(self._model)
        timings = find_alignment(encoded, tokenizer, text, features, len(part.signal) // _HOP)
        merge_punctuations(timings, _BEFORE_A_WORD, _BEHIND_A_WORD)
        longest_s = len(part.signal) / SAMPLING_RATE
        return tuple(
            Word(
                timing.word.strip(),
                part.offset_s + min(float(timing.start), longest_s),
                part.offset_s + min(float(timing.end), longest_s),
            )
            for timing in timings
            if timing.word.strip()
        )


def load_transcriber(model: str) -> Transcriber:
    """Load Whisper for transcribing, on CUDA where there is one. Raises as `actors.language.load_detector` does."""
    import whisper

    loaded, _ = load_whisper(model)
    if heads := whisper._ALIGNMENT_HEADS.get(model):
        loaded.set_alignment_heads(heads)  # which heads follow the sound is known of the published models
    return Transcriber(loaded)


def why_left_out(no_speech: float, mean_log_probability: float, compression: float) -> TextFlag | None:
    """Why a transcript is Whisper's own invention, or None.

    Args:
        no_speech: Whisper's probability that there is no speech.
        mean_log_probability: Of its tokens, in nats.
        compression: How many times zlib shortens the text.
    """
    if no_speech > MAX_NO_SPEECH and mean_log_probability < MIN_MEAN_LOG_PROBABILITY:
        return TextFlag.NO_SPEECH
    return TextFlag.REPETITIVE if compression > MAX_COMPRESSION else None


class _Encoded:
    """The model as `find_alignment` uses it, given what the encoder made already: half of the work is saved."""

    def __init__(self, model: "Whisper") -> None:
        self._model = model
        self.dims, self.decoder, self.device = model.dims, model.decoder, model.device
        self.alignment_heads = model.alignment_heads

    def __call__(self, features: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model.logits(tokens, features)
        return logits


def _parts(number: int, signal: Signal) -> list[_Part]:
    """A signal in as few equal parts as Whisper needs; none of one that is too short to hold a word."""
    if len(signal) < _SHORTEST_S * SAMPLING_RATE:
        return []
    pieces = np.array_split(signal, -(-len(signal) // int(WINDOW_S * SAMPLING_RATE)))
    offsets = np.cumsum([0, *map(len, pieces[:-1])]) / SAMPLING_RATE
    return [_Part(number, float(offset), piece) for offset, piece in zip(offsets, pieces, strict=True)]


def _joined(parts: Sequence[Found]) -> Found:
    """The transcript of a signal from those of its parts; what was left out of one part is said, and the rest kept."""
    texts = [part.text for part in parts if part.text]
    words = tuple(word for part in parts for word in part.words or ())
    flags = tuple(dict.fromkeys(flag for part in parts for flag in part.flags))
    return Found(" ".join(texts), words or None, flags) if texts else Found(None, None, flags)
