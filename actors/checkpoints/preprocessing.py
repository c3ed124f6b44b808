"""What stands between a signal and a network, as the checkpoint itself says. Padding is `model`'s business."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from actors.checkpoints.files import Checkpoint
from actors.contract import SAMPLING_RATE, Signal
from infra.errors import CheckpointError

_VERSION = 1
"""Raised when the meaning of the fields changes, so that stored hashes change with it."""


@dataclass(frozen=True)
class Preprocessing:
    """How a signal is scaled before it enters the network.

    Attributes:
        sampling_rate: Hz.
        scaling: `segment`: (x − mean) / √(var + epsilon) over the segment's own samples; `fixed`: (x − mean) / (std +
            epsilon) with the numbers below; `none`.
        epsilon: See `scaling`.
        mean, std: Of the training corpus, with `fixed`.
    """

    sampling_rate: int = SAMPLING_RATE
    scaling: Literal["segment", "fixed", "none"] = "segment"
    epsilon: float = 1e-7
    mean: float = 0.0
    std: float = 1.0

    def __call__(self, signal: Signal, out: Signal | None = None) -> Signal:
        """Scale a signal, float32 of shape (samples,), into `out` where it is given; always computed in float32."""
        scaled: Signal = np.empty_like(signal) if out is None else out
        if self.scaling == "none":
            scaled[:] = signal
            return scaled
        if self.scaling == "fixed":
            mean, divisor = np.float32(self.mean), np.float32(self.std + self.epsilon)
        else:
            mean, divisor = signal.mean(), np.sqrt(signal.var() + np.float32(self.epsilon))
        np.subtract(signal, mean, out=scaled)
        np.divide(scaled, divisor, out=scaled)
        return scaled

    def digest(self) -> str:
        """Short hash (12 hex digits) over all of it: equal digests hear a signal alike."""
        words = json.dumps({"version": _VERSION, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()[:12]


def waveform_preprocessing(checkpoint: Checkpoint) -> Preprocessing:
    """Read preprocessor_config.json as transformers' Wav2Vec2FeatureExtractor does, its defaults included.

    Raises:
        CheckpointError: The file is absent (whether to normalise must not be guessed: guessed wrongly, every posterior
            is quietly wrong), or is for another kind of extractor.
    """
    settings = checkpoint.preprocessor
    if not settings.present:
        raise CheckpointError(
            f"{checkpoint.source}: {settings.path.name} is absent, so it is unknown whether the model was trained on "
            'normalised signals. Take it from the original checkpoint, or write {"do_normalize": true or false, '
            '"sampling_rate": 16000} there as the model was trained.'
        )
    kind = settings.text("feature_extractor_type", "Wav2Vec2FeatureExtractor")
    if kind not in {"Wav2Vec2FeatureExtractor", "Wav2Vec2Processor"}:
        raise CheckpointError(
            f"{settings.path}: feature_extractor_type is {kind!r}, expected Wav2Vec2FeatureExtractor."
        )
    rate = settings.integer("sampling_rate", SAMPLING_RATE, low=4000, high=192_000)
    return Preprocessing(rate, "segment" if settings.flag("do_normalize", True) else "none")
