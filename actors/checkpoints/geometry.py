"""A backbone's configuration, told from its tensors, where a checkpoint carries none of transformers' own.

Owns the rules for what shapes cannot tell. Every published size of wav2vec2, HuBERT and WavLM follows them: 64
channels a head, seven convolutions of the same kernels and strides, layer norm in the convolutions where the encoder's
is stable, and group norm where it is not. HuBERT computes what wav2vec2 does, under the same keys. That the tensors
fit together is checked when the network is filled.
"""

from dataclasses import dataclass

from actors.checkpoints.backbones import BACKBONES, MAX_LAYERS, Backbone, layers_of
from actors.checkpoints.document import Document
from actors.checkpoints.files import Checkpoint
from infra.errors import CheckpointError, LayoutError

HEAD_CHANNELS = 64
KERNELS = (10, 3, 3, 3, 3, 2, 2)
STRIDES = (5, 2, 2, 2, 2, 2, 2)
BUCKETS = 320
"""Of WavLM's distances between frames."""

_CONVOLUTION = "feature_extractor.conv_layers.{}."
_POSITIONS = "encoder.pos_conv_embed.conv."
_DIRECTIONS = ("weight_v", "parametrizations.weight.original1")
"""The direction of the weight-normalised positional convolution, as torch spelled it before 2.1 and since."""
_BUCKETS = "encoder.layers.0.attention.rel_attn_embed.weight"
"""WavLM's bias of relative positions, (buckets, heads); no other backbone has it."""


def read_geometry(checkpoint: Checkpoint, prefix: str, family: str) -> tuple[Backbone, Document]:
    """Tell which backbone lies under `prefix`, and the entries of config.json that would describe it.

    Args:
        checkpoint: What was found.
        prefix: What the backbone's keys begin with.
        family: Name of the family, for messages.

    Raises:
        LayoutError: A tensor that tells a size is missing, or has another number of dimensions.
        CheckpointError: The sizes are none of a known wav2vec2, HuBERT or WavLM.
    """
    shapes = _Shapes(checkpoint, prefix, family)
    (hidden,) = shapes.of("encoder.layer_norm.weight", 1)
    values: dict[str, object] = {
        "hidden_size": hidden,
        "num_hidden_layers": _layers(shapes),
        "num_attention_heads": hidden // HEAD_CHANNELS,
        "intermediate_size": shapes.of("encoder.layers.0.feed_forward.intermediate_dense.weight", 2)[0],
        **_convolutions(shapes),
        **_positions(shapes, hidden),
    }
    if shapes.has(_BUCKETS) and shapes.of(_BUCKETS, 2) != (BUCKETS, hidden // HEAD_CHANNELS):
        raise shapes.strange(_BUCKETS, f"{BUCKETS} buckets for each head of {HEAD_CHANNELS} channels")
    if hidden % HEAD_CHANNELS:
        raise shapes.strange("encoder.layer_norm.weight", f"a multiple of {HEAD_CHANNELS}, the channels of a head")
    kind = "wavlm" if shapes.has(_BUCKETS) else "wav2vec2"
    backbone = next(each for each in BACKBONES if each.model_type == kind)
    return backbone, Document(checkpoint.weight_files[0], values)


@dataclass(frozen=True)
class _Shapes:
    """The shapes of the tensors under a prefix."""

    checkpoint: Checkpoint
    prefix: str
    family: str

    def has(self, key: str) -> bool:
        return self.prefix + key in self.checkpoint.tensors

    def of(self, key: str, dimensions: int) -> tuple[int, ...]:
        if not self.has(key):
            raise LayoutError(
                f"{self.checkpoint.source} does not fit the {self.family} layout: {self.prefix + key} is missing, "
                "and without it the backbone's size is unknown. Fetch the checkpoint again.",
                missing=(self.prefix + key,),
            )
        shape = self.checkpoint.tensors[self.prefix + key].shape
        if len(shape) != dimensions or 0 in shape:
            raise self.strange(key, f"{dimensions} dimension(s), none of them 0")
        return shape

    def strange(self, key: str, expected: str) -> LayoutError:
        shape = list(self.checkpoint.tensors[self.prefix + key].shape)
        return LayoutError(
            f"{self.checkpoint.source}: {self.prefix + key} has the shape {shape}, expected {expected}. No published "
            "wav2vec2, HuBERT or WavLM is built so, and guessing would give wrong scores.",
            mismatched=(self.prefix + key,),
        )


def _layers(shapes: _Shapes) -> int:
    tensors, prefix = shapes.checkpoint.tensors, shapes.prefix
    count = len(layers_of(key.removeprefix(prefix) for key in tensors if key.startswith(prefix)))
    if count > MAX_LAYERS:
        raise CheckpointError(f"{shapes.checkpoint.source} has {count} encoder layers, expected at most {MAX_LAYERS}.")
    return count


def _convolutions(shapes: _Shapes) -> dict[str, object]:
    """Channels, kernels, bias and norm of the convolutions from samples to frames."""
    found: list[int] = []
    while len(found) < len(KERNELS) or shapes.has(_CONVOLUTION.format(len(found)) + "conv.weight"):
        key = _CONVOLUTION.format(len(found)) + "conv.weight"
        channels, _, kernel = shapes.of(key, 3)
        if len(found) >= len(KERNELS) or kernel != KERNELS[len(found)]:
            raise shapes.strange(key, f"convolutions with the kernels {KERNELS}")
        found.append(channels)
    layered = shapes.has(_CONVOLUTION.format(1) + "layer_norm.weight")
    return {
        "conv_dim": found,
        "conv_kernel": list(KERNELS),
        "conv_stride": list(STRIDES),
        "conv_bias": shapes.has(_CONVOLUTION.format(0) + "conv.bias"),
        "feat_extract_norm": "layer" if layered else "group",
        "do_stable_layer_norm": layered,
    }


def _positions(shapes: _Shapes, hidden: int) -> dict[str, object]:
    """Kernel and groups of the convolution that gives positions."""
    key = next((_POSITIONS + end for end in _DIRECTIONS if shapes.has(_POSITIONS + end)), _POSITIONS + _DIRECTIONS[0])
    _, width, kernel = shapes.of(key, 3)
    if hidden % width:
        raise shapes.strange(key, f"groups of a width that divides {hidden}")
    return {"num_conv_pos_embeddings": kernel, "num_conv_pos_embedding_groups": hidden // width}
