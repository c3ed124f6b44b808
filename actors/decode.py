"""Decoding: the bytes of a medium to one mono signal at 16 kHz, or the reason why there is none.

Times are those of the medium's own clock, as a player shows them: second 0 is where the container starts. Not here: the
mixdown that keeps this clock (actors/mixdown.py), what a container states about its own length (actors/lengths.py),
fetching the bytes, and quarantine (the worker turns a `MediumFault` into a `Rejection`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.format import Flags
from av.packet import Packet
from av.stream import Discard, Disposition, Stream

from actors import lengths
from actors.contract import SAMPLING_RATE, Flag, Reason, Signal
from actors.mixdown import Mixdown, TooLongError
from actors.options import ReadOptions

CONTAINERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,dv,eac3,flac,flv,gxf,live_flv,loas,matroska,mov,mp3,mpc,mpc8,"
    "mpeg,mpegts,mxf,nistsphere,nut,ogg,rm,tak,truehd,tta,voc,w64,wav,wtv,wv,xwma"
)
"""Containers that can hold sound (FFmpeg's names). Left out are pictures, subtitles and bare video, which hold none;
and all that may open other files or addresses: playlists (hls, dash, concat, …), streams (rtsp, sdp) and devices."""

_SIGNATURES = (
    (4, b"ftyp"), (4, b"moov"), (4, b"mdat"), (0, b"\x1a\x45\xdf\xa3"), (8, b"WAVE"), (8, b"AVI "), (0, b"OggS"),
    (0, b"fLaC"), (0, b"FLV\x01"), (0, b"\x30\x26\xb2\x75"), (0, b"caff"), (0, b"ID3"),
)  # fmt: skip
_BUFFER_BYTES = 1 << 18
_MAX_BREAKS = 100


class MediumFault(Exception):  # noqa: N818 - a fault of the medium is no error of ours
    """A medium that gives no signal: why, for quarantine, and the particulars."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


@dataclass(frozen=True)
class Decoded:
    """What a medium sounds like.

    Attributes:
        signal: float32 mono in [-1, 1] at 16 kHz, shape (samples,); sample 0 is second 0 of the medium.
        duration_s: Its length in seconds.
        flags: `truncated`, `several_tracks`.
    """

    signal: Signal
    duration_s: float
    flags: tuple[Flag, ...] = ()


def decode(file: BinaryIO, options: ReadOptions) -> Decoded:
    """Decode the default audio track of a medium.

    Time and memory are bounded by `options.max_duration_s`, whatever the header says, and nothing but `file` is opened.

    Args:
        file: The medium, readable and seekable. Its name, if it has one, is not looked at.

    Raises:
        MediumFault: The medium is empty, not media, without audio, undecodable or too long.
        OSError: `file` itself cannot be read; that is no fault of the medium.
    """
    file.seek(0)
    empty = not file.read(1)
    file.seek(0)
    if empty:
        raise MediumFault(Reason.EMPTY, "the object has no bytes")
    with _opened(file) as container:
        track = _default_track(container)
        declared_s = lengths.declared(container, track, file)
        if declared_s is not None and declared_s > options.max_duration_s:
            raise _too_long(f"the header states {declared_s:.1f} s", options)
        decoding = _Decoding(container, track, Mixdown(options.max_duration_s, _origin_s(container), _jumps(container)))
        try:
            signal = decoding.run(declared_s)
        except TooLongError as error:
            raise _too_long("the audio itself goes on beyond it", options) from error
        if not decoding.frames:
            raise _nothing_decoded(container, track)
        truncated = decoding.broken or decoding.ends_before(declared_s) or lengths.cut_off(container, file)
        several = len(container.streams.audio) > 1
    flags = [Flag.TRUNCATED] * truncated + [Flag.SEVERAL_TRACKS] * several
    return Decoded(signal, len(signal) / SAMPLING_RATE, tuple(flags))


class _Decoding:
    """One pass over the packets: what went wrong, how far it came, and the signal."""

    def __init__(self, container: InputContainer, track: AudioStream, mixdown: Mixdown) -> None:
        self.container, self.track, self.mixdown = container, track, mixdown
        self.frames = 0
        self.broken = False
        self._ends: dict[int, int] = {}

    def run(self, declared_s: float | None) -> Signal:
        self.track.codec_context.thread_count = 1
        self.mixdown.expect(declared_s or 0.0)
        for packet in self._packets():
            # An empty packet (FLV has them) would tell the decoder that this is the end.
            if packet.stream_index == self.track.index and packet.size:
                self._decode(packet)
            if (pts := packet.pts) is not None:
                index = packet.stream_index
                self._ends[index] = max(self._ends.get(index, 0), pts + (packet.duration or 0))
        self._decode(None)
        return self.mixdown.finish()

    def ends_before(self, declared_s: float | None) -> bool:
        """Whether the medium ends clearly before its declared end.

        A container that states the track's own length is held to it. One that only states its whole length (Matroska,
        FLV) is held to the last packet of any track: the sound of a film may well end before its picture.
        """
        if declared_s is None:
            return False
        reached_s = self.mixdown.heard_s if lengths.states_track(self.container) else self._latest_s()
        return reached_s < declared_s - lengths.tolerance_s(declared_s)

    def _latest_s(self) -> float:
        streams = self.container.streams
        return max((float(end * (streams[index].time_base or 0)) for index, end in self._ends.items()), default=0.0)

    def _packets(self) -> Iterator["Packet[Stream]"]:
        if lengths.states_track(self.container):
            _discard_all_but(self.track, self.container)
        for _ in range(_MAX_BREAKS):
            try:
                yield from self.container.demux()
            except FFmpegError:
                self.broken = True  # a damaged stretch; the demuxer may find its way behind it
            else:
                return

    def _decode(self, packet: "Packet[Stream] | None") -> None:
        try:
            frames = self.track.codec_context.decode(packet)
        except FFmpegError:
            self.broken = True
            return
        for frame in frames:
            self.frames += 1
            self.mixdown.add(frame)


def _opened(file: BinaryIO) -> InputContainer:
    try:
        return av.open(
            _Nameless(file),
            "r",
            # Not `options`: those would reach the codecs as well.
            container_options={"format_whitelist": CONTAINERS, "protocol_whitelist": "none"},
            metadata_errors="replace",
            buffer_size=_BUFFER_BYTES,
        )
    except FFmpegError as error:
        file.seek(0)
        raise _not_opened(file.read(16)) from error


class _Nameless:
    """The file without its name: FFmpeg would guess a format from the suffix, and put the name into its messages."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def _not_opened(head: bytes) -> MediumFault:
    if any(head[offset:].startswith(signature) for offset, signature in _SIGNATURES):
        detail = "it begins as a media file, but the part that describes its tracks is missing or damaged"
        return MediumFault(Reason.UNDECODABLE, detail)
    detail = "neither its beginning nor its structure is that of a file that can hold sound"
    return MediumFault(Reason.NOT_MEDIA, detail)


def _default_track(container: InputContainer) -> AudioStream:
    """The track a player would play: the one marked as default, else the first; one without a decoder only at need."""
    tracks = container.streams.audio
    if not tracks:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "none"
        raise MediumFault(Reason.NO_AUDIO_TRACK, f"tracks in the {container.format.name} container: {kinds}")
    decodable = [track for track in tracks if track.codec_context is not None]
    if not decodable:
        raise MediumFault(Reason.UNDECODABLE, f"no decoder for the audio in this {container.format.name} container")
    return next((track for track in decodable if track.disposition & Disposition.default), decodable[0])


def _discard_all_but(track: AudioStream, container: InputContainer) -> None:
    for stream in container.streams:
        if stream.index != track.index:
            stream.discard = Discard.all


def _origin_s(container: InputContainer) -> float:
    return (container.start_time or 0) / av.time_base


def _jumps(container: InputContainer) -> bool:
    """Whether timestamps may start anew in the middle, as in a transport stream; a leap is no pause then."""
    return bool(Flags(container.format.flags) & Flags.ts_discont)


def _too_long(detail: str, options: ReadOptions) -> MediumFault:
    return MediumFault(Reason.TOO_LONG, f"the limit is {options.max_duration_s:.1f} s (max_duration_s), and {detail}")


def _nothing_decoded(container: InputContainer, track: AudioStream) -> MediumFault:
    detail = f"not one frame of the {track.codec_context.name} track in this {container.format.name} container decodes"
    return MediumFault(Reason.UNDECODABLE, detail)
