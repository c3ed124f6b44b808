"""Speech from espeak-ng: one sentence, one voice, one prosody at a time.

Owns the binding to the shared library that the package `espeakng_loader` carries. It knows nothing of emotions (see
prosody.py) and nothing of files (see mediafiles.py). espeak-ng keeps global state, so a process holds one `Espeak`.
"""

import ctypes
import zlib
from pathlib import Path

import espeakng_loader
import numpy as np

_SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: call back with the samples, play nothing
_UTF8 = 1
_RATE, _VOLUME, _PITCH, _RANGE, _WORD_GAP = 1, 2, 3, 4, 7  # espeak_PARAMETER
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """The library, started once.

    Attributes:
        sampling_rate: Hz of everything that `say` returns (22,050).
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(Path(espeakng_loader.get_data_path())).encode()
        self.sampling_rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        if self.sampling_rate <= 0:
            raise RuntimeError(f"espeak-ng did not start with its data in {data.decode()}")
        self._pieces: list[np.ndarray] = []
        self._callback = _CALLBACK(self._collect)  # kept: the library holds a bare pointer to it
        self._library.espeak_SetSynthCallback(self._callback)

    def say(
        self, text: str, voice: str, *, rate: int = 165, pitch: int = 50, pitch_range: int = 50, word_gap: int = 0
    ) -> np.ndarray:
        """Speak one sentence.

        Args:
            text: the sentence, with its punctuation (which steers the intonation).
            voice: language and variant, such as "en-us+f3".
            rate: words a minute, 80 to 450.
            pitch: 0 to 99; 50 is the voice's own.
            pitch_range: 0 (monotone) to 99; 50 is the voice's own.
            word_gap: extra pause between words, in units of 10 ms.

        Returns:
            float32 mono signal in [-1, 1] at `sampling_rate`, without the silence around it.

        Raises:
            ValueError: espeak-ng has no such voice.
        """
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        for parameter, value in ((_RATE, rate), (_VOLUME, 80), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, int(value), 0)
        self._library.espeak_SetParameter(_WORD_GAP, int(word_gap), 0)
        self._pieces.clear()
        encoded = text.encode()
        # Some voices breathe, by the library's own random numbers, which it seeds with the time of day.
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(zlib.crc32(encoded)))
        self._library.espeak_Synth(encoded, ctypes.c_size_t(len(encoded) + 1), 0, 0, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        return _without_edges(np.concatenate([np.zeros(0, np.int16), *self._pieces]).astype(np.float32) / 32768)

    def _collect(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0


def _without_edges(signal: np.ndarray, floor: float = 0.005) -> np.ndarray:
    """Cut what is quieter than `floor` before the first and after the last sound."""
    loud = np.flatnonzero(np.abs(signal) > floor)
    return signal[loud[0] : loud[-1] + 1] if loud.size else signal[:0]
