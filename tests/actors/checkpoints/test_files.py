"""Damaged folders: each is refused by name, in bounded time and memory."""

import json
import resource
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from actors.checkpoints import identify, load
from actors.checkpoints.files import open_checkpoint
from infra.errors import CheckpointError
from tests.support.checkpoints import edit_config, some_signals, write_stock


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 5000, -1])
def test_a_cut_safetensors_file_is_refused_by_name(tmp_path: Path, kept: int) -> None:
    path = write_stock(tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
        load(str(tmp_path))


@pytest.mark.parametrize("kept", [0, 4, 100, 5000, -1, -5000])
def test_a_cut_bin_file_is_refused_by_name(tmp_path: Path, kept: int) -> None:
    path = write_stock(tmp_path, file="pytorch_model.bin") / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [1 << 40, 1 << 40], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 1 << 60]},
        {"dtype": "F32", "shape": [-2, -2], "data_offsets": [0, 16]},
        {"dtype": "Q7", "shape": [2, 2], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": "wide", "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [2, 2]},
        17,
    ],
)
def test_a_header_that_declares_nonsense_is_refused(tmp_path: Path, entry: Any) -> None:
    write_stock(tmp_path)
    header = json.dumps({"classifier.weight": entry}).encode()
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))

    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
        load(str(tmp_path))


def test_bytes_that_no_tensor_declares_are_refused(tmp_path: Path) -> None:
    path = write_stock(tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes() + bytes(64))

    with pytest.raises(CheckpointError, match="bytes of tensors are declared"):
        identify(str(tmp_path))


def test_a_header_of_declared_exabytes_is_refused(tmp_path: Path) -> None:
    write_stock(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 62) + b"{}" * 100)

    with pytest.raises(CheckpointError, match="its header would have"):
        load(str(tmp_path))


GARBAGE = [b"", b"{", b"[1, 2]", b"\xff\xfe\x00", b"[" * 100_000, b"null", b'{"sampling_rate": "x", "model_type": 7}']


