"""Models of published dimensions with random weights: what they answer means nothing, what they cost is real.

A wav2vec2 in transformers' own layout for sequence classification, and a Whisper in openai-whisper's own format.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from torch import nn

from actors.contract import SAMPLING_RATE

Preset = Literal["tiny", "base", "large"]

_LABELS = ("neu", "hap", "ang", "sad")
_VOCABULARY = 51_865  # of every multilingual Whisper


@dataclass(frozen=True)
class Dimensions:
    """What decides the cost.

    Attributes:
        hidden, layers, heads, intermediate: Of wav2vec2's transformer.
        channels: Of its seven convolutions.
        stable: Layer norm everywhere, as the large models have it; else one group norm, as the base ones.
        whisper_state, whisper_heads, whisper_layers: Of Whisper's encoder and decoder.
    """

    hidden: int
    layers: int
    heads: int
    intermediate: int
    channels: int = 512
    stable: bool = False
    whisper_state: int = 384
    whisper_heads: int = 6
    whisper_layers: int = 4


DIMENSIONS: dict[Preset, Dimensions] = {
    "tiny": Dimensions(96, 3, 4, 192, channels=64, whisper_state=64, whisper_heads=2, whisper_layers=1),
    "base": Dimensions(768, 12, 12, 3072),  # facebook/wav2vec2-base, Whisper tiny
    "large": Dimensions(1024, 24, 16, 4096, stable=True),  # facebook/wav2vec2-large-lv60, Whisper tiny
}


def write_wav2vec2(folder: Path, size: Dimensions, seed: int) -> None:
    """Write config.json, preprocessor_config.json and model.safetensors."""
    network = wav2vec2(size)
    folder.mkdir(parents=True)
    save_file(_stirred(network, seed), folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(network.config.to_json_string(use_diff=False), encoding="utf-8")
    preprocessor = {"do_normalize": True, "sampling_rate": SAMPLING_RATE, "return_attention_mask": size.stable}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor), encoding="utf-8")


def wav2vec2(size: Dimensions) -> Any:
    """transformers' own network of these dimensions, without memory for its weights: they are drawn later."""
    from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification

    config: Any = Wav2Vec2Config(
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=size.intermediate,
        conv_dim=[size.channels] * 7,
        conv_bias=size.stable,
        feat_extract_norm="layer" if size.stable else "group",
        do_stable_layer_norm=size.stable,
        id2label=dict(enumerate(_LABELS)),
        label2id={label: row for row, label in enumerate(_LABELS)},
    )
    with torch.device("meta"):
        return Wav2Vec2ForSequenceClassification(config)


def write_whisper(path: Path, size: Dimensions, seed: int) -> None:
    """Write a .pt that openai-whisper loads."""
    from whisper.model import ModelDimensions, Whisper

    state, heads, layers = size.whisper_state, size.whisper_heads, size.whisper_layers
    dimensions = ModelDimensions(80, 1500, state, heads, layers, _VOCABULARY, 448, state, heads, layers)
    torch.save({"dims": vars(dimensions), "model_state_dict": _stirred(Whisper(dimensions), seed)}, path)


def _stirred(network: nn.Module, seed: int) -> dict[str, torch.Tensor]:
    """Random tensors for all of a network's, of a size that keeps it alive: nothing overflows, nothing dies away."""
    generator = torch.Generator().manual_seed(seed)
    return {key: _stir(key, tensor.shape, generator) for key, tensor in network.state_dict().items()}


def _stir(key: str, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    noise = torch.randn(shape, generator=generator)
    if key.endswith("original0") or (len(shape) == 1 and key.endswith("weight")):
        return 1 + 0.1 * noise.abs()
    return 0.1 * noise if len(shape) < 2 else noise / noise[0].numel() ** 0.5
