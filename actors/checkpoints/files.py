"""What lies in a checkpoint's folder: configuration files, weight files, and the names and shapes of the tensors.

Owns the file layout and its bounds. Reads no tensor: safetensors headers are parsed here, without torch, so that a
planner can look at a checkpoint cheaply; `.bin` files need torch, which `weights` imports when there is one.
"""

import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeGuard

from actors.checkpoints.document import Document, parse_object, read_document
from actors.checkpoints.foreign import empty_handed, refuse_stand_ins
from infra.errors import CheckpointError

MAX_HEADER_BYTES = 100_000_000
"""The bound that safetensors itself sets on a header."""

_ITEM_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip
_WHOLE = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_FUNASR = "model.pt"


@dataclass(frozen=True)
class TensorInfo:
    """A tensor as its file declares it."""

    shape: tuple[int, ...]
    file: Path


@dataclass(frozen=True)
class Checkpoint:
    """A folder that holds a checkpoint.

    Attributes:
        source: As the user named it: a folder or a hub id.
        folder: Where it lies.
        config: config.json, empty where there is none.
        weight_files: The files that hold the tensors, in order.
        tensors: Every tensor by its key.
    """

    source: str
    folder: Path
    config: Document
    weight_files: tuple[Path, ...]
    tensors: Mapping[str, TensorInfo]

    @cached_property
    def preprocessor(self) -> Document:
        """The feature extractor's settings: its own file, or its part of processor_config.json (transformers 5)."""
        own = read_document(self.folder / "preprocessor_config.json")
        joint = read_document(self.folder / "processor_config.json")
        part = joint.values.get("feature_extractor")
        return Document(joint.path, part) if not own.present and isinstance(part, dict) else own

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of the one weight file, or over the digests of several, in order of name."""
        digests = [file_sha256(path) for path in self.weight_files]
        return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def open_checkpoint(source: str, folder: Path) -> Checkpoint:
    """Look at a folder: its configuration and what its weight files declare.

    Raises:
        CheckpointError: There are no weights, or a file is damaged; names the file.
    """
    try:
        config = read_document(folder / "config.json")
        files = weight_files(folder)
        if not files:
            raise CheckpointError(
                f"{source}: no weights in {folder} that Seraph can read (model.safetensors, pytorch_model.bin, *.ckpt, "
                f"model.pt): {empty_handed(folder)}"
            )
        for path in files:
            refuse_stand_ins(path)
        tensors = _united(files)
    except OSError as error:
        raise CheckpointError(f"{source}: {folder} cannot be read: {error}") from error
    if not tensors:
        raise CheckpointError(f"{source}: {', '.join(path.name for path in files)} in {folder} hold no tensors.")
    return Checkpoint(source, folder, config, files, tensors)


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The weight files of a folder: safetensors before .bin, a whole file before shards, then every .ckpt, model.pt."""
    for name in _WHOLE:
        path = folder / name
        if path.is_file():
            return _shards(path) if name.endswith(".index.json") else (path,)
    checkpoints = tuple(sorted(path for path in folder.glob("*.ckpt") if path.is_file()))
    return checkpoints or ((folder / _FUNASR,) if (folder / _FUNASR).is_file() else ())


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex. A file that does not change is read once a process."""
    return _sha256(path, *_stamp(path))


def safetensors_header(path: Path) -> dict[str, TensorInfo]:
    """Read the header of a safetensors file and check it against the file's size.

    Layout: 8 bytes little-endian header length, the header as JSON, the tensors' bytes.
    https://huggingface.co/docs/safetensors/index#format

    Raises:
        CheckpointError: The file is cut, or declares what it does not hold.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
        if not 0 < length <= min(MAX_HEADER_BYTES, size - 8):
            raise _damaged(path, f"its header would have {length} bytes in a file of {size}")
        header = parse_object(file.read(length), path)
    infos, end = {}, 0
    for key, entry in header.items():
        if key != "__metadata__":
            infos[key], stop = _tensor_info(path, key, entry, size - 8 - length)
            end = max(end, stop)
    if end != size - 8 - length:
        raise _damaged(path, f"{end} bytes of tensors are declared, {size - 8 - length} are there")
    return infos


def _united(files: tuple[Path, ...]) -> dict[str, TensorInfo]:
    tensors: dict[str, TensorInfo] = {}
    for path in files:
        for key, info in _tensors_of(path).items():
            if key in tensors:
                raise CheckpointError(
                    f"{key} is both in {tensors[key].file} and in {path.name}: which of them counts cannot be told. "
                    "Fetch the checkpoint again."
                )
            tensors[key] = info
    return tensors


def _tensors_of(path: Path) -> dict[str, TensorInfo]:
    if path.suffix == ".safetensors":
        return safetensors_header(path)
    from actors.checkpoints.weights import pickled_header  # torch, which only these files need

    return pickled_header(path)


def _tensor_info(path: Path, key: str, entry: object, room: int) -> tuple[TensorInfo, int]:
    if not isinstance(entry, dict):
        raise _damaged(path, f"the entry of {key} is {str(entry)[:80]!r}")
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if dtype not in _ITEM_BITS:
        raise _damaged(path, f"{key} has the unknown dtype {str(dtype)[:80]!r}")
    if not _naturals(shape) or not _naturals(offsets) or len(offsets) != 2:
        raise _damaged(path, f"{key} declares shape {str(shape)[:80]} at {str(offsets)[:80]}")
    start, stop = offsets
    needed = math.prod(shape) * _ITEM_BITS[dtype] // 8
    if stop - start != needed or stop > room:
        raise _damaged(path, f"{key} declares {needed} bytes at {start}…{stop}, of {room} that are there")
    return TensorInfo(tuple(shape), path), stop


def _naturals(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and len(value) <= 16 and all(type(each) is int and each >= 0 for each in value)


def _shards(index: Path) -> tuple[Path, ...]:
    names = read_document(index).values.get("weight_map")
    if not isinstance(names, dict) or not all(
        isinstance(each, str) and Path(each).name == each for each in names.values()
    ):
        raise _damaged(index, "`weight_map` must give each tensor the name of a file in the same folder")
    paths = tuple(index.parent / name for name in sorted(set(names.values())))
    for path in paths:
        if not path.is_file():
            raise CheckpointError(
                f"{index} names the shard {path.name}, which is not there. Fetch the checkpoint again."
            )
    return paths


def _stamp(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


@lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _modified: int, _inode: int) -> str:
    # The stamp is part of the key: a file that changes is hashed again.
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(path: Path, what: str) -> CheckpointError:
    return CheckpointError(f"{path} is damaged: {what}. Fetch the checkpoint again.")