@pytest.mark.parametrize("content", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
def test_garbage_in_a_configuration_is_refused_by_name(tmp_path: Path, file: str, content: bytes) -> None:
    (write_stock(tmp_path) / file).write_bytes(content)

    with pytest.raises(CheckpointError, match=file):
        load(str(tmp_path))


@pytest.mark.parametrize(
    "changes",
    [
        {"num_hidden_layers": 1 << 30},
        {"hidden_size": 1 << 30},
        {"hidden_size": "many"},
        {"conv_dim": [64] * 10_000},
        {"conv_kernel": [0] * 7},
        {"num_attention_heads": 7},
        {"num_conv_pos_embeddings": 1 << 30},
        {"num_conv_pos_embedding_groups": 5},
        {"hidden_act": "sing"},
        {"feat_extract_norm": "none"},
        {"id2label": {"0": "neu", "2": "hap"}},
        {"id2label": {"0": "neu", "1": "neu", "2": "ang", "3": "sad"}},
        {"id2label": {"0": [], "1": "neu", "2": "ang", "3": "sad"}},
        {"add_adapter": True},
        {"problem_type": "regression"},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_a_configuration_that_cannot_be_is_refused_without_building_it(tmp_path: Path, changes: dict[str, Any]) -> None:
    edit_config(write_stock(tmp_path), **changes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(CheckpointError, match=str(tmp_path)):
        load(str(tmp_path))

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


@pytest.mark.parametrize(
    "changes",
    [
        {"num_conv_pos_embeddings": 1 << 30},
        {name: [1] * 100_000 for name in ("conv_dim", "conv_kernel", "conv_stride")},
    ],
    ids=["positional", "convolutions"],
)
def test_layers_without_end_are_refused_before_any_is_built(tmp_path: Path, changes: dict[str, Any]) -> None:
    edit_config(write_stock(tmp_path, model_type="data2vec-audio"), **changes)

    with pytest.raises(CheckpointError, match=r"config\.json: `(num_conv_pos_embeddings|conv_dim)`"):
        identify(str(tmp_path))


def test_code_in_a_bin_file_is_not_run(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.write_text, (tmp_path / "harmed", "yes")

    write_stock(tmp_path, file="pytorch_model.bin")
    torch.save({"classifier.weight": Harm()}, tmp_path / "pytorch_model.bin")

    with pytest.raises(CheckpointError, match="never run"):
        load(str(tmp_path))

    assert not (tmp_path / "harmed").exists()


def test_a_bin_file_whose_tensor_repeats_a_few_bytes_is_refused(tmp_path: Path) -> None:
    write_stock(tmp_path, file="pytorch_model.bin")
    torch.save({"classifier.weight": torch.ones(1).expand(1 << 20, 1 << 20)}, tmp_path / "pytorch_model.bin")

    with pytest.raises(CheckpointError, match="more than it stores"):
        load(str(tmp_path))


def test_a_compressed_bin_file_is_refused(tmp_path: Path) -> None:
    path = write_stock(tmp_path, file="pytorch_model.bin") / "pytorch_model.bin"
    with zipfile.ZipFile(path) as stored:
        parts = {name: stored.read(name) for name in stored.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)

    with pytest.raises(CheckpointError, match="compressed inside"):
        load(str(tmp_path))


def test_a_folder_without_weights_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no weights.*model\.safetensors"):
        identify(str(tmp_path))


def test_safetensors_bin_and_shards_load_alike(tmp_path: Path) -> None:
    signals = some_signals()
    whole = load(str(write_stock(tmp_path / "whole")), dtype="fp32").logits(signals)

    pickled = load(str(write_stock(tmp_path / "bin", file="pytorch_model.bin")), dtype="fp32").logits(signals)
    sharded = load(str(shard(write_stock(tmp_path / "shards"))), dtype="fp32").logits(signals)

    assert (pickled == whole).all()
    assert (sharded == whole).all()


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    shard(write_stock(tmp_path))
    (tmp_path / "model-00002.safetensors").unlink()

    with pytest.raises(CheckpointError, match="model-00002"):
        identify(str(tmp_path))


def test_a_tensor_in_two_shards_is_refused_with_both(tmp_path: Path) -> None:
    shard(write_stock(tmp_path))
    first, second = sorted(tmp_path.glob("model-*.safetensors"))
    tensors = load_file(first)
    key = sorted(tensors)[0]
    save_file(load_file(second) | {key: tensors[key] + 1}, second)

    with pytest.raises(CheckpointError, match=rf"{key} is both in .*{first.name} and in {second.name}"):
        identify(str(tmp_path))


def test_a_shard_outside_the_folder_is_refused(tmp_path: Path) -> None:
    shard(write_stock(tmp_path))
    edit_config(tmp_path, "model.safetensors.index.json", weight_map={"classifier.weight": "../secret.safetensors"})

    with pytest.raises(CheckpointError, match="same folder"):
        identify(str(tmp_path))


def test_the_digest_follows_every_byte_of_every_shard(tmp_path: Path) -> None:
    one = open_checkpoint("one", shard(write_stock(tmp_path / "one"))).weights_sha256
    two = open_checkpoint("two", shard(write_stock(tmp_path / "two"))).weights_sha256
    path = tmp_path / "two" / "model-00002.safetensors"
    tensors = load_file(path)
    next(iter(tensors.values())).view(-1)[0] += 1
    save_file(tensors, path)

    assert one == two
    assert open_checkpoint("two", tmp_path / "two").weights_sha256 != one


def shard(folder: Path) -> Path:
    """Split model.safetensors into two shards with an index, as transformers does."""
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    files = {name: f"model-0000{1 + (number >= 20)}.safetensors" for number, name in enumerate(names)}
    for file in set(files.values()):
        save_file({name: tensors[name] for name in names if files[name] == file}, folder / file)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return folder
