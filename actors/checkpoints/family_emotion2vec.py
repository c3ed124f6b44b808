"""emotion2vec, fine-tuned (iic/emotion2vec_plus_*): FunASR's folder of config.yaml, model.pt and tokens.txt.

An optional extra: the network is funasr's own class. Source: funasr 1.4, models/emotion2vec/model.py. Its answer is
for one signal at a time: layer norm over the signal, the mean over all frames, a linear layer, softmax over the labels
that do not begin with "unuse". Run here against that class with random weights in its layout; the published weights
have not been read.
"""

import re
from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.checkpoints.document import Document
from actors.checkpoints.family import Facts
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.funasr_extra import inner, read_config, require_funasr, tried
from actors.checkpoints.hyperparams import read_text
from actors.checkpoints.labels import own_labels
from actors.checkpoints.preprocessing import Preprocessing
from infra.errors import CheckpointError

if TYPE_CHECKING:
    from actors.checkpoints.network import Network

PREFIX = "d2v_model."
"""Of the backbone's keys in fine-tuned checkpoints; the head is `proj` beside it. Absent in others."""

EPSILON = 1e-5
"""Of torch's layer_norm, with which the signal is normalised."""

_AUDIO = "modality_encoders.AUDIO."
_FIRST = _AUDIO + "local_encoder.conv_layers.0.0.weight"
_USED = ("blocks.", "norm.", _AUDIO)
_UNUSED = _AUDIO + "decoder."
_BLOCK = re.compile(r"(modality_encoders\.AUDIO\.context_encoder\.)?blocks\.(\d{1,4})\.")
_TERM = re.compile(r"\s*\[((?:\s*\(\s*\d{1,5}\s*,\s*\d{1,4}\s*,\s*\d{1,4}\s*\)\s*,?)+)\s*\]\s*(?:\*\s*(\d{1,2})\s*)?")
_MAX_LAYERS = 200


@dataclass(frozen=True)
class Emotion2vec:
    """What config.yaml and tokens.txt say.

    Attributes:
        config: `model_conf`.
        rows: Outputs that are labels, in order; the others are unused.
        labels: The labels of these.
    """

    config: Document
    rows: tuple[int, ...]
    labels: tuple[str, ...]


class Emotion2vecFamily:
    """FunASR's emotion2vec with a head."""

    name = "emotion2vec"

    def head_keys(self, config: Document) -> tuple[str, ...]:  # noqa: ARG002 (the protocol's)
        """The keys of the one linear layer."""
        return ("proj.weight", "proj.bias")

    def recognises(self, keys: Set[str], config: Document) -> bool:  # noqa: ARG002
        """Whether the backbone is there, under its prefix or without."""
        return _FIRST in keys or PREFIX + _FIRST in keys

    def describe(self, checkpoint: Checkpoint) -> Facts:
        """Labels and preprocessing, once the package is here and the head fits the labels."""
        require_funasr(checkpoint, "an emotion2vec checkpoint in FunASR's format")
        found = read_emotion2vec(checkpoint)
        normalize = found.config.flag("normalize", True)
        preprocessing = Preprocessing(scaling="segment" if normalize else "none", epsilon=EPSILON)
        settings = {"emotion2vec": dict(found.config.values), "emotion2vec.rows": found.rows}
        return Facts(found.labels, "categorical", preprocessing, settings)

    def build(self, checkpoint: Checkpoint) -> "Network":
        """The network with its weights."""
        from actors.checkpoints.emotion2vec_network import build_emotion2vec  # torch and funasr

        found = read_emotion2vec(checkpoint)
        return tried(build_emotion2vec(checkpoint, found, self.name), found.config)


FAMILY = Emotion2vecFamily()


def read_emotion2vec(checkpoint: Checkpoint) -> Emotion2vec:
    """Read the files beside the weights and check them against the weights.

    Raises:
        CheckpointError: There is no head, or the files are damaged or describe another network.
    """
    if "proj.weight" not in checkpoint.tensors or "proj.bias" not in checkpoint.tensors:
        raise CheckpointError(
            f"{checkpoint.source} is emotion2vec without an emotion head (proj.weight, proj.bias): it gives features, "
            "no emotions. Use one that is fine-tuned, such as emotion2vec/emotion2vec_plus_large."
        )
    config = inner(read_config(checkpoint), "model_conf")
    _check_layers(checkpoint, config)
    path = checkpoint.folder / "tokens.txt"
    tokens = read_text(path).splitlines()
    count = (*checkpoint.tensors["proj.weight"].shape, 0)[0]
    if len(tokens) != count:
        raise CheckpointError(
            f"{path} has {len(tokens)} lines, but proj.weight has {count} rows. One for each is expected."
        )
    rows = tuple(row for row, token in enumerate(tokens) if not token.startswith("unuse"))
    named = {str(number): tokens[row] for number, row in enumerate(rows)}
    return Emotion2vec(config, rows, own_labels(Document(path, {"id2label": named}), len(rows), "proj.weight"))


def encoder_keys(keys: Set[str]) -> dict[str, str]:
    """The keys of the encoder without prefix, and as they are stored; its decoder serves training only."""
    prefix = PREFIX if PREFIX + _FIRST in keys else ""
    stems = {key.removeprefix(prefix): key for key in keys if key.startswith(prefix)}
    return {stem: key for stem, key in stems.items() if stem.startswith(_USED) and not stem.startswith(_UNUSED)}


def conv_layers(config: Document) -> list[tuple[int, int, int]]:
    """The convolutions as (channels, kernel, stride), out of a text such as `[(512, 10, 5)] + [(512, 3, 2)] * 4`.

    funasr would evaluate that text as Python; here it is parsed.

    Raises:
        CheckpointError: It is anything else.
    """
    text = config.text("feature_encoder_spec") or ""
    layers: list[tuple[int, int, int]] = []
    for term in text.split("+")[:32]:
        match = _TERM.fullmatch(term[:1000])
        if match is None:
            raise config.wrong("feature_encoder_spec", "lists such as [(512, 10, 5)] + [(512, 3, 2)] * 4")
        numbers = [int(number) for number in re.findall(r"\d+", match[1])]
        layers += list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)) * int(match[2] or 1)
    if len(layers) > 32 or not all(min(layer) > 0 for layer in layers):
        raise config.wrong("feature_encoder_spec", "at most 32 layers of numbers above 0")
    return layers


def _check_layers(checkpoint: Checkpoint, config: Document) -> None:
    """Bound what is built from the configuration: one that claims a million layers costs nothing."""
    audio = inner(inner(config, "modalities"), "audio")
    conv_layers(audio)
    found = {match[0] for key in encoder_keys(checkpoint.tensors.keys()) if (match := _BLOCK.match(key))}
    prenet = sum(each.startswith(_AUDIO) for each in found)
    for document, name, count in ((config, "depth", len(found) - prenet), (audio, "prenet_depth", prenet)):
        if document.integer(name, high=_MAX_LAYERS) != count:
            raise document.wrong(name, f"{count}, the layers that the weights have")
    for document, name in ((config, "num_heads"), (audio, "num_alibi_heads"), (audio, "conv_pos_depth")):
        document.integer(name, low=1, high=128)
    for name in ("num_extra_tokens", "conv_pos_width"):
        audio.integer(name, high=4096)
