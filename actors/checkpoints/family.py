"""What a family of checkpoints is, and which family a checkpoint belongs to.

A family is one file `family_<name>.py` beside this one with a `FAMILY` in it; writing one adds it.
Families are recognised by the keys of the state dict and the configuration, never by the checkpoint's name. Importing
them must not import torch: only `build` may.
"""

import pkgutil
from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from actors.checkpoints.document import Document
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.preprocessing import Preprocessing
from actors.contract import Kind

if TYPE_CHECKING:
    from actors.checkpoints.network import Network


@dataclass(frozen=True)
class Facts:
    """What a checkpoint's files say about the model, before it is built."""

    labels: tuple[str, ...]
    kind: Kind
    preprocessing: Preprocessing


class Family(Protocol):
    """One layout of checkpoints."""

    @property
    def name(self) -> str: ...

    def head_keys(self, config: Document) -> tuple[str, ...]:
        """The keys that this layout has besides its backbone."""
        ...

    def recognises(self, keys: Set[str], config: Document) -> bool:
        """Whether a state dict with these keys has this layout."""
        ...

    def describe(self, checkpoint: Checkpoint) -> Facts:
        """Labels, kind and preprocessing. Raises CheckpointError where head and configuration disagree."""
        ...

    def build(self, checkpoint: Checkpoint) -> "Network":
        """The network with its weights, in float32 on the CPU. Raises CheckpointError where any key does not fit."""
        ...


@cache
def families() -> tuple[Family, ...]:
    """Every family there is, in order of name."""
    here = [str(Path(__file__).parent)]
    names = sorted(each.name for each in pkgutil.iter_modules(here) if each.name.startswith("family_"))
    return tuple(import_module(f"actors.checkpoints.{name}").FAMILY for name in names)
