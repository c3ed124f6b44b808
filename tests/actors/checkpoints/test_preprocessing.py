"""Scaling against transformers' own feature extractor, and hashes that tell settings apart."""

from pathlib import Path

import numpy as np
import pytest
from transformers import Wav2Vec2FeatureExtractor

from actors.checkpoints import identify
from actors.checkpoints.preprocessing import Preprocessing
from infra.errors import CheckpointError
from tests.support.checkpoints import edit_config, some_signals, write_preprocessor, write_stock


@pytest.mark.parametrize("do_normalize", [True, False])
def test_scaling_equals_the_feature_extractor_of_transformers(do_normalize: bool) -> None:
    extract = Wav2Vec2FeatureExtractor(do_normalize=do_normalize)
    prepare = Preprocessing(scaling="segment" if do_normalize else "none")

    for signal in some_signals():
        expected = extract(signal, sampling_rate=16_000, return_tensors="np").input_values[0]
        np.testing.assert_allclose(prepare(signal), expected, atol=1e-6)
        assert prepare(signal).dtype == np.float32


def test_fixed_scaling_uses_the_numbers_of_the_corpus() -> None:
    prepare = Preprocessing(scaling="fixed", mean=1.0, std=2.0, epsilon=0.5)

    np.testing.assert_allclose(prepare(np.array([1.0, 6.0], dtype=np.float32)), [0.0, 2.0])  # (6 − 1) / (2 + 0.5)


def test_the_hash_tells_settings_apart_and_nothing_else(tmp_path: Path) -> None:
    first = identify(str(write_stock(tmp_path / "a", seed=1))).preprocessing
    other_weights = identify(str(write_stock(tmp_path / "b", seed=2))).preprocessing
    not_normalised = identify(str(write_stock(tmp_path / "c", do_normalize=False))).preprocessing

    assert first == other_weights
    assert first != not_normalised


def test_absent_settings_are_those_of_the_feature_extractor(tmp_path: Path) -> None:
    write_stock(tmp_path)
    plain = identify(str(tmp_path))

    edit_config(tmp_path, "preprocessor_config.json", do_normalize=..., sampling_rate=..., feature_extractor_type=...)

    assert identify(str(tmp_path)) == plain


def test_a_checkpoint_that_hears_another_rate_than_ours_is_refused(tmp_path: Path) -> None:
    write_preprocessor(write_stock(tmp_path), sampling_rate=8000)

    with pytest.raises(CheckpointError, match=r"8000 Hz.*16000 Hz"):
        identify(str(tmp_path))


def test_settings_inside_a_processor_configuration_are_found(tmp_path: Path) -> None:
    write_stock(tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()
    (tmp_path / "processor_config.json").write_text('{"feature_extractor": {"do_normalize": false}}')

    assert identify(str(tmp_path)).preprocessing == Preprocessing(scaling="none").digest()
