"""Where the text of a segment comes from: a subtitle file beside the medium, a label file, or Whisper.

Each source is asked for the segments that none before it had a text for (`Search`). What is wrong with a medium or its
subtitles is a `TextFault`; a store that does not answer is a `StoreError`, and may answer another time.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import BinaryIO, Protocol

from actors.contract import Signal
from actors.options import ReadOptions
from actors.texts import AskedText, Cue, Found, SegmentText, SourceName, TextFault, TextFlag, TextWork, Word
from actors.transcripts import divide, read_cues, sidecar_uris
from infra.errors import ObjectChanged, ObjectMissing, StoreError


class Files(Protocol):
    """What sources need of `infra.storage.Store`."""

    def get_bytes(self, uri: str) -> bytes: ...

    def fetch(self, uri: str, *, if_match: str | None = None) -> AbstractContextManager[BinaryIO]: ...


class Transcribes(Protocol):
    """What sources need of `actors.transcribe.Transcriber`."""

    def transcribe(self, signals: Sequence[Signal], language: str) -> list[Found]: ...


class Source(Protocol):
    """A place where texts come from."""

    @property
    def name(self) -> SourceName: ...

    def find(self, work: TextWork, wanted: Sequence[AskedText]) -> Mapping[str, Found]:
        """What it says of the wanted segments of a medium, by segment_id; one that it does not know may be left out.

        Raises:
            TextFault: What it reads for this medium is damaged.
            StoreError: The store does not answer.
        """
        ...


class Search:
    """What the sources have said so far of one medium's segments.

    Attributes:
        transient: What another run may not meet (the store did not answer), or None.
    """

    def __init__(self, asked: Sequence[AskedText]) -> None:
        self.transient: str | None = None
        self._asked = asked
        self._found: dict[str, tuple[SourceName, Found]] = {}
        self._faults: list[str] = []

    @property
    def wanted(self) -> list[AskedText]:
        """The segments that have no text yet."""
        return [each for each in self._asked if not self._has(each)]

    def ask(self, source: Source, work: TextWork) -> None:
        """Ask a source for the segments that have no text yet; what is wrong with it is noted."""
        wanted = self.wanted
        if not wanted:
            return
        try:
            answers = source.find(work, wanted)
        except TextFault as fault:
            self._faults.append(f"{source.name}: {fault}")
        except StoreError as error:
            self.transient = str(error)
            self._faults.append(f"{source.name}: {error}")
        else:
            names = [each.segment_id for each in wanted if each.segment_id in answers]
            self._found |= {name: (source.name, answers[name]) for name in names}

    def row(self, asked: AskedText) -> SegmentText:
        """A segment's text, before any model has read it."""
        source, found = self._found.get(asked.segment_id, (None, Found(None)))
        faults = [*self._faults, *([found.reason] if found.reason else [])]
        lost = () if found.text or not self._faults else (TextFlag.TEXT_FAILED,)
        return SegmentText(
            asked.segment_id,
            asked.language,
            text=found.text,
            source=source if found.text else None,
            words=found.words,
            flags=tuple(dict.fromkeys((*found.flags, *lost))),
            reason="; ".join(faults) or None,
        )

    def _has(self, asked: AskedText) -> bool:
        return asked.segment_id in self._found and self._found[asked.segment_id][1].text is not None


class SidecarSource:
    """Subtitles beside the medium, of each segment's own language where there are several."""

    name: SourceName = "sidecar"

    def __init__(self, files: Files) -> None:
        self._files = files

    def find(self, work: TextWork, wanted: Sequence[AskedText]) -> Mapping[str, Found]:
        """See `Source`."""
        said = {language: self._said(work, language) for language in {each.language for each in wanted}}
        texts = {each.segment_id: said[each.language][each.segment_id] for each in wanted}
        return {name: Found(text) for name, text in texts.items() if text}

    def _said(self, work: TextWork, language: str) -> dict[str, str | None]:
        """What the first subtitle file for a language says, divided among all segments of the medium."""
        for uri in sidecar_uris(work.medium.uri, language):
            try:
                data = self._files.get_bytes(uri)
            except ObjectMissing:
                continue
            return _divided(read_cues(data, uri), work)
        return dict.fromkeys(each.segment_id for each in work.asked)


class LabelSource:
    """The texts of a label file; they come with the work."""

    name: SourceName = "labels"

    def find(self, work: TextWork, wanted: Sequence[AskedText]) -> Mapping[str, Found]:
        """See `Source`."""
        texts = (_divided(work.labels, work) if work.labels else {}) | dict(work.known)
        return {each.segment_id: Found(text) for each in wanted if (text := texts.get(each.segment_id))}


class WhisperSource:
    """What Whisper hears, segment by segment. It is loaded at the first medium that needs it.

    Args:
        files: Where media are fetched from.
        load: Loads Whisper.
        reading: How media are decoded.
    """

    name: SourceName = "whisper"

    def __init__(self, files: Files, load: Callable[[], Transcribes], reading: ReadOptions) -> None:
        self._files, self._load, self._reading = files, load, reading
        self._transcriber: Transcribes | None = None

    def find(self, work: TextWork, wanted: Sequence[AskedText]) -> Mapping[str, Found]:
        """See `Source`."""
        if self._transcriber is None:
            self._transcriber = self._load()
        signal = self._signal(work)
        found: dict[str, Found] = {}
        for language in sorted({each.language for each in wanted}):
            asked = [each for each in wanted if each.language == language]
            heard = self._transcriber.transcribe([each.span.cut(signal) for each in asked], language)
            found |= {each.segment_id: _moved(one, each.span.start_s) for each, one in zip(asked, heard, strict=True)}
        return found

    def _signal(self, work: TextWork) -> Signal:
        from actors.decode import MediumFault, decode

        try:
            with self._files.fetch(work.medium.uri, if_match=work.medium.etag) as file:
                return decode(file, self._reading).signal
        except (ObjectMissing, ObjectChanged) as error:
            raise TextFault(f"the medium was removed or replaced since it was scored: {error}") from error
        except MediumFault as error:
            raise TextFault(str(error)) from error


def _divided(cues: Sequence[Cue], work: TextWork) -> dict[str, str | None]:
    """The text of each segment, by segment_id."""
    texts = divide(cues, [each.span for each in work.asked])
    return {each.segment_id: text for each, text in zip(work.asked, texts, strict=True)}


def _moved(found: Found, by_s: float) -> Found:
    """What was found in a segment, in the time of its medium."""
    if found.words is None:
        return found
    words = (Word(word.word, word.start_s + by_s, word.end_s + by_s) for word in found.words)
    return replace(found, words=tuple(words))
