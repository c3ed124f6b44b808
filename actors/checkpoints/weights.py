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
from infra.errors import CheckpointError


def read_tensors(checkpoint: Checkpoint, keys: Iterable[str]) -> dict[str, torch.Tensor]:
    """Read tensors as fresh float32 copies on the CPU (integers as they are), however they are stored.

    Raises:
        CheckpointError: A file is damaged, or a tensor holds NaN or infinity.
    """
    wanted = set(keys)
    tensors: dict[str, torch.Tensor] = {}
    for path in checkpoint.weight_files:
        here = [key for key in wanted if checkpoint.tensors[key].file == path]
        stored = _safetensors(path, here) if path.suffix == ".safetensors" else _pickled(path)
        for key in here:
            tensors[key] = _checked(stored[key], key, path)
    return tensors


def pickled_header(path: Path) -> dict[str, TensorInfo]:
    """Names and shapes in a `.bin` or `.ckpt` file; the tensors' bytes are mapped, not read."""
    return {key: TensorInfo(tuple(tensor.shape), path) for key, tensor in _pickled(path).items()}


def _safetensors(path: Path, keys: Iterable[str]) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {key: file.get_tensor(key) for key in keys}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged: {error}. Fetch the checkpoint again.") from error


def _pickled(path: Path) -> dict[str, torch.Tensor]:
    archive = zipfile.is_zipfile(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's notes on its own old formats
            if archive:
                _refuse_compressed(path)
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged pickle raises whatever its first wrong byte leads to
        summary = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path} cannot be read as plain weights ({summary}). It is damaged, or holds code, which is never run."
        ) from error
    return _stored(content, path)


def _refuse_compressed(path: Path) -> None:
    # torch never compresses; a small file that unpacks to terabytes would.
    with zipfile.ZipFile(path) as archive:
        if any(each.compress_type != zipfile.ZIP_STORED for each in archive.infolist()):
            raise CheckpointError(
                f"{path} is compressed inside, which weight files are not. Fetch the checkpoint again."
            )


def _stored(content: Any, path: Path) -> dict[str, torch.Tensor]:
    """Check that this is a state dict whose tensors are really stored, and not views that repeat a few bytes."""
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, expected tensors by name.")
    tensors = {key: each for key, each in content.items() if isinstance(key, str) and isinstance(each, torch.Tensor)}
    for key, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise CheckpointError(f"{path} is damaged: {key} declares {list(tensor.shape)}, more than it stores.")
    return tensors


def _checked(tensor: torch.Tensor, key: str, path: Path) -> torch.Tensor:
    # A copy: a mapped tensor would change, or crash the process, when its file is replaced.
    copy = tensor.to(torch.float32, copy=True) if tensor.is_floating_point() else tensor.clone()
    # The sum is finite where all is, unless it overflows; the dear check is made only then.
    if copy.is_floating_point() and not torch.isfinite(copy.sum()) and not torch.isfinite(copy).all():
        raise CheckpointError(f"{path}: {key} holds NaN or infinity: the training failed, or the file is damaged.")
    return copy
