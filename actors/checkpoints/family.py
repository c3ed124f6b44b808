"""What a family of checkpoints is, and which family a checkpoint belongs to.

A family is one file `family_<name>.py` beside this one with a `FAMILY` in it; writing one adds it.
Families are recognised by the keys of the state dict and the configuration, never by the checkpoint's name. Importing
them must not import torch: only `build` may.
"""

import pkgutil
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from actors.checkpoints.document import Document
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.preprocessing import Preprocessing
from actors.checkpoints.tokens import Tokens
from actors.contract import Kind, Modality

if TYPE_CHECKING:
    from actors.checkpoints.network import Network
    from actors.checkpoints.text_network import TextNetwork


@dataclass(frozen=True)
class Facts:
    """What a checkpoint's files say about the model, before it is built.

    Attributes:
        labels, kind: As the files say.
        preprocessing: What stands between the signal, or the text, and the network.
        settings: What decides numbers and stands in a file other than config.json; JSON values.
        window_s: Seconds that it hears at most, or None.
    """

    labels: tuple[str, ...]
    kind: Kind
    preprocessing: Preprocessing | Tokens
    settings: Mapping[str, object] = field(default_factory=dict)
    window_s: float | None = None

    @property
    def modality(self) -> Modality:
        """Whether it hears or reads."""
        return "text" if isinstance(self.preprocessing, Tokens) else "audio"


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

    def build(self, checkpoint: Checkpoint) -> "Network | TextNetwork":
        """The network with its weights, in float32 on the CPU: a `TextNetwork` where the facts say that it reads.

        Raises CheckpointError where any key does not fit.
        """
        ...


@cache
def families() -> tuple[Family, ...]:
    """Every family there is, in order of name."""
    here = [str(Path(__file__).parent)]
    names = sorted(each.name for each in pkgutil.iter_modules(here) if each.name.startswith("family_"))
    return tuple(import_module(f"actors.checkpoints.{name}").FAMILY for name in names)
