"""Which pickles are let through to torch: those that name tensors, and nothing that could grow as it is read.

`torch.load(weights_only=True)` runs no code, but it does build what a pickle asks for: three bytes can ask for a
bytearray of three gigabytes, and a few kilobytes of references for as many copies of one list. A state dict asks for
neither. Owns the look at opcodes; reading is `weights`' business.
"""

import pickletools
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from infra.errors import CheckpointError

MAX_PICKLE_BYTES = 64 << 20
"""Names and shapes of a state dict. Those of the largest known models take under 1 MB."""

_DICT = "collections OrderedDict"
_TENSORS = re.compile(
    r"torch\._utils _rebuild_(tensor|tensor_v2|tensor_v3|parameter)|torch\.nn\.parameter Parameter"
    r"|torch(\.storage)? \w+Storage|torch device|torch (b?float|u?int|complex|bool|half|double|long)\w*"
)
_PUTS = frozenset(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"))
_GETS = frozenset(("GET", "BINGET", "LONG_BINGET"))
_LEGACY_PICKLES = 5
"""Of a file from before torch 1.6: magic number, version, byte order, the object, the keys of its storages."""

Operation = tuple[Any, Any, Any]


def check_pickle(path: Path) -> None:
    """Let a weight file through, zip archive or older, that asks for tensors by name only.

    Raises:
        CheckpointError: It is compressed, too large, or asks for something else; names it.
        ValueError, EOFError: It is no pickle.
    """
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            for _ in range(_LEGACY_PICKLES):
                _check(pickletools.genops(file), path)
        return
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            # torch never compresses; a small file that unpacks to terabytes would.
            if part.compress_type != zipfile.ZIP_STORED:
                raise CheckpointError(
                    f"{path} is compressed inside, which weight files are not. Fetch the checkpoint again."
                )
            if part.filename.endswith(".pkl"):
                with archive.open(part) as content:
                    _check(pickletools.genops(_bounded(content, path)), path)


def _bounded(content: IO[bytes], path: Path) -> bytes:
    read = content.read(MAX_PICKLE_BYTES + 1)
    if len(read) > MAX_PICKLE_BYTES:
        raise CheckpointError(f"{path} names its tensors in over {MAX_PICKLE_BYTES} bytes, which is no state dict.")
    return read


def _check(operations: Iterable[Operation], path: Path) -> None:
    """Every global must be one of torch's for tensors; an OrderedDict must begin empty, and so copies nothing."""
    dicts: set[object] = set()
    after_dict, puts = False, 0
    for operation, argument, _ in operations:
        name = operation.name
        if name in _PUTS:
            if after_dict:
                dicts.add(puts if argument is None else argument)
            puts += 1
            continue
        if after_dict and name != "EMPTY_TUPLE":
            raise _refused(path, "an OrderedDict that is filled from something else")
        after_dict = (name == "GLOBAL" and argument == _DICT) or (name in _GETS and argument in dicts)
        if name in ("STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4"):
            raise _refused(path, f"objects by {name}")
        if name == "GLOBAL" and argument != _DICT and not _TENSORS.fullmatch(argument):
            raise _refused(path, argument.replace(" ", "."))


def _refused(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read as plain weights: it asks for {what[:100]}, and a state dict is tensors by name. It "
        "holds code, which is never run, or more than weights: take the original file, or one saved as safetensors."
    )
