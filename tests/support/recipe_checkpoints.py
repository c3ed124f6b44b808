"""Small checkpoints with random weights in the layouts of SpeechBrain's recipe and of the SER-Odyssey baselines."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from actors.contract import SAMPLING_RATE
from tests.support.checkpoints import backbone_config, linear, renamed, under, write_tensors

IEMOCAP = ("neu", "ang", "hap", "sad")
MSP_PODCAST = ("Angry", "Sad", "Happy", "Surprise", "Fear", "Disgust", "Contempt", "Neutral")

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
    backbone = under("model.", backbone_config(model_type, hidden=hidden, layers=layers, **shape), generator)
    if old_names:
        backbone = {renamed(key): tensor for key, tensor in backbone.items()}
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
    tensors = under("ssl_model.", backbone_config("wavlm", hidden=hidden, layers=layers, **shape), generator)
    tensors |= linear("pool_model.sap_linear", hidden, hidden, generator)
    tensors["pool_model.attention"] = torch.randn(hidden, 1, generator=generator) * (4 / hidden**0.5)
    for number in range(head_layers):
        stem = f"ser_model.fc.{number}"
        tensors |= linear(f"{stem}.0", hidden, hidden if number else 2 * hidden, generator)
        tensors[f"{stem}.1.weight"] = 1 + 0.3 * torch.randn(hidden, generator=generator)
        tensors[f"{stem}.1.bias"] = 0.3 * torch.randn(hidden, generator=generator)
    tensors |= linear("ser_model.out.0", len(labels), hidden, generator)
    if old_names:
        tensors = {renamed(key): tensor for key, tensor in tensors.items()}
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
