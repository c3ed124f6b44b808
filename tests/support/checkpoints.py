"""Small checkpoints with random weights, written in the published layouts and key spellings.

Every tensor is stirred, biases and norms too: a bias that is dropped or a norm that is skipped changes the logits.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import (
    Data2VecAudioConfig,
    Data2VecAudioModel,
    HubertConfig,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2Model,
    WavLMConfig,
    WavLMModel,
)

from actors.contract import SAMPLING_RATE, Signal

SUPERB = ("neu", "hap", "ang", "sad")
GREEK = ("anger", "disgust", "fear", "happiness", "sadness")
RAVDESS = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")

_CLASSES = {
    "wav2vec2": (Wav2Vec2Config, Wav2Vec2Model, "wav2vec2."),
    "hubert": (HubertConfig, HubertModel, "hubert."),
    "wavlm": (WavLMConfig, WavLMModel, "wavlm."),
    "data2vec-audio": (Data2VecAudioConfig, Data2VecAudioModel, "data2vec_audio."),
}
_OLD = {
    "pos_conv_embed.conv.parametrizations.weight.original0": "pos_conv_embed.conv.weight_g",
    "pos_conv_embed.conv.parametrizations.weight.original1": "pos_conv_embed.conv.weight_v",
}

_CONVOLUTIONS = {"conv_dim": [512] * 7, "num_conv_pos_embeddings": 128, "num_conv_pos_embedding_groups": 16}
BASE: Mapping[str, Any] = {
    "hidden": 768, "num_attention_heads": 12, "intermediate_size": 3072, "norm": "group", **_CONVOLUTIONS
}  # fmt: skip
LARGE: Mapping[str, Any] = {"hidden": 1024, "num_attention_heads": 16, "intermediate_size": 4096, **_CONVOLUTIONS}
"""The published sizes of wav2vec2, HuBERT and WavLM, as options of the writers here."""

Tensors = dict[str, torch.Tensor]


def write_stock(
    folder: Path,
    *,
    labels: Sequence[str] = SUPERB,
    seed: int = 0,
    hidden: int = 32,
    weighted: bool = False,
    projection: int = 24,
    **backbone: Any,
) -> Path:
    """Write a checkpoint in the layout of transformers' own sequence classifiers; see `write` for the other options."""
    generator = torch.Generator().manual_seed(seed)
    head = linear("projector", projection, hidden, generator) | linear("classifier", len(labels), projection, generator)
    if weighted:
        head["layer_weights"] = torch.randn(backbone.get("layers", 2) + 1, generator=generator)
    settings = {"use_weighted_layer_sum": weighted, "classifier_proj_size": projection}
    return write(folder, head, labels, generator, hidden=hidden, settings=settings, **backbone)


def write_soxan(
    folder: Path,
    *,
    labels: Sequence[str] = GREEK,
    seed: int = 0,
    hidden: int = 32,
    pooling: str = "mean",
    **backbone: Any,
) -> Path:
    """Write a checkpoint in the soxan layout; see `write` for the other options."""
    generator = torch.Generator().manual_seed(seed)
    head = linear("classifier.dense", hidden, hidden, generator)
    head |= linear("classifier.out_proj", len(labels), hidden, generator)
    return write(folder, head, labels, generator, hidden=hidden, settings={"pooling_mode": pooling}, **backbone)


def write_dimensional(folder: Path, *, seed: int = 0, **backbone: Any) -> Path:
    """Write a checkpoint like audeering's: the soxan shape, three dimensions, `vocab_size: null`."""
    folder = write_soxan(folder, labels=("arousal", "dominance", "valence"), seed=seed, **backbone)
    return edit_config(folder, problem_type="regression", vocab_size=None, pooling_mode=...)


def write_ehcalabres(
    folder: Path, *, labels: Sequence[str] = RAVDESS, seed: int = 0, hidden: int = 32, **backbone: Any
) -> Path:
    """Write a checkpoint in the ehcalabres layout; see `write` for the other options."""
    generator = torch.Generator().manual_seed(seed)
    head = linear("classifier.dense", hidden, hidden, generator)
    head |= linear("classifier.output", len(labels), hidden, generator)
    return write(folder, head, labels, generator, hidden=hidden, settings={}, **backbone)


def write(
    folder: Path,
    head: Tensors,
    labels: Sequence[str],
    generator: torch.Generator,
    *,
    hidden: int,
    settings: Mapping[str, Any],
    model_type: str = "wav2vec2",
    layers: int = 2,
    norm: str = "layer",
    do_normalize: bool = True,
    old_names: bool = False,
    file: str = "model.safetensors",
    dtype: torch.dtype = torch.float32,
    demo: bool = False,
    **architecture: Any,
) -> Path:
    """Write a head on a stirred backbone.

    Args:
        folder: Where to; made if needed.
        head: The head's tensors by key.
        labels: In the order of the outputs.
        generator: Source of all randomness.
        hidden, layers, model_type, architecture: The backbone.
        settings: More of config.json.
        norm: `layer` (stable, as large models) or `group` (as base models).
        do_normalize: As preprocessor_config.json says it.
        old_names: Weight normalisation spelled `weight_g`, `weight_v`.
        file: `model.safetensors` or `pytorch_model.bin`.
        dtype: How the weights are stored.
        demo: Mark it as a bundled toy.
    """
    config = backbone_config(model_type, hidden=hidden, layers=layers, norm=norm, **architecture)
    tensors = stirred_backbone(config, generator) | head
    if old_names:
        tensors = {renamed(key): tensor for key, tensor in tensors.items()}
    write_tensors(folder, {key: tensor.to(dtype) for key, tensor in tensors.items()}, file)
    write_config(folder, config, labels, **settings, **({"demo_model": True} if demo else {}))
    return write_preprocessor(folder, do_normalize=do_normalize, return_attention_mask=norm == "layer")


