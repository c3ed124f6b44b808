"""actors/text_worker.py without Ray: sources in order, the model of each language, and what may go wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from actors.checkpoints import load_text
from actors.contract import Medium, ModelSpec, Span, TextEmotionModel
from actors.options import Route
from actors.text_sources import Source
from actors.text_worker import TextReader, TextWorker
from actors.texts import AskedText, Found, SegmentText, SourceName, TextFault, TextFlag, TextSetup, TextWork, Word
from infra.errors import CheckpointError, StoreError
from infra.settings import StoreAccess
from tests.support.records import model_spec
from tests.support.text_checkpoints import write_text

MEDIUM = Medium("s3://media/x.mp4", "e1", 0)
A, B, C = (
    AskedText(name, Span(n, n + 1), language)
    for n, (name, language) in enumerate([("a", "en"), ("b", "ko"), ("c", "en")])
)
WORK = TextWork(MEDIUM, (A, B, C))
MODELS = {"en": Route(model="english"), "ko": Route(model="korean")}


class Says:
    """A source that knows some texts, or fails."""

    def __init__(self, name: SourceName, error: Exception | None = None, **texts: str) -> None:
        self.name: SourceName = name
        self.asked: list[list[str]] = []
        self._texts, self._error = texts, error

    def find(self, work: TextWork, wanted: Sequence[AskedText]) -> Mapping[str, Found]:
        self.asked.append([each.segment_id for each in wanted])
        if self._error:
            raise self._error
        return {name: Found(text) for name, text in self._texts.items()}


class Counts:
    """A text model that answers with the length of each text, and the length of its own name."""

    def __init__(self, route: Route) -> None:
        self.spec: ModelSpec = model_spec(
            source=route.model, weights_sha256=route.model * 8, modality="text", labels=("neutral", "joy")
        )

    def logits(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        rows = [[len(text), len(self.spec.source)] for text in texts]
        values = np.array(rows, dtype=np.float32)
        values[[text == "nan" for text in texts]] = np.nan
        return values


def read(*sources: Source, models: Mapping[str, Route] = MODELS, work: TextWork = WORK, load: Any = Counts) -> Any:
    return TextReader(sources, models, load).read(work)


def row(answer: Any, name: str) -> SegmentText:
    (found,) = [each for each in answer.rows if each.segment_id == name]
    return found


def test_the_first_source_that_has_a_text_counts_and_the_next_is_asked_for_the_rest() -> None:
    first, second = Says("sidecar", a="one"), Says("whisper", a="not this", b="drei")
    answer = read(first, second)
    assert [(each.segment_id, each.text, each.source) for each in answer.rows] == [
        ("a", "one", "sidecar"),
        ("b", "drei", "whisper"),
        ("c", None, None),
    ]
    assert (first.asked, second.asked) == ([["a", "b", "c"]], [["b", "c"]])


def test_a_later_source_is_left_alone_where_the_first_has_everything() -> None:
    later = Says("whisper")
    read(Says("sidecar", a="1", b="2", c="3"), later)
    assert later.asked == []


def test_each_text_is_read_by_the_model_of_its_language() -> None:
    answer = read(Says("sidecar", a="four", b="two two", c="six six six"))
    assert [(each.model, each.logits) for each in answer.rows] == [
        ("english", (4.0, 7.0)),
        ("korean", (7.0, 6.0)),
        ("english", (11.0, 7.0)),
    ]
    assert {sha: spec.source for sha, spec in answer.specs.items()} == {
        "english" * 8: "english",
        "korean" * 8: "korean",
    }
    assert set(answer.seconds) == {"text", "read_text"}


def test_a_model_is_loaded_at_its_first_text_and_kept() -> None:
    loaded: list[str] = []

    def load(route: Route) -> TextEmotionModel:
        loaded.append(route.model)
        return Counts(route)

    reader = TextReader([Says("sidecar", a="x")], MODELS, load)
    assert loaded == []
    reader.read(WORK)
    reader.read(WORK)
    assert loaded == ["english"], "no Korean text was there to read"


def test_a_text_in_a_language_without_a_model_is_kept_unread() -> None:
    found = row(read(Says("sidecar", a="hi", b="안녕"), models={"en": MODELS["en"]}), "b")
    assert (found.text, found.model, found.logits, found.flags) == ("안녕", None, None, (TextFlag.NO_TEXT_MODEL,))


def test_what_goes_wrong_with_a_source_is_a_reason_and_the_next_one_is_asked() -> None:
    answer = read(Says("sidecar", TextFault("x.srt is damaged")), Says("whisper", a="heard"))
    assert (row(answer, "a").text, row(answer, "a").flags) == ("heard", ())
    lost = row(answer, "b")
    assert (lost.text, lost.flags, lost.reason) == (None, (TextFlag.TEXT_FAILED,), "sidecar: x.srt is damaged")
    assert answer.transient is None


def test_a_store_that_does_not_answer_may_answer_another_time() -> None:
    answer = read(Says("sidecar", StoreError("503")), Says("whisper", a="heard"))
    assert answer.transient == "503"
    assert row(answer, "c").flags == (TextFlag.TEXT_FAILED,)


def test_without_a_fault_a_missing_text_is_no_failure() -> None:
    assert row(read(Says("sidecar")), "a") == SegmentText("a", "en")


def test_words_and_flags_of_whisper_are_kept() -> None:
    class Whisper(Says):
        def find(self, work: TextWork, wanted: Sequence[AskedText]) -> Mapping[str, Found]:
            return {"a": Found("hi", (Word("hi", 0.1, 0.2),)), "b": Found(None, flags=(TextFlag.NO_SPEECH,))}

    answer = read(Whisper("whisper"))
    assert row(answer, "a").words == (Word("hi", 0.1, 0.2),)
    assert (row(answer, "b").source, row(answer, "b").flags) == (None, (TextFlag.NO_SPEECH,))


def test_an_answer_that_is_no_number_is_a_failure_of_that_text_alone() -> None:
    answer = read(Says("sidecar", a="nan", c="fine"))
    assert (row(answer, "a").logits, row(answer, "a").flags) == (None, (TextFlag.TEXT_FAILED,))
    assert row(answer, "a").reason == "english answered no number"
    assert row(answer, "c").logits == (4.0, 7.0)


def test_a_checkpoint_that_cannot_be_loaded_is_told_as_it_is() -> None:
    def refuse(route: Route) -> TextEmotionModel:
        raise CheckpointError("no head")

    with pytest.raises(CheckpointError, match="no head"):
        read(Says("sidecar", a="x"), load=refuse)


def test_the_worker_reads_with_real_checkpoints_what_a_label_file_says(tmp_path: Path) -> None:
    from actors.texts import Cue

    folder = write_text(tmp_path / "en")
    setup = TextSetup(
        StoreAccess("http://127.0.0.1:9", "key", "secret"), ("labels",), {"en": Route(model=str(folder))}, "none"
    )
    before = torch.get_num_threads()
    worker = TextWorker(setup, threads=1)
    worker.ready()
    answer = worker.read(TextWork(MEDIUM, (A,), (Cue(0, 1, "I am so happy"),)))
    torch.set_num_threads(before)
    (expected,) = load_text(str(folder), dtype="fp32").logits(["I am so happy"])
    assert answer.rows[0].logits == pytest.approx(expected.tolist(), abs=0.02)
    assert answer.rows[0].source == "labels"
    assert worker.usage().steps_s.keys() >= {"text", "read_text"}
