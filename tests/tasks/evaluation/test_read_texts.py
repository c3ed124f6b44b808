"""Candidates read what is said in labelled segments: sources in order, known texts cost nothing, failures are told."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from actors.contract import Medium
from actors.texts import Cue, Found, TextFlag, Word
from infra.shelf import FolderShelf
from tasks.evaluation.cache import HeardCache
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.gather import gather
from tasks.evaluation.hear import Heard, Wanted, hear
from tasks.evaluation.read import NOT_READ, Read
from tasks.evaluation.read_texts import Said, read_texts, said_in, unread
from tests.support.evaluation import ACCESS, PoolStandIn, labelled, line, model, sure, system, wanted
from tests.support.reading import Subtitles, TextsStandIn, reader, reads, text_model

A, B = "s3://media/a.wav", "s3://media/b.wav"
ALL = [wanted(A, 0, 2), wanted(A, 5, 7), wanted(B, 0, 2)]
MODEL = text_model()
LABELS = ("so happy", "very sad", None)


@pytest.fixture
def cache(tmp_path: Path) -> HeardCache:
    return HeardCache(FolderShelf(tmp_path))


def read(
    candidate: Candidate,
    cache: HeardCache,
    workers: TextsStandIn,
    texts: Sequence[str | None] = LABELS,
    *,
    segments: Sequence[Wanted] = ALL,
    heard: Heard | None = None,
    languages: Sequence[str] = ("en", "en", "en"),
    files: Subtitles | None = None,
    content: str | None = "c1",
    cues: dict[str, tuple[Cue, ...]] | None = None,
) -> Heard:
    def digest(medium: Medium) -> str | None:
        return content and f"{content} of {medium.uri}"

    said = Said(texts, languages, cues or {})
    before = heard or unread(len(segments))
    return read_texts(candidate, before, segments, said, cache, files or Subtitles(), ACCESS, workers, digest)


def texts(heard: Heard) -> list[str | None]:
    assert heard.read is not None
    return [row.text if row else None for row in heard.read.rows]


def sources(heard: Heard) -> list[str | None]:
    assert heard.read is not None
    return [row.source if row else None for row in heard.read.rows]


def test_a_model_that_reads_answers_to_the_texts_of_the_labels_and_says_where_there_is_none(cache: HeardCache) -> None:
    found = read(reader(MODEL), cache, TextsStandIn(MODEL))

    assert found.row.tolist() == [0, 1, -1]
    assert found.rows["logits"].to_pylist() == [list(sure("happy")), list(sure("sad"))]
    assert found.reasons == {2: "no_text"}
    assert (found.inferred, found.cached) == (2, 0)
    assert found.specs == {MODEL.spec.weights_sha256: MODEL.spec}


def test_a_second_reading_starts_no_worker_and_one_new_text_costs_one(cache: HeardCache) -> None:
    read(reader(MODEL), cache, TextsStandIn(MODEL))
    again, more = TextsStandIn(MODEL), TextsStandIn(MODEL)

    second = read(reader(MODEL), cache, again)
    third = read(reader(MODEL), cache, more, ("so happy", "very sad", "a new one"))

    assert (again.opened, second.inferred, second.cached) == (0, 0, 2)
    assert second.rows["logits"].to_pylist() == [list(sure("happy")), list(sure("sad"))]
    assert (more.asked, third.inferred, third.cached) == (["a new one"], 1, 2)


def test_a_text_is_read_once_however_many_segments_say_it(cache: HeardCache) -> None:
    workers = TextsStandIn(MODEL)

    found = read(reader(MODEL), cache, workers, ("sad", "sad", "sad"))

    assert (workers.asked, found.inferred) == (["sad"], 3)
    assert found.row.tolist() == [0, 1, 2]


def test_other_weights_read_anew(cache: HeardCache) -> None:
    read(reader(MODEL), cache, TextsStandIn(MODEL))
    other = text_model("models/other", lambda text: sure("fear"))

    found = read(reader(other), cache, TextsStandIn(other))

    assert found.inferred == 2
    assert found.rows["logits"].to_pylist() == [list(sure("fear"))] * 2


def test_of_several_sources_the_first_that_has_a_text_counts(cache: HeardCache) -> None:
    files, said = Subtitles(a_srt="angry subtitles"), ("happy", "fear", None)

    first = read(reader(MODEL, ("labels", "sidecar")), cache, TextsStandIn(MODEL), said, files=files)
    other = read(reader(MODEL, ("sidecar", "labels")), cache, TextsStandIn(MODEL), said, files=files)

    # The cue is an hour long: its words are nearest to the second segment.
    assert sources(first) == ["labels", "labels", None]
    assert sources(other) == ["labels", "sidecar", None]
    assert texts(other) == ["happy", "angry subtitles", None]


def test_a_label_file_of_the_configurations_own_stands_behind_that_which_is_evaluated_on(cache: HeardCache) -> None:
    cues = {A: (Cue(0.0, 2.0, "own first"), Cue(5.0, 7.0, "own second"))}

    found = read(reader(MODEL), cache, TextsStandIn(MODEL), ("evaluated", None, None), cues=cues)

    assert texts(found) == ["evaluated", "own second", None]


def test_whisper_is_asked_for_the_rest_in_the_language_of_the_labels_and_not_twice(cache: HeardCache) -> None:
    workers, again = TextsStandIn(MODEL), TextsStandIn(MODEL)
    candidate = reader(MODEL, ("labels", "whisper"))

    first = read(candidate, cache, workers, languages=("en", "en", "ko"))
    second = read(candidate, cache, again, languages=("en", "en", "ko"))

    assert workers.heard == [(B, 0.0, "ko")]
    assert texts(first) == ["so happy", "very sad", "hello s3://media/b.wav 0"]
    assert first.read is not None
    assert second.read is not None
    assert first.read.rows[2] == second.read.rows[2]
    assert first.read.rows[2] is not None
    assert first.read.rows[2].words == (Word("hello", 0.0, 2.0),)
    assert (again.opened, second.inferred, second.cached) == (0, 0, 3)


def test_whisper_hears_a_segment_anew_in_another_language_or_of_other_bytes(cache: HeardCache) -> None:
    candidate = reader(MODEL, ("whisper",))
    read(candidate, cache, TextsStandIn(MODEL))
    language, content = TextsStandIn(MODEL), TextsStandIn(MODEL)

    read(candidate, cache, language, languages=("ko", "en", "en"))
    read(candidate, cache, content, segments=[wanted(A, 0, 2, "e2")], languages=["en"], texts=[None], content="other")

    assert language.heard == [(A, 0.0, "ko")]
    assert content.heard == [(A, 0.0, "en")]


def test_what_whisper_left_out_is_known_and_told(cache: HeardCache) -> None:
    silent = {B: Found(None, flags=(TextFlag.NO_SPEECH,))}
    candidate = reader(MODEL, ("whisper",))
    again = TextsStandIn(MODEL)

    first = read(candidate, cache, TextsStandIn(MODEL, spoken=silent))
    second = read(candidate, cache, again)

    assert first.reasons == second.reasons == {2: "no_speech"}
    assert again.opened == 0


def test_a_failure_of_whisper_is_told_and_tried_again(cache: HeardCache) -> None:
    broken = {B: Found(None, flags=(TextFlag.TEXT_FAILED,), reason="the medium is damaged")}
    candidate = reader(MODEL, ("whisper",))
    again = TextsStandIn(MODEL)

    first = read(candidate, cache, TextsStandIn(MODEL, spoken=broken))
    second = read(candidate, cache, again)

    assert first.reasons == {2: "text_failed"}
    assert first.read is not None
    assert first.read.rows[2] is not None
    assert first.read.rows[2].reason == "the medium is damaged"
    assert (again.heard, second.reasons) == ([(B, 0.0, "en")], {})


def test_a_medium_that_cannot_be_told_by_its_bytes_is_transcribed_each_time(cache: HeardCache) -> None:
    candidate = reader(MODEL, ("whisper",))
    again = TextsStandIn(MODEL)

    read(candidate, cache, TextsStandIn(MODEL), content=None)
    read(candidate, cache, again, content=None)

    assert len(again.heard) == 3


def test_an_answer_that_is_no_number_is_a_failure_and_is_not_kept(cache: HeardCache) -> None:
    broken = text_model(says=lambda text: sure("sad") if "sad" in text else (float("nan"),) * 7)

    found = read(reader(broken), cache, TextsStandIn(broken))
    again = read(reader(broken), cache, TextsStandIn(MODEL))

    assert found.reasons == {0: "text_failed", 2: "no_text"}
    assert (found.inferred, again.inferred, again.cached) == (1, 1, 1)


def heard_by(candidate: Candidate, cache: HeardCache, languages: dict[str, str]) -> Heard:
    pool = PoolStandIn({A: "ca", B: "cb"}, model("en"), model("ko"), languages=languages)
    return hear(candidate, ALL, cache, ACCESS, pool, lambda _: None)


def test_a_configuration_reads_in_the_language_that_it_heard_and_what_nobody_heard_is_not_read(
    cache: HeardCache,
) -> None:
    english, korean = text_model("t/en", lambda _: sure("happy")), text_model("t/ko", lambda _: sure("sad"))
    both = system("both", {"en": model("en"), "ko": model("ko")}, reads=reads({"en": english, "ko": korean}))
    first = heard_by(both, cache, {A: "ko", B: "?"})

    found = read(both, cache, TextsStandIn(english, korean), ("one", "two", "three"), heard=first)

    assert found.rows is first.rows, "what was heard stays as it was"
    assert found.read is not None
    assert [row and row.weights_sha256 for row in found.read.rows] == [korean.spec.weights_sha256] * 2 + [None]
    assert found.read.reasons == {2: NOT_READ}
    assert (found.inferred, found.read.inferred) == (2, 2)


def test_a_text_in_a_language_without_a_model_is_kept_and_told(cache: HeardCache) -> None:
    both = system("both", {"en": model("en"), "ko": model("ko")}, reads=reads({"en": MODEL}))
    first = heard_by(both, cache, {A: "en", B: "ko"})

    found = read(both, cache, TextsStandIn(MODEL), ("one", "two", "three"), heard=first)

    assert texts(found) == ["one", "two", "three"]
    assert found.read is not None
    assert found.read.reasons == {2: "no_text_model"}


def test_texts_of_label_files_are_by_segment_and_languages_by_their_code() -> None:
    lines = [line("a.wav", 0, 2, text="so it is", language="en-US"), line("a.wav", 1, 3, text=None, language=None)]

    said = said_in(gather([labelled(*lines)]), {})

    assert said.texts == ["so it is", None]
    assert list(said.languages) == ["en", ""]


def test_what_was_read_is_taken_by_segment() -> None:
    whole = Read((None, None, None), problem="no weights")

    assert len(whole.take(np.array([True, False, True])).rows) == 2
