"""What is no emotion model is refused in words that say what it is and what to do."""

import json
from pathlib import Path

import pytest
import torch

from actors.checkpoints import load
from infra.errors import CheckpointError
from tests.support.checkpoints import edit_config, write_stock, write_tensors


def write_keys(folder: Path, *keys: str, **config: object) -> Path:
    """A checkpoint with these keys."""
    write_tensors(folder, {key: torch.ones(2, 2) for key in keys})
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (["model.encoder.conv1.weight", "model.decoder.layers.0.fc1.weight", "proj_out.weight"], "transcribes speech"),
        (["model.encoder.layers.0.fc1.weight", "model.decoder.layers.0.fc1.weight"], "models language"),
        (["wav2vec2.feature_extractor.conv_layers.0.conv.weight", "lm_head.weight"], "transcribes speech"),
        (["model.embed_tokens.weight", "lm_head.weight"], "models language"),
        (["transformer.h.0.attn.c_attn.weight", "transformer.wte.weight"], "models language"),
        (["bert.embeddings.word_embeddings.weight", "cls.predictions.bias"], "predicts words"),
        (["vit.embeddings.cls_token", "classifier.weight"], "sees images"),
        (["unet.conv_in.weight"], "makes images"),
        (["base_model.model.wav2vec2.encoder.layers.0.attention.q_proj.lora_A.weight"], "merge"),
        (["bert.embeddings.word_embeddings.weight", "bert.pooler.dense.weight"], "without an emotion head"),
        (["roberta.embeddings.word_embeddings.weight", "qa_outputs.weight"], "nearest is"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_another_kind_of_network_is_told_by_what_it_does(tmp_path: Path, keys: list[str], says: str) -> None:
    with pytest.raises(CheckpointError, match=says):
        load(str(write_keys(tmp_path, *keys)))


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (["adapter_config.json", "adapter_model.safetensors"], r"adapter \(LoRA\) for owner/base.*Merge the two"),
        (["model_index.json", "unet.safetensors"], "diffusers pipeline"),
        (["model.onnx", "config.json"], "ONNX"),
        (["model.gguf"], "GGUF"),
        (["model.tflite"], "TensorFlow Lite"),
        (["tf_model.h5", "config.json"], "TensorFlow"),
        (["flax_model.msgpack"], "Flax"),
        (["tokenizer.json", "vocab.txt", "config.json"], "files of a tokenizer only"),
        (["model.safetensors.incomplete", "config.json"], r"model\.safetensors\.incomplete is half-downloaded"),
        (["pytorch_model.bin.part"], "half-downloaded"),
        (["emotions.safetensors"], r"emotions\.safetensors is none of the names"),
        (["config.json"], "there are none of any kind"),
        ([], "there are none of any kind"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) and value else None,
)
def test_a_folder_without_weights_is_told_by_what_it_holds(tmp_path: Path, files: list[str], says: str) -> None:
    for name in files:
        (tmp_path / name).write_text('{"base_model_name_or_path": "owner/base"}')

    with pytest.raises(CheckpointError, match=rf"no weights.*{says}"):
        load(str(tmp_path))


def test_weights_one_folder_below_are_pointed_out(tmp_path: Path) -> None:
    write_stock(tmp_path / "checkpoint-500")

    with pytest.raises(CheckpointError, match="the folder checkpoint-500 in it has some"):
        load(str(tmp_path))


def test_a_folder_in_the_place_of_the_weights_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").mkdir()

    with pytest.raises(CheckpointError, match=r"model\.safetensors is a folder"):
        load(str(tmp_path))


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_a_pointer_of_git_lfs_is_told_with_what_to_run(tmp_path: Path, file: str) -> None:
    (write_stock(tmp_path, file=file) / file).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")

    with pytest.raises(CheckpointError, match="git lfs pull"):
        load(str(tmp_path))


def test_an_empty_weight_file_was_cut_off(tmp_path: Path) -> None:
    (write_stock(tmp_path) / "model.safetensors").write_bytes(b"")

    with pytest.raises(CheckpointError, match="empty"):
        load(str(tmp_path))


def test_an_adapter_with_a_damaged_configuration_is_still_one(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{")

    with pytest.raises(CheckpointError, match=r"adapter \(LoRA\) for another model"):
        load(str(tmp_path))


def test_an_emotion_model_is_none_of_these(tmp_path: Path) -> None:
    edit_config(write_stock(tmp_path), architectures=["Wav2Vec2ForSequenceClassification"])

    assert load(str(tmp_path), dtype="fp32").spec.family == "stock"
