"""speechbrain/emotion-recognition-wav2vec2-IEMOCAP, and what the same recipe gives; rebuilt, without the package.

Files: hyperparams.yaml, wav2vec2.ckpt (`model.<key of transformers' backbone>`), model.ckpt (`0.w.weight`) and
label_encoder.txt. Source: that repository's hyperparams.yaml and custom_interface.py, and SpeechBrain's
lobes/models/huggingface_wav2vec.py, nnet/pooling.py and dataio/encoder.py. The interface passes no lengths, so the
backbone sees no mask and each signal is normalised over all of itself. SpeechBrain's pooling adds noise of about 1e-5
to its mean, at scoring time too; here the mean is plain.
"""

import ast
import re
from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from actors.checkpoints.document import Document
from actors.checkpoints.family import Facts
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.geometry import read_geometry
from actors.checkpoints.guard import Shape, compare
from actors.checkpoints.hyperparams import read_hyperparams, read_text
from actors.checkpoints.labels import own_labels
from actors.checkpoints.preprocessing import Preprocessing, waveform_preprocessing
from infra.errors import CheckpointError

if TYPE_CHECKING:
    from actors.checkpoints.network import Network

PREFIX = "model."
HEAD = "0.w"
EPSILON = 1e-5
"""Of torch's layer_norm, with which SpeechBrain normalises the signal; transformers' extractor has 1e-7."""

_PARTS = {
    "wav2vec2": (
        {"HuggingFaceWav2Vec2", "Wav2Vec2", "WavLM", "HuBERT"},
        {"source", "save_path", "output_norm", "output_all_hiddens"}
        | {"pretrain", "freeze", "freeze_feature_extractor", "apply_spec_augment"},
    ),
    "avg_pool": ({"StatisticsPooling"}, {"return_mean", "return_std"}),
    "output_mlp": ({"Linear"}, {"input_size", "n_neurons", "bias"}),
}
"""The parts of the recipe: the classes and the settings that are rebuilt here, or that matter in training only."""

_NORMALISED = {"facebook/wav2vec2-base": True}
"""do_normalize in the preprocessor_config.json of backbones on the hub. The repository itself does not have it."""

_LABEL = re.compile(r"""('.*'|".*") => (\d{1,6})""")


@dataclass(frozen=True)
class Recipe:
    """What hyperparams.yaml says that decides numbers.

    Attributes:
        hub: The backbone it started from: decides whether signals are normalised.
        output_norm: Whether the backbone's output is normalised.
        bias: Whether the head has one.
    """

    hub: str
    output_norm: bool
    bias: bool


@dataclass(frozen=True)
class SpeechBrainFamily:
    """The layout of SpeechBrain's IEMOCAP recipe with wav2vec2."""

    name: str = "speechbrain"

    def head_keys(self, config: Document) -> tuple[str, ...]:  # noqa: ARG002 (the protocol's)
        """The one weight of the published head, which has no bias."""
        return (f"{HEAD}.weight",)

    def recognises(self, keys: Set[str], config: Document) -> bool:  # noqa: ARG002 (the protocol's)
        """Whether a backbone of transformers lies under `model.`; that the head fits it is `describe`'s business."""
        return any(key.startswith(PREFIX + "feature_extractor.conv_layers.") for key in keys)

    def describe(self, checkpoint: Checkpoint) -> Facts:
        """Labels, kind and preprocessing, after checking the recipe and the head's shapes."""
        _, geometry = read_geometry(checkpoint, PREFIX, self.name)
        recipe = read_recipe(checkpoint)
        head = {key: info.shape for key, info in checkpoint.tensors.items() if not key.startswith(PREFIX)}
        rows = (*head.get(f"{HEAD}.weight", ()), 0)[0]
        expected: dict[str, Shape] = {f"{HEAD}.weight": (rows, geometry.integer("hidden_size"))}
        compare(checkpoint.source, self.name, expected | ({f"{HEAD}.bias": (rows,)} if recipe.bias else {}), head)
        labels = read_labels(checkpoint.folder / "label_encoder.txt", rows)
        settings = {"speechbrain.output_norm": recipe.output_norm}
        return Facts(labels, "categorical", _preprocessing(checkpoint, recipe), settings)

    def build(self, checkpoint: Checkpoint) -> "Network":
        """The network with its weights."""
        from actors.checkpoints.encoder import build_encoder  # torch, only when a model is built
        from actors.checkpoints.network import linear
        from actors.checkpoints.network_speechbrain import SpeechBrainNetwork
        from actors.checkpoints.weights import read_tensors

        recipe = read_recipe(checkpoint)
        backbone, geometry = read_geometry(checkpoint, PREFIX, self.name)
        encoder = build_encoder(checkpoint, backbone, self.name, PREFIX, geometry)
        head = read_tensors(checkpoint, [key for key in checkpoint.tensors if not key.startswith(PREFIX)])
        output = linear(head[f"{HEAD}.weight"], head.get(f"{HEAD}.bias"))
        return SpeechBrainNetwork(encoder, output, output_norm=recipe.output_norm).eval()


