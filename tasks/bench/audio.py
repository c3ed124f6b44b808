"""Sound that a speech detector takes for speech: seeded, generated, nobody's voice.

Pulses of a gliding pitch through the formants of changing vowels, syllables with a hiss at their onset, phrases of 2 to
10 s with pauses between them. What it says means nothing; it has the rhythm, the spectrum and the cost of speech.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from actors.contract import SAMPLING_RATE, Signal

_Wave = npt.NDArray[np.float64]

_VOWELS = np.array(
    [(730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240), (660, 1720, 2410)]
)
"""First three formants of vowels in Hz: Peterson and Barney (1952), men."""

_BANDWIDTHS = (80.0, 110.0, 160.0)  # Hz, of the formants
_PITCHES = (110.0, 130.0, 190.0, 220.0)  # Hz
_SYLLABLE_S = (0.14, 0.30)
_PHRASE_S = (2.0, 10.0)
_PAUSE_S = (0.5, 8.0)
_ONSET = 900  # samples of hiss at most
_HISS = 0.02  # against a voice of 1; far louder, and silero-vad hears no speech
_ROOM = 0.0003  # noise throughout


def speech(seconds: float, rng: np.random.Generator) -> Signal:
    """Phrases and pauses.

    Returns:
        float32 mono at 16 kHz in [-1, 1], shape (round(seconds · 16000),).
    """
    wave = rng.normal(scale=_ROOM, size=_samples(seconds))
    at = _samples(_PAUSE_S[0])
    while at < len(wave) - _samples(_SYLLABLE_S[1]):
        voice = _phrase(min(_samples(rng.uniform(*_PHRASE_S)), len(wave) - at), rng)
        wave[at : at + len(voice)] += rng.uniform(0.15, 0.3) * voice
        at += len(voice) + _samples(rng.uniform(*_PAUSE_S))
    return wave.astype(np.float32)


def write_mp3(signal: Signal, path: Path, *, rate: int = 44_100) -> None:
    """Write a signal as a stereo MP3 of 128 kbit/s at `rate` Hz: what a podcast archive holds."""
    with av.open(str(path), "w", format="mp3") as file:
        track: Any = file.add_stream("libmp3lame", rate=rate, layout="stereo")
        track.bit_rate = 128_000
        for frame in _frames(signal, track):
            file.mux(track.encode(frame))
        file.mux(track.encode(None))


def _frames(signal: Signal, track: Any) -> Iterator[av.AudioFrame]:
    """The signal as the encoder wants it: its rate, its layout, its frame size."""
    convert = av.AudioResampler(track.format.name, track.layout.name, track.rate, frame_size=track.frame_size)
    for start in range(0, len(signal), SAMPLING_RATE):
        frame = av.AudioFrame.from_ndarray(signal[None, start : start + SAMPLING_RATE], format="flt", layout="mono")
        frame.rate = SAMPLING_RATE
        yield from convert.resample(frame)
    yield from convert.resample(None)


def _phrase(samples: int, rng: np.random.Generator) -> _Wave:
    """Syllables one after the other, in one breath."""
    source = _pulses(samples, rng.choice(_PITCHES), rng)
    voice = np.zeros(samples)
    at = 0
    while at < samples:
        piece = source[at : at + _samples(rng.uniform(*_SYLLABLE_S))]
        voice[at : at + len(piece)] = _syllable(piece, rng)
        at += len(piece)
    return voice


def _pulses(samples: int, pitch: float, rng: np.random.Generator) -> _Wave:
    """Glottal pulses of a pitch (Hz) that rises, falls and sinks towards the end, with a little breath.

    Their spectrum falls by 6 dB an octave, as a voice's does at the lips.
    """
    time = np.arange(samples) / SAMPLING_RATE
    glide = 0.15 * np.sin(2 * np.pi * rng.uniform(0.3, 0.7) * time + rng.uniform(0, 2 * np.pi))
    wander = 0.15 * lfilter([0.002], [1, -0.998], rng.normal(size=samples))
    turns = np.cumsum(pitch * (1 + glide + wander - 0.1 * np.linspace(0, 1, samples))) / SAMPLING_RATE
    voice = lfilter([1.0], [1.0, -0.9], np.diff(np.floor(turns), prepend=0.0))
    return np.asarray(voice + rng.normal(scale=0.02, size=samples), dtype=np.float64)


def _syllable(source: _Wave, rng: np.random.Generator) -> _Wave:
    """A vowel that swells and fades, behind a hiss. Its peak is about 1."""
    voice = source
    formants = _VOWELS[rng.integers(len(_VOWELS))] * rng.uniform(0.95, 1.08)
    for formant, bandwidth in zip(formants, _BANDWIDTHS, strict=True):
        voice = _resonator(voice, formant, bandwidth)
    swell = np.sin(np.linspace(0, np.pi, len(voice))) ** 0.6
    voice *= swell / (np.abs(voice).max() + 1e-9)
    onset = min(len(voice) // 5, _ONSET)
    voice[:onset] += _HISS * rng.random() * np.diff(rng.normal(size=onset + 1)) * np.hanning(onset)
    return voice


def _resonator(wave: _Wave, frequency: float, bandwidth: float) -> _Wave:
    """A second-order resonance of unit gain at 0 Hz (Klatt 1980)."""
    radius = np.exp(-np.pi * bandwidth / SAMPLING_RATE)
    poles = [1.0, -2 * radius * np.cos(2 * np.pi * frequency / SAMPLING_RATE), radius**2]
    filtered: _Wave = lfilter([sum(poles)], poles, wave)
    return filtered


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLING_RATE)
