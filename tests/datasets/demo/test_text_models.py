"""datasets/demo/checkpoints/*-text: toys that Seraph loads, and that read as measured.json says."""

import json
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from actors.checkpoints import identify, label_map, load_text
from actors.contract import TAXONOMY
from tasks.config.scoring import load_config
from tests.support.demo import demo_module
from tests.support.seraph import DEMO

corpus, models, measuring = (demo_module(name) for name in ("text_corpus", "text_models", "measure_words"))
MEASURED = json.loads((DEMO / "measured.json").read_text(encoding="utf-8"))["text"]
BOTH = pytest.mark.parametrize("language", ["en", "ko"])


def checkpoint(language: str) -> Path:
    return DEMO / "checkpoints" / f"{language}-text"


@pytest.mark.parametrize(
    ("language", "family", "labels"),
    [
        ("en", "roberta", "anger disgust fear joy neutral sadness surprise"),
        ("ko", "electra", "기쁨 슬픔 분노 불안 당황 혐오 중립"),
    ],
)
def test_a_checkpoint_has_the_published_layout_and_labels_and_says_that_it_is_a_toy(
    language: str, family: str, labels: str
) -> None:
    found = identify(str(checkpoint(language)))
    assert (found.family, found.kind, found.demo) == (family, "categorical", True)
    assert found.labels == tuple(labels.split())
    assert label_map(found.labels) == models.LABELS[language]
    assert sorted(models.LABELS[language].values()) == sorted(TAXONOMY)


@BOTH
def test_sentences_of_held_out_templates_are_read_as_well_as_was_measured(language: str) -> None:
    sentences = corpus.held_out(language, measuring.HELD_OUT_EACH, np.random.default_rng(measuring.HELD_OUT_SEED))
    model = load_text(str(checkpoint(language)), device="cpu", dtype="fp32")
    emotions = [models.LABELS[language][label] for label in model.spec.labels]
    found = model.logits([text for text, _ in sentences]).argmax(axis=1)
    accuracy = np.mean([emotions[row] == truth for row, (_, truth) in zip(found, sentences, strict=True)])
    assert accuracy == pytest.approx(MEASURED[language]["held_out_templates"]["accuracy"], abs=0.003)
    assert accuracy > 0.8


@BOTH
def test_seraph_and_transformers_read_the_same(language: str) -> None:
    texts = ["How dare you!", "너무 무서워요.", "", "The bus is late. Yuck, what a smell!", "쀍 \U0001f9ff " * 60]
    logits = load_text(str(checkpoint(language)), device="cpu", dtype="fp32").logits(texts).astype(np.float64)
    posterior = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(posterior, models.posteriors(checkpoint(language), language, texts), atol=1e-5)


def test_every_syllable_of_hangul_has_tokens() -> None:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint("ko"))
    syllables = [chr(code) for code in range(ord("가"), ord("힣") + 1)]
    unread = [text for text in syllables if tokenizer.unk_token_id in tokenizer(text)["input_ids"]]
    assert unread == []
    assert len({tuple(tokenizer(text)["input_ids"]) for text in syllables}) == len(syllables) == 11_172


@BOTH
def test_the_text_of_the_labelled_media_tells_no_emotion_and_measured_json_says_so(language: str) -> None:
    spoken = MEASURED[language]["transcripts"]
    assert spoken["n"] == 64
    assert spoken["uar"] < 0.3  # 1/7 by guessing, standard error 0.05
    assert "tell no emotion" in spoken["note"]


def test_the_weight_at_which_the_demo_fuses_costs_no_accuracy_over_both_languages() -> None:
    weight = load_config("demo").decision.audio_weight
    assert weight < 1, "the demo shows fusion"
    by_weight = [MEASURED[language]["accuracy_by_audio_weight"] for language in ("en", "ko")]
    assert sum(each[str(weight)] for each in by_weight) >= sum(each["1.0"] for each in by_weight)
