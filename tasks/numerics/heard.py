"""What the models say of each segment before any weight, for every temperature and fusion that a grid tries.

Owns the part of a decision that few points have to themselves: it is computed once for all that share it, by the very
functions of decision.py. What follows from it at a point is compiled.py's part.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY
from tasks.numerics.decision import pooled
from tasks.numerics.grid import DEFAULTS, Evidence, Grid
from tasks.numerics.posterior import mapped_posterior, model_posterior, renormalise, tempered

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Rows = Ints | Bools

_EVERY = np.ones(len(TAXONOMY), dtype=bool)
_KEPT_BYTES = 64_000_000
"""What is remembered of posteriors already computed."""


@dataclass(frozen=True, eq=False)
class Points:
    """Points of a grid as `compiled.decide_points` takes them: see there."""

    heard: Floats
    heard_by: Ints
    weights: Floats
    rules: Floats


class Heard:
    """The evidence of some segments at any temperature and fusion.

    Attributes:
        truth: Of these segments, (m,).
    """

    def __init__(self, evidence: Evidence, rows: Rows | None = None) -> None:
        _check(evidence)
        self._evidence = evidence
        self._rows = np.arange(len(evidence.truth))[slice(None) if rows is None else np.asarray(rows)]
        self._known: dict[tuple[float, float], Floats] = {}
        self.truth: Ints = np.asarray(evidence.truth, dtype=np.int64)[self._rows]

    def points(self, grid: Grid, low: int, high: int) -> Points:
        """The points low … high of a grid."""
        return self.at(columns(grid, np.arange(low, high)), high - low)

    def at(self, values: Mapping[str, Floats], count: int) -> Points:
        """So many points by their parameters' values, (count,) each; those left out are at their default."""
        column = {name: np.full(count, value) for name, value in DEFAULTS.items()} | dict(values)
        heard, heard_by = self._heard(column["audio_temperature"], column["audio_weight"])
        floor = column["neutral_floor"]
        ratio = floor / (1 - floor)
        rules = [column[name] for name in ("neutral_suppression", "confidence_threshold", "dominance_margin")]
        weights = np.column_stack([column[emotion] for emotion in TAXONOMY])
        return Points(heard, heard_by, weights, np.column_stack([*rules, ratio]))

    def _heard(self, temperature: Floats, audio_weight: Floats) -> tuple[Floats, Ints]:
        """Posteriors of all pairs that occur, (pairs, 7, m), and which of them each point has."""
        temperatures, one = np.unique(temperature, return_inverse=True)
        shares, two = np.unique(audio_weight, return_inverse=True)
        pair, of_point = np.unique(one * len(shares) + two, return_inverse=True)
        heard = np.empty((len(pair), len(TAXONOMY), len(self.truth)))
        for place, (first, second) in enumerate(zip(*np.divmod(pair, len(shares)), strict=True)):
            heard[place] = self._of(float(temperatures[first]), float(shares[second]))
        return heard, np.asarray(of_point, dtype=np.int64)

    def _of(self, temperature: float, audio_weight: float) -> Floats:
        # Without text all weights are one.
        key = (temperature, 1.0 if self._evidence.text is None else audio_weight)
        if key not in self._known:
            made = np.ascontiguousarray(posterior(self._evidence, *key)[self._rows].T)
            if (len(self._known) + 1) * made.nbytes > _KEPT_BYTES:
                self._known.clear()
            self._known[key] = made
        return self._known[key]


def posterior(evidence: Evidence, temperature: float, audio_weight: float) -> Floats:
    """What the models say together before any weight, (n, 7): rows sum to 1, or are NaN where undecided."""
    p_audio = _audio(evidence, temperature)
    if evidence.text is None:
        return p_audio if evidence.recorded is None else renormalise(p_audio)
    says = audio_says(evidence), text_says(evidence)
    return renormalise(pooled(p_audio, evidence.text, *says, audio_weight, evidence.pooling))


def audio_says(evidence: Evidence) -> Bools:
    """Which emotions the audio model can say, (7,): those that a label means, unless the evidence says otherwise."""
    said = evidence.audio_says
    return np.asarray(evidence.into.any(axis=0) if said is None else said)


def text_says(evidence: Evidence) -> Bools:
    """Which emotions the text model can say, (7,): all, unless the evidence says otherwise."""
    return _EVERY if evidence.text_says is None else evidence.text_says


def columns(grid: Grid, indices: Ints) -> Mapping[str, Floats]:
    """The values of the grid's own parameters at some of its places, (places,) each."""
    made, rest = {}, np.asarray(indices)
    for name in reversed(list(grid.values)):
        rest, place = np.divmod(rest, len(grid.values[name]))
        made[name] = np.array(grid.values[name], dtype=np.float64)[place]
    return made


def _audio(evidence: Evidence, temperature: float) -> Floats:
    if evidence.recorded is not None:
        return tempered(evidence.recorded, temperature)
    p_model = model_posterior(evidence.logits, temperature, multilabel=evidence.multilabel)
    into, most = evidence.into, evidence.max_dropped_mass
    return mapped_posterior(p_model, into, most, multilabel=evidence.multilabel)[0]


def _check(evidence: Evidence) -> None:
    n, labels = len(evidence.truth), len(evidence.into)
    shapes = {"logits": (n, labels), "into": (labels, 7), "recorded": (n, 7), "text": (n, 7)}
    for name, expected in shapes.items():
        given = getattr(evidence, name)
        if given is not None and np.shape(given) != expected:
            raise ValueError(f"{name} of {n} segments must have shape {expected}, not {np.shape(given)}")
    truth = np.asarray(evidence.truth)
    if n and not (truth.min() >= 0 and truth.max() < len(TAXONOMY)):
        raise ValueError(f"truth must be within 0 … {len(TAXONOMY) - 1}, not {truth.min()} … {truth.max()}")
