"""What a candidate read, as the page says it beside what it is."""

from typing import Any

from tasks.evaluation.result_model import ModelResult
from tasks.evaluation.result_text import Part, TextRead
from tasks.report.evaluation import build_evaluation_page
from tasks.report.evaluation.texts import kind_name, text_facts
from tests.support.evaluations import HOSTILE, evaluation

AUDIO = Part(modality="audio", source="models/en", weights_sha256="aa", output_kind="categorical")
TEXT = Part(modality="text", source="models/en-text", weights_sha256="bb", output_kind="categorical")


def fusing(**changes: Any) -> ModelResult:
    values = {"n": 24, "sources": {"labels": 20, "sidecar": 4}, "missing": {"no_text": 5, "odd": 1}, "has_say": True}
    text = TextRead(**(values | {"accuracy": 0.75, "accuracy_audio": 0.5} | changes))
    return evaluation().models[0].model_copy(update={"kind": "system", "parts": (AUDIO, TEXT), "text": text})


def facts(model: ModelResult) -> dict[str, str]:
    return {name.en: value if isinstance(value, str) else value.en for name, value in text_facts(model)}


def test_what_was_read_is_told_with_its_sources_what_is_missing_and_what_each_half_is_worth() -> None:
    assert facts(fusing()) == {
        "Texts read": "24 · from the label file: 20, from subtitles beside the medium: 4",
        "Segments without an answer to their text": "no text: 5, odd: 1",
        "Text models": "models/en-text",
        "Accuracy of the text alone, where it was read": "0.750",
        "Accuracy of the audio alone, on the same segments": "0.500",
    }


def test_a_candidate_that_was_not_asked_to_read_has_no_such_facts() -> None:
    assert text_facts(evaluation().models[0]) == []


def test_text_without_a_say_and_texts_that_could_not_be_read_are_told() -> None:
    assert "audio_weight" in facts(fusing(has_say=False))["Say of the text"]
    assert facts(fusing(problem="no weights"))["Texts could not be read"] == "no weights"


def test_a_model_that_reads_is_called_so() -> None:
    reader = fusing().model_copy(update={"kind": "model", "parts": (TEXT,)})
    assert [kind_name(each).en for each in (fusing(), reader, evaluation().models[0])] == [
        "configuration",
        "model that reads",
        "model",
    ]


def test_the_page_shows_it_and_nothing_from_outside_gets_in_raw() -> None:
    bad = HOSTILE[0]
    hostile = fusing(problem=bad, details={bad: 1}, missing={bad: 2}, sources={bad: 1})
    page = build_evaluation_page(evaluation(models=(hostile, *evaluation().models[1:])), {})
    assert "Texts could not be read" in page
    assert bad not in page
