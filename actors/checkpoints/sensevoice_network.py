"""The network of SenseVoiceSmall as far as its emotion tag: funasr's features and encoder, eight rows of its output."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from actors.checkpoints.family_sensevoice import ENCODER, check_head, encoder_settings, read_fbank, read_tags
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.funasr_extra import part
from actors.checkpoints.network import Network, linear
from actors.checkpoints.precision import Precision, computing, lowered
from actors.checkpoints.skeleton import fill
from actors.checkpoints.weights import read_tensors
from infra.errors import CheckpointError

_AUTO, _EVENT, _EMOTION, _WOITN = 0, 1, 2, 15
"""Rows of the queries: any language, event, emotion, numbers spelled out as they are spoken."""

_TAG_FRAME = 1
"""The frame whose output is the emotion: the tags are language, emotion, event, style."""


class SenseVoiceNetwork(Network):
    """Queries before features, funasr's encoder, one output frame.

    Args:
        frontend: funasr's `WavFrontend`; it computes on the CPU.
        encoder: funasr's `SenseVoiceEncoderSmall`.
        queries: Shape (4, features).
        head: The rows of the output layer that are emotion tags.
        minimum: Samples of one frame of features.
    """

    queries: torch.Tensor

    def __init__(
        self, frontend: nn.Module, encoder: nn.Module, queries: torch.Tensor, head: nn.Linear, minimum: int
    ) -> None:
        super().__init__()
        self.frontend, self.encoder, self.head = frontend, encoder, head
        self.register_buffer("queries", queries)
        self.minimum, self.equal_lengths = minimum, True
        self._precision: Precision = "fp32"

    def use(self, precision: Precision) -> None:
        """Compute the encoder in `precision` from now on."""
        self._precision = precision
        lowered(self.encoder, precision)

    def forward(self, values: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
        """Signals (n, samples) of one length to logits (n, emotion tags) in float32."""
        features, _ = self.frontend(values.cpu(), list(lengths))
        frames = features.to(values.device)
        frames = torch.cat([self.queries.expand(len(frames), -1, -1), frames], dim=1)
        counts = torch.full((len(frames),), frames.shape[1], device=values.device)
        with computing(values.device, self._precision):
            states, _ = self.encoder(frames, counts)
        logits: torch.Tensor = self.head(states[:, _TAG_FRAME].float())
        return logits


def build_sensevoice(checkpoint: Checkpoint, family: str) -> SenseVoiceNetwork:
    """Build the encoder from config.yaml and fill it.

    Raises:
        LayoutError: A tensor is missing, unexpected or of another shape.
        CheckpointError: The configuration describes no such network, or a file is damaged.
    """
    fbank, settings = read_fbank(checkpoint), encoder_settings(checkpoint)
    width = fbank.bands * fbank.stacked
    check_head(checkpoint, width, settings["output_size"], family)
    encoder = _encoder(checkpoint, width, settings, family)
    tensors = read_tensors(checkpoint, ("embed.weight", "ctc.ctc_lo.weight", "ctc.ctc_lo.bias"))
    rows = list(read_tags(checkpoint))
    head = linear(tensors["ctc.ctc_lo.weight"][rows], tensors["ctc.ctc_lo.bias"][rows])
    queries = tensors["embed.weight"][[_AUTO, _EVENT, _EMOTION, _WOITN]]
    minimum = fbank.sampling_rate * fbank.frame_ms // 1000
    return SenseVoiceNetwork(_frontend(checkpoint, width), encoder, queries, head, minimum).eval()


def _encoder(checkpoint: Checkpoint, width: int, settings: Mapping[str, int], family: str) -> nn.Module:
    network = part("models.sense_voice.model", "SenseVoiceEncoderSmall")
    try:
        with torch.device("meta"):
            encoder: nn.Module = network(input_size=width, **settings)
    except Exception as error:  # torch and funasr raise whatever a wrong configuration breaks first
        summary = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise CheckpointError(f"{checkpoint.folder / 'config.yaml'} describes no SenseVoice: {summary}") from error
    own = (key for key in checkpoint.tensors if key.startswith(ENCODER))
    fill(encoder, checkpoint, own, family, prefix=ENCODER)
    return encoder


def _frontend(checkpoint: Checkpoint, width: int) -> nn.Module:
    fbank, path = read_fbank(checkpoint), checkpoint.folder / "am.mvn"
    frontend: Any = part("frontends.wav_frontend", "WavFrontend")
    try:
        made: Any = frontend(
            cmvn_file=str(path),
            fs=fbank.sampling_rate,
            window=fbank.window,
            n_mels=fbank.bands,
            frame_length=fbank.frame_ms,
            frame_shift=fbank.shift_ms,
            lfr_m=fbank.stacked,
            lfr_n=fbank.stride,
            dither=0.0,
        )
    except Exception as error:  # funasr splits the file into words, and raises whatever is not there
        raise CheckpointError(f"{path} is damaged: {error}. Fetch it again.") from error
    if tuple(made.cmvn.shape) != (2, width) or not torch.isfinite(made.cmvn).all():
        raise CheckpointError(
            f"{path} has the shape {tuple(made.cmvn.shape)}, expected finite (2, {width}). Fetch it again."
        )
    return made  # type: ignore[no-any-return]
