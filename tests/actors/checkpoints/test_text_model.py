"""Text classifiers against transformers' own classes, one at a time and in padded batches."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from actors.checkpoints import identify, load, load_audio, load_text
from actors.contract import TextEmotionModel
from infra.errors import CheckpointError
from tests.support.checkpoints import write_stock
from tests.support.text_checkpoints import TEXTS, write_text

EVERY = pytest.mark.parametrize("model_type", ["roberta", "xlm-roberta", "electra", "bert", "distilbert"])


def reference(folder: Path, texts: tuple[str, ...] = TEXTS) -> npt.NDArray[np.float32]:
    """transformers' own answer, one text at a time, by its own tokeniser; nothing may be random."""
    found, info = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    tokenize = AutoTokenizer.from_pretrained(folder)
    readable = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
    with torch.inference_mode():
        rows = [found.eval()(**tokenize(each, truncation=True, return_tensors="pt")).logits[0] for each in readable]
    return torch.stack(rows).numpy()


def one_by_one(model: TextEmotionModel) -> npt.NDArray[np.float32]:
    return np.concatenate([model.logits([text]) for text in TEXTS])


@EVERY
@pytest.mark.parametrize("old_files", [False, True], ids=["tokenizer.json", "vocabulary"])
def test_one_at_a_time_and_together_equal_transformers(tmp_path: Path, model_type: str, old_files: bool) -> None:
    write_text(tmp_path, model_type, old_files=old_files)
    model = load_text(str(tmp_path), device="cpu", dtype="fp32")

    single = one_by_one(model)

    np.testing.assert_allclose(single, reference(tmp_path), atol=1e-5, rtol=0)
    np.testing.assert_allclose(model.logits(TEXTS), single, atol=1e-4, rtol=0)
    assert single.dtype == np.float32
    assert np.abs(single[0] - single[5]).max() > 0.01  # texts that all give the same would prove nothing


@pytest.mark.parametrize("model_type", ["roberta", "electra"])
def test_the_width_of_the_published_checkpoints(tmp_path: Path, model_type: str) -> None:
    write_text(tmp_path, model_type, hidden=768, heads=12, layers=1, positions=512, intermediate_size=3072)

    logits = load_text(str(tmp_path), device="cpu", dtype="fp32").logits(TEXTS[:3])

    np.testing.assert_allclose(logits, reference(tmp_path, TEXTS[:3]), atol=1e-5, rtol=0)


def test_an_electra_with_a_narrower_embedding(tmp_path: Path) -> None:
    write_text(tmp_path, "electra", embedding_size=16)

    logits = load_text(str(tmp_path), device="cpu", dtype="fp32").logits(TEXTS)

    np.testing.assert_allclose(logits, reference(tmp_path), atol=1e-4, rtol=0)


@EVERY
def test_bf16_stays_near_fp32(tmp_path: Path, model_type: str) -> None:
    write_text(tmp_path, model_type)

    low = load_text(str(tmp_path), device="cpu", dtype="bf16").logits(TEXTS)

    full = load_text(str(tmp_path), device="cpu", dtype="fp32").logits(TEXTS)
    assert low.dtype == np.float32
    assert 0 < np.abs(_softmax(low) - _softmax(full)).max() < 0.02


def test_a_text_beyond_the_limit_is_cut_at_its_end(tmp_path: Path) -> None:
    model = load_text(str(write_text(tmp_path, positions=16)), dtype="fp32")
    long = "No. " * 200

    np.testing.assert_allclose(model.logits([long]), model.logits([long + "Why?"]), atol=1e-6)
    np.testing.assert_allclose(model.logits([long]), reference(tmp_path, (long,)), atol=1e-5)


def test_no_texts_give_no_rows(tmp_path: Path) -> None:
    assert load_text(str(write_text(tmp_path))).logits([]).shape == (0, 7)


def test_what_is_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="text 1 is a NoneType"):
        load_text(str(write_text(tmp_path))).logits(["a", None])  # type: ignore[list-item]


def test_one_text_is_not_taken_for_its_letters(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a sequence of them: \[text\]"):
        load_text(str(write_text(tmp_path))).logits("No.")


@pytest.mark.parametrize(
    ("problem_type", "kind"),
    [
        (None, "categorical"),
        ("single_label_classification", "categorical"),
        ("multi_label_classification", "multilabel"),
    ],
)
def test_the_spec_says_what_it_is(tmp_path: Path, problem_type: str | None, kind: str) -> None:
    write_text(tmp_path, "electra", problem_type=problem_type)

    spec = load_text(str(tmp_path), dtype="fp32").spec

    found: tuple[Any, ...] = (spec.family, spec.kind, spec.modality, spec.sampling_rate, spec.window_s, spec.precision)
    assert found == ("electra", kind, "text", 0, None, "fp32")
    assert identify(str(tmp_path)).spec("fp32") == spec


def test_each_door_refuses_the_other_kind_of_model(tmp_path: Path) -> None:
    reads, hears = str(write_text(tmp_path / "text")), str(write_stock(tmp_path / "speech"))

    with pytest.raises(CheckpointError, match=r"reads text.*hears speech is expected"):
        load_audio(reads)
    with pytest.raises(CheckpointError, match=r"hears speech.*reads text is expected"):
        load_text(hears)


def test_the_memory_of_the_weights_is_known(tmp_path: Path) -> None:
    source = str(write_text(tmp_path, hidden=256))

    full, low = load_text(source, dtype="fp32"), load_text(source, dtype="bf16")

    assert 0.5 < low.weight_bytes / full.weight_bytes < 0.8  # type: ignore[attr-defined]


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def test_one_door_opens_both_kinds_as_the_checkpoint_is(tmp_path: Path) -> None:
    reads, hears = str(write_text(tmp_path / "reads")), str(write_stock(tmp_path / "hears"))
    assert load(reads, dtype="fp32").spec.modality == "text"
    assert load(reads, dtype="fp32").logits(["I am so happy"]).shape == (1, 7)
    assert load(hears, dtype="fp32").spec.modality == "audio"
