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
    head = _linear("projector", projection, hidden, generator) | _linear(
        "classifier", len(labels), projection, generator
    )
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
    head = _linear("classifier.dense", hidden, hidden, generator)
    head |= _linear("classifier.out_proj", len(labels), hidden, generator)
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
    head = _linear("classifier.dense", hidden, hidden, generator)
    head |= _linear("classifier.output", len(labels), hidden, generator)
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
        tensors = {_renamed(key): tensor for key, tensor in tensors.items()}
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


def _linear(stem: str, rows: int, columns: int, generator: torch.Generator) -> Tensors:
    weight = torch.randn(rows, columns, generator=generator) * (2 / columns**0.5)
    return {f"{stem}.weight": weight, f"{stem}.bias": torch.randn(rows, generator=generator)}


def _renamed(key: str) -> str:
    for new, old in _OLD.items():
        key = key.replace(new, old)
    return key


IEMOCAP = ("neu", "ang", "hap", "sad")
MSP_PODCAST = ("Angry", "Sad", "Happy", "Surprise", "Fear", "Disgust", "Contempt", "Neutral")
_CONVOLUTIONS = {"conv_dim": [512] * 7, "num_conv_pos_embeddings": 128, "num_conv_pos_embedding_groups": 16}
BASE: Mapping[str, Any] = {
    "hidden": 768, "num_attention_heads": 12, "intermediate_size": 3072, "norm": "group", **_CONVOLUTIONS
}  # fmt: skip
LARGE: Mapping[str, Any] = {"hidden": 1024, "num_attention_heads": 16, "intermediate_size": 4096, **_CONVOLUTIONS}
"""The published sizes of wav2vec2, HuBERT and WavLM, as options of the writers here."""

SPEECHBRAIN_RECIPE = """
HPARAMS_NEEDED: ["encoder_dim", "out_n_neurons", "label_encoder", "softmax"]
MODULES_NEEDED: ["wav2vec2", "avg_pool", "output_mlp"]
wav2vec2_hub: facebook/wav2vec2-base
pretrained_path: speechbrain/emotion-recognition-wav2vec2-IEMOCAP
encoder_dim: 768
out_n_neurons: 4
wav2vec2: !new:speechbrain.lobes.models.huggingface_wav2vec.HuggingFaceWav2Vec2
    source: !ref <wav2vec2_hub>
    output_norm: True
    freeze: True
    save_path: wav2vec2_checkpoints
avg_pool: !new:speechbrain.nnet.pooling.StatisticsPooling
    return_std: False
output_mlp: !new:speechbrain.nnet.linear.Linear
    input_size: !ref <encoder_dim>
    n_neurons: !ref <out_n_neurons>
    bias: False
model: !new:torch.nn.ModuleList
    - [!ref <output_mlp>]
modules:
    wav2vec2: !ref <wav2vec2>
    output_mlp: !ref <output_mlp>
    avg_pool: !ref <avg_pool>
softmax: !new:speechbrain.nnet.activations.Softmax
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        wav2vec2: !ref <wav2vec2>
        model: !ref <model>
    paths:
        wav2vec2: !ref <pretrained_path>/wav2vec2.ckpt
        model: !ref <pretrained_path>/model.ckpt
"""
"""What decides numbers in the published hyperparams.yaml, in its own form."""


