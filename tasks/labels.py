"""Label files: which segments of which medium. Read from bytes, checked line by line.

JSON lines (`video` or `media` or `file`, `start`, `end` in seconds) and CSV with the same columns. What a label says is
not read here: this module gives the segments that `segments.method: labels` scores.
"""

import csv
import hashlib
import io
import json
import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from actors.contract import Span
from infra.errors import InputError

_MEDIA_KEYS = ("media", "video", "file")


@dataclass(frozen=True)
class LabelledSpans:
    """The segments of a label file.

    Attributes:
        spans: By media name as the file has it, in order of time.
        problems: What is wrong, one line each, naming the line of the file; the rest is used.
        sha256: Of the file's bytes.
    """

    spans: Mapping[str, tuple[Span, ...]]
    problems: tuple[str, ...]
    sha256: str

    def for_media(self, uris: Iterable[str]) -> dict[str, tuple[Span, ...]]:
        """The segments by media uri. A name fits a medium whose uri ends with it, with or without its suffix."""
        by_uri = {}
        names = {_path(name).parts: spans for name, spans in self.spans.items()}
        for uri in uris:
            path = _path(uri)
            candidates = (path.parts, path.with_suffix("").parts)
            found = (names.get(parts[-n:]) for parts in candidates for n in range(len(parts), 0, -1))
            by_uri[uri] = next((spans for spans in found if spans), ())
        return by_uri


def read_spans(data: bytes, name: str) -> LabelledSpans:
    """Read the segments of a label file.

    Args:
        data: Its bytes, UTF-8.
        name: What to call it in messages; a name ending in .csv is read as CSV.

    Raises:
        InputError: It is no text, or not one line of it is usable.
    """
    spans: dict[str, set[Span]] = defaultdict(set)
    problems: list[str] = []
    for number, record in _records(_text(data, name), name):
        try:
            media, span = _span(record)
            spans[media].add(span)
        except (ValueError, TypeError, OverflowError) as error:
            problems.append(f"{name}:{number}: {error}")
    if not spans:
        raise InputError(f"{name} holds no usable segment: {'; '.join(problems[:3]) or 'it is empty'}")
    ordered = {media: tuple(sorted(each)) for media, each in spans.items()}
    return LabelledSpans(ordered, tuple(problems), hashlib.sha256(data).hexdigest())


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no UTF-8 text: {error}") from error


def _path(name: str) -> PurePosixPath:
    # Composed: macOS writes file names decomposed, Hangul too, and label files seldom are.
    return PurePosixPath(unicodedata.normalize("NFC", name))


def _records(text: str, name: str) -> Iterator[tuple[int, Any]]:
    """The records with the number of the line where each ends; what is no record comes as a text that says why."""
    if name.lower().endswith(".csv"):
        reader = csv.DictReader(io.StringIO(text, newline=""))
        try:
            yield from ((reader.line_num, record) for record in reader)
        except csv.Error as error:
            yield reader.line_num, f"no CSV from here on: {error}"
        return
    # Not splitlines: JSON texts may hold U+2028 and the like as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                yield number, f"no JSON: {error}"


def _span(record: Any) -> tuple[str, Span]:
    if not isinstance(record, dict):
        raise ValueError(record if isinstance(record, str) else f"expected an object, not {type(record).__name__}")
    media = next((record[key] for key in _MEDIA_KEYS if record.get(key)), None)
    if not isinstance(media, str):
        raise ValueError(f"no medium: one of {', '.join(_MEDIA_KEYS)} must name it")
    if record.get("start") in (None, "") or record.get("end") in (None, ""):
        raise ValueError("start and end (seconds) are needed")
    start, end = float(record["start"]), float(record["end"])
    if not math.isfinite(end):
        raise ValueError(f"end must be a number of seconds, not {end}")
    return media, Span(start, end)
