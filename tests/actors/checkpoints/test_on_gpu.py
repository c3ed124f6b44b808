"""What a GPU answers, held against the CPU, alone and by two threads at once. Left out where there is none."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from actors.checkpoints import load_audio
from tests.support.checkpoints import some_signals, write_stock

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture(params=["group", "layer"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A small model with either kind of norm in its convolutions."""
    return str(write_stock(tmp_path, hidden=256, norm=request.param))


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("bf16", 0.05)])
def test_a_gpu_answers_as_the_cpu_does_in_batches_and_one_at_a_time(
    source: str, precision: str, tolerance: float
) -> None:
    signals = some_signals()
    expected = load_audio(source, device="cpu", dtype="fp32").logits(signals)
    model = load_audio(source, device="cuda", dtype=precision)

    np.testing.assert_allclose(model.logits(signals), expected, atol=tolerance)
    np.testing.assert_allclose(np.concatenate([model.logits([each]) for each in signals]), expected, atol=tolerance)


def test_two_threads_get_what_one_alone_gets(source: str) -> None:
    models = [load_audio(source, device="cuda", dtype="fp32") for _ in range(2)]
    jobs = [(models[number % 2], some_signals(seed=number)) for number in range(20)]
    alone = [model.logits(signals) for model, signals in jobs]

    with ThreadPoolExecutor(2) as pool:
        beside = list(pool.map(lambda job: job[0].logits(job[1]), jobs))

    for one, other in zip(alone, beside, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
