"""A backbone's configuration from its tensors against the configuration that they were made from."""

from pathlib import Path
from typing import Any

import pytest
import torch

from actors.checkpoints.files import open_checkpoint
from actors.checkpoints.geometry import read_geometry
from infra.errors import CheckpointError, LayoutError
from tests.support.checkpoints import Tensors, backbone_config, stirred_backbone, write_tensors

BACKBONES: dict[str, dict[str, Any]] = {
    "base": {"model_type": "wav2vec2", "norm": "group"},
    "large": {"model_type": "wav2vec2", "norm": "layer"},
    "hubert large": {"model_type": "hubert", "norm": "layer"},
    "wavlm base": {"model_type": "wavlm", "norm": "group"},
    "wavlm large": {"model_type": "wavlm", "norm": "layer", "conv_bias": False},
}


@pytest.mark.parametrize("options", BACKBONES.values(), ids=BACKBONES.keys())
@pytest.mark.parametrize("old_names", [False, True])
def test_it_is_the_configuration_that_the_tensors_were_made_from(
    tmp_path: Path, options: dict[str, Any], old_names: bool
) -> None:
    config = backbone_config(hidden=128, layers=3, num_attention_heads=2, **options)
    write(tmp_path, tensors_of(config, old_names))

    backbone, found = read_geometry(open_checkpoint("x", tmp_path), "in.", "toy")

    assert backbone.model_type == ("wavlm" if config.model_type == "wavlm" else "wav2vec2")
    assert len(found.values) >= 11
    for name, value in found.values.items():
        made_from = getattr(config, name)
        assert value == (list(made_from) if isinstance(made_from, tuple) else made_from), name


@pytest.mark.parametrize(
    ("key", "shape", "message"),
    [
        ("encoder.layer_norm.weight", (96,), r"\[96\], expected a multiple of 64"),
        ("encoder.layer_norm.weight", (), r"\[\], expected 1 dimension"),
        ("encoder.layers.0.feed_forward.intermediate_dense.weight", (0, 128), "none of them 0"),
        ("feature_extractor.conv_layers.1.conv.weight", (64, 64, 5), "convolutions with the kernels"),
        ("feature_extractor.conv_layers.7.conv.weight", (64, 64, 2), "convolutions with the kernels"),
        ("encoder.pos_conv_embed.conv.parametrizations.weight.original1", (128, 48, 16), "divides 128"),
    ],
)
def test_a_shape_that_no_published_backbone_has_is_refused(
    tmp_path: Path, key: str, shape: tuple[int, ...], message: str
) -> None:
    write(tmp_path, tensors_of(base()) | {f"in.{key}": torch.ones(shape)})

    with pytest.raises(LayoutError, match=message) as caught:
        read_geometry(open_checkpoint("x", tmp_path), "in.", "toy")

    assert caught.value.mismatched == (f"in.{key}",)


@pytest.mark.parametrize("shape", [(320, 4), (80, 2), (640, 2)])
def test_a_bias_of_relative_positions_that_no_wavlm_has_is_refused(tmp_path: Path, shape: tuple[int, int]) -> None:
    key = "in.encoder.layers.0.attention.rel_attn_embed.weight"
    write(tmp_path, tensors_of(base()) | {key: torch.ones(shape)})

    with pytest.raises(LayoutError, match="320 buckets for each head of 64 channels") as caught:
        read_geometry(open_checkpoint("x", tmp_path), "in.", "toy")

    assert caught.value.mismatched == (key,)


@pytest.mark.parametrize(
    "key",
    [
        "encoder.layer_norm.weight",
        "feature_extractor.conv_layers.6.conv.weight",
        "encoder.pos_conv_embed.conv.weight_v",
    ],
)
def test_a_missing_tensor_that_tells_a_size_is_named(tmp_path: Path, key: str) -> None:
    tensors = tensors_of(base(), old_names=True)
    del tensors[f"in.{key}"]
    write(tmp_path, tensors)

    with pytest.raises(LayoutError, match="toy layout") as caught:
        read_geometry(open_checkpoint("x", tmp_path), "in.", "toy")

    assert caught.value.missing == (f"in.{key}",)


def test_more_layers_than_any_backbone_has_are_refused(tmp_path: Path) -> None:
    tensors = tensors_of(base()) | {f"in.encoder.layers.{number}.x": torch.ones(1) for number in range(201)}
    write(tmp_path, tensors)

    with pytest.raises(CheckpointError, match="201 encoder layers, expected at most 200"):
        read_geometry(open_checkpoint("x", tmp_path), "in.", "toy")


def base() -> Any:
    return backbone_config("wav2vec2", hidden=128, layers=1, norm="group", num_attention_heads=2)


def tensors_of(config: Any, old_names: bool = False) -> Tensors:
    """The tensors of a backbone under `in.`."""
    prefix = config.model_type + "."
    tensors = stirred_backbone(config, torch.Generator().manual_seed(0))
    if old_names:
        ends = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
        for new, old in ends.items():
            tensors = {key.replace(new, old): tensor for key, tensor in tensors.items()}
    return {"in." + key.removeprefix(prefix): tensor for key, tensor in tensors.items()}


def write(folder: Path, tensors: Tensors) -> None:
    write_tensors(folder, tensors)
    (folder / "config.json").write_text("{}")
