"""Whisper-encoder classifiers against transformers' own class and feature extractor."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForAudioClassification, WhisperFeatureExtractor

from actors.checkpoints import identify, load
from actors.contract import Signal
from infra.errors import CheckpointError, LayoutError
from tests.support.checkpoints import edit_config, some_signals
from tests.support.whisper_checkpoints import write_whisper

SHORT_AND_LONG = (0.9, 0.31, 1.2, 1.0, 0.055, 0.75)
"""Seconds; the window of these checkpoints is 1 s."""


def reference(folder: Path, signals: list[Signal]) -> npt.NDArray[np.float32]:
    """transformers' own answer, one signal at a time; nothing may be random."""
    found, info = AutoModelForAudioClassification.from_pretrained(folder, output_loading_info=True)
    assert type(found).__name__ == "WhisperForAudioClassification"
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    extract = WhisperFeatureExtractor.from_pretrained(folder)
    with torch.inference_mode():
        rows = [found.eval()(**extract(s, sampling_rate=16_000, return_tensors="pt")).logits[0] for s in signals]
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("bands", [80, 128])
@pytest.mark.parametrize("weighted", [False, True], ids=["last layer", "weighted layers"])
def test_one_at_a_time_and_together_equal_transformers(tmp_path: Path, bands: int, weighted: bool) -> None:
    write_whisper(tmp_path, bands=bands, weighted=weighted)
    signals = some_signals(seconds=SHORT_AND_LONG)
    model = load(str(tmp_path), device="cpu", dtype="fp32")

    single = np.concatenate([model.logits([signal]) for signal in signals])

    assert model.spec.family == "whisper"
    np.testing.assert_allclose(single, reference(tmp_path, signals), atol=1e-5, rtol=0)
    np.testing.assert_allclose(model.logits(signals), single, atol=1e-4, rtol=0)
    assert np.abs(np.diff(single, axis=0)).max() > 0.01  # signals that all give the same would prove nothing


def test_the_width_and_window_of_whisper_tiny(tmp_path: Path) -> None:
    write_whisper(tmp_path, hidden=384, heads=6, layers=1, window_s=30)
    signals = some_signals(seconds=(2.0,))
    model = load(str(tmp_path), device="cpu", dtype="fp32")

    logits = model.logits(signals)

    assert model.spec.window_s == 30.0
    np.testing.assert_allclose(logits, reference(tmp_path, signals), atol=1e-5, rtol=0)


@pytest.mark.parametrize("features", [{"hop_length": 200}, {"n_fft": 512}, {"do_normalize": True}], ids=str)
def test_features_are_the_checkpoints_own(tmp_path: Path, features: dict[str, Any]) -> None:
    """`do_normalize` too: transformers' extractor reads it, and normalises only where a caller asks for it."""
    write_whisper(tmp_path, **features)
    signals = some_signals(seconds=SHORT_AND_LONG)

    logits = load(str(tmp_path), device="cpu", dtype="fp32").logits(signals)

    np.testing.assert_allclose(logits, reference(tmp_path, signals), atol=1e-4, rtol=0)


def test_what_is_beyond_the_window_is_not_heard(tmp_path: Path) -> None:
    model = load(str(write_whisper(tmp_path)), dtype="fp32")
    long = some_signals(seconds=(1.5,))[0]

    np.testing.assert_array_equal(model.logits([long]), model.logits([long[:16_000]]))
    assert identify(str(tmp_path)).window_s == model.spec.window_s == 1.0


def test_bf16_stays_near_fp32(tmp_path: Path) -> None:
    write_whisper(tmp_path, weighted=True)
    signals = some_signals()

    low = load(str(tmp_path), device="cpu", dtype="bf16").logits(signals)

    full = load(str(tmp_path), device="cpu", dtype="fp32").logits(signals)
    assert 0 < np.abs(_softmax(low) - _softmax(full)).max() < 0.02


def test_nan_spoils_its_own_row_only(tmp_path: Path) -> None:
    model = load(str(write_whisper(tmp_path)), dtype="fp32")
    signals = some_signals(seconds=(0.9, 0.8))
    clean = model.logits(signals)

    logits = model.logits([np.full_like(signals[0], np.nan), signals[1]])

    assert np.isnan(logits[0]).all()
    np.testing.assert_allclose(logits[1], clean[1], atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"feature_extractor_type": "Wav2Vec2FeatureExtractor"}, "feature_extractor_type"),
        ({"feature_size": 128}, "feature_size.*80"),
        ({"chunk_length": 2}, "200 frames.*50 positions"),
        ({"dither": 0.1}, "dither"),
        ({"padding_value": 1.0}, "padding_value"),
        ({"sampling_rate": 8000, "chunk_length": 2}, "8000 Hz"),
        ({"hop_length": "often"}, "hop_length"),
    ],
)
def test_features_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    edit_config(write_whisper(tmp_path), "preprocessor_config.json", **changes)

    with pytest.raises(CheckpointError, match=message):
        identify(str(tmp_path))


def test_absent_settings_of_the_features_are_not_guessed(tmp_path: Path) -> None:
    (write_whisper(tmp_path) / "preprocessor_config.json").unlink()

    with pytest.raises(CheckpointError, match="is absent"):
        identify(str(tmp_path))


def test_settings_tell_features_apart(tmp_path: Path) -> None:
    plain = identify(str(write_whisper(tmp_path / "a")))
    other = identify(str(write_whisper(tmp_path / "b", n_fft=512)))

    assert plain.preprocessing != other.preprocessing


@pytest.mark.parametrize(
    ("key", "becomes", "missing"),
    [
        ("classifier.weight", None, "classifier.weight"),
        ("encoder.conv1.weight", None, "encoder.conv1.weight"),
        ("encoder.embed_positions.weight", "encoder.positions.weight", "encoder.embed_positions.weight"),
        ("projector.bias", "projection.bias", "projector.bias"),
        ("encoder.layers.1.fc1.weight", None, "encoder.layers.1.fc1.weight"),
        ("encoder.layer_norm.bias", "encoder.norm.bias", "encoder.layer_norm.bias"),
    ],
)
def test_a_tensor_that_is_missing_is_never_random(tmp_path: Path, key: str, becomes: str | None, missing: str) -> None:
    write_whisper(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    moved = tensors.pop(key)
    save_file(tensors | ({becomes: moved} if becomes else {}), tmp_path / "model.safetensors")

    with pytest.raises(LayoutError) as caught:
        load(str(tmp_path))

    assert caught.value.missing == (missing,)


@pytest.mark.parametrize(("name", "value"), [("encoder_layers", 1_000_000), ("encoder_attention_heads", -1)])
def test_an_encoder_that_is_only_claimed_is_refused(tmp_path: Path, name: str, value: int) -> None:
    edit_config(write_whisper(tmp_path), **{name: value})

    with pytest.raises(CheckpointError, match=name):
        load(str(tmp_path))


def test_settings_of_training_do_not_matter(tmp_path: Path) -> None:
    signals = some_signals(seconds=(0.5,))
    plain = load(str(write_whisper(tmp_path)), dtype="fp32").logits(signals)

    edit_config(tmp_path, dropout=1.5, encoder_layerdrop=0.9)

    np.testing.assert_array_equal(load(str(tmp_path), dtype="fp32").logits(signals), plain)


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)
