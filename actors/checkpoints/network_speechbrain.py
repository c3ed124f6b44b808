"""The network of SpeechBrain's IEMOCAP recipe: backbone, a norm over all of its output, mean, one linear layer."""

from collections.abc import Sequence

import torch
from torch import nn

from actors.checkpoints.encoder import SpeechEncoder
from actors.checkpoints.network import Network, beyond, pool
from actors.checkpoints.precision import Precision
from actors.checkpoints.transfer import numbers_on

EPSILON = 1e-5
"""Of torch's layer_norm, which SpeechBrain calls on its input and its output."""


class SpeechBrainNetwork(Network):
    """Encoder, layer norm over time and channels together, mean over the valid frames, linear.

    Args:
        encoder: The backbone.
        output: The head.
        output_norm: Whether the backbone's output is normalised.
    """

    def __init__(self, encoder: SpeechEncoder, output: nn.Linear, *, output_norm: bool) -> None:
        super().__init__()
        self.encoder, self.output = encoder, output
        self._output_norm = output_norm
        self.minimum, self.equal_lengths = encoder.minimum, encoder.equal_lengths

    def use(self, precision: Precision) -> None:
        """Compute the encoder in `precision` from now on."""
        self.encoder.use(precision)

    def forward(self, values: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
        """Scaled signals (n, samples), zero beyond `lengths`, to logits (n, labels) in float32."""
        layers, frames = self.encoder(values, lengths)
        states = layers[-1].float()
        pooled = pool(states, frames, "mean")
        logits: torch.Tensor = self.output(normalised(pooled, states, frames) if self._output_norm else pooled)
        return logits


def normalised(pooled: torch.Tensor, states: torch.Tensor, frames: Sequence[int]) -> torch.Tensor:
    """The mean over time of states normalised over time and channels, from their plain mean.

    The norm has one mean and one variance a row, so the mean may come first: mean((x − μ)/σ) = (mean(x) − μ)/σ.

    Args:
        pooled: Mean of the valid frames, (n, hidden).
        states: (n, frames, hidden).
        frames: Valid frames of each row.
    """
    centre = pooled.mean(1, keepdim=True)
    squares = (states - centre[..., None]).square().mean(2).masked_fill(beyond(states, frames), 0.0)
    variance = squares.sum(1, keepdim=True) / numbers_on(states.device, frames)[:, None]
    return (pooled - centre) * torch.rsqrt(variance + EPSILON)
