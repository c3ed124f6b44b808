"""What the tests of workers share."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture
def threads() -> Iterator[None]:
    """Put torch's threads back to what they were."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
