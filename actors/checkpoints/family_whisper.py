"""Whisper's encoder under transformers' own head (`WhisperForAudioClassification`): projector, mean, classifier.

Every signal fills one window (30 s as published): a shorter one is followed by silence, a longer one is cut, and the
mean is over all frames, silence included. That is the published behaviour of this layout, so a segment of 2 s is
mostly silence to it. Padding a batch changes nothing. transformers' `AutoModelForAudioClassification` loads it right.
"""

import re
from collections.abc import Set
from typing import TYPE_CHECKING

from actors.checkpoints.document import Document
from actors.checkpoints.family import Facts
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.guard import Shape, compare
from actors.checkpoints.labels import kind_of, own_labels
from actors.checkpoints.log_mel import LogMel, log_mel_preprocessing
from infra.errors import CheckpointError

if TYPE_CHECKING:
    from actors.checkpoints.network import Network

ENCODER = "encoder."
_LAYER = re.compile(r"encoder\.layers\.(\d{1,6})\.")
_OWN = frozenset(("encoder.conv1.weight", "encoder.conv2.weight", "encoder.embed_positions.weight"))


class WhisperFamily:
    """Whisper's encoder with transformers' own head."""

    name = "whisper"

    def head_keys(self, config: Document) -> tuple[str, ...]:
        """The keys of both layers, and `layer_weights` where the configuration asks for it."""
        layers = ("projector.weight", "projector.bias", "classifier.weight", "classifier.bias")
        return (*layers, "layer_weights") if _weighted(config) else layers

    def recognises(self, keys: Set[str], config: Document) -> bool:
        """Whether these are the keys of Whisper's encoder and some of a head; `describe` checks which."""
        return bool(keys & _OWN and _beside(keys)) and config.text("model_type") == "whisper"

    def describe(self, checkpoint: Checkpoint) -> Facts:
        """Labels, kind and features, after checking the head's shapes and that features and encoder fit."""
        config = checkpoint.config
        _check_own(checkpoint, self.name)
        _check_layers(checkpoint)
        found = {key: checkpoint.tensors[key].shape for key in _beside(checkpoint.tensors.keys())}
        rows = (*found.get("classifier.weight", ()), 0)[0]
        compare(checkpoint.source, self.name, _head_shapes(config, rows), found)
        features = log_mel_preprocessing(checkpoint)
        _check_features(checkpoint, features)
        labels = own_labels(config, rows, "classifier.weight")
        return Facts(labels, kind_of(config, labels), features, window_s=float(features.window_s))

    def build(self, checkpoint: Checkpoint) -> "Network":
        """The network with its weights; the decoder of Whisper is never built."""
        from actors.checkpoints.whisper_network import build_whisper  # torch, only when a model is built

        return build_whisper(checkpoint, self.name, sorted(_beside(checkpoint.tensors.keys())))


FAMILY = WhisperFamily()


def _beside(keys: Set[str]) -> frozenset[str]:
    return frozenset(key for key in keys if not key.startswith(ENCODER))


def _weighted(config: Document) -> bool:
    return config.flag("use_weighted_layer_sum", False)


def _check_own(checkpoint: Checkpoint, family: str) -> None:
    """Check that what the features and the window are compared with is there."""
    own: dict[str, Shape] = dict.fromkeys(_OWN, ())
    compare(checkpoint.source, family, own, {key: () for key in own if key in checkpoint.tensors})


def _check_layers(checkpoint: Checkpoint) -> None:
    """Bound what is built from the configuration: one that claims a million layers costs nothing."""
    found = {int(match[1]) for key in checkpoint.tensors if (match := _LAYER.match(key))}
    name = "num_hidden_layers" if "encoder_layers" not in checkpoint.config.values else "encoder_layers"
    if checkpoint.config.integer(name, 4) != len(found):
        raise checkpoint.config.wrong(name, f"{len(found)}, the layers that the weights have")
    checkpoint.config.integer("encoder_attention_heads", 6, low=1)


def _check_features(checkpoint: Checkpoint, features: LogMel) -> None:
    positions, bands = (checkpoint.tensors[f"encoder.{name}.weight"].shape for name in ("embed_positions", "conv1"))
    if (*bands, 0, 0)[1] != features.bands:
        raise checkpoint.preprocessor.wrong("feature_size", f"{(*bands, 0, 0)[1]}, the bands that the encoder hears")
    if features.frames != 2 * (*positions, 0)[0]:
        raise CheckpointError(
            f"{checkpoint.preprocessor.path}: chunk_length {features.window_s}, hop_length {features.hop} and "
            f"sampling_rate {features.sampling_rate} make {features.frames} frames, but the encoder has "
            f"{(*positions, 0)[0]} positions of two frames each. They belong to different models."
        )


def _head_shapes(config: Document, rows: int) -> dict[str, Shape]:
    hidden = config.integer("d_model", 384, low=1)
    width = config.integer("classifier_proj_size", 256, low=1)
    shapes: dict[str, Shape] = {
        "projector.weight": (width, hidden),
        "projector.bias": (width,),
        "classifier.weight": (rows, width),
        "classifier.bias": (rows,),
    }
    layers = config.integer("encoder_layers", 4) + 1
    return shapes | {"layer_weights": (layers,)} if _weighted(config) else shapes
