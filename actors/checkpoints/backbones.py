"""The speech backbones of transformers that heads sit on: their names, prefixes and peculiarities. Imports no torch."""

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass

from actors.checkpoints.document import Document
from infra.errors import CheckpointError


@dataclass(frozen=True)
class Backbone:
    """A model class of transformers.

    Attributes:
        prefix: What its keys begin with inside a checkpoint.
        model_type: As config.json names it.
        module: Modules below `transformers.models`: `modeling_…` and `configuration_…` follow from it.
        classes: Names of the model class and of its configuration class.
        pads_cleanly: Whether a padded batch with a mask gives the rows of single signals.
    """

    prefix: str
    model_type: str
    module: str
    classes: tuple[str, str]
    pads_cleanly: bool = True


BACKBONES = (
    Backbone("wav2vec2.", "wav2vec2", "wav2vec2.{}_wav2vec2", ("Wav2Vec2Model", "Wav2Vec2Config")),
    Backbone("hubert.", "hubert", "hubert.{}_hubert", ("HubertModel", "HubertConfig")),
    Backbone("wavlm.", "wavlm", "wavlm.{}_wavlm", ("WavLMModel", "WavLMConfig")),
    # Its positional convolutions have five layers: from the second on, padded frames leak into valid ones.
    Backbone(
        "data2vec_audio.",
        "data2vec-audio",
        "data2vec.{}_data2vec_audio",
        ("Data2VecAudioModel", "Data2VecAudioConfig"),
        pads_cleanly=False,
    ),
)

_TRAINING_ONLY = re.compile(r"(quantizer|project_hid|project_q|dropout_features)\.")
"""Parts of self-supervised training that some checkpoints keep beside their head. Nothing at scoring time uses them."""

_LAYER = re.compile(r"encoder\.layers\.(\d{1,6})\.")
MAX_LAYERS = 200


def backbone_of(keys: Iterable[str]) -> Backbone | None:
    """The backbone whose prefix the keys have."""
    starts = {key.partition(".")[0] + "." for key in keys}
    return next((each for each in BACKBONES if each.prefix in starts), None)


def beside_backbone(keys: Set[str]) -> frozenset[str]:
    """The keys of the head: all that belong neither to the backbone nor to training only. A second backbone would."""
    backbone = backbone_of(keys)
    own = backbone.prefix if backbone else ()
    return frozenset(key for key in keys if not key.startswith(own) and not _TRAINING_ONLY.match(key))


def layers_of(stems: Iterable[str]) -> frozenset[int]:
    """The numbers of the encoder layers that keys, less their prefix, belong to."""
    return frozenset(int(match[1]) for stem in stems if (match := _LAYER.match(stem)))


def check_config(config: Document, keys: Set[str]) -> Backbone:
    """Check that config.json describes the backbone that the keys belong to.

    Bounds what is built from it: a configuration that claims a million layers costs nothing.

    Raises:
        CheckpointError: It describes another one, or another number of layers.
    """
    backbone = backbone_of(keys)
    if backbone is None:
        raise CheckpointError(f"{config.path.parent}: no key begins with one of {[each.prefix for each in BACKBONES]}.")
    if not config.present:
        raise CheckpointError(f"{config.path} is absent. Fetch the checkpoint again.")
    if config.text("model_type") != backbone.model_type:
        raise config.wrong("model_type", f"{backbone.model_type!r}, which the keys {backbone.prefix}* belong to")
    if config.flag("add_adapter", False):
        raise config.wrong("add_adapter", "false: no known emotion head sits on a convolutional adapter")
    found = layers_of(key.removeprefix(backbone.prefix) for key in keys if key.startswith(backbone.prefix))
    if config.integer("num_hidden_layers", 12) != len(found) or len(found) > MAX_LAYERS:
        raise config.wrong(
            "num_hidden_layers", f"{len(found)} (at most {MAX_LAYERS}), the layers that the weights have"
        )
    _check_loops(config)
    return backbone


def _check_loops(config: Document) -> None:
    for name in ("conv_dim", "conv_kernel", "conv_stride"):
        value = config.values.get(name, [1])
        if not isinstance(value, list) or not 0 < len(value) <= 32 or not all(type(v) is int and v > 0 for v in value):
            raise config.wrong(name, "up to 32 whole numbers above 0")
    config.integer("num_conv_pos_embeddings", 128, low=1, high=4096)
