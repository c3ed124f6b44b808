"""Models with random weights: Seraph's own loaders must take them, and each must answer as a live network does."""

import numpy as np
import pytest

from actors.checkpoints import identify, load
from actors.language import load_detector
from tasks.bench.audio import speech
from tasks.bench.models import DIMENSIONS, wav2vec2, write_wav2vec2, write_whisper

TINY = DIMENSIONS["tiny"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / "wav2vec2"
    write_wav2vec2(folder, TINY, seed=0)
    return folder


def test_the_checkpoint_is_of_the_stock_layout(checkpoint) -> None:
    assert identify(str(checkpoint)).family == "stock"


def test_its_logits_are_finite_and_depend_on_what_it_hears(checkpoint) -> None:
    signals = [speech(3.0, np.random.default_rng(seed)) for seed in (1, 2)]
    logits = load(str(checkpoint), dtype="fp32").logits(signals)
    assert np.isfinite(logits).all()
    assert np.abs(logits[0] - logits[1]).max() > 1e-3


def test_another_seed_gives_other_weights(checkpoint, tmp_path) -> None:
    write_wav2vec2(tmp_path / "other", TINY, seed=1)
    assert identify(str(tmp_path / "other")).weights_sha256 != identify(str(checkpoint)).weights_sha256


@pytest.mark.parametrize(("preset", "parameters"), [("base", 94.6e6), ("large", 315.7e6)])
def test_the_presets_have_the_published_numbers_of_parameters(preset, parameters) -> None:
    assert wav2vec2(DIMENSIONS[preset]).num_parameters() == pytest.approx(parameters, rel=0.005)


def test_whisper_hears_a_language_and_never_answers_with_nan(tmp_path) -> None:
    write_whisper(tmp_path / "whisper.pt", TINY, seed=0)
    masses = load_detector(str(tmp_path / "whisper.pt")).probabilities([speech(3.0, np.random.default_rng(1))])
    assert masses.sum() == pytest.approx(1, abs=1e-5)
