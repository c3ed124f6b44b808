"""The soxan family against an independent head, in plain numpy, on transformers' bare backbone."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file
from transformers import HubertModel, Wav2Vec2Model

from actors.checkpoints import load
from actors.contract import Signal
from tests.support.checkpoints import some_signals, write_dimensional, write_soxan

POOLINGS = {"mean": np.mean, "sum": np.sum, "max": np.max}


def reference(folder: Path, signals: list[Signal], pooling: str = "mean") -> npt.NDArray[np.float32]:
    """github.com/m3hrdad/soxan, one signal at a time: pool over time, dense, tanh, out_proj."""
    tensors = load_file(folder / "model.safetensors")
    backbone = (HubertModel if "hubert.masked_spec_embed" in tensors else Wav2Vec2Model).from_pretrained(folder).eval()
    weights = {key: tensor.numpy() for key, tensor in tensors.items()}
    rows = []
    for signal in signals:
        scaled = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
        with torch.inference_mode():
            states = backbone(torch.from_numpy(scaled)[None]).last_hidden_state[0].numpy()
        hidden = (
            weights["classifier.dense.weight"] @ POOLINGS[pooling](states, axis=0) + weights["classifier.dense.bias"]
        )
        rows.append(weights["classifier.out_proj.weight"] @ np.tanh(hidden) + weights["classifier.out_proj.bias"])
    return np.stack(rows)


@pytest.mark.parametrize("pooling", ["mean", "sum", "max"])
@pytest.mark.parametrize(
    "architecture", [{}, {"norm": "group"}, {"model_type": "hubert"}], ids=["large", "base", "hubert"]
)
def test_one_at_a_time_and_batched_equal_the_published_head(
    tmp_path: Path, pooling: str, architecture: dict[str, Any]
) -> None:
    write_soxan(tmp_path, pooling=pooling, old_names=True, **architecture)
    signals = some_signals(seconds=(0.9, 0.8, 1.0, 0.9, 0.3, 0.28))
    model = load(str(tmp_path), device="cpu", dtype="fp32")

    single = np.concatenate([model.logits([signal]) for signal in signals])

    assert model.spec.family == "soxan"
    np.testing.assert_allclose(single, reference(tmp_path, signals, pooling), atol=1e-5, rtol=0)
    np.testing.assert_allclose(model.logits(signals), single, atol=1e-4, rtol=0)


def test_the_width_of_the_published_checkpoints(tmp_path: Path) -> None:
    wide = {"num_attention_heads": 16, "conv_dim": [512] * 7, "num_conv_pos_embeddings": 128}
    write_soxan(tmp_path, hidden=1024, layers=1, num_conv_pos_embedding_groups=16, **wide)
    signals = some_signals(seconds=(0.5, 0.46))

    together = load(str(tmp_path), device="cpu", dtype="fp32").logits(signals)

    np.testing.assert_allclose(together, reference(tmp_path, signals), atol=1e-4, rtol=0)


def test_dimensions_load_as_a_dimensional_model_pooled_by_the_mean(tmp_path: Path) -> None:
    write_dimensional(tmp_path)
    signals = some_signals()

    model = load(str(tmp_path), device="cpu", dtype="fp32")

    assert model.spec.kind == "dimensional"
    assert model.spec.labels == ("arousal", "dominance", "valence")
    np.testing.assert_allclose(model.logits(signals), reference(tmp_path, signals), atol=1e-4, rtol=0)


def test_plain_transformers_gives_this_layout_a_random_head(tmp_path: Path) -> None:
    from transformers import AutoModelForAudioClassification

    write_soxan(tmp_path)

    _, info = AutoModelForAudioClassification.from_pretrained(tmp_path, output_loading_info=True)

    assert {"projector.weight", "classifier.weight"} <= set(info["missing_keys"])
