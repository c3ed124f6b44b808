"""3loi/SER-Odyssey-Baseline-WavLM-…: the baselines of the Odyssey 2024 emotion challenge, on MSP-Podcast.

Source: github.com/msplabresearch/MSP-Podcast_Challenge (net/pooling.py, net/ser.py, utils/dataset/normalizer.py), whose
classes the hub's checkpoints carry as code (never run here): `ssl_model.*` the backbone, `pool_model.*` attentive
statistics, `ser_model.fc.k` linear, layer norm and ReLU, `ser_model.out.0`. Signals are scaled by the mean and standard
deviation of the training corpus, then padded with zeros and masked. The published pooling counts a frame every 320
samples, one more than the backbone gives: alone, a signal has all its frames either way; in a padded batch it would
take a frame of padding along, which is not done here. `maxlen` cut training segments; the published usage cuts none.
"""

import math
from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.checkpoints.document import Document
from actors.checkpoints.family import Facts
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.geometry import read_geometry
from actors.checkpoints.guard import Shape, compare
from actors.checkpoints.labels import kind_of, own_labels
from actors.checkpoints.preprocessing import Preprocessing
from actors.contract import SAMPLING_RATE
from infra.errors import CheckpointError

if TYPE_CHECKING:
    from actors.checkpoints.network import Network

PREFIX = "ssl_model."
ATTRIBUTES = ("arousal", "dominance", "valence")
"""The order in which the multi-attribute baseline was trained and evaluated (eval_dim_ser.py)."""
EPSILON = 1e-6
"""Added to the standard deviation, as published."""

_HEAD = ("pool_model.", "ser_model.")
_OUT = "ser_model.out.0"
_MAX_LAYERS = 16


@dataclass(frozen=True)
class OdysseyFamily:
    """The layout of the SER-Odyssey baselines, categorical or dimensional."""

    name: str = "odyssey"

    def head_keys(self, config: Document) -> tuple[str, ...]:
        """The keys of the pooling and of the layers after it."""
        return tuple(self._shapes(config, 1, 1))

    def recognises(self, keys: Set[str], config: Document) -> bool:  # noqa: ARG002 (the protocol's)
        """Whether there is a backbone under `ssl_model.` and a part of this head; `describe` checks that all fits."""
        return any(key.startswith(PREFIX) for key in keys) and any(key.startswith(_HEAD) for key in keys)

    def describe(self, checkpoint: Checkpoint) -> Facts:
        """Labels, kind and preprocessing, after checking the head and what config.json says of the backbone."""
        config = checkpoint.config
        _, geometry = read_geometry(checkpoint, PREFIX, self.name)
        _check_backbone(config, geometry)
        head = {key: info.shape for key, info in checkpoint.tensors.items() if not key.startswith(PREFIX)}
        rows = (*head.get(f"{_OUT}.weight", ()), 0)[0]
        compare(checkpoint.source, self.name, self._shapes(config, geometry.integer("hidden_size"), rows), head)
        labels = _labels(checkpoint, rows)
        return Facts(labels, kind_of(config, labels), _preprocessing(config))

    def build(self, checkpoint: Checkpoint) -> "Network":
        """The network with its weights."""
        from torch import nn  # only when a model is built

        from actors.checkpoints.encoder import build_encoder
        from actors.checkpoints.network import linear
        from actors.checkpoints.network_odyssey import OdysseyNetwork
        from actors.checkpoints.weights import read_tensors

        backbone, geometry = read_geometry(checkpoint, PREFIX, self.name)
        encoder = build_encoder(checkpoint, backbone, self.name, PREFIX, geometry)
        head = read_tensors(checkpoint, [key for key in checkpoint.tensors if not key.startswith(PREFIX)])
        layers = []
        for number in range(_hidden_layers(checkpoint.config)):
            stem = f"ser_model.fc.{number}"
            norm = nn.LayerNorm(len(head[f"{stem}.1.weight"]))
            norm.load_state_dict({part: head[f"{stem}.1.{part}"] for part in ("weight", "bias")}, assign=True)
            layers.append((linear(head[f"{stem}.0.weight"], head[f"{stem}.0.bias"]), norm.requires_grad_(False)))
        return OdysseyNetwork(
            encoder,
            linear(head["pool_model.sap_linear.weight"], head["pool_model.sap_linear.bias"]),
            head["pool_model.attention"][:, 0].contiguous(),
            layers,
            linear(head[f"{_OUT}.weight"], head[f"{_OUT}.bias"]),
        ).eval()

    def _shapes(self, config: Document, hidden: int, rows: int) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {
            "pool_model.sap_linear.weight": (hidden, hidden),
            "pool_model.sap_linear.bias": (hidden,),
            "pool_model.attention": (hidden, 1),
        }
        for number in range(_hidden_layers(config)):
            stem = f"ser_model.fc.{number}"
            shapes[f"{stem}.0.weight"] = (hidden, hidden if number else 2 * hidden)
            shapes |= {f"{stem}.{part}": (hidden,) for part in ("0.bias", "1.weight", "1.bias")}
        return shapes | {f"{_OUT}.weight": (rows, hidden), f"{_OUT}.bias": (rows,)}


def _hidden_layers(config: Document) -> int:
    return config.integer("classifier_hidden_layers", 1, low=1, high=_MAX_LAYERS)


def _check_backbone(config: Document, geometry: Document) -> None:
    """Refuse a configuration that speaks of another backbone than the tensors are."""
    for name in ("hidden_size", "num_hidden_layers", "num_attention_heads"):
        found = geometry.integer(name)
        if config.integer(name, found) != found:
            raise config.wrong(name, f"{found}, as the weights have it")


def _labels(checkpoint: Checkpoint, rows: int) -> tuple[str, ...]:
    config = checkpoint.config
    if rows == 1:
        raise CheckpointError(
            f"{checkpoint.source} gives one number (arousal, valence or dominance alone), and no emotion follows from "
            "one. Use 3loi/SER-Odyssey-Baseline-WavLM-Categorical, or …-Multi-Attributes, which gives all three."
        )
    labels = own_labels(config, rows, f"{_OUT}.weight")
    if labels != tuple(f"LABEL_{row}" for row in range(rows)):
        return labels
    name = (config.text("_name_or_path") or "").casefold().replace("_", "-")
    if rows == len(ATTRIBUTES) and "multi-attribute" in name:
        return ATTRIBUTES
    raise CheckpointError(
        f"{config.path} does not say what the {rows} outputs mean. Write `id2label` there, in their order: "
        f"for the multi-attribute baseline, {', '.join(ATTRIBUTES)}."
    )


def _preprocessing(config: Document) -> Preprocessing:
    mean, std = _number(config, "mean"), _number(config, "std")
    if std <= 0:
        raise config.wrong("std", "a number above 0, the training corpus's standard deviation")
    rate = config.integer("sampling_rate", SAMPLING_RATE, low=4000, high=192_000)
    return Preprocessing(rate, "fixed", EPSILON, mean, std)


def _number(config: Document, name: str) -> float:
    value = config.values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise config.wrong(name, "a number: signals are scaled by the training corpus's mean and standard deviation")
    return float(value)


FAMILY = OdysseyFamily()
