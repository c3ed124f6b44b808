"""Small Whisper-encoder classifiers with random weights, in the published layout."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import WhisperConfig, WhisperForAudioClassification

from tests.support.checkpoints import SUPERB, stirred, write_config, write_tensors


def write_whisper(
    folder: Path,
    *,
    labels: Sequence[str] = SUPERB,
    seed: int = 0,
    hidden: int = 32,
    layers: int = 2,
    heads: int = 4,
    bands: int = 80,
    window_s: int = 1,
    weighted: bool = False,
    file: str = "model.safetensors",
    **features: Any,
) -> Path:
    """Write a checkpoint as `WhisperForAudioClassification` stores it, with a window of few seconds.

    Args:
        folder: Where to; made if needed.
        labels: In the order of the outputs.
        seed: Of the weights.
        hidden, layers, heads: The encoder.
        bands: Mel bands.
        window_s: Seconds of the window.
        weighted: Whether all layers are summed, weighted.
        file: Name of the weight file.
        features: More of preprocessor_config.json.
    """
    hop = features.get("hop_length", 160)
    config = WhisperConfig(
        d_model=hidden,
        encoder_layers=layers,
        encoder_attention_heads=heads,
        encoder_ffn_dim=2 * hidden,
        num_mel_bins=bands,
        max_source_positions=window_s * 16_000 // hop // 2,
        use_weighted_layer_sum=weighted,
        classifier_proj_size=24,
        num_labels=len(labels),
    )
    generator = torch.Generator().manual_seed(seed)
    state = WhisperForAudioClassification(config).state_dict()
    write_tensors(folder, {key: stirred(key, tensor, generator) for key, tensor in state.items()}, file)
    write_config(folder, config, labels, d_model=hidden, encoder_layers=layers)
    values = {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "chunk_length": window_s,
        "feature_size": bands,
        "hop_length": hop,
        "n_fft": 400,
        "n_samples": 16_000 * window_s,
        "nb_max_frames": 16_000 * window_s // hop,
        "padding_side": "right",
        "padding_value": 0.0,
        "processor_class": "WhisperProcessor",
        "return_attention_mask": False,
        "sampling_rate": 16_000,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(values | features))
    return folder
