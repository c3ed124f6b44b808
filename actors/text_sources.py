"""Where the text of a segment comes from: a subtitle file beside the medium, a label file, or Whisper.

Each source is asked for the segments that none before it had a text for. What is wrong with a medium or its subtitles
is a `TextFault`; a store that does not answer is a `StoreError`, and may answer another time.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import BinaryIO, Protocol

from actors.contract import Signal
from actors.options import ReadOptions
from actors.texts import AskedText, Cue, Found, SourceName, TextFault, TextWork, Word
from actors.transcripts import divide, read_cues, sidecar_uris
from infra.errors import ObjectChanged, ObjectMissing


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
        texts = _divided(work.labels, work)
        return {each.segment_id: Found(text) for each in wanted if (text := texts[each.segment_id])}


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
