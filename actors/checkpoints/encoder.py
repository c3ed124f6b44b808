"""Speech encoders: transformers' own backbones with a checkpoint's weights, so that a padded row equals a single one.

Owns building (from a configuration alone, weights checked key by key and shape by shape), masks, frame counts and the
precision of the encoder. Never uses `from_pretrained`, which fills what is missing with random numbers.
"""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, cast

import torch
from torch import nn
from torch.nn.utils import parametrize

from actors.checkpoints.backbones import Backbone
from actors.checkpoints.document import Document
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.frames import FrameEncoder
from actors.checkpoints.guard import compare
from actors.checkpoints.precision import DTYPES, Precision, computing, lowered
from actors.checkpoints.wavlm import use_fused_attention
from actors.checkpoints.weights import read_tensors
from infra.errors import CheckpointError

_RENAMED = {
    "pos_conv_embed.conv.weight_g": "pos_conv_embed.conv.parametrizations.weight.original0",
    "pos_conv_embed.conv.weight_v": "pos_conv_embed.conv.parametrizations.weight.original1",
}
"""Weight normalisation, as torch spelled it before 2.1 and since: the same tensors."""

_UNUSED = "masked_spec_embed"
"""Stands for masked frames in training; absent from some checkpoints, and used by none of them at scoring time."""


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
            ends = torch.tensor(lengths, device=values.device)
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
    module, settings = _skeleton(checkpoint.config if config is None else config, backbone)
    prefix = backbone.prefix if prefix is None else prefix
    keys = {
        _stem(key, prefix): key for key in checkpoint.tensors if key.startswith(prefix) and not key.endswith(_UNUSED)
    }
    expected = {prefix + key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    compare(checkpoint.source, family, expected, {prefix + s: checkpoint.tensors[k].shape for s, k in keys.items()})
    _fill(module, read_tensors(checkpoint, keys.values()), keys, checkpoint.source)
    return SpeechEncoder(module, settings, pads_cleanly=backbone.pads_cleanly)


def _skeleton(config: Document, backbone: Backbone) -> tuple[nn.Module, Any]:
    """The network without memory for its weights, so that a wrong size in the configuration costs nothing."""
    path = "transformers.models." + backbone.module
    model_class = getattr(import_module(path.format("modeling")), backbone.classes[0])
    config_class = getattr(import_module(path.format("configuration")), backbone.classes[1])
    try:
        settings = config_class(**_architecture(config, config_class.__annotations__))
        with torch.device("meta"):
            return model_class(settings), settings
    except Exception as error:  # torch and transformers raise whatever a wrong configuration breaks first
        summary = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise CheckpointError(f"{config.path} describes no {backbone.model_type} network: {summary}") from error


def _architecture(config: Document, names: Iterable[str]) -> dict[str, object]:
    """The settings that shape the network. Labels, tokens and masking for training are no business of the backbone."""
    unused = {"vocab_size", "pad_token_id", "bos_token_id", "eos_token_id"}
    chosen = {name: config.values[name] for name in names if name in config.values and name not in unused}
    return chosen | {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}


def _stem(key: str, prefix: str) -> str:
    for old, new in _RENAMED.items():
        key = key.replace(old, new)
    return key.removeprefix(prefix)


def _fill(module: nn.Module, tensors: dict[str, torch.Tensor], keys: dict[str, str], source: str) -> None:
    try:
        module.load_state_dict({stem: tensors[key] for stem, key in keys.items()}, strict=True, assign=True)
    except RuntimeError as error:
        raise CheckpointError(f"{source}: its tensors do not fit their places: {str(error)[:300]}") from error
    module.eval().requires_grad_(False)
    for each in list(module.modules()):
        if parametrize.is_parametrized(each, "weight"):
            parametrize.remove_parametrizations(each, "weight")  # multiply weight norm out once, not at every batch
