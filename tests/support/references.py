"""What published checkpoints give, computed from their descriptions on transformers' bare backbones: references.

None of it is our code. Each function reads a checkpoint's folder and gives what scores one signal.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional
from transformers import (
    AutoModelForAudioClassification,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
    WavLMConfig,
    WavLMModel,
)

from actors.contract import Signal
from tests.support.checkpoints import Tensors

Reference = Callable[[Signal], torch.Tensor]


def stock(folder: Path) -> Reference:
    """transformers' own class and feature extractor; nothing in it is random."""
    model, info = AutoModelForAudioClassification.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    extract = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    return lambda signal: model(**extract(signal, sampling_rate=16_000, return_tensors="pt")).logits[0]


def pooled(folder: Path, output: str, activation: Callable[[torch.Tensor], torch.Tensor]) -> Reference:
    """Mean over time, `classifier.dense`, activation, output: github.com/m3hrdad/soxan has tanh, src/models.py."""
    backbone = Wav2Vec2Model.from_pretrained(folder).eval()
    weights = stored(folder)

    def logits(signal: Signal) -> torch.Tensor:
        wave = torch.from_numpy((signal - signal.mean()) / np.sqrt(signal.var() + 1e-7))[None]
        mean = backbone(wave).last_hidden_state[0].mean(0)
        return affine(activation(affine(mean, weights, "classifier.dense")), weights, output)

    return logits


def speechbrain(folder: Path) -> Reference:
    """SpeechBrain's huggingface_wav2vec.py, a plain mean, a linear layer; the backbone is facebook/wav2vec2-base."""
    backbone = filled(Wav2Vec2Model(Wav2Vec2Config(num_hidden_layers=1)), stored(folder, "wav2vec2.ckpt"), "model.")
    weight = stored(folder, "model.ckpt")["0.w.weight"]

    def logits(signal: Signal) -> torch.Tensor:
        wave = torch.from_numpy(signal)[None]
        states = backbone(functional.layer_norm(wave, wave.shape[1:])).last_hidden_state
        return weight @ functional.layer_norm(states, states.shape[1:]).mean(1)[0]

    return logits


def odyssey(folder: Path, mean: float, std: float) -> Reference:
    """github.com/msplabresearch/MSP-Podcast_Challenge, net/pooling.py and net/ser.py; microsoft/wavlm-large."""
    weights = stored(folder)
    layout = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "num_hidden_layers": 1}
    size = {"hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096}
    backbone = filled(WavLMModel(WavLMConfig(**layout, **size)), weights, "ssl_model.")

    def logits(signal: Signal) -> torch.Tensor:
        wave = torch.from_numpy((signal - np.float32(mean)) / np.float32(std + 0.000001))[None]
        states = backbone(wave).last_hidden_state[0]
        scores = torch.tanh(affine(states, weights, "pool_model.sap_linear")) @ weights["pool_model.attention"]
        shares = functional.softmax(scores, dim=0)
        average = (shares * states).sum(0)
        deviation = ((shares * states**2).sum(0) - average**2).clamp(min=1e-5).sqrt()
        hidden = affine(torch.cat((average, deviation)), weights, "ser_model.fc.0.0")
        norm = weights["ser_model.fc.0.1.weight"], weights["ser_model.fc.0.1.bias"]
        return affine(functional.layer_norm(hidden, hidden.shape, *norm).relu(), weights, "ser_model.out.0")

    return logits


soxan = partial(pooled, output="classifier.out_proj", activation=torch.tanh)
ehcalabres = partial(pooled, output="classifier.output", activation=torch.nn.Identity())


def stored(folder: Path, name: str = "") -> Tensors:
    """The tensors of a weight file; of the only one there is, where it is not named."""
    path = folder / name if name else next(p for p in folder.iterdir() if p.suffix in {".safetensors", ".bin"})
    tensors: Tensors = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
    return tensors


def filled(backbone: torch.nn.Module, tensors: Tensors, prefix: str) -> torch.nn.Module:
    """A backbone of transformers with the tensors under a prefix, all of them; weight norm under either spelling."""
    positions = "pos_conv_embed.conv."
    new = {f"{positions}weight_g": f"{positions}parametrizations.weight.original0"}
    new |= {f"{positions}weight_v": f"{positions}parametrizations.weight.original1"}
    own = {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
    for old, name in new.items():
        own = {key.replace(old, name): tensor for key, tensor in own.items()}
    backbone.load_state_dict(own, strict=True)
    return backbone.eval()


def affine(values: torch.Tensor, weights: Tensors, stem: str) -> torch.Tensor:
    """A linear layer by its key stem."""
    return functional.linear(values, weights[f"{stem}.weight"], weights[f"{stem}.bias"])
