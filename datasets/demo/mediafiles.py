"""Media files: writing a signal in many formats, some with a picture track, and reading it back.

Everything goes through PyAV with bit-exact flags, one thread and no dates: the same signal gives the same bytes.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from av.codec.context import Flags
from scipy.signal import resample_poly

SAMPLING_RATE = 16_000  # Hz, what every model here hears
_PICTURE = (96, 160)  # height, width
_PICTURES_A_SECOND = 5
_PICTURE_QUALITY = {
    "libx264": {"crf": "38", "tune": "zerolatency"},  # with its look-ahead, two runs differ by some bytes
    "libvpx-vp9": {"crf": "55", "b": "0", "cpu-used": "5"},
    "mpeg4": {"qscale": "12"},
}


@dataclass(frozen=True)
class Format:
    """A container with its codecs; `picture` names the codec of the picture track, if there is one."""

    suffix: str
    codec: str
    sampling_rate: int
    channels: int = 1
    bit_rate: int | None = None
    picture: str | None = None


MP4 = Format("mp4", "aac", 32_000, bit_rate=30_000, picture="libx264")
MKV = Format("mkv", "libmp3lame", 22_050, bit_rate=32_000, picture="mpeg4")
WEBM = Format("webm", "libopus", 48_000, bit_rate=24_000, picture="libvpx-vp9")
MP3 = Format("mp3", "libmp3lame", 22_050, bit_rate=40_000)
M4A = Format("m4a", "aac", 44_100, bit_rate=32_000)
FLAC = Format("flac", "flac", 16_000)
OGG = Format("ogg", "libopus", 48_000, bit_rate=24_000)
OPUS = Format("opus", "libopus", 48_000, bit_rate=16_000)
WAV_TELEPHONE = Format("wav", "pcm_s16le", 8_000)
WAV_MONO = Format("wav", "pcm_s16le", 16_000)
WAV_STEREO = Format("wav", "pcm_s16le", 44_100, channels=2)


def resample(signal: np.ndarray, source: int, target: int) -> np.ndarray:
    """float32 mono signal at `source` Hz, brought to `target` Hz."""
    common = gcd(source, target)
    return resample_poly(signal, target // common, source // common).astype(np.float32)


def write(target: Path | BinaryIO, signal: np.ndarray, sampling_rate: int, form: Format) -> None:
    """Write a mono signal (float32, at `sampling_rate` Hz) in one format; stereo repeats it, slightly quieter right."""
    left = np.clip(resample(signal, sampling_rate, form.sampling_rate), -0.999, 0.999)
    sound = np.stack([left * gain for gain in (1.0, 0.8)[: form.channels]])
    name = {"mkv": "matroska", "m4a": "ipod"}.get(form.suffix, form.suffix)
    file = str(target) if isinstance(target, Path) else target
    with av.open(file, "w", format=name, options={"fflags": "+bitexact"}) as container:
        picture = _picture_stream(container, form)
        voice = _voice_stream(container, form)
        for second in range(-(-left.size // form.sampling_rate)):  # by the second, so that the tracks interleave
            for frame in _pictures(second) if picture else ():
                container.mux(picture.encode(frame))
            container.mux(voice.encode(_voice_frame(sound, second, form)))
        for stream in (picture, voice):
            container.mux(stream.encode(None) if stream else [])


def read(source: Path | BinaryIO) -> np.ndarray:
    """The first audio track of a media file: float32 mono signal at 16 kHz."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLING_RATE)
    pieces = [np.zeros(0, np.float32)]
    with av.open(str(source) if isinstance(source, Path) else source) as container:
        for frame in container.decode(audio=0):
            pieces += [out.to_ndarray()[0] for out in resampler.resample(frame)]
        pieces += [out.to_ndarray()[0] for out in resampler.resample(None)]
    return np.concatenate(pieces)


def through(signal: np.ndarray, form: Format) -> np.ndarray:
    """A 16 kHz signal after it was stored in one format and read back."""
    store = io.BytesIO()
    write(store, signal, SAMPLING_RATE, form)
    store.seek(0)
    return read(store)


def _voice_stream(container: Any, form: Format) -> Any:
    layout = "stereo" if form.channels == 2 else "mono"
    stream = container.add_stream(form.codec, rate=form.sampling_rate, layout=layout)
    if form.bit_rate:
        stream.codec_context.bit_rate = form.bit_rate
    stream.codec_context.flags |= Flags.bitexact
    stream.codec_context.thread_count = 1
    return stream


def _picture_stream(container: Any, form: Format) -> Any:
    if form.picture is None:
        return None
    stream = container.add_stream(form.picture, rate=_PICTURES_A_SECOND, options=_PICTURE_QUALITY[form.picture])
    stream.height, stream.width = _PICTURE
    stream.pix_fmt = "yuv420p"
    stream.codec_context.flags |= Flags.bitexact
    stream.codec_context.thread_count = 1
    return stream


def _voice_frame(sound: np.ndarray, second: int, form: Format) -> av.AudioFrame:
    start = second * form.sampling_rate
    piece = np.ascontiguousarray(sound[:, start : start + form.sampling_rate])
    frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo" if form.channels == 2 else "mono")
    frame.sample_rate, frame.pts, frame.time_base = form.sampling_rate, start, Fraction(1, form.sampling_rate)
    return frame


def _pictures(second: int) -> Iterator[av.VideoFrame]:
    """A plain field whose colour drifts, with a bar that moves once a second."""
    height, width = _PICTURE
    field = np.full((height, width, 3), (40 + second % 60, 60, 110 - second % 60), np.uint8)
    left = (second * 8) % (width - 16)
    field[height // 3 : 2 * height // 3, left : left + 16] = (220, 220, 200)
    for number in range(_PICTURES_A_SECOND):
        frame = av.VideoFrame.from_ndarray(field, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = second * _PICTURES_A_SECOND + number, Fraction(1, _PICTURES_A_SECOND)
        yield frame
