"""Whisper's log-mel features of a fixed length, as preprocessor_config.json sets them. Imports torch only to compute.

As transformers' WhisperFeatureExtractor has them: zeros up to the window, magnitudes squared, Slaney's mel bands up to
8 kHz, the logarithm floored 8 (80 dB) below the loudest value of the window, scaled. That class reads `do_normalize`
and forgets it (only a caller can ask for it), so it is not read here either.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.checkpoints.files import Checkpoint
from actors.checkpoints.preprocessing import Preprocessing
from infra.errors import CheckpointError

if TYPE_CHECKING:
    import torch

_HIGHEST_HZ = 8000.0


@dataclass(frozen=True)
class LogMel(Preprocessing):
    """How a signal becomes features; the signal itself is not scaled.

    Attributes:
        bands: Mel bands.
        window_s: Seconds of the window; what is beyond is cut.
        fft, hop: Samples of a Fourier transform, and between two of them.
    """

    bands: int = 80
    window_s: int = 30
    fft: int = 400
    hop: int = 160

    @property
    def samples(self) -> int:
        """Samples of the window."""
        return self.window_s * self.sampling_rate

    @property
    def frames(self) -> int:
        """Frames of the window."""
        return self.samples // self.hop

    def filters(self) -> "torch.Tensor":
        """The mel bands, shape (bands, 1 + fft / 2)."""
        import torch
        from transformers.audio_utils import mel_filter_bank

        bank = mel_filter_bank(
            num_frequency_bins=1 + self.fft // 2,
            num_mel_filters=self.bands,
            min_frequency=0.0,
            max_frequency=_HIGHEST_HZ,
            sampling_rate=self.sampling_rate,
            norm="slaney",
            mel_scale="slaney",
        )
        return torch.from_numpy(bank).to(torch.float32).T.contiguous()

    def features(self, values: "torch.Tensor", filters: "torch.Tensor") -> "torch.Tensor":
        """Signals (n, samples) of the window's length to features (n, bands, frames)."""
        import torch

        window = torch.hann_window(self.fft, device=values.device)
        spectrum = torch.stft(values, self.fft, self.hop, window=window, return_complex=True)
        power = (spectrum[..., : self.frames].abs() ** 2).contiguous()
        log = (filters @ power).clamp(min=1e-10).log10()
        floored = torch.maximum(log, log.amax((1, 2), keepdim=True) - 8.0)
        return (floored + 4.0) / 4.0


def log_mel_preprocessing(checkpoint: Checkpoint) -> LogMel:
    """Read preprocessor_config.json as transformers' WhisperFeatureExtractor does, its defaults included.

    Raises:
        CheckpointError: The file is absent, is for another kind of extractor, or asks for what is not rebuilt.
    """
    settings = checkpoint.preprocessor
    if not settings.present:
        raise CheckpointError(
            f"{checkpoint.source}: {settings.path.name} is absent, so it is unknown which features the model was "
            "trained on. Take it from the original checkpoint."
        )
    if settings.text("feature_extractor_type", "WhisperFeatureExtractor") != "WhisperFeatureExtractor":
        raise settings.wrong("feature_extractor_type", "WhisperFeatureExtractor")
    if settings.values.get("dither", 0.0) != 0.0:
        raise settings.wrong("dither", "0: with random noise in its features a model would never answer alike")
    if settings.values.get("padding_value", 0.0) != 0.0:
        raise settings.wrong("padding_value", "0: a shorter signal is followed by silence")
    return LogMel(
        sampling_rate=settings.integer("sampling_rate", 16_000, low=4000, high=192_000),
        scaling="none",
        bands=settings.integer("feature_size", 80, low=1, high=512),
        window_s=settings.integer("chunk_length", 30, low=1, high=600),
        fft=settings.integer("n_fft", 400, low=16, high=8192),
        hop=settings.integer("hop_length", 160, low=1, high=8192),
    )
