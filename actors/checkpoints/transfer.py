"""Numbers to a device and back, without waiting for what it is computing meanwhile. On a CPU these are plain tensors.

A plain `torch.tensor(numbers, device="cuda")`, and any copy of memory that the system may move, waits until the GPU has
done all that it was given before. From pinned memory a copy queues up behind that instead. torch keeps such memory for
the next use, and reuses none that a copy still reads.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch


def empty_batch(rows: int, samples: int, device: torch.device) -> torch.Tensor:
    """Room for a batch in the CPU's memory, float32 (rows, samples), not filled yet; pinned where `device` is a GPU."""
    return torch.empty((rows, samples), dtype=torch.float32, pin_memory=_is_gpu(device))


def sent(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """What is in the CPU's memory, on a device."""
    return values.to(device, non_blocking=_is_gpu(device))


def numbers_on(device: torch.device, numbers: Sequence[int]) -> torch.Tensor:
    """Whole numbers, int64 (n,), on a device."""
    return sent(torch.tensor(numbers, dtype=torch.int64, pin_memory=_is_gpu(device)), device)


def fetched(values: torch.Tensor) -> Callable[[], npt.NDArray[np.float32]]:
    """Have values copied back once they are computed; what is returned waits for that, and gives them in float32."""
    if not _is_gpu(values.device):
        found: npt.NDArray[np.float32] = values.float().numpy()
        return lambda: found
    kept = torch.empty(values.shape, dtype=torch.float32, pin_memory=True)
    kept.copy_(values, non_blocking=True)
    # It sleeps: a wait that spins would take a core from the readers.
    done: Any = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    done.record(torch.cuda.current_stream(values.device))

    def wait() -> npt.NDArray[np.float32]:
        done.synchronize()
        return np.array(kept.numpy())  # a copy: pinned memory is scarce, and needed for the next batch

    return wait


def _is_gpu(device: torch.device) -> bool:
    return device.type == "cuda"
