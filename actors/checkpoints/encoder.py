"""Speech encoders: transformers' own backbones with a checkpoint's weights, so that a padded row equals a single one.

Owns which of a checkpoint's tensors are the backbone's, masks, frame counts and the precision of the encoder. Building
and filling a network is `skeleton`'s.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import nn
from torch.nn.utils import parametrize

from actors.checkpoints.backbones import Backbone
from actors.checkpoints.document import Document
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.frames import FrameEncoder
from actors.checkpoints.precision import DTYPES, Precision, computing, lowered
from actors.checkpoints.skeleton import fill, skeleton
from actors.checkpoints.transfer import numbers_on
from actors.checkpoints.wavlm import use_fused_attention

_RENAMED = {
    "pos_conv_embed.conv.weight_g": "pos_conv_embed.conv.parametrizations.weight.original0",
    "pos_conv_embed.conv.weight_v": "pos_conv_embed.conv.parametrizations.weight.original1",
}
"""Weight normalisation, as torch spelled it before 2.1 and since: the same tensors."""

_UNUSED = "masked_spec_embed"
"""Stands for masked frames in training; absent from some checkpoints, and used by none of them at scoring time."""

_NOT_HEARD: Mapping[str, object] = {
    "mask_time_prob": 0.0, "mask_feature_prob": 0.0,
    "vocab_size": 32, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
"""Settings of masking in training and of transcription. They shape no backbone, and some are null in checkpoints."""


class SpeechEncoder(nn.Module):
    """A backbone that knows which of its frames are valid.

    Attributes:
        minimum: Least signal in samples: the receptive field of one frame.
        equal_lengths: Whether a batch must have one length, because padding would change its rows.
    """

    def __init__(self, backbone: nn.Module, config: Any, *, pads_cleanly: bool) -> None:
        super().__init__()
        self.backbone = backbone
        # A batch norm before the positional convolution turns its zero padding into something else.
        self.equal_lengths = not pads_cleanly or bool(getattr(config, "conv_pos_batch_norm", False))
        self._precision: Precision = "fp32"
        backbone.feature_extractor = FrameEncoder(backbone.feature_extractor)
        self.minimum = self._frame_encoder.field()
        use_fused_attention(backbone)

    def use(self, precision: Precision) -> None:
        """Compute in `precision` from now on: weights of the large layers are converted once, here."""
        self._precision = precision
        lowered(self.backbone, precision)
        self._frame_encoder.lower(DTYPES[precision])

    def forward(
        self, values: torch.Tensor, lengths: Sequence[int], *, all_layers: bool = False
    ) -> tuple[tuple[torch.Tensor, ...], list[int]]:
        """Encode a padded batch.

        Args:
            values: Scaled signals, float32 (n, samples), zero beyond each one's length.
            lengths: Samples of each, at least `minimum`.
            all_layers: Give the hidden states of every layer, the last one otherwise.

        Returns:
            Hidden states, each (n, frames, hidden), and the number of valid frames of each row.
        """
        mask = None
        if min(lengths) < values.shape[1]:
            ends = numbers_on(values.device, lengths)
            mask = (torch.arange(values.shape[1], device=values.device) < ends[:, None]).long()
        self._frame_encoder.valid = None if mask is None else list(lengths)
        with computing(values.device, self._precision):
            found = self.backbone(values, attention_mask=mask, output_hidden_states=all_layers)
        states = tuple(found.hidden_states) if all_layers else (found.last_hidden_state,)
        return states, [self._frame_encoder.frames(length) for length in lengths]

    @property
    def _frame_encoder(self) -> FrameEncoder:
        return cast(FrameEncoder, self.backbone.feature_extractor)


def build_encoder(
    checkpoint: Checkpoint, backbone: Backbone, family: str, prefix: str | None = None, config: Document | None = None
) -> SpeechEncoder:
    """Build a backbone from its configuration and fill it with the checkpoint's tensors, all of them and no others.

    Args:
        checkpoint: What was found.
        backbone: The class to build.
        family: Name of the family, for messages.
        prefix: What the backbone's keys begin with; None is the backbone's own prefix.
        config: What describes the backbone; None is config.json.

    Raises:
        LayoutError: A tensor is missing, unexpected or of another shape.
        CheckpointError: The configuration describes no such network, or a tensor is damaged.
    """
    described = checkpoint.config if config is None else config
    module: Any = skeleton(described, backbone.module, backbone.classes, fixed=_NOT_HEARD)
    prefix = backbone.prefix if prefix is None else prefix
    own = (key for key in checkpoint.tensors if key.startswith(prefix) and not key.endswith(_UNUSED))
    fill(module, checkpoint, own, family, prefix=prefix, name=_current)
    _multiply_out(module)
    return SpeechEncoder(module, module.config, pads_cleanly=backbone.pads_cleanly)


def _current(key: str) -> str:
    for old, new in _RENAMED.items():
        if key.endswith(old):
            return key.removesuffix(old) + new
    return key


def _multiply_out(module: nn.Module) -> None:
    """Multiply weight norm out once, not at every batch."""
    for each in list(module.modules()):
        if parametrize.is_parametrized(each, "weight"):
            parametrize.remove_parametrizations(each, "weight")
