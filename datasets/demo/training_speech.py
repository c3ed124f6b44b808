"""Training speech: utterances of the training voices and sentences, worn by what real media pass through."""

from collections.abc import Iterator

import mediafiles
import numpy as np
from cast import training_sentences, training_voices
from emotions import EMOTIONS
from mediafiles import SAMPLING_RATE, Format, resample
from prosody import Speaker, perform
from speech import Espeak

_PACES = (20_750, 22_050, 23_400)  # Hz; read as if spoken at these, a voice of 22,050 Hz is three voices
_WORN_BY = (
    Format("mp3", "libmp3lame", 22_050, bit_rate=32_000),
    Format("opus", "libopus", 48_000, bit_rate=14_000),
    Format("opus", "libopus", 48_000, bit_rate=24_000),
    Format("m4a", "aac", 44_100, bit_rate=48_000),
)


def utterances(espeak: Espeak, language: str, count: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, str]]:
    """Speak `count` utterances, the emotions in turn, voice and sentence at random.

    Yields:
        a float32 mono signal at 16 kHz without channel or noise, and its emotion.
    """
    voices, sentences = training_voices(language), training_sentences(language)
    for number in range(count):
        speaker = Speaker("training", str(rng.choice(voices)), rng.uniform(-4, 4), rng.uniform(0.9, 1.15))
        emotion = EMOTIONS[number % len(EMOTIONS)]
        signal = perform(espeak, speaker, str(rng.choice(sentences)), emotion, rng)
        yield resample(signal, int(rng.choice(_PACES)), SAMPLING_RATE), emotion


def worn(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A 16 kHz signal after a channel (half: none, telephone, or a codec), some noise, and a change of gain."""
    channel = rng.random()
    if channel < 0.25:
        signal = resample(resample(signal, SAMPLING_RATE, 8_000), 8_000, SAMPLING_RATE)
    elif channel < 0.5:
        signal = mediafiles.through(signal, _WORN_BY[rng.integers(len(_WORN_BY))])
    noise = 10 ** rng.uniform(-5.0, -2.3) * rng.normal(size=signal.size)
    return ((signal + noise) * rng.uniform(0.1, 1.3)).clip(-1, 1).astype(np.float32)


def with_margins(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Silence of up to 0.4 s put before and after, or up to 0.1 s cut away, as a segmenter might."""
    for _ in range(2):  # one end, then the other
        margin = round(rng.uniform(-0.1, 0.4) * SAMPLING_RATE)
        signal = signal[-margin:] if margin < 0 else np.concatenate([np.zeros(margin, np.float32), signal])
        signal = signal[::-1]
    return np.ascontiguousarray(signal)
