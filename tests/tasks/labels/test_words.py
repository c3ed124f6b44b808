"""tasks/labels/words.py: label words in two languages, aliases, and labels that are none."""

import unicodedata
from typing import Any

import pytest

from actors.contract import TAXONOMY
from infra.errors import ConfigError
from tasks.labels.problems import LineFault
from tasks.labels.words import LabelWords, codes_of


@pytest.mark.parametrize(
    ("label", "emotion"),
    [
        ("sad", "sad"),
        (" ANGER ", "angry"),
        ("중립", "neutral"),
        (unicodedata.normalize("NFD", "슬픔"), "sad"),
        ("生气/angry", "angry"),
        (["fear"], "fear"),
        (["Speech", "fear", None], "fear"),
        (["sad", "sadness"], "sad"),
    ],
)
def test_a_label_is_known_in_any_packaged_spelling(label: Any, emotion: str) -> None:
    assert LabelWords().code(label) == TAXONOMY.index(emotion)


@pytest.mark.parametrize("label", [None, "", "  ", float("nan"), [], [None, ""]])
def test_nothing_is_no_label(label: Any) -> None:
    assert LabelWords().code(label) is None


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("xyzzy", "label 'xyzzy' is none of neutral, happy"),
        ("calm", "label 'calm' has no emotion in the taxonomy; an alias can give it one"),
        ("x" * 9999, "label 'xxx"),
        (4, "label 4 is no text"),
        (["Speech", "Music"], "none of the labels ['Speech', 'Music'] is none of"),
        ([1], "none of the labels [1]"),
    ],
    ids=["unknown", "dropped", "long", "number", "list", "list of a number"],
)
def test_a_label_outside_the_taxonomy_is_told_with_the_reason_every_time(label: Any, words: str) -> None:
    known = LabelWords()
    for _ in range(2):
        with pytest.raises(LineFault) as caught:
            known.code(label)
        assert caught.value.kind == "label_outside"
        assert words in str(caught.value)
        assert len(str(caught.value)) < 250


def test_several_emotions_at_once_are_a_conflict() -> None:
    with pytest.raises(LineFault) as caught:
        LabelWords().code(["sad", "angry"])
    assert caught.value.kind == "conflicting_labels"


def test_aliases_go_first_whatever_their_case() -> None:
    words = LabelWords({"Frustration": "angry", "SAD": None})
    assert words.code("frustration") == TAXONOMY.index("angry")
    with pytest.raises(LineFault, match="'sad' has no emotion"):
        words.code("sad")


def test_an_alias_for_something_else_is_refused() -> None:
    with pytest.raises(ConfigError, match="'x' stands for 'xyzzy'"):
        LabelWords({"x": "xyzzy"})


def test_words_of_a_posterior_have_places_or_none_and_unknown_ones_are_an_error() -> None:
    assert codes_of(["joy", "calm"], LabelWords()) == [TAXONOMY.index("happy"), None]
    with pytest.raises(KeyError, match="xyzzy"):
        codes_of(["xyzzy"], LabelWords())
