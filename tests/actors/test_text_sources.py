"""actors/text_sources.py: which source says what of which segment. Store and Whisper are stand-ins."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

import numpy as np
import pytest

from actors.contract import SAMPLING_RATE, Medium, Signal, Span
from actors.options import ReadOptions
from actors.text_sources import LabelSource, SidecarSource, WhisperSource
from actors.texts import AskedText, Cue, Found, TextFault, TextFlag, TextWork, Word
from infra.errors import ObjectChanged, ObjectMissing, StoreError
from tests.support.media import float_wav, tone

MEDIUM = Medium("s3://media/x.mp4", "e1", 0)
ENGLISH, KOREAN, LATER = (
    AskedText("en", Span(0, 2), "en"),
    AskedText("ko", Span(2, 4), "ko"),
    AskedText("later", Span(4, 5), "en"),
)
WORK = TextWork(MEDIUM, (ENGLISH, KOREAN, LATER))


class Shelf:
    """Files by uri, as `infra.storage.Store` gives them."""

    def __init__(self, error: Exception | None = None, **files: bytes) -> None:
        self._files = {f"s3://media/{name.replace('__', '.')}": data for name, data in files.items()}
        self._error = error

    def get_bytes(self, uri: str) -> bytes:
        if self._error:
            raise self._error
        if uri not in self._files:
            raise ObjectMissing(uri)
        return self._files[uri]

    @contextmanager
    def fetch(self, uri: str, *, if_match: str | None = None) -> Iterator[BinaryIO]:
        assert if_match == MEDIUM.etag
        yield BytesIO(self.get_bytes(uri))


def srt(*lines: tuple[int, int, str]) -> bytes:
    return "\n".join(f"00:00:0{start},000 --> 00:00:0{end},000\n{text}\n" for start, end, text in lines).encode()


# -- subtitles ---------------------------------------------------------------------------------------------------------


def test_each_segment_has_the_subtitles_of_its_own_language() -> None:
    source = SidecarSource(Shelf(x__en__srt=srt((0, 2, "Hello"), (2, 4, "sir")), x__srt=srt((0, 4, "안녕 하세요"))))
    assert source.find(WORK, WORK.asked) == {"en": Found("Hello"), "ko": Found("하세요")}


def test_subtitles_of_another_language_alone_are_none() -> None:
    assert SidecarSource(Shelf(x__en__vtt=srt((0, 9, "Hello")))).find(TextWork(MEDIUM, (KOREAN,)), [KOREAN]) == {}


def test_only_what_is_wanted_is_answered_and_words_still_fall_to_their_own_segment() -> None:
    source = SidecarSource(Shelf(x__srt=srt((0, 4, "one two"))))
    assert source.find(WORK, [KOREAN]) == {"ko": Found("two")}


def test_damaged_subtitles_are_a_fault_and_a_silent_store_is_an_error() -> None:
    with pytest.raises(TextFault, match=r"s3://media/x\.srt has no line of times"):
        SidecarSource(Shelf(x__srt=b"words")).find(WORK, WORK.asked)
    with pytest.raises(StoreError, match="503"):
        SidecarSource(Shelf(StoreError("503"))).find(WORK, WORK.asked)


# -- label files -------------------------------------------------------------------------------------------------------


def test_the_texts_of_a_label_file_come_with_the_work() -> None:
    work = TextWork(MEDIUM, WORK.asked, (Cue(0.0, 2.0, "as labelled"), Cue(4.5, 9.0, "and later")))
    assert LabelSource().find(work, work.asked) == {"en": Found("as labelled"), "later": Found("and later")}


def test_what_is_known_of_a_segment_itself_stands_before_what_is_known_of_its_time() -> None:
    work = TextWork(MEDIUM, WORK.asked, (Cue(0.0, 4.0, "two words"),), known={"en": "its own"})
    assert LabelSource().find(work, work.asked) == {"en": Found("its own"), "ko": Found("words")}
    assert LabelSource().find(TextWork(MEDIUM, WORK.asked, known={"ko": "alone"}), [ENGLISH]) == {}


# -- Whisper -----------------------------------------------------------------------------------------------------------


class Ear:
    """Writes down how long each signal is and in which language, with one word half a second in."""

    def __init__(self) -> None:
        self.loaded = 0

    def load(self) -> "Ear":
        self.loaded += 1
        return self

    def transcribe(self, signals: Sequence[Signal], language: str) -> list[Found]:
        return [
            Found(f"{len(signal) / SAMPLING_RATE:g} s of {language}", (Word("s", 0.5, 0.75),))
            if signal.any()
            else Found(None)
            for signal in signals
        ]


def sound() -> bytes:
    silent_from_4 = tone(SAMPLING_RATE, 5.0)
    silent_from_4[:, 4 * SAMPLING_RATE :] = 0
    return float_wav(silent_from_4)


def whisper(shelf: Shelf, ear: Ear) -> WhisperSource:
    return WhisperSource(shelf, ear.load, ReadOptions())


def test_whisper_hears_each_segment_in_its_language_and_words_are_in_the_mediums_time() -> None:
    ear = Ear()
    source = whisper(Shelf(x__mp4=sound()), ear)
    assert ear.loaded == 0, "a run whose subtitles say everything never loads Whisper"
    found = source.find(WORK, WORK.asked)
    assert found["en"] == Found("2 s of en", (Word("s", 0.5, 0.75),))
    assert found["ko"] == Found("2 s of ko", (Word("s", 2.5, 2.75),))
    assert found["later"] == Found(None)
    source.find(WORK, [ENGLISH])
    assert ear.loaded == 1


@pytest.mark.parametrize(
    ("shelf", "words"),
    [
        (Shelf(x__mp4=b"no film"), "not_media"),
        (Shelf(), "removed or replaced"),
        (Shelf(ObjectChanged("other etag")), "removed or replaced .* other etag"),
    ],
    ids=["damaged", "gone", "replaced"],
)
def test_a_medium_that_cannot_be_heard_again_is_a_fault(shelf: Shelf, words: str) -> None:
    with pytest.raises(TextFault, match=words):
        whisper(shelf, Ear()).find(WORK, WORK.asked)


def test_what_whisper_left_out_keeps_its_flag() -> None:
    class Lost(Ear):
        def transcribe(self, signals: Sequence[Signal], language: str) -> list[Found]:
            return [Found(None, flags=(TextFlag.REPETITIVE,)) for _ in signals]

    found = whisper(Shelf(x__mp4=float_wav(np.zeros((1, 80_000), np.float32))), Lost()).find(WORK, [ENGLISH])
    assert found == {"en": Found(None, flags=(TextFlag.REPETITIVE,))}
