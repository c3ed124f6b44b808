"""The commonest shape of an emotion model: backbone, one vector over the valid frames, dense, output.

Three published layouts differ only in key names, in what lies between the two layers, and in how frames are pooled:
each is a `PooledFamily` in its own family file.
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from actors.checkpoints.backbones import beside_backbone, check_config
from actors.checkpoints.document import Document
from actors.checkpoints.family import Facts
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.guard import Shape, compare
from actors.checkpoints.labels import kind_of, own_labels
from actors.checkpoints.preprocessing import waveform_preprocessing

if TYPE_CHECKING:
    from actors.checkpoints.network import Network

Pooling = Literal["mean", "sum", "max"]


@dataclass(frozen=True)
class PooledFamily:
    """A layout with two linear layers on pooled frames.

    Attributes:
        name: The family's name.
        dense, output: Key stems of the two layers.
        tanh: Whether tanh lies between them.
        weighted_layers: Whether the layout knows `layer_weights`, a softmax over the hidden states of all layers.
        pooling_setting: Name of the setting in config.json that chooses the pooling; None: always the mean.
        width_setting: Name of the setting that gives the width of `dense`, default 256; None: the hidden size.
    """

    name: str
    dense: str
    output: str
    tanh: bool = False
    weighted_layers: bool = False
    pooling_setting: str | None = None
    width_setting: str | None = None

    def head_keys(self, config: Document) -> tuple[str, ...]:
        """The keys of both layers, and `layer_weights` where the configuration asks for it."""
        layers = tuple(f"{stem}.{part}" for stem in (self.dense, self.output) for part in ("weight", "bias"))
        return (*layers, "layer_weights") if self._weighted(config) else layers

    def recognises(self, keys: Set[str], config: Document) -> bool:
        """Whether the keys beside the backbone are those of this head, `layer_weights` or not."""
        optional = {"layer_weights"} if self.weighted_layers else set()
        return bool(keys) and beside_backbone(keys) - optional == set(self.head_keys(config)) - optional

    def describe(self, checkpoint: Checkpoint) -> Facts:
        """Labels, kind and preprocessing, after checking the head's shapes."""
        config = checkpoint.config
        check_config(config, checkpoint.tensors.keys())
        rows = (*checkpoint.tensors[f"{self.output}.weight"].shape, 0)[0]
        labels = own_labels(config, rows, f"{self.output}.weight")
        head = {key: checkpoint.tensors[key].shape for key in beside_backbone(checkpoint.tensors.keys())}
        compare(checkpoint.source, self.name, self._shapes(config, rows), head)
        self.pooling(config)
        return Facts(labels, kind_of(config, labels), waveform_preprocessing(checkpoint))

    def build(self, checkpoint: Checkpoint) -> "Network":
        """The network with its weights."""
        from actors.checkpoints.network import build_pooled  # torch, only when a model is built

        keys = beside_backbone(checkpoint.tensors.keys())
        return build_pooled(checkpoint, self, sorted(keys), self.pooling(checkpoint.config))

    def pooling(self, config: Document) -> Pooling:
        """How frames become one vector; the mean where the configuration does not say."""
        chosen = config.text(self.pooling_setting, "mean") if self.pooling_setting else "mean"
        if chosen not in ("mean", "sum", "max"):
            raise config.wrong(cast(str, self.pooling_setting), "mean, sum or max")
        return cast(Pooling, chosen)

    def _weighted(self, config: Document) -> bool:
        return self.weighted_layers and config.flag("use_weighted_layer_sum", False)

    def _shapes(self, config: Document, rows: int) -> dict[str, Shape]:
        hidden = config.integer("hidden_size", 768, low=1)
        width = config.integer(self.width_setting, 256, low=1) if self.width_setting else hidden
        shapes: dict[str, Shape] = {
            f"{self.dense}.weight": (width, hidden),
            f"{self.dense}.bias": (width,),
            f"{self.output}.weight": (rows, width),
            f"{self.output}.bias": (rows,),
        }
        layers = config.integer("num_hidden_layers", 12) + 1
        return shapes | {"layer_weights": (layers,)} if self._weighted(config) else shapes
