"""When two segments are nearly the same, so that a label of the second would teach next to nothing.

    near in time           of one medium, less than `gap_s` apart: one mood, often one sentence that was cut in two
    a copy                 the store says that the bytes are the same, at the same times
    heard alike            one model's logits differ by less than the same signal's may, at the same length
    said alike             of one medium, with posteriors that the same signal might have got twice

The first three say nothing of what a model makes of a segment; random picks are kept apart by these alone, or the draw
would depend on the models that it is to judge.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.numerics.queue_candidates import Candidates, Floats

Bools = npt.NDArray[np.bool_]

SAME_POSTERIOR = 0.02
"""Total variation up to which one signal, heard twice in bf16, may get different posteriors."""

SAME_LOGITS = 4 * float(np.arctanh(SAME_POSTERIOR))
"""Range (highest less lowest) of the difference of two rows of logits that keeps their softmax within `SAME_POSTERIOR`.

Probabilities change by at most exp(±range) against each other, and then the total variation is at most tanh(range / 4).
"""

SAME_LENGTH_S = 0.1
"""Two encodings of one recording are cut at the same places, but for some frames of silence."""


class Heard(NamedTuple):
    """What a model, known by a name, made of a segment: float (labels,)."""

    model: str
    logits: Floats


@dataclass(frozen=True)
class Near:
    """From where on two segments are nearly the same. `gap_s`: seconds between segments of one medium."""

    gap_s: float = 10.0
    posterior: float = SAME_POSTERIOR
    logits: float = SAME_LOGITS


def same_audio(candidates: Candidates, row: int, near: Near) -> Bools:
    """The rows that are near to a row in time, or copies of it; itself among them. Shape (n,)."""
    source, copy = candidates.source == candidates.source[row], candidates.copy[row]
    gap = np.maximum(candidates.start_s, candidates.start_s[row]) - np.minimum(candidates.end_s, candidates.end_s[row])
    return np.asarray((source & (gap < near.gap_s)) | ((candidates.copy == copy) & (copy != 0)))


def said_alike(candidates: Candidates, row: int, near: Near) -> Bools:
    """The rows of the same medium with nearly the same posterior. Shape (n,); the undecided are like nothing."""
    difference = candidates.posterior.astype(np.float64) - candidates.posterior[row]
    variation = np.abs(difference).sum(axis=1) / 2
    return np.asarray((candidates.source == candidates.source[row]) & (variation <= near.posterior))


class HeardAlike:
    """What models heard in the segments chosen so far. `range_`: see `Near.logits`."""

    def __init__(self, range_: float) -> None:
        self._range = range_
        self._heard: dict[tuple[str, int], list[tuple[float, Floats]]] = defaultdict(list)

    def add(self, heard: Heard | None, length_s: float) -> None:
        """Remember a chosen segment."""
        if heard is not None:
            self._heard[heard.model, len(heard.logits)].append((length_s, heard.logits))

    def __call__(self, heard: Heard | None, length_s: float) -> bool:
        """Whether the same model heard the same before, in a segment of the same length."""
        return heard is not None and any(
            abs(other_s - length_s) <= SAME_LENGTH_S and float(np.ptp(logits - heard.logits)) <= self._range
            for other_s, logits in self._heard.get((heard.model, len(heard.logits)), ())
        )
