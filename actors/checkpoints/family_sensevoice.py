"""FunAudioLLM/SenseVoiceSmall: a transcriber whose second output frame is an emotion tag. FunASR's folder.

An optional extra: features and encoder are funasr's own classes. Source: funasr 1.4, models/sense_voice/model.py. Four
query frames (language, two for event and emotion, style) come before the signal's, and the frames that come of them
are trained, by cross entropy, on the tags of language, emotion, event and style, in that order. The logits are those of
the eight emotion tags at the second one; language and style are the published defaults, `auto` and `woitn`. funasr adds
noise (dither) of one step in 32768 to every signal; here there is none. Run here against those classes with random
weights in their layout; the published weights have not been read.
"""

import re
from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.checkpoints.document import Document
from actors.checkpoints.family import Facts
from actors.checkpoints.files import Checkpoint, file_sha256
from actors.checkpoints.funasr_extra import inner, read_config, require_funasr, tried
from actors.checkpoints.guard import compare
from actors.checkpoints.pieces import read_pieces
from actors.checkpoints.preprocessing import Preprocessing
from infra.errors import CheckpointError

if TYPE_CHECKING:
    from actors.checkpoints.network import Network

ENCODER = "encoder."
TAGS = {
    "happy": "<|HAPPY|>",
    "sad": "<|SAD|>",
    "angry": "<|ANGRY|>",
    "neutral": "<|NEUTRAL|>",
    "fearful": "<|FEARFUL|>",
    "disgusted": "<|DISGUSTED|>",
    "surprised": "<|SURPRISED|>",
    "unk": "<|EMO_UNKNOWN|>",
}
"""Label to its piece of the vocabulary."""

QUERIES = 16
"""Rows of `embed`: one unused language query or tag each; 0 is `auto`, 1 and 2 event and emotion, 15 `woitn`."""

_OWN = frozenset(("embed.weight", "ctc.ctc_lo.weight", "ctc.ctc_lo.bias", "encoder.tp_norm.weight"))
_LAYER = re.compile(r"encoder\.(encoders|tp_encoders)\.(\d{1,4})\.")
_MAX_LAYERS = 200
_FRONTEND = {"fs", "window", "n_mels", "frame_length", "frame_shift", "lfr_m", "lfr_n", "cmvn_file", "dither"}


@dataclass(frozen=True)
class Fbank(Preprocessing):
    """Kaldi's log-mel features, several frames stacked, shifted and scaled as am.mvn says.

    Attributes:
        bands: Mel bands.
        window: Shape of the window.
        frame_ms, shift_ms: Milliseconds of a frame, and between two.
        stacked, stride: Frames in one vector, and between two vectors.
        cmvn_sha256: Of am.mvn.
    """

    bands: int = 80
    window: str = "hamming"
    frame_ms: int = 25
    shift_ms: int = 10
    stacked: int = 7
    stride: int = 6
    cmvn_sha256: str = ""


class SenseVoiceFamily:
    """FunASR's SenseVoiceSmall."""

    name = "sensevoice"

    def head_keys(self, config: Document) -> tuple[str, ...]:  # noqa: ARG002 (the protocol's)
        """The keys of the queries and of the output layer."""
        return ("embed.weight", "ctc.ctc_lo.weight", "ctc.ctc_lo.bias")

    def recognises(self, keys: Set[str], config: Document) -> bool:  # noqa: ARG002
        """Whether queries, encoder and output layer are there."""
        return keys >= _OWN

    def describe(self, checkpoint: Checkpoint) -> Facts:
        """Labels and features, once the package is here and vocabulary and features fit the weights."""
        require_funasr(checkpoint, "SenseVoice in FunASR's format")
        read_tags(checkpoint)
        settings = {"sensevoice": encoder_settings(checkpoint)}
        return Facts(tuple(TAGS), "categorical", read_fbank(checkpoint), settings)

    def build(self, checkpoint: Checkpoint) -> "Network":
        """The network with its weights."""
        from actors.checkpoints.sensevoice_network import build_sensevoice  # torch and funasr

        return tried(build_sensevoice(checkpoint, self.name), read_config(checkpoint))


FAMILY = SenseVoiceFamily()


