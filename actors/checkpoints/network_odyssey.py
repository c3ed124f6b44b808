"""The network of the SER-Odyssey baselines: backbone, attentive statistics over the frames, a small head."""

from collections.abc import Sequence

import torch
from torch import nn

from actors.checkpoints.encoder import SpeechEncoder
from actors.checkpoints.network import Network, beyond
from actors.checkpoints.precision import Precision

LEAST_VARIANCE = 1e-5
"""Variances below it count as this much, as published: the root of 0 has no derivative."""


class OdysseyNetwork(Network):
    """Encoder, attentive statistics, hidden layers (linear, layer norm, ReLU), output.

    Args:
        encoder: The backbone.
        attention: Linear(hidden, hidden), before tanh.
        direction: What weighs its result into one number a frame, (hidden,).
        hidden: The layers between; the first reads 2 · hidden numbers.
        output: The last layer.
    """

    direction: torch.Tensor

    def __init__(
        self,
        encoder: SpeechEncoder,
        attention: nn.Linear,
        direction: torch.Tensor,
        hidden: Sequence[tuple[nn.Linear, nn.LayerNorm]],
        output: nn.Linear,
    ) -> None:
        super().__init__()
        self.encoder, self.attention, self.output = encoder, attention, output
        self.register_buffer("direction", direction)
        self.hidden = nn.Sequential(*(nn.Sequential(linear, norm, nn.ReLU()) for linear, norm in hidden))
        self.minimum, self.equal_lengths = encoder.minimum, encoder.equal_lengths

    def use(self, precision: Precision) -> None:
        """Compute the encoder in `precision` from now on."""
        self.encoder.use(precision)

    def forward(self, values: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
        """Scaled signals (n, samples), zero beyond `lengths`, to outputs (n, labels) in float32."""
        layers, frames = self.encoder(values, lengths)
        states = layers[-1].float()
        scores = (torch.tanh(self.attention(states)) @ self.direction).masked_fill(beyond(states, frames), -torch.inf)
        outputs: torch.Tensor = self.output(self.hidden(statistics(states, scores.softmax(1))))
        return outputs


def statistics(states: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Weighted mean and standard deviation over time, side by side.

    The deviation is taken around the mean, not as E[x²] − mean²: the same number without the cancellation.

    Args:
        states: (n, frames, hidden).
        shares: (n, frames), rows sum to 1; 0 where a frame is not valid.

    Returns:
        (n, 2 · hidden).
    """
    mean = torch.einsum("ntd,nt->nd", states, shares)
    variance = torch.einsum("ntd,nt->nd", (states - mean[:, None]).square(), shares)
    return torch.cat((mean, variance.clamp(min=LEAST_VARIANCE).sqrt()), 1)
