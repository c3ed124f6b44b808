"""The shape of every stock text classifier: an encoder, its first token, dense, an activation, output.

transformers' classes for RoBERTa, ELECTRA, BERT and DistilBERT differ in key names and in the activation only: each is
a `TextFamily` in its own family file. Imports no torch.
"""

import re
from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from actors.checkpoints.catalogue import entry_of
from actors.checkpoints.document import Document
from actors.checkpoints.family import Facts
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.guard import Shape, compare
from actors.checkpoints.labels import kind_of, own_labels
from actors.checkpoints.tokens import Tokens
from actors.contract import Kind
from infra.errors import CheckpointError

if TYPE_CHECKING:
    from actors.checkpoints.text_network import TextNetwork

Activation = Literal["tanh", "gelu", "relu"]

_BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")
_LAYER = re.compile(r"(?:encoder|transformer)\.layer\.(\d{1,6})\.")


@dataclass(frozen=True)
class TextModule:
    """An encoder class of transformers.

    Attributes:
        model_type: As config.json names it.
        module: Below `transformers.models`, with `{}` for `modeling` and `configuration`.
        classes: Names of the model class and of its configuration class.
        pools: Whether the class would build a pooler unless told not to.
    """

    model_type: str
    module: str
    classes: tuple[str, str]
    pools: bool = True


@dataclass(frozen=True)
class TextFamily:
    """A layout of text classifiers.

    Attributes:
        name: The family's name.
        prefix: What the encoder's keys begin with.
        modules: The classes that share this layout.
        dense, output: Key stems of the two layers of the head.
        activation: What lies between them.
        counts_from_padding: Whether positions are counted from the padding token's number on (RoBERTa).
        unused: Parts of the encoder that the head does not use, and that some checkpoints keep.
    """

    name: str
    prefix: str
    modules: tuple[TextModule, ...]
    dense: str
    output: str
    activation: Activation
    counts_from_padding: bool = False
    unused: tuple[str, ...] = ("pooler.",)

    @property
    def head(self) -> tuple[str, ...]:
        """The keys of both layers."""
        return tuple(f"{stem}.{part}" for stem in (self.dense, self.output) for part in ("weight", "bias"))

    def head_keys(self, config: Document) -> tuple[str, ...]:  # noqa: ARG002 (as the protocol has it)
        """The keys of both layers, whatever the configuration."""
        return self.head

    def recognises(self, keys: Set[str], config: Document) -> bool:  # noqa: ARG002
        """Whether these are the encoder's keys with this head's beside them."""
        embeds = any(key.startswith(f"{self.prefix}embeddings.") for key in keys)
        return embeds and self._beside(keys) == set(self.head)

    def describe(self, checkpoint: Checkpoint) -> Facts:
        """Labels, kind and tokens, after checking the head's shapes."""
        config = checkpoint.config
        self.module(config)
        self._check_layers(checkpoint)
        rows = (*checkpoint.tensors[f"{self.output}.weight"].shape, 0)[0]
        found = {key: checkpoint.tensors[key].shape for key in self.head}
        compare(checkpoint.source, self.name, self._shapes(config, rows), found)
        labels = own_labels(config, rows, f"{self.output}.weight")
        tokens = Tokens(checkpoint.folder, self._positions(config))
        _ = tokens.files  # absent ones should be told before anything is read
        return Facts(labels, _kind(checkpoint, labels), tokens)

    def build(self, checkpoint: Checkpoint) -> "TextNetwork":
        """The network with its weights."""
        from actors.checkpoints.text_network import build_reader  # torch, only when a model is built

        return build_reader(checkpoint, self)

    def module(self, config: Document) -> TextModule:
        """The class that config.json asks for. Raises CheckpointError where it is none of this layout."""
        if not config.present:
            raise CheckpointError(f"{config.path} is absent. Fetch the checkpoint again.")
        kind = config.text("model_type")
        for module in self.modules:
            if module.model_type == kind:
                return module
        names = " or ".join(module.model_type for module in self.modules)
        raise config.wrong("model_type", f"{names}, which the keys {self.prefix}* belong to")

    def encoder_keys(self, keys: Set[str]) -> list[str]:
        """The keys of the encoder, less those that the head does not use and the buffers that old versions stored."""
        unused = tuple(self.prefix + part for part in self.unused)
        own = (key for key in keys if key.startswith(self.prefix) and not key.startswith(unused))
        return sorted(key for key in own if not key.endswith(_BUFFERS) and key not in self.head)

    def _beside(self, keys: Set[str]) -> set[str]:
        return {key for key in keys if not key.startswith(self.prefix) or key in self.head}

    def _positions(self, config: Document) -> int:
        reserved = config.integer("pad_token_id", 1) + 1 if self.counts_from_padding else 0
        return config.integer("max_position_embeddings", 512, low=reserved + 2) - reserved

    def _check_layers(self, checkpoint: Checkpoint) -> None:
        """Bound what is built from the configuration: one that claims a million layers costs nothing."""
        found = {int(match[1]) for key in checkpoint.tensors if (match := _LAYER.search(key))}
        name = "n_layers" if "n_layers" in checkpoint.config.values else "num_hidden_layers"
        if checkpoint.config.integer(name, 12) != len(found):
            raise checkpoint.config.wrong(name, f"{len(found)}, the layers that the weights have")
        checkpoint.config.integer("n_heads" if name == "n_layers" else "num_attention_heads", 12, low=1)

    def _shapes(self, config: Document, rows: int) -> dict[str, Shape]:
        hidden = config.integer("dim" if "dim" in config.values else "hidden_size", 768, low=1)
        return {
            f"{self.dense}.weight": (hidden, hidden),
            f"{self.dense}.bias": (hidden,),
            f"{self.output}.weight": (rows, hidden),
            f"{self.output}.bias": (rows,),
        }


def _kind(checkpoint: Checkpoint, labels: tuple[str, ...]) -> Kind:
    """As config.json says; where it is silent, as the catalogue knows of this hub id; else softmax."""
    entry = entry_of(checkpoint.source)
    known = entry.kind if entry is not None and checkpoint.config.text("problem_type") is None else None
    return known or kind_of(checkpoint.config, labels)
