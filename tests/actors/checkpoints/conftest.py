"""One thread for these tests: their tensors are small, and two threads on a busy machine mostly wait for each other."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)
