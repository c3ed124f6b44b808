"""How each of the seven emotions sounds in this corpus: a table of prosody, and the effects that it names.

The words never carry the emotion: every emotion draws from one pool of sentences. An utterance is spoken somewhere
between neutral and its emotion (its strength), and every figure is jittered, so neighbours overlap as they do in life.
"""

from dataclasses import dataclass, fields

import numpy as np
from speech import Espeak


@dataclass(frozen=True)
class Prosody:
    """One way to speak; the effects at 0 do nothing.

    Attributes:
        pitch: espeak-ng pitch, 0 to 99, added to what the speaker has.
        pitch_range: espeak-ng pitch range, 0 (monotone) to 99.
        rate: words a minute.
        word_gap: pause between words, in 10 ms.
        tilt: dB added per octave above 500 Hz (bright above 0, dull below).
        tremor: depth of a slow wobble in loudness and pitch, 0 to 1.
        creak: depth of a fast roughness in loudness, 0 to 1.
        drive: how hard the voice is pressed into saturation, from 0.
        breath: noise that follows the loudness, 0 to 1.
        final_rise: upward bend of the pitch towards the end, in semitones.
    """

    pitch: float
    pitch_range: float
    rate: float
    word_gap: float = 0.0
    tilt: float = 0.0
    tremor: float = 0.0
    creak: float = 0.0
    drive: float = 0.0
    breath: float = 0.0
    final_rise: float = 0.0


#                     pitch range  rate  gap  tilt  tremor creak drive breath rise
RECIPES = {
    "neutral":  Prosody(46,   45,  165, 0.0,  0.0,  0.00, 0.00, 0.0,  0.00,  0.0),
    "happy":    Prosody(66,   99,  180, 0.0,  1.5,  0.00, 0.00, 0.0,  0.00,  2.5),
    "sad":      Prosody(36,   15,  130, 2.5, -6.0,  0.12, 0.00, 0.0,  0.25, -1.5),
    "angry":    Prosody(44,   72,  222, 0.0,  5.0,  0.00, 0.20, 4.0,  0.00,  0.0),
    "fear":     Prosody(72,   25,  215, 0.5, -1.0,  0.75, 0.00, 0.0,  0.35,  0.5),
    "surprise": Prosody(82,   90,  145, 0.0,  0.5,  0.00, 0.00, 0.0,  0.20,  7.5),
    "disgust":  Prosody(28,   66,  112, 1.0,  2.0,  0.00, 0.75, 1.5,  0.00, -5.0),
}  # fmt: skip

#                     pitch range  rate  gap  tilt  tremor creak drive breath rise   (standard deviations)
JITTER = Prosody(      5.0,  8.0,  12.0, 0.5,  1.0,  0.06, 0.06, 0.3,  0.06,  0.7)  # fmt: skip


@dataclass(frozen=True)
class Speaker:
    """A voice of espeak-ng and its own pitch and pace, apart from any emotion."""

    name: str
    voice: str
    pitch: float = 0.0
    rate: float = 1.0


def perform(espeak: Espeak, speaker: Speaker, text: str, emotion: str, rng: np.random.Generator) -> np.ndarray:
    """Speak one sentence with one emotion.

    Returns:
        float32 mono signal at `espeak.sampling_rate`, its peak at 0.7.
    """
    prosody = _drawn(emotion, rng)
    signal = espeak.say(
        text,
        speaker.voice,
        rate=round(np.clip(prosody.rate * speaker.rate, 90, 320)),
        pitch=round(np.clip(prosody.pitch + speaker.pitch, 0, 99)),
        pitch_range=round(np.clip(prosody.pitch_range, 0, 99)),
        word_gap=round(max(prosody.word_gap, 0)),
    )
    return _with_effects(signal, espeak.sampling_rate, prosody, rng)


def _drawn(emotion: str, rng: np.random.Generator) -> Prosody:
    """A recipe at a random strength, jittered."""
    neutral, full, strength = RECIPES["neutral"], RECIPES[emotion], rng.uniform(0.75, 1.05)
    values = {}
    for field in fields(Prosody):
        base, target, spread = (getattr(prosody, field.name) for prosody in (neutral, full, JITTER))
        values[field.name] = base + strength * (target - base) + spread * rng.normal()
    return Prosody(**values)


def _with_effects(signal: np.ndarray, sampling_rate: int, prosody: Prosody, rng: np.random.Generator) -> np.ndarray:
    tremor_hz, creak_hz = rng.uniform(6.0, 8.5), rng.uniform(18.0, 26.0)
    signal = _bend(signal, sampling_rate, max(prosody.tremor, 0.0), tremor_hz, prosody.final_rise)
    time = np.arange(signal.size) / sampling_rate
    signal = signal * (1 - np.clip(prosody.tremor, 0, 0.8) * (0.5 + 0.5 * np.sin(2 * np.pi * tremor_hz * time)))
    signal = signal * (1 - np.clip(prosody.creak, 0, 0.8) * (0.5 + 0.5 * np.sin(2 * np.pi * creak_hz * time)))
    signal = _breathe(_tilt(signal, sampling_rate, prosody.tilt), sampling_rate, max(prosody.breath, 0.0), rng)
    drive = max(prosody.drive, 0.0)
    signal = np.tanh(drive * _at_peak(signal, 1.0)) if drive > 0.05 else signal
    return _at_peak(signal, 0.7).astype(np.float32)


def _bend(signal: np.ndarray, sampling_rate: int, tremor: float, tremor_hz: float, final_rise: float) -> np.ndarray:
    """Read the signal at a varying speed: a vibrato of up to half a semitone, and a glide over the last third."""
    time = np.arange(signal.size) / max(signal.size, 1)
    semitones = 0.8 * tremor * np.sin(2 * np.pi * tremor_hz * np.arange(signal.size) / sampling_rate)
    semitones += final_rise * np.clip((time - 0.65) / 0.35, 0, 1)
    position = np.cumsum(2 ** (semitones / 12))
    return np.interp(np.arange(0, position[-1]), position, signal) if signal.size else signal


def _tilt(signal: np.ndarray, sampling_rate: int, decibels_per_octave: float) -> np.ndarray:
    """Brighten or dull everything above 500 Hz."""
    spectrum = np.fft.rfft(signal)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(signal.size, 1 / sampling_rate), 500.0) / 500.0)
    return np.fft.irfft(spectrum * 10 ** (decibels_per_octave * octaves / 20), signal.size)


def _breathe(signal: np.ndarray, sampling_rate: int, depth: float, rng: np.random.Generator) -> np.ndarray:
    """Add noise shaped by the loudness over 20 ms."""
    width = sampling_rate // 50
    envelope = np.convolve(np.abs(signal), np.ones(width) / width, "same")
    return signal + depth * envelope * rng.normal(size=signal.size)


def _at_peak(signal: np.ndarray, peak: float) -> np.ndarray:
    return signal * (peak / max(float(np.abs(signal).max(initial=0.0)), 1e-6))