def read_tags(checkpoint: Checkpoint) -> tuple[int, ...]:
    """The number of each emotion tag in the vocabulary, in the order of `TAGS`.

    Raises:
        CheckpointError: The vocabulary is absent, lacks a tag, or is not that of the output layer.
    """
    paths = sorted(checkpoint.folder.glob("*.bpe.model"))
    if len(paths) != 1:
        raise CheckpointError(
            f"{checkpoint.source}: {len(paths)} files *.bpe.model in {checkpoint.folder}, expected one vocabulary such "
            "as chn_jpn_yue_eng_ko_spectok.bpe.model. Fetch the checkpoint again."
        )
    numbers = {piece: number for number, piece in enumerate(read_pieces(paths[0]))}
    absent = [tag for tag in TAGS.values() if tag not in numbers]
    rows = (*checkpoint.tensors["ctc.ctc_lo.weight"].shape, 0)[0]
    if absent or len(numbers) != rows:
        raise CheckpointError(
            f"{paths[0]} has {len(numbers)} pieces{' without ' + ', '.join(absent) if absent else ''}; expected "
            f"{rows}, one for each row of ctc.ctc_lo.weight, with all emotion tags. Fetch the checkpoint again."
        )
    return tuple(numbers[tag] for tag in TAGS.values())


def read_fbank(checkpoint: Checkpoint) -> Fbank:
    """Read `frontend_conf` of config.yaml, and am.mvn's digest.

    Raises:
        CheckpointError: One of them is absent or damaged, or asks for what is not rebuilt.
    """
    settings = inner(read_config(checkpoint), "frontend_conf")
    for name in settings.values.keys() - _FRONTEND:
        raise settings.wrong(name, f"no settings of the features but {', '.join(sorted(_FRONTEND))}")
    cmvn = checkpoint.folder / "am.mvn"
    if not cmvn.is_file():
        raise CheckpointError(f"{cmvn} is absent, and features cannot be scaled without. Fetch it again.")
    return Fbank(
        sampling_rate=settings.integer("fs", 16_000, low=4000, high=192_000),
        scaling="none",
        bands=settings.integer("n_mels", 80, low=1, high=512),
        window=settings.text("window", "hamming") or "hamming",
        frame_ms=settings.integer("frame_length", 25, low=1, high=1000),
        shift_ms=settings.integer("frame_shift", 10, low=1, high=1000),
        stacked=settings.integer("lfr_m", 1, low=1, high=64),
        stride=settings.integer("lfr_n", 1, low=1, high=64),
        cmvn_sha256=file_sha256(cmvn),
    )


def encoder_settings(checkpoint: Checkpoint) -> dict[str, int]:
    """`encoder_conf` of config.yaml, as far as it shapes the network; bounded by the layers that the weights have.

    Raises:
        CheckpointError: It is absent, or describes another network.
    """
    config = read_config(checkpoint)
    if config.text("encoder") != "SenseVoiceEncoderSmall":
        raise config.wrong("encoder", "SenseVoiceEncoderSmall")
    conf = inner(config, "encoder_conf")
    found = {match[0] for key in checkpoint.tensors if (match := _LAYER.match(key))}
    parallel = sum(each.startswith("encoder.tp_") for each in found)
    for name, count in (("num_blocks", len(found) - parallel + 1), ("tp_blocks", parallel)):
        if conf.integer(name, high=_MAX_LAYERS) != count:
            raise conf.wrong(name, f"{count}, the layers that the weights have")
    bounds = {"output_size": 1 << 16, "attention_heads": 256, "linear_units": 1 << 18, "kernel_size": 1024}
    sizes = {name: conf.integer(name, low=1, high=high) for name, high in bounds.items()}
    shift = {"sanm_shfit": conf.integer("sanm_shfit", 0, high=512)}  # the published spelling
    return sizes | shift | {name: conf.integer(name) for name in ("num_blocks", "tp_blocks")}


def check_head(checkpoint: Checkpoint, input_size: int, output_size: int, family: str) -> None:
    """Check the shapes of the queries and of the output layer. Raises LayoutError."""
    rows = (*checkpoint.tensors["ctc.ctc_lo.weight"].shape, 0)[0]
    expected = {
        "embed.weight": (QUERIES, input_size),
        "ctc.ctc_lo.weight": (rows, output_size),
        "ctc.ctc_lo.bias": (rows,),
    }
    compare(checkpoint.source, family, expected, {key: checkpoint.tensors[key].shape for key in expected})