def backbone_config(model_type: str, *, hidden: int, layers: int, norm: str = "layer", **architecture: Any) -> Any:
    """The configuration of a small backbone with the published strides and kernels."""
    usual: dict[str, Any] = {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "intermediate_size": 2 * hidden,
        "conv_dim": [64] * 7,  # with less, oneDNN falls back to a convolution that is twenty times slower
        "num_conv_pos_embeddings": 3 if model_type == "data2vec-audio" else 16,
        "num_conv_pos_embedding_groups": 4,
        "conv_bias": norm == "layer",
    }
    if model_type != "data2vec-audio":
        usual |= {"feat_extract_norm": norm, "do_stable_layer_norm": norm == "layer"}
    return _CLASSES[model_type][0](**(usual | architecture))


def stirred_backbone(config: Any, generator: torch.Generator) -> Tensors:
    """The tensors of a backbone by their published keys, all random."""
    _, model, prefix = _CLASSES[config.model_type]
    return {prefix + key: stirred(key, tensor, generator) for key, tensor in model(config).state_dict().items()}


def under(prefix: str, config: Any, generator: torch.Generator) -> Tensors:
    """The stirred tensors of a backbone, under another prefix than transformers' own."""
    own = _CLASSES[config.model_type][2]
    return {prefix + key.removeprefix(own): tensor for key, tensor in stirred_backbone(config, generator).items()}


def stirred(key: str, tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A random tensor of this shape, of a size that keeps a network alive, and bf16 near fp32."""
    if not tensor.is_floating_point():
        return tensor
    noise = torch.randn(tensor.shape, generator=generator)
    if key.endswith(("original0", "running_var", "gru_rel_pos_const")) or (tensor.ndim == 1 and key.endswith("weight")):
        return 1 + 0.3 * noise.abs()
    return 0.3 * noise if tensor.ndim < 2 else noise / tensor[0].numel() ** 0.5


def write_tensors(folder: Path, tensors: Tensors, file: str = "model.safetensors") -> Path:
    """Write the weight file."""
    folder.mkdir(parents=True, exist_ok=True)
    if file.endswith(".safetensors"):
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / file, {"format": "pt"})
    else:
        torch.save(tensors, folder / file)
    return folder


def write_config(folder: Path, config: Any, labels: Sequence[str], **settings: Any) -> Path:
    """Write config.json as transformers does, with the labels and more settings."""
    values = config.to_diff_dict() | {"model_type": config.model_type} | settings
    values["id2label"] = {str(row): label for row, label in enumerate(labels)}
    values["label2id"] = {label: row for row, label in enumerate(labels)}
    (folder / "config.json").write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    return folder


def write_preprocessor(folder: Path, *, do_normalize: bool = True, **settings: Any) -> Path:
    """Write preprocessor_config.json as published."""
    values = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "do_normalize": do_normalize,
        "feature_size": 1,
        "padding_side": "right",
        "padding_value": 0.0,
        "sampling_rate": SAMPLING_RATE,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(values | settings))
    return folder


def edit_config(folder: Path, file: str = "config.json", **changes: Any) -> Path:
    """Change values of a JSON file; `...` removes one."""
    path = folder / file
    values = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not ...}, ensure_ascii=False), encoding="utf-8")
    return folder


def some_signals(seed: int = 0, seconds: Sequence[float] = (0.9, 0.31, 1.2, 0.9, 0.055, 0.75)) -> list[Signal]:
    """Tones in noise, by turns loud, quiet, and quiet with an offset, so that a wrong normalisation shows."""
    rng = np.random.default_rng(seed)
    signals = []
    for turn, duration in enumerate(seconds):
        time = np.arange(round(duration * SAMPLING_RATE)) / SAMPLING_RATE
        tone = np.sin(2 * np.pi * rng.uniform(90, 900) * time) * (1 + np.sin(2 * np.pi * rng.uniform(1, 5) * time))
        wave = 0.3 * tone + 0.1 * rng.standard_normal(len(time))
        signals.append((wave * (1.0, 0.02, 0.05)[turn % 3] + (0.0, 0.0, 0.03)[turn % 3]).astype(np.float32))
    return signals


def linear(stem: str, rows: int, columns: int, generator: torch.Generator) -> Tensors:
    weight = torch.randn(rows, columns, generator=generator) * (2 / columns**0.5)
    return {f"{stem}.weight": weight, f"{stem}.bias": torch.randn(rows, generator=generator)}


def renamed(key: str) -> str:
    for new, old in _OLD.items():
        key = key.replace(new, old)
    return key
