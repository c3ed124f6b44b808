"""Grids of decision parameters, and the evidence that they are tried on. What is tried how fast is search.py's part.

Parameters are named as a configuration names them; an emotion's own name is its entry of `emotion_weights`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY
from tasks.numerics.decision import Decision, Pooling

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DEFAULTS: Mapping[str, float] = {
    "audio_temperature": 1.0,
    "audio_weight": 1.0,
    **dict.fromkeys(TAXONOMY, 1.0),
    "neutral_suppression": 1.0,
    "confidence_threshold": 0.0,
    "dominance_margin": 0.0,
    "neutral_floor": 0.0,
}
"""Every parameter that a grid may vary, with the value that decides by the plain argmax of the audio posterior."""


@dataclass(frozen=True)
class Grid:
    """The Cartesian product of values for some parameters; the last one varies fastest.

    Attributes:
        values: Parameter to the values it is tried with, in order; those left out keep their default.
    """

    values: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        unknown = sorted(set(self.values) - set(DEFAULTS))
        if unknown:
            raise ValueError(f"no decision parameter {', '.join(unknown)}; there are {', '.join(DEFAULTS)}")
        empty = sorted(name for name, each in self.values.items() if not each)
        if empty:
            raise ValueError(f"no values for {', '.join(empty)}")
        for name, each in self.values.items():
            # Each may lie between two bounds, so the outermost speak for the rest.
            for value in {min(each), max(each), *(value for value in each if not isfinite(value))}:
                Decision(**options_of({name: value}))

    def __len__(self) -> int:
        return self.size

    @property
    def size(self) -> int:
        """Number of points; `len` refuses numbers beyond 64 bits."""
        return prod(len(each) for each in self.values.values())

    def point(self, index: int) -> dict[str, float]:
        """All parameters at a place of the grid, defaults included."""
        chosen = dict(DEFAULTS)
        for name in reversed(list(self.values)):
            index, place = divmod(index, len(self.values[name]))
            chosen[name] = float(self.values[name][place])
        return chosen

    def index(self, point: Mapping[str, float]) -> int:
        """The first place of the grid with these parameters; they must be values that it tries."""
        index = 0
        for name, each in self.values.items():
            index = index * len(each) + each.index(point[name])
        return index

    def points(self) -> Iterator[dict[str, float]]:
        """Every place in order."""
        return (self.point(index) for index in range(len(self)))


def options_of(point: Mapping[str, float]) -> dict[str, Any]:
    """A point as options of a `Decision` or a configuration: the emotions' entries together, without those of 1."""
    weights = {name: value for name, value in point.items() if name in TAXONOMY and value != 1.0}
    return {name: value for name, value in point.items() if name not in TAXONOMY} | {"emotion_weights": weights}


MOST_POINTS: Final = 2**62
"""Places of a grid are numbered in 64 bits."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What parameters are tried on: n labelled segments.

    Attributes:
        truth: Index into the taxonomy, (n,).
        logits: The audio model's raw outputs, (n, labels), where there are logits; else the logarithm of a recorded
            posterior over the taxonomy, (n, 7), -inf where it is 0.
            Of a dimensional model it is what `posterior.outputs_of` makes of them, and `into` is the unit matrix.
        into: Label map as a matrix, (labels, 7): 1 where a label means an emotion; a row of 0 is dropped.
        multilabel: Whether the outputs go through sigmoids instead of a softmax.
        text: Posterior of the text model over the taxonomy, (n, 7), or None; a row of NaN where there is no text.
        text_says, audio_says: Which emotions each can say, bool (7,).
        source: Code of the medium (or speaker) that a segment is from, (n,).
        start_s: Where it begins there, (n,): blocks of time, where there is one source only.
        recorded: The recorded posterior itself, (n, 7), NaN where there is none, where `logits` are its logarithm: at
            temperature 1 it is used as it is, so that no rounding decides a tie.
        max_dropped_mass, pooling: See `Decision`.
    """

    truth: Ints
    logits: Floats
    into: Floats
    source: Ints
    start_s: Floats
    multilabel: bool = False
    text: Floats | None = None
    text_says: npt.NDArray[np.bool_] | None = None
    audio_says: npt.NDArray[np.bool_] | None = None
    recorded: Floats | None = None
    max_dropped_mass: float = 0.5
    pooling: Pooling = "linear"


@dataclass(frozen=True, eq=False)
class GridAnswers:
    """What every point of a grid answers to every segment.

    Attributes:
        prediction: int8 (points, n), -1 where undecided.
        p_truth: Probability of the true emotion, float32 (points, n); NaN where undecided.
    """

    prediction: npt.NDArray[np.int8]
    p_truth: npt.NDArray[np.float32]
