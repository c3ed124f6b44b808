"""The network of emotion2vec: funasr's encoder without its decoder, the mean over all frames, a linear layer.

Its positional convolutions and its attention see padding, so that a batch has one length.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from actors.checkpoints.family_emotion2vec import Emotion2vec, conv_layers, encoder_keys
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.funasr_extra import inner, part
from actors.checkpoints.guard import compare
from actors.checkpoints.network import Network, linear
from actors.checkpoints.precision import Precision, computing, lowered
from actors.checkpoints.skeleton import fill
from actors.checkpoints.weights import read_tensors
from infra.errors import CheckpointError


class Emotion2vecNetwork(Network):
    """An encoder of funasr with a linear layer on the mean of its frames, in float32.

    Args:
        encoder: funasr's `Emotion2vec`, without head.
        head: The linear layer over the labels that are used.
        minimum: Samples that one frame sees.
    """

    def __init__(self, encoder: nn.Module, head: nn.Linear, minimum: int) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head
        self.minimum, self.equal_lengths = minimum, True
        self._precision: Precision = "fp32"

    def use(self, precision: Precision) -> None:
        """Compute the encoder in `precision` from now on."""
        self._precision = precision
        lowered(self.encoder, precision)

    def forward(self, values: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:  # noqa: ARG002 (all are equal)
        """Scaled signals (n, samples) to logits (n, labels) in float32."""
        encoder: Any = self.encoder
        with computing(values.device, self._precision):
            states = encoder.extract_features(values, padding_mask=None)["x"]
        logits: torch.Tensor = self.head(states.float().mean(1))
        return logits


def build_emotion2vec(checkpoint: Checkpoint, found: Emotion2vec, family: str) -> Emotion2vecNetwork:
    """Build the encoder from config.yaml and fill it.

    Raises:
        LayoutError: A tensor is missing, unexpected or of another shape.
        CheckpointError: The configuration describes no such network, or a tensor is damaged.
    """
    layers = conv_layers(inner(inner(found.config, "modalities"), "audio"))
    encoder = _skeleton(found, layers)
    stems = {key: stem for stem, key in encoder_keys(checkpoint.tensors.keys()).items()}
    fill(encoder, checkpoint, stems, family, name=stems.__getitem__)
    return Emotion2vecNetwork(encoder, _head(checkpoint, found, family), _field(layers)).eval()


def _skeleton(found: Emotion2vec, layers: Sequence[tuple[int, int, int]]) -> nn.Module:
    network = part("models.emotion2vec.model", "Emotion2vec")
    audio = inner(inner(found.config, "modalities"), "audio").values
    # funasr evaluates the text of the convolutions: it gets nothing but the numbers that were parsed from it.
    audio = {**audio, "decoder": None, "feature_encoder_spec": str(list(layers))}
    try:
        with torch.device("meta"):
            encoder: nn.Module = network(model_conf={**found.config.values, "modalities": {"audio": audio}})
    except Exception as error:  # torch, omegaconf and funasr raise whatever a wrong configuration breaks first
        summary = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise CheckpointError(f"{found.config.path} describes no emotion2vec: {summary}") from error
    return encoder


def _head(checkpoint: Checkpoint, found: Emotion2vec, family: str) -> nn.Linear:
    count, width = checkpoint.tensors["proj.weight"].shape[0], found.config.integer("embed_dim", low=1)
    shape = {"proj.weight": (count, width), "proj.bias": (count,)}
    compare(checkpoint.source, family, shape, {key: checkpoint.tensors[key].shape for key in shape})
    head = read_tensors(checkpoint, shape)
    rows = list(found.rows)
    return linear(head["proj.weight"][rows], head["proj.bias"][rows])


def _field(layers: Sequence[tuple[int, int, int]]) -> int:
    field = 1
    for _, kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field
