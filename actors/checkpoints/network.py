"""Networks from scaled signals to logits. Owns pooling and heads; the encoder below them is `encoder`'s.

Heads are small, and always compute in float32.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from actors.checkpoints.backbones import check_config
from actors.checkpoints.encoder import SpeechEncoder, build_encoder
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.precision import Precision
from actors.checkpoints.transfer import numbers_on
from actors.checkpoints.weights import read_tensors

if TYPE_CHECKING:
    from actors.checkpoints.pooled import PooledFamily, Pooling


class Network(nn.Module):
    """What every family builds: it hears padded batches.

    Attributes:
        minimum: Least samples of a signal.
        maximum: Most samples of a signal, or None; the rest of a longer one is not heard.
        equal_lengths: Whether all signals of a batch must have one length.
    """

    minimum: int
    maximum: int | None = None
    equal_lengths: bool

    def use(self, precision: Precision) -> None:
        """Compute in `precision` from now on."""
        raise NotImplementedError

    def forward(self, values: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
        """Scaled signals (n, samples), zero beyond `lengths`, to logits (n, labels) in float32."""
        raise NotImplementedError


class PooledNetwork(Network):
    """Encoder, one vector over the valid frames, dense, perhaps tanh, output.

    Args:
        encoder: The backbone.
        dense, output: The head.
        tanh: Whether it lies between the two.
        pooling: How frames become a vector.
        layer_weights: Over the hidden states of all layers, shape (layers + 1,); None takes the last one.
    """

    shares: torch.Tensor | None

    def __init__(
        self,
        encoder: SpeechEncoder,
        dense: nn.Linear,
        output: nn.Linear,
        *,
        tanh: bool = False,
        pooling: "Pooling" = "mean",
        layer_weights: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.dense, self.output = encoder, dense, output
        self._tanh, self._pooling = tanh, pooling
        self.register_buffer("shares", None if layer_weights is None else layer_weights.softmax(-1))
        self.minimum, self.equal_lengths = encoder.minimum, encoder.equal_lengths

    def use(self, precision: Precision) -> None:
        """Compute the encoder in `precision` from now on."""
        self.encoder.use(precision)

    def forward(self, values: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
        """Scaled signals (n, samples), zero beyond `lengths`, to logits (n, labels) in float32."""
        states, frames = self.encoder(values, lengths, all_layers=self.shares is not None)
        hidden = self.dense(pool(self._combined(states), frames, self._pooling))
        logits: torch.Tensor = self.output(torch.tanh(hidden) if self._tanh else hidden)
        return logits

    def _combined(self, states: tuple[torch.Tensor, ...]) -> torch.Tensor:
        if self.shares is None:
            return states[-1].float()
        total = states[0].float() * self.shares[0]
        for share, state in zip(self.shares[1:], states[1:], strict=True):
            total.add_(state.float() * share)
        return total


def pool(states: torch.Tensor, frames: Sequence[int], pooling: "Pooling") -> torch.Tensor:
    """One vector per row over its valid frames: (n, frames, hidden) to (n, hidden)."""
    if min(frames) < states.shape[1]:
        states = states.masked_fill(beyond(states, frames)[..., None], -torch.inf if pooling == "max" else 0.0)
    if pooling == "max":
        return states.amax(1)
    total = states.sum(1)
    return total if pooling == "sum" else total / numbers_on(states.device, frames)[:, None]


def beyond(states: torch.Tensor, frames: Sequence[int]) -> torch.Tensor:
    """Which frames of a padded batch are not valid: (n, frames, hidden) to bool (n, frames)."""
    ends = numbers_on(states.device, frames)
    return torch.arange(states.shape[1], device=states.device) >= ends[:, None]


def build_pooled(
    checkpoint: Checkpoint, family: "PooledFamily", keys: Sequence[str], pooling: "Pooling"
) -> PooledNetwork:
    """Build the network of a pooled family; `keys` are those of its head.

    Raises:
        CheckpointError: The backbone's weights do not fit, or a tensor is damaged.
    """
    backbone = check_config(checkpoint.config, checkpoint.tensors.keys())
    encoder = build_encoder(checkpoint, backbone, family.name)
    head = read_tensors(checkpoint, keys)
    return PooledNetwork(
        encoder,
        linear(head[f"{family.dense}.weight"], head[f"{family.dense}.bias"]),
        linear(head[f"{family.output}.weight"], head[f"{family.output}.bias"]),
        tanh=family.tanh,
        pooling=pooling,
        layer_weights=head.get("layer_weights"),
    ).eval()


def linear(weight: torch.Tensor, bias: torch.Tensor | None = None) -> nn.Linear:
    """A linear layer that is these tensors, (rows, columns) and (rows,); they are not trained."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    layer.weight = nn.Parameter(weight, requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias, requires_grad=False)
    return layer
