"""The network of a Whisper-encoder classifier: signals to log-mel features to logits.

Owns building it. Every row fills the window, so that a batch is always of one length.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from actors.checkpoints.files import Checkpoint
from actors.checkpoints.log_mel import LogMel, log_mel_preprocessing
from actors.checkpoints.network import Network, linear
from actors.checkpoints.precision import Precision, computing, lowered
from actors.checkpoints.skeleton import fill, skeleton
from actors.checkpoints.weights import read_tensors

_CLASSES = ("WhisperEncoder", "WhisperConfig")
_PREFIX = "encoder."


class WhisperNetwork(Network):
    """Whisper's encoder, the mean over all frames of the window, two linear layers in float32.

    The mean comes before the projector: that is affine, and the mean of an affine image is the image of the mean.

    Args:
        encoder: transformers' own.
        mel: The features.
        head: The head's tensors by key.
    """

    filters: torch.Tensor
    shares: torch.Tensor | None

    def __init__(self, encoder: nn.Module, mel: LogMel, head: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.encoder, self._mel = encoder, mel
        self.projector = linear(head["projector.weight"], head["projector.bias"])
        self.classifier = linear(head["classifier.weight"], head["classifier.bias"])
        weights = head.get("layer_weights")
        self.register_buffer("shares", None if weights is None else weights.softmax(-1))
        self.register_buffer("filters", mel.filters())
        self.minimum = self.maximum = mel.samples
        self.equal_lengths = False
        self._precision: Precision = "fp32"

    def use(self, precision: Precision) -> None:
        """Compute the encoder in `precision` from now on."""
        self._precision = precision
        lowered(self.encoder, precision)

    def forward(self, values: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:  # noqa: ARG002 (all are heard)
        """Signals (n, samples of the window), silent beyond their ends, to logits (n, labels) in float32."""
        features = self._mel.features(values, self.filters)
        with computing(values.device, self._precision):
            found = self.encoder(features, output_hidden_states=self.shares is not None)
        if self.shares is None:
            mean = found.last_hidden_state.float().mean(1)
        else:
            layers = torch.stack([state.float().mean(1) for state in found.hidden_states])
            mean = (layers * self.shares[:, None, None]).sum(0)
        logits: torch.Tensor = self.classifier(self.projector(mean))
        return logits


def build_whisper(checkpoint: Checkpoint, family: str, head_keys: Sequence[str]) -> WhisperNetwork:
    """Build the encoder from config.json and fill it; `head_keys` have been compared.

    Raises:
        LayoutError: A tensor of the encoder is missing, unexpected or of another shape.
        CheckpointError: The configuration describes no such network, or a tensor is damaged.
    """
    encoder = skeleton(checkpoint.config, "whisper.{}_whisper", _CLASSES)
    own = (key for key in checkpoint.tensors if key.startswith(_PREFIX))
    fill(encoder, checkpoint, own, family, prefix=_PREFIX)
    head = read_tensors(checkpoint, head_keys)
    return WhisperNetwork(encoder, log_mel_preprocessing(checkpoint), head).eval()
