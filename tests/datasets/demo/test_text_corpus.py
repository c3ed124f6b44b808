"""datasets/demo/text_corpus.py: sentences that tell an emotion, and what of them training never sees."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from tests.support.demo import demo_module
from tests.support.seraph import DEMO

corpus = demo_module("text_corpus")
BOTH = pytest.mark.parametrize("language", ["en", "ko"])


@BOTH
def test_no_template_is_both_held_out_and_trained_on(language: str) -> None:
    for emotion in corpus.EMOTIONS:
        for trained, held_out in zip(
            corpus.templates(language, emotion, "training"),
            corpus.templates(language, emotion, "held_out"),
            strict=True,
        ):
            assert trained
            assert not set(trained) & set(held_out)


@BOTH
def test_every_slot_of_every_template_has_words(language: str) -> None:
    texts = json.loads((DEMO / "text_templates.json").read_text(encoding="utf-8"))[language]
    for emotion, words in texts["emotions"].items():
        own = [*words["training"], *words["held_out"]]
        shared = [] if emotion == "neutral" else [*texts["frames"]["training"], *texts["frames"]["held_out"]]
        asked = {slot for template in own + shared for slot in re.findall(r"\{(\w+)\}", template)}
        assert asked <= words.keys(), emotion


@BOTH
def test_training_speaks_of_all_emotions_alike_and_says_no_labelled_sentence(language: str) -> None:
    rows = [json.loads(line) for line in (DEMO / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    labelled = {_plain(row["text"]) for row in rows}
    drawn = corpus.training(language, 300, np.random.default_rng(0))
    assert Counter(emotion for _, emotion in drawn) == dict.fromkeys(corpus.EMOTIONS, 300)
    assert not any(sentence in _plain(text) for text, _ in drawn for sentence in labelled)
    assert not any("{" in text for text, _ in drawn)


@BOTH
def test_there_are_several_thousand_different_sentences(language: str) -> None:
    drawn = corpus.training(language, 1000, np.random.default_rng(0))
    assert len({_plain(text) for text, _ in drawn}) > 4000


def test_held_out_sentences_differ_and_follow_the_seed() -> None:
    first, again, other = (corpus.held_out("en", 20, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(set(first)) == 7 * 20


def test_sentences_begin_with_a_capital() -> None:
    drawn = corpus.held_out("en", 20, np.random.default_rng(3))
    assert all(text[0].isupper() for text, _ in drawn)


def _plain(text: str) -> str:
    return re.sub(r"[.,!?]", "", text).lower()
