"""Test media, made with PyAV: tones, speech-like noise, containers with any tracks, and hand-built WAV files."""

import io
import struct
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Track:
    """An audio track: `signal` is (channels, samples); each piece (at_s, from_s, to_s) of it starts at `at_s`."""

    codec: str
    rate: int
    signal: Array
    pieces: Sequence[tuple[float, float, float]] = ((0.0, 0.0, 1e9),)
    layout: str = "mono"
    default: bool = True


def tone(rate: int, seconds: float, frequency: float = 440.0, amplitude: float = 0.5) -> Array:
    """A sine, shape (1, samples)."""
    time = np.arange(round(rate * seconds)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)[None]


def beeps(rate: int, seconds: float) -> Array:
    """In every second a tone from 0.25 to 0.75 s, shape (1, samples)."""
    phase = np.arange(round(rate * seconds)) / rate % 1
    return tone(rate, seconds) * ((phase >= 0.25) & (phase < 0.75)).astype(np.float32)


def speech_like(seconds: float, rng: np.random.Generator, loudness: float = 0.15) -> Array:
    """Voiced syllables with pauses over a little noise, shape (samples,), at 16 kHz."""
    time = np.arange(round(16_000 * seconds)) / 16_000
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * time)) / 16_000
    voice = sum(np.sin(k * phase) / k * (1 + np.sin(2 * np.pi * (0.3 + 0.1 * k) * time)) for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 3 * time), 0, 1) * (np.sin(2 * np.pi * 0.2 * time) > -0.5)
    return (loudness * voice * syllables + rng.normal(scale=0.003, size=time.size)).astype(np.float32)


def encode(signal: Array, rate: int, container: str, codec: str, layout: str = "mono") -> bytes:
    """One audio track of `signal`, shape (channels, samples)."""
    return mux(container, [Track(codec, rate, signal, layout=layout)])


def mux(
    container: str,
    tracks: Sequence[Track],
    video_s: float = 0.0,
    video: str = "mpeg4",
    options: dict[str, str] | None = None,
) -> bytes:
    """A file of the given audio tracks behind a picture track of `video_s` seconds (none for 0)."""
    with (
        tempfile.NamedTemporaryFile() as file,
        av.open(file.name, "w", format=container, options=options or {}) as output,
    ):
        picture = _picture_track(output, video) if video_s else None
        streams = [output.add_stream(track.codec, rate=track.rate, layout=track.layout) for track in tracks]
        for stream, track in zip(streams, tracks, strict=True):
            stream.disposition = av.stream.Disposition.default if track.default else 0
        packets = _pictures(picture, video_s) if picture else []
        for stream, track in zip(streams, tracks, strict=True):
            packets += _sound(stream, track)
        for packet in sorted(packets, key=lambda each: each.dts * each.time_base):
            output.mux(packet)
        output.close()
        return Path(file.name).read_bytes()


def _picture_track(output, codec):
    stream = output.add_stream(codec, rate=25)
    stream.width = stream.height = 32
    stream.pix_fmt = "yuv420p"
    return stream


def _pictures(stream, seconds):
    packets = []
    for number in range(round(seconds * 25)):
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 32), dtype=np.uint8), format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _sound(stream, track):
    packets = []
    step = stream.codec_context.frame_size or 1024
    for at_s, from_s, to_s in track.pieces:
        piece = track.signal[:, round(from_s * track.rate) : round(min(to_s, 1e5) * track.rate)]
        for start in range(0, piece.shape[1], step):
            block = np.ascontiguousarray(piece[:, start : start + step])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=track.layout)
            frame.rate = track.rate
            converter = av.AudioResampler(stream.format.name, track.layout, track.rate)
            frame = converter.resample(frame)[0]
            frame.pts, frame.time_base = round(at_s * track.rate) + start, Fraction(1, track.rate)
            packets += stream.encode(frame)
    return packets + stream.encode(None)


def picture(codec: str, pixels: str) -> bytes:
    """A single picture, as PNG (`png`, `rgb24`) or JPEG (`mjpeg`, `yuvj420p`)."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="image2pipe") as output:
        stream = output.add_stream(codec, rate=1)
        stream.width = stream.height = 64
        stream.pix_fmt = pixels
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), dtype=np.uint8), format="rgb24").reformat(
            format=pixels
        )
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return buffer.getvalue()


def float_wav(
    signal: Array, rate: int = 16_000, data_size: int | None = None, riff_size: int | None = None, tag: int = 3
) -> bytes:
    """A WAV of 32-bit floats, signal (channels, samples), whose header may lie about its sizes and its codec."""
    channels = len(signal)
    data = np.ascontiguousarray(signal.T, dtype="<f4").tobytes()
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * channels * 4, channels * 4, 32)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data) if data_size is None else data_size) + data
    return b"RIFF" + struct.pack("<I", len(body) if riff_size is None else riff_size) + body
