"""A candidate reads what is said in labelled segments: their texts are found, and its text models asked.

Owns the join of segments and answers. Which text a segment has is find_texts.py's part, what the models say of it
text_models.py's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from actors.contract import Medium
from actors.options import Resources
from actors.text_sources import Files
from actors.texts import AskedText, Cue, SegmentText, TextAnswer, TextSetup, TextWork
from infra.settings import StoreAccess
from tasks.evaluation.cache import HEARD, HeardCache
from tasks.evaluation.candidates import Candidate, Reads
from tasks.evaluation.find_texts import TextFinder
from tasks.evaluation.gather import Segments
from tasks.evaluation.hear import Digest, Heard, Wanted
from tasks.evaluation.read import NOT_READ, Read
from tasks.evaluation.text_models import TextModels
from tasks.tables import with_specs
from tasks.texts.stage import ReadsTexts

OpenTexts = Callable[[TextSetup, Resources], AbstractContextManager[ReadsTexts]]
"""Starts the text workers for a candidate, and ends them."""


@dataclass(frozen=True)
class Said:
    """What the label files say of n wanted segments.

    Attributes:
        texts: What is said in each, or None. languages: Code of the language of each, "" where it is not known.
        cues: What a label file of the candidate's own configuration says, by media uri.
    """

    texts: Sequence[str | None]
    languages: Sequence[str]
    cues: Mapping[str, tuple[Cue, ...]]


def said_in(segments: Segments, cues: Mapping[str, tuple[Cue, ...]]) -> Said:
    """What the label files that are evaluated on say of their segments."""
    languages = [re.split("[-_]", each.strip().casefold())[0] if each else "" for each in segments.language.tolist()]
    return Said(segments.text.tolist(), languages, cues)


def unread(n: int) -> Heard:
    """What a candidate that only reads has heard of n segments: nothing, and not read them yet either."""
    return Heard(HEARD.empty_table(), np.full(n, -1), dict.fromkeys(range(n), NOT_READ), 0, 0)


def read_texts(
    candidate: Candidate,
    heard: Heard,
    wanted: Sequence[Wanted],
    said: Said,
    cache: HeardCache,
    files: Files,
    access: StoreAccess,
    open_texts: OpenTexts,
    digest: Digest,
) -> Heard:
    """Let a candidate read what is said in the segments; what it reads now is in the cache afterwards.

    Args:
        candidate: Who reads.
        heard: What it heard: the languages of a configuration's segments are those in which it heard them.
        wanted: The segments; each once.
        said: What the label files say of them.
        cache: What was written down and read before.
        files: Where subtitles lie, beside the media.
        access: Where the workers read media.
        open_texts: See `OpenTexts`. Not asked where all is known.
        digest: See `tasks.evaluation.hear.Digest`.

    Returns:
        The same with `read`; of a candidate that only reads its answers are rows, too.

    Raises:
        SeraphError: A model or Whisper cannot be loaded, or Ray cannot give the workers.
    """
    reads = candidate.reads
    assert reads is not None, "asked for only where it reads"
    if reads.identity is None:
        return replace(heard, read=Read((None,) * len(wanted), problem=reads.problem))
    works = _works(wanted, said, _languages(candidate, heard, said))
    setup = _setup(candidate, reads, access)
    with ExitStack() as stack:
        pool = _Lazily(lambda: stack.enter_context(open_texts(setup, candidate.config.resources)))
        finder = TextFinder(reads, candidate.config.reading, cache, files, pool, digest)
        found = [row for rows in finder.find([work for work, _ in works]) for row in rows]
        models = TextModels(reads, candidate.config.precision, cache, pool)
        answered = models.read(found)
    rows: list[SegmentText | None] = [None] * len(wanted)
    for index, row in zip((each for _, indices in works for each in indices), answered, strict=True):
        rows[index] = row
    read = Read(tuple(rows), models.specs, models.inferred, models.cached)
    return replace(heard, read=read) if candidate.hears else _as_heard(read, wanted)


class _Lazily:
    """A pool that starts at its first work: where all is known there is no need of it."""

    def __init__(self, start: Callable[[], ReadsTexts]) -> None:
        self._start = start
        self._pool: ReadsTexts | None = None

    def read(self, works: Sequence[TextWork]) -> list[TextAnswer]:
        """See `ReadsTexts`."""
        if self._pool is None:
            self._pool = self._start()
        return self._pool.read(works)


def _setup(candidate: Candidate, reads: Reads, access: StoreAccess) -> TextSetup:
    """What the text workers need to know. Models go by their weights: a text to read comes with that for a language."""
    assert reads.identity is not None, "checked before"
    models = {reads.identity.checkpoints[key].weights_sha256: route for key, route in reads.options.models.items()}
    return TextSetup(
        media=access,
        sources=("labels", "whisper") if "whisper" in reads.options.source else ("labels",),
        models=models,
        whisper=reads.whisper,
        reading=candidate.config.reading,
        precision=candidate.config.precision,
    )


def _languages(candidate: Candidate, heard: Heard, said: Said) -> list[str | None]:
    """The language of each segment; None where nobody is to read it."""
    if not candidate.hears:
        return list(said.languages)
    languages = heard.rows["language"].to_pylist()
    return [None if row < 0 else languages[row] for row in heard.row.tolist()]


def _works(
    wanted: Sequence[Wanted], said: Said, languages: Sequence[str | None]
) -> list[tuple[TextWork, tuple[int, ...]]]:
    """The media with their segments, and the index of each."""
    by_medium: dict[Medium, list[int]] = {}
    for index, each in enumerate(wanted):
        if languages[index] is not None:
            by_medium.setdefault(each.medium, []).append(index)
    works = []
    for medium, indices in by_medium.items():
        asked = tuple(AskedText(str(index), wanted[index].span, languages[index] or "") for index in indices)
        known = {str(index): text for index in indices if (text := said.texts[index])}
        works.append((TextWork(medium, asked, said.cues.get(medium.uri, ()), known), tuple(indices)))
    return works


def _as_heard(read: Read, wanted: Sequence[Wanted]) -> Heard:
    """The answers of a model that only reads, as rows of what was heard."""
    reasons = read.reasons
    index = [number for number in range(len(wanted)) if number not in reasons]
    rows = [_heard_row(read, number, wanted[number]) for number in index]
    places = np.full(len(wanted), -1)
    places[index] = np.arange(len(index))
    table = with_specs(pa.Table.from_pylist(rows, schema=HEARD), read.specs)
    return Heard(table, places, reasons, read.inferred, read.cached, read=read)


def _heard_row(read: Read, number: int, wanted: Wanted) -> dict[str, object]:
    row = read.rows[number]
    assert row is not None, "a row without an answer has a reason"
    spec = read.specs[row.weights_sha256 or ""]
    return {
        "media_uri": wanted.medium.uri,
        "media_etag": wanted.medium.etag,
        "segment_id": row.segment_id,
        "start_s": wanted.span.start_s,
        "end_s": wanted.span.end_s,
        "language": row.language,
        "model": spec.source,
        "weights_sha256": spec.weights_sha256,
        "precision": spec.precision,
        "logits": row.logits,
        "flags": [str(flag) for flag in row.flags],
    }