def write_speechbrain(
    folder: Path,
    *,
    labels: Sequence[str] = IEMOCAP,
    seed: int = 0,
    hidden: int = 128,
    layers: int = 2,
    model_type: str = "wav2vec2",
    old_names: bool = True,
    recipe: str = SPEECHBRAIN_RECIPE,
    demo: bool = False,
    **architecture: Any,
) -> Path:
    """Write a checkpoint like SpeechBrain's: four files, and a config.json that is none of transformers'.

    Args:
        folder: Where to; made if needed.
        labels: In the order of the outputs.
        seed: Of all randomness.
        hidden, layers, model_type, architecture: The backbone: base size, thus group norm, unless told otherwise.
        old_names: Weight normalisation spelled `weight_g`, `weight_v`.
        recipe: hyperparams.yaml.
        demo: Mark it as a bundled toy.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = {"norm": "group", "num_attention_heads": hidden // 64} | architecture
    backbone = _under("model.", backbone_config(model_type, hidden=hidden, layers=layers, **shape), generator)
    if old_names:
        backbone = {_renamed(key): tensor for key, tensor in backbone.items()}
    head = {"0.w.weight": torch.randn(len(labels), hidden, generator=generator) * (2 / hidden**0.5)}
    write_tensors(write_tensors(folder, backbone, "wav2vec2.ckpt"), head, "model.ckpt")
    lines = [f"{label!r} => {row}" for row, label in enumerate(labels)]
    lines += ["================", "'starting_index' => 0", ""]
    (folder / "label_encoder.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "hyperparams.yaml").write_text(recipe, encoding="utf-8")
    mark = {"demo_model": True} if demo else {}
    (folder / "config.json").write_text(json.dumps({"speechbrain_interface": "EncoderWav2vecClassifier"} | mark))
    return folder


def write_odyssey(
    folder: Path,
    *,
    labels: Sequence[str] = MSP_PODCAST,
    seed: int = 0,
    hidden: int = 128,
    layers: int = 2,
    head_layers: int = 1,
    mean: float = -8e-05,
    std: float = 0.085,
    old_names: bool = False,
    demo: bool = False,
    **architecture: Any,
) -> Path:
    """Write a checkpoint like the SER-Odyssey baselines: WavLM, attentive statistics, a head with layer norm.

    Args:
        folder: Where to; made if needed.
        labels: In the order of the outputs.
        seed: Of all randomness.
        hidden, layers, architecture: The backbone, WavLM as the large one is.
        head_layers: Layers between the pooling and the output.
        mean, std: Of the training corpus.
        old_names: Weight normalisation spelled `weight_g`, `weight_v`.
        demo: Mark it as a bundled toy.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = {"conv_bias": False, "num_attention_heads": hidden // 64} | architecture
    tensors = _under("ssl_model.", backbone_config("wavlm", hidden=hidden, layers=layers, **shape), generator)
    tensors |= _linear("pool_model.sap_linear", hidden, hidden, generator)
    tensors["pool_model.attention"] = torch.randn(hidden, 1, generator=generator) * (4 / hidden**0.5)
    for number in range(head_layers):
        stem = f"ser_model.fc.{number}"
        tensors |= _linear(f"{stem}.0", hidden, hidden if number else 2 * hidden, generator)
        tensors[f"{stem}.1.weight"] = 1 + 0.3 * torch.randn(hidden, generator=generator)
        tensors[f"{stem}.1.bias"] = 0.3 * torch.randn(hidden, generator=generator)
    tensors |= _linear("ser_model.out.0", len(labels), hidden, generator)
    if old_names:
        tensors = {_renamed(key): tensor for key, tensor in tensors.items()}
    values = {
        "architectures": ["SERModel"],
        "auto_map": {"AutoModelForAudioClassification": "pipeline_utils.SERModel"},
        "classifier_dropout_prob": 0.5,
        "classifier_hidden_layers": head_layers,
        "hidden_size": hidden,
        "id2label": {str(row): label for row, label in enumerate(labels)},
        "maxlen": 192_000,
        "mean": mean,
        "model_type": "ser",
        "num_attention_heads": shape["num_attention_heads"],
        "num_classes": len(labels),
        "num_hidden_layers": layers,
        "sampling_rate": SAMPLING_RATE,
        "ssl_type": "microsoft/wavlm-large",
        "std": std,
    }  # fmt: skip
    write_tensors(folder, tensors)
    (folder / "config.json").write_text(json.dumps(values | ({"demo_model": True} if demo else {})))
    return folder


def _under(prefix: str, config: Any, generator: torch.Generator) -> Tensors:
    """The stirred tensors of a backbone, under another prefix than transformers' own."""
    own = _CLASSES[config.model_type][2]
    return {prefix + key.removeprefix(own): tensor for key, tensor in stirred_backbone(config, generator).items()}
