"""What a container states about its own length, and whether the file is as long as that.

FFmpeg gives a duration for nearly everything, but often it is an estimate from the bit rate, or already cut down to the
bytes that are there. Here only statements count. Not here: decoding.
"""

from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

_STATED = frozenset("aiff ape asf au avi caf flac flv matroska mov tta w64 wav wv".split())
_UNKNOWN_BYTES = 0x7FFF_F000
"""From here on a size in a RIFF header says "unknown": a pipe's writer puts 0x7ffff000 (SoX) or 0xffffffff (FFmpeg)."""

_SLACK_BYTES = 4096
"""Writers miscount headers and padding; a cut loses more."""

_OGG_TAIL_BYTES = 1 << 17
"""Two pages of the greatest size (65,307 bytes)."""


def declared(container: InputContainer, track: AudioStream, file: BinaryIO) -> float | None:
    """Seconds that the header states: of the track where it does so by track, else of the whole. None: no statement.

    Call it before demuxing: it reads `file`, and puts it back where it was.
    """
    name = container.format.name.split(",")[0]
    if name not in _STATED and not (name == "mp3" and _counts_frames(file)):
        return None
    if states_track(container) and track.duration is not None and track.time_base is not None:
        return float(track.duration * track.time_base)
    return container.duration / av.time_base if container.duration is not None else None


def states_track(container: InputContainer) -> bool:
    """Whether the stated length is that of the audio track, not only of the longest track."""
    return container.format.name.startswith("mov") or len(container.streams) == 1


def tolerance_s(declared_s: float) -> float:
    """By how much a decoded length may fall short: encoders pad, and a last picture's duration is often not stated."""
    return max(0.25, 0.002 * declared_s)


def cut_off(container: InputContainer, file: BinaryIO) -> bool:
    """Whether bytes are missing at the end, where FFmpeg's durations do not tell: RIFF (wav, avi) and Ogg.

    Reads `file`, and puts it back where it was.
    """
    name = container.format.name
    if name in {"wav", "avi"}:
        return _riff_end(file) > _size(file) + _SLACK_BYTES
    return name == "ogg" and not _ogg_ends(file)


def _counts_frames(file: BinaryIO) -> bool:
    """Whether an MP3 has a Xing, Info or VBRI header, which counts its frames; without one, its duration is a guess."""
    head = _read(file, 0, 10)
    start = 0
    if head.startswith(b"ID3"):  # a size of four bytes with seven bits each, https://id3.org/id3v2.4.0-structure
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))
    first_frame = _read(file, start, 256)
    return any(mark in first_frame for mark in (b"Xing", b"Info", b"VBRI"))


def _riff_end(file: BinaryIO) -> int:
    """Where the header says that the file ends, or 0 where it says that it does not know."""
    head = _read(file, 0, 12)
    ends = [8 + _size_field(head[4:8])]
    position = 12
    while head[8:12] == b"WAVE" and len(chunk := _read(file, position, 8)) == 8:
        position += 8 + _size_field(chunk[4:])
        if chunk[:4] == b"data":
            ends.append(position)
            break
        position += position % 2
    return max((end for end in ends if end < _UNKNOWN_BYTES), default=0)


def _size_field(field: bytes) -> int:
    return int.from_bytes(field, "little")


def _ogg_ends(file: BinaryIO) -> bool:
    """Whether the last page is whole and marked as the last of its stream (RFC 3533, section 6)."""
    tail = _read(file, max(0, _size(file) - _OGG_TAIL_BYTES), _OGG_TAIL_BYTES)
    page = tail[tail.rfind(b"OggS") :] if b"OggS" in tail else b""
    if len(page) < 27 or len(page) < 27 + page[26]:
        return False
    return bool(page[5] & 4) and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])


def _size(file: BinaryIO) -> int:
    here = file.tell()
    size = file.seek(0, 2)
    file.seek(here)
    return size


def _read(file: BinaryIO, position: int, count: int) -> bytes:
    here = file.tell()
    file.seek(position)
    data = file.read(count)
    file.seek(here)
    return data
