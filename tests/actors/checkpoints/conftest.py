"""What these tests share: one thread, as their tensors are small and two mostly wait for each other, and a hub."""

from collections.abc import Iterator

import pytest
import torch
from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

from tests.support.hub import FakeHub, fake_hub


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    """A stand-in for the hub, with nothing in it."""
    disable_progress_bars()
    with fake_hub() as running:
        yield running
    enable_progress_bars()
