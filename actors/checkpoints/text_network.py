"""The network of a text classifier: tokens to logits. Owns building and filling it; the head computes in float32."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from actors.checkpoints.files import Checkpoint
from actors.checkpoints.network import linear
from actors.checkpoints.precision import Precision, computing, lowered
from actors.checkpoints.skeleton import fill, skeleton
from actors.checkpoints.weights import read_tensors

if TYPE_CHECKING:
    from actors.checkpoints.text import Activation, TextFamily

_ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "tanh": torch.tanh,
    "gelu": functional.gelu,
    "relu": torch.relu,
}
_OLD = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
"""Layer norms, as checkpoints converted from TensorFlow spell them: the same tensors."""


class TextNetwork(nn.Module):
    """An encoder of transformers, its first token, two linear layers.

    Attributes:
        rows: Rows of the embedding: one more than the highest token.
        padding: A token that fills shorter texts; masked.
    """

    def __init__(self, encoder: nn.Module, head: Mapping[str, torch.Tensor], family: "TextFamily") -> None:
        super().__init__()
        self.encoder = encoder
        self.dense = linear(head[f"{family.dense}.weight"], head[f"{family.dense}.bias"])
        self.output = linear(head[f"{family.output}.weight"], head[f"{family.output}.bias"])
        self.rows = int(encoder.get_parameter("embeddings.word_embeddings.weight").shape[0])
        self.padding = int(getattr(encoder.config, "pad_token_id", None) or 0)
        self._activation: Activation = family.activation
        self._precision: Precision = "fp32"

    def use(self, precision: Precision) -> None:
        """Compute the encoder in `precision` from now on."""
        self._precision = precision
        lowered(self.encoder, precision)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Tokens and their mask (1 where a token is), int64 (n, length), to logits (n, labels) in float32."""
        with computing(tokens.device, self._precision):
            states = self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
        hidden = _ACTIVATIONS[self._activation](self.dense(states[:, 0].float()))
        logits: torch.Tensor = self.output(hidden)
        return logits


def build_reader(checkpoint: Checkpoint, family: "TextFamily") -> TextNetwork:
    """Build the encoder from config.json and fill it; the head has been compared.

    Raises:
        LayoutError: A tensor of the encoder is missing, unexpected or of another shape.
        CheckpointError: The configuration describes no such network, or a tensor is damaged.
    """
    module = family.module(checkpoint.config)
    arguments = {"add_pooling_layer": False} if module.pools else {}
    encoder = skeleton(checkpoint.config, module.module, module.classes, arguments=arguments)
    own = family.encoder_keys(checkpoint.tensors.keys())
    fill(encoder, checkpoint, own, family.name, prefix=family.prefix, name=_current)
    return TextNetwork(encoder, read_tensors(checkpoint, family.head), family).eval()


def _current(key: str) -> str:
    for old, new in _OLD.items():
        key = key.replace(old, new)
    return key
