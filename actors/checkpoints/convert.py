"""Pickled weights into safetensors: the same tensors under the same names, in a format that can hold no code.

Owns the conversion only. Layouts whose own readers want their files as published (SpeechBrain's two .ckpt, FunASR's
model.pt) are left alone.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from actors.checkpoints.files import weight_files
from actors.checkpoints.weights import pickled_tensors
from infra.errors import CheckpointError

RESULT = "model.safetensors"


def to_safetensors(folder: Path, target: Path) -> tuple[Path, ...]:
    """Write what pytorch_model.bin, or its shards, hold as one safetensors file.

    Tensors that share memory (tied embeddings) are written out each; their type is kept. The same tensors give the
    same bytes.

    Args:
        folder: Where the checkpoint lies.
        target: Folder that gets `model.safetensors`.

    Returns:
        The files whose place it takes, the index of shards included; none where there is nothing to convert.

    Raises:
        CheckpointError: A file is damaged, or holds code.
    """
    files = weight_files(folder)
    if not files or any(path.suffix != ".bin" for path in files):
        return ()
    tensors = _unshared({key: each for path in files for key, each in pickled_tensors(path).items()})
    try:
        save_file(tensors, target / RESULT, {"format": "pt"})
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{target / RESULT} could not be written: {error}. Make room there, then pull again."
        ) from error
    _compare(tensors, target / RESULT)
    index = folder / "pytorch_model.bin.index.json"
    return (*files, index) if index.is_file() else files


def _unshared(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    seen: set[int] = set()
    alone = {}
    for key, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        whole = tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
        alone[key] = tensor if whole and place not in seen else tensor.contiguous().clone()
        seen.add(place)
    return alone


def _compare(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Read the file back: a full disk or a faulty one must not pass for a checkpoint."""
    with safe_open(path, framework="pt", device="cpu") as file:
        for key, tensor in tensors.items():
            if not torch.equal(_bytes(file.get_tensor(key)), _bytes(tensor)):
                raise CheckpointError(f"{path}: {key} was not written as it was read. Check the disk, then pull again.")


def _bytes(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.reshape(-1).view(torch.uint8)
