"""JSON files of a checkpoint, read with bounds and typed access. Which key stands for what is not its business."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.errors import CheckpointError

MAX_BYTES = 16 << 20
"""A configuration larger than this is none. (Shard indexes of the largest known models are under 1 MB.)"""


@dataclass(frozen=True)
class Document:
    """One JSON object of a checkpoint's folder; empty where the file is absent.

    Attributes:
        path: Where it lies, or would lie.
        values: The parsed object.
        present: Whether the file is there.
    """

    path: Path
    values: Mapping[str, object] = field(default_factory=dict)
    present: bool = True

    def integer(self, name: str, default: int | None = None, *, low: int = 0, high: int = 1 << 31) -> int:
        """The whole number called `name`.

        Raises:
            CheckpointError: It is something else, out of bounds, or absent without a default.
        """
        value = self.values.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(name, f"a whole number between {low} and {high}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """The true or false called `name`."""
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def text(self, name: str, default: str | None = None) -> str | None:
        """The text called `name`; null counts as absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise self.wrong(name, "a text")
        return default if value is None else value

    def wrong(self, name: str, expected: str) -> CheckpointError:
        """The error that `name` is not what was expected."""
        given = repr(self.values.get(name, "absent"))
        return CheckpointError(f"{self.path}: `{name}` is {given[:200]}, expected {expected}. Repair the file.")


def read_document(path: Path, *, max_bytes: int = MAX_BYTES) -> Document:
    """Read a JSON object; an absent file gives an empty document.

    Raises:
        CheckpointError: The file is too large, or not a JSON object.
    """
    if not path.is_file():
        return Document(path, present=False)
    if path.stat().st_size > max_bytes:
        raise CheckpointError(f"{path} has {path.stat().st_size} bytes; a configuration has at most {max_bytes}.")
    return Document(path, parse_object(path.read_bytes(), path))


def parse_object(content: bytes, path: Path) -> Mapping[str, object]:
    """Parse the JSON object that `path` holds.

    Raises:
        CheckpointError: It is damaged, or not an object.
    """
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:  # ValueError covers bad JSON and bad UTF-8
        raise CheckpointError(
            f"{path} is damaged: not JSON ({str(error)[:200]}). Fetch the checkpoint again."
        ) from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path} holds a {type(values).__name__}, expected a JSON object.")
    return values
