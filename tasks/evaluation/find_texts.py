"""The texts of labelled segments: from label files, from subtitles beside the media, or from Whisper.

Owns the order of the sources, and what Whisper is known to have written down. Label files and subtitles are read anew
each time: they are cheap, and people correct them. What models make of texts is read_texts.py's part.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pyarrow as pa

from actors import versions
from actors.contract import Medium
from actors.options import ReadOptions
from actors.text_sources import Files, LabelSource, Search, SidecarSource, Source
from actors.texts import AskedText, Found, SegmentText, SourceName, TextFlag, TextWork, Word
from tasks.evaluation.cache import TRANSCRIPTS, HeardCache
from tasks.evaluation.candidates import Reads
from tasks.evaluation.hear import Digest
from tasks.hashes import short_hash
from tasks.texts.stage import ReadsTexts
from tasks.texts.tables import stored_words

_AT_ONCE = 8
"""Media whose subtitles are looked for at once: most of the time goes into waiting for the store."""

_Key = tuple[str, int, int, str]
"""Content, start and end in milliseconds, and the language that Whisper is told."""


class TextFinder:
    """Looks for the texts of a candidate's segments.

    Args:
        reads: Which sources.
        reading: How media are decoded for Whisper.
        cache: What was written down before.
        files: Where subtitles lie.
        pool: Who transcribes.
        digest: SHA-256 of a medium's bytes, or None: asked of media whose content is not known.
    """

    def __init__(
        self, reads: Reads, reading: ReadOptions, cache: HeardCache, files: Files, pool: ReadsTexts, digest: Digest
    ) -> None:
        self._reads, self._cache, self._files, self._pool, self._digest = reads, cache, files, pool, digest
        whisper = None if reads.identity is None else reads.identity.whisper_sha256
        self._whisper = short_hash([versions.DECODING, versions.TRANSCRIBING, reading.model_dump(), whisper])

    def find(self, works: Sequence[TextWork]) -> list[list[SegmentText]]:
        """The text of each segment of each medium, not read by any model yet; of several sources the first counts.

        Raises:
            CheckpointError: Whisper cannot be loaded.
            RayError: The cluster gives no worker.
        """
        searches = [Search(work.asked) for work in works]
        for name in self._reads.options.source:
            ask = self._asking(self._source(name, works, searches))
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                list(threads.map(ask, searches, works))
        return [[search.row(each) for each in work.asked] for search, work in zip(searches, works, strict=True)]

    @staticmethod
    def _asking(source: Source) -> Callable[[Search, TextWork], None]:
        return lambda search, work: search.ask(source, work)

    def _source(self, name: SourceName, works: Sequence[TextWork], searches: Sequence[Search]) -> Source:
        if name == "labels":
            return LabelSource()
        if name == "sidecar":
            return SidecarSource(self._files)
        wanted = ((work, search.wanted) for work, search in zip(works, searches, strict=True))
        return self._transcribed([replace(work, asked=tuple(asked)) for work, asked in wanted if asked])

    def _transcribed(self, works: Sequence[TextWork]) -> "_Transcripts":
        """What Whisper writes down of these segments; what it does now is in the cache afterwards."""
        contents = self._contents({work.medium for work in works})
        known = _known(self._cache.transcripts(self._whisper))
        missing = [work for work in (_unknown(each, contents, known) for each in works) if work.asked]
        # Known texts would keep Whisper out.
        answers = self._pool.read([replace(work, labels=(), known={}) for work in missing]) if missing else []
        fresh: list[tuple[Medium, AskedText, SegmentText]] = [
            (answer.medium, asked, row)
            for work, answer in zip(missing, answers, strict=True)
            for asked, row in zip(work.asked, answer.rows, strict=True)
        ]
        heard = [each for each in fresh if contents.get(each[0]) and TextFlag.TEXT_FAILED not in each[2].flags]
        self._cache.add_transcripts(self._whisper, _rows(heard, contents))
        found = {(work.medium.uri, each.segment_id): known.get(_key(work.medium, each, contents))
                 for work in works for each in work.asked}  # fmt: skip
        found |= {(medium.uri, asked.segment_id): _found(row) for medium, asked, row in fresh}
        return _Transcripts({key: each for key, each in found.items() if each is not None})

    def _contents(self, media: Iterable[Medium]) -> dict[Medium, str]:
        """What the media contain; one that cannot be read is left out."""
        known = self._cache.contents()
        # Where a store gives no etags, nobody can tell whether an object is still the one that was read.
        contents = {each: content for each in media if each.etag and (content := known.get((each.uri, each.etag)))}
        read = {each: content for each in set(media) - set(contents) if (content := self._digest(each)) is not None}
        self._cache.add_contents({(each.uri, each.etag): content for each, content in read.items()})
        return contents | read


class _Transcripts:
    """What Whisper has written down, by media uri and segment_id, as a source."""

    name: SourceName = "whisper"

    def __init__(self, found: Mapping[tuple[str, str], Found]) -> None:
        self._found = found

    def find(self, work: TextWork, wanted: Sequence[AskedText]) -> Mapping[str, Found]:
        """See `Source`."""
        said = {each.segment_id: self._found.get((work.medium.uri, each.segment_id)) for each in wanted}
        return {name: found for name, found in said.items() if found is not None}


def _unknown(work: TextWork, contents: Mapping[Medium, str], known: Mapping[_Key, Found]) -> TextWork:
    """The segments of a medium that Whisper has not heard yet."""
    asked = tuple(each for each in work.asked if _key(work.medium, each, contents) not in known)
    return replace(work, asked=asked)


def _key(medium: Medium, asked: AskedText, contents: Mapping[Medium, str]) -> _Key:
    span = asked.span
    return contents.get(medium, ""), round(span.start_s * 1000), round(span.end_s * 1000), asked.language


def _known(table: pa.Table) -> dict[_Key, Found]:
    return {
        (row["content"], row["start_ms"], row["end_ms"], row["language"]): Found(
            row["text"],
            None if row["words"] is None else tuple(Word(**word) for word in row["words"]),
            tuple(TextFlag(flag) for flag in row["flags"]),
        )
        for row in table.to_pylist()
    }


def _found(row: SegmentText) -> Found:
    return Found(row.text, row.words, _flags(row), row.reason)


def _flags(row: SegmentText) -> tuple[TextFlag, ...]:
    """Without that of having no model: nobody was to read it yet."""
    return tuple(flag for flag in row.flags if flag is not TextFlag.NO_TEXT_MODEL)


def _rows(heard: Sequence[tuple[Medium, AskedText, SegmentText]], contents: Mapping[Medium, str]) -> pa.Table:
    """TRANSCRIPTS rows."""
    rows: list[dict[str, Any]] = []
    for medium, asked, row in heard:
        content, start_ms, end_ms, language = _key(medium, asked, contents)
        key = {"content": content, "start_ms": start_ms, "end_ms": end_ms, "language": language}
        flags = [str(flag) for flag in _flags(row)]
        rows.append({**key, "text": row.text, "words": stored_words(row.words), "flags": flags})
    return pa.Table.from_pylist(rows, schema=TRANSCRIPTS)
