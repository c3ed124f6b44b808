"""The mixdown: decoded frames of any rate and layout become one growing mono signal on the medium's clock.

Owns resampling, downmixing, gaps and the bound on memory. Not here: containers, tracks and packets (actors/decode.py).
"""

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from actors.contract import SAMPLING_RATE, Signal

GAP_S = 0.1
"""Timestamps that differ from the samples heard by less are jitter, as for FFmpeg's aresample (min_hard_comp)."""

LEAP_S = 10.0
"""In a container whose clock may start anew, a longer leap is no pause, as for ffmpeg (dts_delta_threshold)."""

_BLOCK = 16_384
_FIRST_SAMPLES = 60 * SAMPLING_RATE
# FFmpeg's own matrices, which know what each channel of a layout is for; any other layout is averaged.
_KNOWN_LAYOUTS = frozenset(
    "mono stereo 2.1 3.0 3.0(back) 3.1 4.0 4.1 quad quad(side) 5.0 5.0(side) 5.1 5.1(side) 6.0 6.1 7.0 7.1".split()
)


class TooLongError(Exception):
    """The medium goes on beyond the limit."""


class Mixdown:
    """Collects frames into one signal.

    The clock: a frame goes where its timestamp says. Where sound starts after the container, and in gaps of more than
    `GAP_S` between frames, there is silence, so that times stay those a player shows. Nothing that was heard is
    dropped: a timestamp that goes back only moves the clock.

    Args:
        limit_s: Seconds of signal beyond which `TooLongError` is raised.
        origin_s: The timestamp at which the medium starts.
        jumps: Whether the container's clock may start anew in the middle.
    """

    def __init__(self, limit_s: float, origin_s: float = 0.0, jumps: bool = False) -> None:
        self._limit = round(limit_s * SAMPLING_RATE)
        self._origin_s = origin_s
        self._jumps = jumps
        self._signal = np.empty(0, dtype=np.float32)
        self._length = 0
        self._lead = 0
        self._kind: tuple[str, str, int] | None = None
        self._resampler = AudioResampler()
        # The present stretch of frames: where it began, and how much of it has gone into the resampler.
        self._start_s = 0.0
        self._fed = 0

    @property
    def heard_s(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return (self._length - self._lead) / SAMPLING_RATE

    def expect(self, duration_s: float) -> None:
        """Set memory aside for a signal of this length; it may turn out otherwise."""
        expected = min(round(duration_s * SAMPLING_RATE) + SAMPLING_RATE, self._limit)
        self._signal = np.empty(max(expected, _FIRST_SAMPLES), dtype=np.float32)

    def add(self, frame: AudioFrame) -> None:
        """Add the next frame.

        Raises:
            TooLongError: The signal would grow beyond the limit.
        """
        kind = (frame.format.name, frame.layout.name, frame.rate)
        if (timestamp_s := frame.time) is not None:
            self._keep_time(timestamp_s, first=not (self._length or self._fed))
        if kind != self._kind:
            self._begin(kind)
        self._fed += frame.samples
        self._collect(self._resampler.resample(frame))

    def finish(self) -> Signal:
        """The whole signal, float32 mono at 16 kHz, shape (samples,). Nothing can be added afterwards."""
        self._drain()
        self._signal.resize(self._length, refcheck=False)
        return self._signal

    def _keep_time(self, timestamp_s: float, first: bool) -> None:
        rate = self._kind[2] if self._kind else SAMPLING_RATE
        ahead_s = timestamp_s - self._origin_s - self._start_s - self._fed / rate
        if ahead_s < -GAP_S or (self._jumps and not first and ahead_s > LEAP_S):
            self._origin_s += ahead_s
        elif ahead_s > (0 if first else GAP_S):
            self._drain()
            self._pause(round((timestamp_s - self._origin_s) * SAMPLING_RATE) - self._length)
            self._lead = self._length if first else self._lead

    def _begin(self, kind: tuple[str, str, int]) -> None:
        self._drain()
        self._kind = kind
        layout = "mono" if kind[1] in _KNOWN_LAYOUTS else None
        # maxval 1: stereo becomes the mean of its channels, and no downmix can clip.
        options = {"rematrix_maxval": "1.0"}
        self._resampler = AudioResampler("flt", layout, SAMPLING_RATE, frame_size=_BLOCK, options=options)

    def _drain(self) -> None:
        self._collect(self._resampler.resample(None))
        self._resampler = AudioResampler()
        self._kind = None
        self._start_s, self._fed = self._length / SAMPLING_RATE, 0

    def _collect(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            # Packed, never planar: with 8 or more planes, PyAV 18 reads beyond the last one and crashes.
            channels = frame.to_ndarray().reshape(frame.samples, -1).T
            block = self._room(frame.samples)
            block[:] = channels[0] if len(channels) == 1 else channels.mean(axis=0)
            if not np.isfinite(block).all():
                np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
            np.clip(block, -1.0, 1.0, out=block)

    def _pause(self, samples: int) -> None:
        self._room(max(samples, 0)).fill(0.0)

    def _room(self, samples: int) -> Signal:
        """The next `samples` of the signal, to be written to."""
        end = self._length + samples
        if end > self._limit:
            raise TooLongError
        if end > len(self._signal):
            self._signal.resize(min(max(end, len(self._signal) * 3 // 2), self._limit), refcheck=False)
        start, self._length = self._length, end
        return self._signal[start:end]
