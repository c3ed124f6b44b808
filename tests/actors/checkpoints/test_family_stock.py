"""The stock family against transformers' own classes, one at a time and in padded batches."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from transformers import AutoModelForAudioClassification, Wav2Vec2FeatureExtractor

from actors.checkpoints import load
from actors.contract import Signal
from tests.support.checkpoints import some_signals, write_stock

pytestmark = pytest.mark.slow

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "wav2vec2 with layer norm": {"model_type": "wav2vec2"},
    "wav2vec2 with group norm": {"model_type": "wav2vec2", "norm": "group"},
    "wav2vec2 with group norm, stable": {"norm": "group", "do_stable_layer_norm": True},
    "wav2vec2 with attention adapters": {"adapter_attn_dim": 8},
    "hubert large": {"model_type": "hubert"},
    "hubert base": {"model_type": "hubert", "norm": "group"},
    "hubert with batch norm": {"model_type": "hubert", "conv_pos_batch_norm": True},
    "wavlm large": {"model_type": "wavlm"},
    "wavlm base": {"model_type": "wavlm", "norm": "group"},
    "data2vec": {"model_type": "data2vec-audio"},
}
EVERY = pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES.keys())


def reference(folder: Path, signals: list[Signal]) -> npt.NDArray[np.float32]:
    """transformers' own answer, one signal at a time, by its own feature extractor; nothing may be random."""
    found, info = AutoModelForAudioClassification.from_pretrained(
        folder, output_loading_info=True, attn_implementation="eager", dtype=torch.float32
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    extract = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")  # transformers' WavLM
        rows = [found.eval()(**extract(s, sampling_rate=16_000, return_tensors="pt")).logits[0] for s in signals]
    return torch.stack(rows).numpy()


@EVERY
@pytest.mark.parametrize("weighted", [False, True], ids=["last layer", "weighted layers"])
def test_one_at_a_time_equals_transformers(tmp_path: Path, architecture: dict[str, Any], weighted: bool) -> None:
    write_stock(tmp_path, weighted=weighted, **architecture)
    signals = some_signals()

    model = load(str(tmp_path), device="cpu", dtype="fp32")
    single = np.concatenate([model.logits([signal]) for signal in signals])

    assert model.spec.family == "stock"
    np.testing.assert_allclose(single, reference(tmp_path, signals), atol=1e-5, rtol=0)


@EVERY
def test_a_batch_of_mixed_lengths_equals_one_at_a_time(tmp_path: Path, architecture: dict[str, Any]) -> None:
    write_stock(tmp_path, weighted=True, **architecture)
    signals = some_signals(seconds=(0.9, 0.8, 1.0, 0.9, 0.3, 0.95, 0.28, 0.305))
    model = load(str(tmp_path), device="cpu", dtype="fp32")

    together = model.logits(signals)

    single = np.concatenate([model.logits([signal]) for signal in signals])
    np.testing.assert_allclose(together, single, atol=1e-4, rtol=0)
    assert np.abs(np.diff(single, axis=0)).max() > 0.01  # signals that all give the same would prove nothing


@EVERY
def test_bf16_stays_near_fp32(tmp_path: Path, architecture: dict[str, Any]) -> None:
    write_stock(tmp_path, **architecture)
    signals = some_signals(seconds=(0.9, 0.8, 0.3))

    low = load(str(tmp_path), device="cpu", dtype="bf16").logits(signals)

    full = load(str(tmp_path), device="cpu", dtype="fp32").logits(signals)
    assert low.dtype == np.float32
    assert 0 < np.abs(_softmax(low) - _softmax(full)).max() < 0.02


def test_the_width_of_the_published_superb_checkpoint(tmp_path: Path) -> None:
    write_stock(
        tmp_path,
        weighted=True,
        hidden=1024,
        projection=256,
        layers=1,
        num_attention_heads=16,
        intermediate_size=4096,
        conv_dim=[512] * 7,
        num_conv_pos_embeddings=128,
        num_conv_pos_embedding_groups=16,
        old_names=True,
    )
    signals = some_signals(seconds=(0.5, 0.46))

    together = load(str(tmp_path), device="cpu", dtype="fp32").logits(signals)

    np.testing.assert_allclose(together, reference(tmp_path, signals), atol=1e-4, rtol=0)


@pytest.mark.parametrize("do_normalize", [True, False])
def test_normalising_is_the_checkpoints_own_choice(tmp_path: Path, do_normalize: bool) -> None:
    write_stock(tmp_path, do_normalize=do_normalize)
    signals = some_signals()

    logits = load(str(tmp_path), device="cpu", dtype="fp32").logits(signals)

    np.testing.assert_allclose(logits, reference(tmp_path, signals), atol=1e-4, rtol=0)


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: npt.NDArray[np.float32] = shifted / shifted.sum(axis=1, keepdims=True)
    return result