def read_recipe(checkpoint: Checkpoint) -> Recipe:
    """Read hyperparams.yaml.

    Raises:
        CheckpointError: It is absent or damaged, or asks for something that is not rebuilt here; names it.
    """
    path = checkpoint.folder / "hyperparams.yaml"
    if not path.is_file():
        raise CheckpointError(
            f"{checkpoint.source} has a backbone under `{PREFIX}`, as SpeechBrain's checkpoints do, but no "
            f"{path.name}, which says how it is used. Fetch it again; what other training tools left is not read."
        )
    found = read_hyperparams(path)
    for part, (classes, settings) in _PARTS.items():
        _check_part(found, part, classes, settings)
    for name in found.values:
        if name.startswith("modules.") and name.removeprefix("modules.") not in _PARTS:
            raise _foreign(found, name, f"no modules but {', '.join(_PARTS)}")
    for name, wanted, default in (
        ("wav2vec2.output_all_hiddens", False, False),
        ("avg_pool.return_mean", True, True),
        ("avg_pool.return_std", False, True),
    ):
        if found.flag(name, default) is not wanted:
            raise _foreign(found, name, f"{str(wanted).lower()} (where it is absent, SpeechBrain takes {default})")
    if "wav2vec2.output_norm" not in found.values:
        raise _foreign(found, "wav2vec2.output_norm", "true or false: SpeechBrain's versions differ in the default")
    return Recipe(
        hub=found.text("wav2vec2.source") or "",
        output_norm=found.flag("wav2vec2.output_norm", True),
        bias=found.flag("output_mlp.bias", True),
    )


def read_labels(path: Path, rows: int) -> tuple[str, ...]:
    """Read the labels that SpeechBrain's CategoricalEncoder saved: `'neu' => 0` a line, a rule of `=`, its own state.

    Raises:
        CheckpointError: The file is absent or damaged, or does not number the rows of the head.
    """
    named: dict[str, str] = {}
    for line in read_text(path).splitlines():
        if set(line.strip()) == {"="}:
            break
        if line.strip():
            label, row = _label(line.strip(), path)
            if row in named:
                raise CheckpointError(f"{path}: two labels have the number {row}. Fetch the checkpoint again.")
            named[row] = label
    if not named:
        raise CheckpointError(f"{path} names no labels. Fetch the checkpoint again.")
    return own_labels(Document(path, {"id2label": named}), rows, f"{HEAD}.weight")


def _label(line: str, path: Path) -> tuple[str, str]:
    match = _LABEL.fullmatch(line)
    try:
        label = ast.literal_eval(match[1]) if match else None
    except (ValueError, SyntaxError):
        label = None
    if match is None or not isinstance(label, str):
        raise CheckpointError(f"{path} has the line {line[:80]!r}, expected one such as 'neu' => 0. Repair the file.")
    return label, str(int(match[2]))


def _check_part(found: Document, part: str, classes: Set[str], settings: Set[str]) -> None:
    made = found.text(part)
    if made is None or made.rpartition(".")[2] not in classes:
        raise _foreign(found, part, f"!new: of one of {', '.join(sorted(classes))}")
    if found.values.get(f"modules.{part}") != f"<{part}>":
        raise _foreign(found, f"modules.{part}", f"!ref <{part}>")
    for name in found.values:
        if name.startswith(part + ".") and name.removeprefix(part + ".") not in settings:
            raise _foreign(found, name, f"no settings of {part} but {', '.join(sorted(settings))}")


def _preprocessing(checkpoint: Checkpoint, recipe: Recipe) -> Preprocessing:
    """As the feature extractor of the backbone says: its file where it is there, else what is known of the hub's."""
    if checkpoint.preprocessor.present:
        return replace(waveform_preprocessing(checkpoint), epsilon=EPSILON)
    if recipe.hub not in _NORMALISED:
        raise CheckpointError(
            f"{checkpoint.source}: hyperparams.yaml starts from {recipe.hub or 'no backbone that it names'}, and it is "
            "not known here whether that was trained on normalised signals. Put its preprocessor_config.json beside "
            'hyperparams.yaml, or one with {"do_normalize": true or false, "sampling_rate": 16000}.'
        )
    return Preprocessing(scaling="segment" if _NORMALISED[recipe.hub] else "none", epsilon=EPSILON)


def _foreign(found: Document, name: str, expected: str) -> CheckpointError:
    given = repr(found.values.get(name, "absent"))[:200]
    return CheckpointError(
        f"{found.path}: `{name}` is {given}, and only this is rebuilt here: {expected}. Read otherwise, every score "
        "would be wrong, so the checkpoint is refused."
    )


FAMILY = SpeechBrainFamily()
