"""A model in a low precision against itself in float32, on the first segments of a run: how far its answers move.

Owns which segments are compared, and the comparison. Loading both and asking them is the worker's business
(actors/workers/scorer.py), what is said to the user the pool's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from actors.contract import SAMPLING_RATE, Kind, ModelSpec, Signal

TOLERANCE = 0.02
"""Difference of a posterior up to which two precisions give the same table."""

_SEGMENTS = 4
_SECONDS = 12.0
"""What is compared at most: a large model in float32 takes about as long for that on two cores as for being loaded."""


@dataclass(frozen=True)
class PrecisionCheck:
    """What the comparison found.

    Attributes:
        model, precision: As in the model's spec.
        segments: How many were compared.
        posterior: Largest difference of a probability over the model's own labels; of an output, where it gives
            dimensions.
        logits: Largest difference of a raw output.
    """

    model: str
    precision: str
    segments: int
    posterior: float
    logits: float

    def __or__(self, other: "PrecisionCheck | None") -> "PrecisionCheck":
        """Both together, as of one model on two workers: the larger differences."""
        if other is None:
            return self
        return replace(
            self,
            segments=self.segments + other.segments,
            posterior=max(self.posterior, other.posterior),
            logits=max(self.logits, other.logits),
        )

    def description(self) -> dict[str, Any]:
        """For a run's record."""
        return {"segments": self.segments, "posterior": round(self.posterior, 6), "logits": round(self.logits, 6)}

    @property
    def warning(self) -> str | None:
        """What the user should be told, where the posterior is beyond `TOLERANCE`."""
        if self.posterior <= TOLERANCE:
            return None
        return (
            f"{self.model} in {self.precision} differs from itself in fp32 by {self.posterior:.3f} in a probability "
            f"(of {self.segments} segments), expected at most {TOLERANCE}: set `precision: fp32` for this model"
        )


def to_check(signals: Sequence[Signal]) -> list[int]:
    """Which signals of a first batch are compared: its first ones, a few seconds in all, at least one."""
    chosen: list[int] = []
    seconds = 0.0
    for number, signal in enumerate(signals[:_SEGMENTS]):
        seconds += len(signal) / SAMPLING_RATE
        if chosen and seconds > _SECONDS:
            break
        chosen.append(number)
    return chosen


def compare(spec: ModelSpec, low: npt.NDArray[np.float32], full: npt.NDArray[np.float32]) -> PrecisionCheck | None:
    """Compare a model's answers in its precision with those in float32.

    Args:
        spec: Of the model in the low precision.
        low, full: Its raw outputs, each (segments, labels). A row that is not finite in both is left out: what a
            broken signal gives says nothing of a precision, and such a row ends in quarantine.

    Returns:
        None where nothing is left to compare.
    """
    finite = np.isfinite(low).all(axis=1) & np.isfinite(full).all(axis=1)
    if not finite.any():
        return None
    before, after = full[finite].astype(np.float64), low[finite].astype(np.float64)
    moved = np.abs(_posterior(after, spec.kind) - _posterior(before, spec.kind)).max()
    raw = np.abs(after - before).max()
    return PrecisionCheck(spec.source, spec.precision, int(finite.sum()), float(moved), float(raw))


def _posterior(logits: npt.NDArray[np.float64], kind: Kind) -> npt.NDArray[np.float64]:
    """Over the model's own labels, before any map or decision; dimensions as they are."""
    if kind == "dimensional":
        return logits
    if kind == "multilabel":
        return np.asarray(1 / (1 + np.exp(-logits)))
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
