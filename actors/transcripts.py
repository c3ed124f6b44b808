"""Subtitle files: their names beside a medium, their bytes to timed cues, and which words fall to which segment.

SubRip (.srt) and WebVTT (.vtt, https://www.w3.org/TR/webvtt1/). Fetches nothing: actors/text_sources.py does.
"""

import codecs
import html
import re
from collections.abc import Iterator, Sequence

import numpy as np

from actors.contract import Span
from actors.texts import Cue, TextFault

MAX_BYTES = 20_000_000
"""A subtitle file may be this large; that of a long film has 0.2 MB."""

_SUFFIXES = ("srt", "vtt")
_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_NEWLINE = re.compile(r"\r\n|\r|\n")  # not splitlines: subtitles may hold U+2028 and the like as they are
_TAGS = re.compile(r"<(?!br\b)[^>]*>|\{\\[^}]*\}|[\x00-\x08\x0b-\x1f\u200b\u200e\u200f\ufeff]", re.IGNORECASE)
"""Tags of both formats, positions as ASS writes them, characters that nobody sees."""

_NO_WORDS = re.compile(r"<br[^>]*>|\[[^\]]*\]|[♪♫]", re.IGNORECASE)
"""Ends of lines, sounds described in brackets, notes of music."""

_WIDE = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF16_LE: "utf-16",
         codecs.BOM_UTF16_BE: "utf-16"}  # fmt: skip
_SHORTEST_S = 0.001
_ROLLED_S = 0.1
"""WebVTT of automatic captions shows a line again while the next one is spoken: cues this near follow each other."""


def sidecar_uris(uri: str, language: str) -> tuple[str, ...]:
    """Where the subtitles of a medium in a language may lie, the most particular name first.

    Of `x.mp4` in Korean: `x.ko.srt`, `x.ko.vtt`, `x.srt`, `x.vtt`, in the same folder.
    """
    folder, slash, name = uri.rpartition("/")
    stem = folder + slash + (name.rpartition(".")[0] or name)
    of_language = [f"{stem}.{language}.{suffix}" for suffix in _SUFFIXES] if language else []
    return (*of_language, *(f"{stem}.{suffix}" for suffix in _SUFFIXES))


def read_cues(data: bytes, name: str) -> tuple[Cue, ...]:
    """The cues of a subtitle file, in order of time, without those that have no words.

    Args:
        data: SubRip or WebVTT: UTF-8, UTF-16 or UTF-32 with its byte order mark, or CP949.
        name: What to call it in messages.

    Raises:
        TextFault: It is too large, of an encoding that cannot be told, or has no cue.
    """
    if len(data) > MAX_BYTES:
        raise TextFault(f"{name} has {len(data):,} bytes, and subtitles may have {MAX_BYTES:,}")
    text = _decoded(data, name)
    cues = list(_cues(_NEWLINE.split(text)))
    if not cues and text.strip():
        raise TextFault(f"{name} has no line of times as 00:01:02,500 --> 00:01:04,000: no SubRip and no WebVTT")
    if text.lstrip().startswith("WEBVTT"):
        cues = list(_unrolled(cues))
    plain = (Cue(start_s, end_s, _plain(" ".join(lines))) for start_s, end_s, lines in cues)
    return tuple(sorted((cue for cue in plain if cue.text), key=lambda cue: (cue.start_s, cue.end_s)))


def divide(cues: Sequence[Cue], spans: Sequence[Span]) -> list[str | None]:
    """The words that are said in each span.

    The words of a cue are spread evenly over its time, by their letters. A word belongs to the span that holds its
    middle (to several where spans overlap); one in no span to the nearest that its cue overlaps, because cues are not
    cut where speech is. A cue that overlaps no span is left out.

    Args:
        cues: In any order; they may overlap.
        spans: Segments of the same medium.

    Returns:
        For each span its text, or None.
    """
    starts, ends = np.array([each.start_s for each in spans]), np.array([each.end_s for each in spans])
    said: list[list[str]] = [[] for _ in spans]
    for cue in sorted(cues, key=lambda cue: (cue.start_s, cue.end_s)):
        last_s = max(cue.end_s, cue.start_s + _SHORTEST_S)
        near = np.flatnonzero((starts < last_s) & (ends > cue.start_s))
        for word, middle_s in _spread(cue.text.split(), cue.start_s, last_s) if len(near) else ():
            distance = np.maximum(starts[near] - middle_s, 0) + np.maximum(middle_s - ends[near], 0)
            # Where one span ends and the next begins, a word in the very middle is the next one's.
            holding = near[(starts[near] <= middle_s) & (middle_s < ends[near])]
            for index in holding if len(holding) else near[[int(np.argmin(distance))]]:
                said[index].append(word)
    return [" ".join(words) or None for words in said]


def _spread(words: Sequence[str], start_s: float, end_s: float) -> Iterator[tuple[str, float]]:
    """Each word and the middle of its time."""
    total, before = sum(map(len, words)), 0
    for word in words:
        yield word, start_s + (end_s - start_s) * (before + len(word) / 2) / total
        before += len(word)


def _decoded(data: bytes, name: str) -> str:
    wide = next((encoding for mark, encoding in _WIDE.items() if data.startswith(mark)), None)
    for encoding in [wide] if wide else ["utf-8-sig", "cp949"]:  # CP949: what Korean subtitles were long written in
        try:
            return data.decode(encoding)
        except UnicodeError:
            continue
    expected = f"{wide.upper()}, as its first bytes say" if wide else "UTF-8 or CP949"
    raise TextFault(f"{name} is no text in {expected}: save it as UTF-8")


_Timed = tuple[float, float, list[str]]


def _cues(lines: Sequence[str]) -> Iterator[_Timed]:
    """The cues in a file's order: every line of times, with the lines down to the next empty one."""
    current: _Timed | None = None
    for line in lines:
        if times := _TIMES.match(line):
            if current:
                yield _without_number(current)
            start_s, end_s = _seconds(*times.groups()[:4]), _seconds(*times.groups()[4:])
            current = (start_s, end_s, []) if start_s <= end_s else None
        elif not line:
            if current:
                yield current
            current = None
        elif current and line.strip():  # a blank is no end: automatic captions have lines of one
            current[2].append(line.strip())
    if current:
        yield current


def _without_number(cue: _Timed) -> _Timed:
    """A cue that the next one follows without an empty line: its last line is the next one's number."""
    start_s, end_s, lines = cue
    return start_s, end_s, lines[:-1] if lines and lines[-1].isdigit() else lines


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def _unrolled(cues: Sequence[_Timed]) -> Iterator[_Timed]:
    """The cues without the lines that the one before has shown already."""
    shown: list[str] = []
    shown_until_s = float("-inf")
    for start_s, end_s, lines in cues:
        own = [plain for line in lines if (plain := _plain(line))]
        follows = start_s <= shown_until_s + _ROLLED_S
        again = next((n for n in range(len(own), 0, -1) if own[:n] == shown[-n:]), 0) if follows else 0
        yield start_s, end_s, own[again:]
        shown, shown_until_s = own, end_s


def _plain(text: str) -> str:
    return " ".join(html.unescape(_NO_WORDS.sub(" ", _TAGS.sub("", text))).split())
