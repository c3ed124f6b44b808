"""Copies to a device and back: the same numbers everywhere, and on a GPU without waiting for it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from actors.checkpoints import load_audio
from actors.checkpoints.model import SpeechModel
from actors.checkpoints.transfer import empty_batch, fetched, numbers_on, sent
from tests.support.checkpoints import write_stock

GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))


@pytest.mark.parametrize("name", ["cpu", GPU])
def test_what_is_sent_comes_back_in_float32(name: str) -> None:
    device = torch.device(name)
    batch = empty_batch(2, 3, device)
    batch.numpy()[:] = [[1, 2, 3], [4, 5, 6]]

    wait = fetched((sent(batch, device) * 0.5).to(torch.bfloat16))

    assert (batch.dtype, batch.is_pinned()) == (torch.float32, name == "cuda")
    assert wait().dtype == np.float32
    assert wait().tolist() == [[0.5, 1.0, 1.5], [2.0, 2.5, 3.0]]


@pytest.mark.parametrize("name", ["cpu", GPU])
def test_numbers_are_whole_and_where_they_are_wanted(name: str) -> None:
    numbers = numbers_on(torch.device(name), [3, 1])

    assert (numbers.dtype, numbers.device.type) == (torch.int64, name)
    assert numbers.tolist() == [3, 1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_nothing_waits_for_the_gpu() -> None:
    device = torch.device("cuda")
    batch = empty_batch(4, 1000, device)
    torch.cuda.set_sync_debug_mode("error")
    try:
        wait = fetched(sent(batch.fill_(1.0), device).sum(1) + numbers_on(device, [1, 2, 3, 4]))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert wait().tolist() == [1001.0, 1002.0, 1003.0, 1004.0]


class Asked(TorchDispatchMode):
    """Counts what a GPU would have to be waited for: a number, a truth, a shape that depends on values."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        waits = ("_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "unique")
        self.number += str(operation).split(".")[1] in waits
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert", "wavlm", "data2vec-audio"])
def test_a_network_is_waited_for_once_in_a_padded_batch_at_most(kind: str, tmp_path: Path) -> None:
    model = load_audio(str(write_stock(tmp_path, model_type=kind)), device="cpu", dtype="fp32")
    assert isinstance(model, SpeechModel)
    found = []
    for shorter in (16_000, 12_000):
        with torch.inference_mode(), Asked() as asked:
            model._network(torch.ones(2, 16_000), [16_000, shorter])
        found.append(asked.number)

    assert found[0] == 0
    assert found[1] <= 1  # transformers looks whether its mask masks anything
