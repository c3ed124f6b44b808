"""Tensors out of weight files, through safetensors or `torch.load(weights_only=True)`: no code in a file is ever run.

Owns reading and the checks on values (finite, really stored). What the tensors are for is the families' business.
"""

import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from actors.checkpoints.files import Checkpoint, TensorInfo
from actors.checkpoints.pickles import check_pickle
from infra.errors import CheckpointError

_NESTED = ("state_dict", "model_state_dict", "model")
"""Under which training programs store a network beside their own state."""


_COUNTS = ("num_batches_tracked", "position_ids")
"""Ends of the keys whose tensors are whole numbers: they count, and weigh nothing."""


def read_tensors(checkpoint: Checkpoint, keys: Iterable[str]) -> dict[str, torch.Tensor]:
    """Read tensors as fresh float32 copies on the CPU (integers as they are), however they are stored.

    Raises:
        CheckpointError: A file is damaged, or a tensor holds NaN or infinity.
    """
    wanted = set(keys)
    tensors: dict[str, torch.Tensor] = {}
    for path in checkpoint.weight_files:
        here = [key for key in wanted if checkpoint.tensors[key].file == path]
        stored = _safetensors(path, here) if path.suffix == ".safetensors" else pickled_tensors(path)
        for key in here:
            tensors[key] = _checked(stored[key], key, path)
    return tensors


def pickled_header(path: Path) -> dict[str, TensorInfo]:
    """Names and shapes in a `.bin` or `.ckpt` file; the tensors' bytes are mapped, not read."""
    return {key: TensorInfo(tuple(tensor.shape), path) for key, tensor in pickled_tensors(path).items()}


def _safetensors(path: Path, keys: Iterable[str]) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {key: file.get_tensor(key) for key in keys}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged: {error}. Fetch the checkpoint again.") from error


def pickled_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a `.bin`, `.ckpt` or `.pt` file as they are stored; zip archives are mapped, not read.

    Raises:
        CheckpointError: The file is damaged, or holds more than tensors by name.
    """
    try:
        check_pickle(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's notes on its own old formats
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except CheckpointError:
        raise
    except Exception as error:  # a damaged pickle raises whatever its first wrong byte leads to
        summary = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path} cannot be read as plain weights ({summary}). It is damaged, or holds code, which is never run."
        ) from error
    return _stored(content, path)


def _stored(content: Any, path: Path) -> dict[str, torch.Tensor]:
    """Check that this is a state dict whose tensors are really stored, and not views that repeat a few bytes."""
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, expected tensors by name.")
    for name in _NESTED:
        content = content[name] if isinstance(content.get(name), dict) else content
    tensors = {key: each for key, each in content.items() if isinstance(key, str) and isinstance(each, torch.Tensor)}
    for key, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise CheckpointError(f"{path} is damaged: {key} declares {list(tensor.shape)}, more than it stores.")
    return tensors


def _checked(tensor: torch.Tensor, key: str, path: Path) -> torch.Tensor:
    if not tensor.is_floating_point() and not key.endswith(_COUNTS):
        raise CheckpointError(
            f"{path}: {key} is stored as {str(tensor.dtype).removeprefix('torch.')}, expected floating-point numbers: "
            "quantised weights are not read. Take the original ones."
        )
    # A copy: a mapped tensor would change, or crash the process, when its file is replaced.
    copy = tensor.to(torch.float32, copy=True) if tensor.is_floating_point() else tensor.clone()
    # The sum is finite where all is, unless it overflows; the dear check is made only then.
    if copy.is_floating_point() and not torch.isfinite(copy.sum()) and not torch.isfinite(copy).all():
        raise CheckpointError(f"{path}: {key} holds NaN or infinity: the training failed, or the file is damaged.")
    return copy
