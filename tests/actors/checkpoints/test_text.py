"""Text layouts: what old checkpoints carry passes, what would be random or wrong is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from actors.checkpoints import identify, load_text
from actors.checkpoints.catalogue import entry_of
from infra.errors import CheckpointError, LayoutError
from tests.support.checkpoints import edit_config
from tests.support.text_checkpoints import TEXTS, write_text

KOTE = "searle-j/kote_for_easygoing_people"


def edit_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    return folder


def test_what_old_versions_stored_besides_is_passed_over(tmp_path: Path) -> None:
    write_text(tmp_path)
    expected = load_text(str(tmp_path), dtype="fp32").logits(TEXTS)

    def age(tensors: dict[str, torch.Tensor]) -> None:
        tensors["roberta.embeddings.position_ids"] = torch.arange(66)[None]
        tensors["roberta.pooler.dense.weight"] = torch.ones(32, 32)
        tensors["roberta.pooler.dense.bias"] = torch.ones(32)

    edit_tensors(tmp_path, age)

    np.testing.assert_array_equal(load_text(str(tmp_path), dtype="fp32").logits(TEXTS), expected)


def test_layer_norms_in_the_spelling_of_tensorflow_are_the_same_tensors(tmp_path: Path) -> None:
    write_text(tmp_path, "bert")
    expected = load_text(str(tmp_path), dtype="fp32").logits(TEXTS)

    def age(tensors: dict[str, torch.Tensor]) -> None:
        for key in list(tensors):
            old = key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
            tensors[old] = tensors.pop(key)

    edit_tensors(tmp_path, age)

    np.testing.assert_array_equal(load_text(str(tmp_path), dtype="fp32").logits(TEXTS), expected)


@pytest.mark.parametrize(
    ("model_type", "key"),
    [
        ("roberta", "roberta.encoder.layer.1.output.dense.weight"),
        ("electra", "electra.embeddings.LayerNorm.bias"),
        ("electra", "electra.embeddings.word_embeddings.weight"),
        ("bert", "bert.encoder.layer.0.attention.self.query.bias"),
        ("distilbert", "distilbert.transformer.layer.0.ffn.lin1.weight"),
    ],
)
def test_a_tensor_of_the_encoder_that_is_missing_is_never_random(tmp_path: Path, model_type: str, key: str) -> None:
    edit_tensors(write_text(tmp_path, model_type), lambda tensors: tensors.pop(key))

    with pytest.raises(LayoutError) as caught:
        load_text(str(tmp_path))

    assert caught.value.missing == (key,)


def test_a_layer_norm_in_both_spellings_is_refused(tmp_path: Path) -> None:
    key = "roberta.embeddings.LayerNorm.gamma"
    edit_tensors(write_text(tmp_path), lambda tensors: tensors.update({key: torch.ones(32)}))

    with pytest.raises(LayoutError, match="two spellings") as caught:
        load_text(str(tmp_path))

    assert key in caught.value.unexpected


@pytest.mark.parametrize("key", ["classifier.dense.weight", "classifier.out_proj.bias"])
def test_a_head_that_is_missing_is_refused(tmp_path: Path, key: str) -> None:
    edit_tensors(write_text(tmp_path), lambda tensors: tensors.pop(key))

    with pytest.raises(CheckpointError):
        load_text(str(tmp_path))


def test_a_head_of_another_width_is_refused(tmp_path: Path) -> None:
    edit_tensors(write_text(tmp_path), lambda tensors: tensors.update({"classifier.dense.bias": torch.ones(31)}))

    with pytest.raises(LayoutError, match=r"classifier\.dense\.bias \[31\], expected \[32\]"):
        identify(str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "electra"}, "roberta or xlm-roberta or camembert"),
        ({"num_hidden_layers": 1_000_000}, "num_hidden_layers"),
        ({"max_position_embeddings": 3}, "max_position_embeddings"),
        ({"hidden_act": "magic"}, "describes no RobertaModel"),
        ({"num_attention_heads": 5}, "describes no RobertaModel"),
        ({"num_attention_heads": -1}, "num_attention_heads"),
        ({"vocab_size": 10**9}, "word_embeddings"),
        ({"id2label": {"0": "a", "1": "b"}}, "2 labels"),
    ],
)
def test_a_configuration_of_another_network_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    edit_config(write_text(tmp_path), **changes)

    with pytest.raises(CheckpointError, match=message):
        load_text(str(tmp_path))


def test_it_reads_in_both_directions_whatever_the_configuration_says(tmp_path: Path) -> None:
    plain = load_text(str(write_text(tmp_path)), dtype="fp32").logits(TEXTS)

    edit_config(tmp_path, is_decoder=True, use_cache=True)

    np.testing.assert_array_equal(load_text(str(tmp_path), dtype="fp32").logits(TEXTS), plain)


def test_a_kind_that_only_the_catalogue_knows_holds_for_that_hub_id_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = entry_of(KOTE)
    assert entry is not None
    labels = entry.labels or tuple(f"label {row}" for row in range(44))
    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = tmp_path / "models--searle-j--kote_for_easygoing_people" / "snapshots" / commit
    write_text(folder, "electra", labels=labels)
    refs = folder.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert identify(KOTE).kind == "multilabel"
    assert identify(str(folder)).kind == "categorical"


def test_the_tokenisers_files_are_part_of_the_preprocessing(tmp_path: Path) -> None:
    before = identify(str(write_text(tmp_path)))
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 32}))

    after = identify(str(tmp_path))

    assert before.preprocessing != after.preprocessing
    assert before.weights_sha256 == after.weights_sha256
