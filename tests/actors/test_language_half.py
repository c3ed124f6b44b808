"""Whisper in fp16, as on a GPU: asked on the CPU, and on a GPU where there is one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from actors.language import WhisperDetector, halved, load_detector, load_whisper
from tasks.bench.models import DIMENSIONS, write_whisper
from tests.support.media import speech_like


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small Whisper with random weights."""
    write_whisper(tmp_path / "whisper.pt", DIMENSIONS["tiny"], seed=0)
    return tmp_path / "whisper.pt"


def test_a_detector_in_half_precision_hears_what_one_in_full_precision_hears(path: Path) -> None:
    rng = np.random.default_rng(0)
    signals = [speech_like(3, rng), speech_like(2, rng)]
    model, sha256 = load_whisper(str(path), device="cpu")

    half = WhisperDetector(halved(model), sha256).probabilities(signals)

    assert model.decoder.token_embedding.weight.dtype == torch.float16
    full = load_detector(str(path), device="cpu").probabilities(signals)
    assert full.max() > 0.02  # they say something: an even share is 0.01
    np.testing.assert_allclose(half, full, atol=0.005)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_hears_what_the_cpu_hears(path: Path) -> None:
    rng = np.random.default_rng(0)
    signals = [speech_like(3, rng), speech_like(2, rng)]

    found = load_detector(str(path), device="cuda").probabilities(signals)

    np.testing.assert_allclose(found, load_detector(str(path), device="cpu").probabilities(signals), atol=0.005)
