"""From a model's logits to one emotion a segment: pure, vectorised, cheap enough to run again at any time.

Owns the decision's parameters and its arithmetic (the order is fixed by `decide`). Knows no files and no tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY, ModelSpec

Floats = npt.NDArray[np.float64]

NEUTRAL = TAXONOMY.index("neutral")

# Russell & Mehrabian (1977), "Evidence for a three-factor theory of emotions": valence, arousal, dominance, each -1…1.
# Neutral at the origin is a convention.
CENTROIDS: Mapping[str, tuple[float, float, float]] = {
    "neutral": (0.0, 0.0, 0.0),
    "happy": (0.76, 0.48, 0.35),
    "sad": (-0.63, -0.27, -0.33),
    "angry": (-0.51, 0.59, 0.25),
    "fear": (-0.64, 0.60, -0.43),
    "surprise": (0.40, 0.67, -0.13),
    "disgust": (-0.60, 0.35, 0.11),
}
_DIMENSIONS = ("valence", "arousal", "dominance")
_DISTANCE_SCALE = 0.25
"""Distance that counts as one nat at temperature 1: about half the distance between neighbouring centroids."""


@dataclass(frozen=True)
class Decision:
    """How posteriors become decisions. The defaults decide by the plain argmax.

    Attributes:
        audio_temperature: Divides the logits; above 1 flattens. Alone it changes no argmax under a one-to-one map.
        emotion_weights: Factor per emotion on its probability; an emotion that is not named has 1.
        neutral_suppression: Factor on neutral where another emotion stands out (see the next two).
        confidence_threshold, dominance_margin: Neutral is suppressed only where the best other emotion has at least
            this probability, and leads the next other one by at least this much.
        neutral_floor: Least probability of neutral after renormalising, 0 ≤ f < 1.
        max_dropped_mass: A segment whose model puts more than this on labels outside the taxonomy is undecided.
        label_map: Model label (lower case) to emotion, or to None: its mass is dropped.
    """

    audio_temperature: float = 1.0
    emotion_weights: Mapping[str, float] = field(default_factory=dict)
    neutral_suppression: float = 1.0
    confidence_threshold: float = 0.0
    dominance_margin: float = 0.0
    neutral_floor: float = 0.0
    max_dropped_mass: float = 0.5
    label_map: Mapping[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("neutral_suppression", "confidence_threshold", "dominance_margin", "neutral_floor"):
            _check(name, getattr(self, name), low=0)
        _check("audio_temperature", self.audio_temperature, low=0, open_low=True)
        _check("neutral_floor", self.neutral_floor, low=0, high=1, open_high=True)
        _check("max_dropped_mass", self.max_dropped_mass, low=0, high=1)
        for emotion, weight in self.emotion_weights.items():
            _check_emotion(emotion, "emotion_weights")
            _check(f"emotion_weights[{emotion}]", weight, low=0)
        for label, target in self.label_map.items():
            if target is not None:
                _check_emotion(target, f"label_map[{label}]")

    def canonical(self) -> dict[str, Any]:
        """All parameters as plain, sorted JSON values: what a decision's hash is taken over."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            key: dict(sorted(value.items())) if isinstance(value, Mapping) else value for key, value in plain.items()
        }

    def weights(self) -> Floats:
        """Factor per emotion of the taxonomy, shape (7,)."""
        return np.array([self.emotion_weights.get(emotion, 1.0) for emotion in TAXONOMY])


@dataclass(frozen=True)
class Decided:
    """What a decision made of n segments.

    Attributes:
        posterior: Shape (n, 7), rows sum to 1, or are NaN where undecided.
        dropped_mass: Probability on labels outside the taxonomy, shape (n,).
    """

    posterior: Floats
    dropped_mass: Floats

    @property
    def undecided(self) -> npt.NDArray[np.bool_]:
        """Where nothing was left to decide with, shape (n,)."""
        return np.asarray(np.isnan(self.posterior).any(axis=1))

    @property
    def emotions(self) -> list[str | None]:
        """The chosen emotion of each segment; None where undecided."""
        best = np.argmax(self.posterior, axis=1)
        return [None if lost else TAXONOMY[index] for index, lost in zip(best, self.undecided, strict=True)]

    @property
    def confidence(self) -> Floats:
        """Probability of the chosen emotion, shape (n,); NaN where undecided."""
        return np.asarray(self.posterior.max(axis=1), dtype=np.float64)

    @property
    def entropy(self) -> Floats:
        """Entropy of the posterior in nats, shape (n,), 0 … log 7; NaN where undecided."""
        logarithm = np.log(self.posterior, where=self.posterior > 0, out=np.zeros_like(self.posterior))
        return np.asarray(-(self.posterior * logarithm).sum(axis=1), dtype=np.float64)


def decide(logits: npt.NDArray[np.float32], spec: ModelSpec, decision: Decision) -> Decided:
    """Decide n segments from one model's logits.

    Args:
        logits: Raw outputs, shape (n, len(spec.labels)).
        spec: The model they came from: its labels and its kind.
        decision: The parameters.
    """
    p_model = _model_posterior(np.asarray(logits, dtype=np.float64), spec, decision)
    mapped, dropped = _map_labels(p_model, spec, decision)
    return _decided(mapped, dropped, decision)


def decide_posterior(posterior: Floats, decision: Decision) -> Decided:
    """Decide n segments from posteriors over the taxonomy, as earlier tools recorded them.

    The temperature applies to their logarithm; there is no label map and no dropped mass.

    Args:
        posterior: Shape (n, 7), rows sum to 1, or are NaN where there is none: undecided.
        decision: The parameters.
    """
    if decision.audio_temperature != 1.0:
        with np.errstate(divide="ignore"):
            posterior = np.where(np.isnan(posterior), np.nan, _softmax(np.log(posterior) / decision.audio_temperature))
    return _decided(posterior, np.zeros(len(posterior)), decision)


def own_posterior(logits: npt.NDArray[np.float32], spec: ModelSpec) -> tuple[Floats, tuple[str, ...]]:
    """What the model itself says, before temperature, map and decision: alarms are computed on it.

    Returns:
        Posterior over its own labels, shape (n, labels), rows sum to 1, and those labels. A dimensional model has none
        of its own: there, the emotions by their centroids.
    """
    raw = _model_posterior(np.asarray(logits, dtype=np.float64), spec, Decision())
    return _renormalise(raw), TAXONOMY if spec.kind == "dimensional" else spec.labels


def weighted_sum(audio: Floats, text: Floats, audio_weight: float) -> Floats:
    """Fuse two posteriors over the full taxonomy, each (n, 7): audio_weight · audio + (1 − audio_weight) · text.

    A segment that lacks one of them is NaN: fused figures must not mix segments that have text with some that do not.
    """
    _check("audio_weight", audio_weight, low=0, high=1)
    return np.asarray(audio_weight * audio + (1 - audio_weight) * text)


def emotion_posterior(logits: npt.NDArray[np.float32], spec: ModelSpec, decision: Decision) -> Floats:
    """Posterior over the taxonomy, shape (n, 7): rows sum to 1, or are NaN where undecided. See `decide`."""
    return decide(logits, spec, decision).posterior


def _decided(mapped: Floats, dropped: Floats, decision: Decision) -> Decided:
    posterior = _renormalise(np.where((dropped <= decision.max_dropped_mass)[:, None], mapped, 0.0))
    posterior = _renormalise(posterior * decision.weights())
    posterior = _suppress_neutral(posterior, decision)
    return Decided(_raise_neutral(posterior, decision.neutral_floor), dropped)


def _model_posterior(logits: Floats, spec: ModelSpec, decision: Decision) -> Floats:
    if logits.ndim != 2 or logits.shape[1] != len(spec.labels):
        raise ValueError(f"logits of {spec.source} must have shape (n, {len(spec.labels)}), not {logits.shape}")
    if spec.kind == "dimensional":
        return _softmax(-_distances(logits, spec) / (_DISTANCE_SCALE * decision.audio_temperature))
    scaled = logits / decision.audio_temperature
    return 1 / (1 + np.exp(-np.clip(scaled, -500, 500))) if spec.kind == "multilabel" else _softmax(scaled)


def _map_labels(posterior: Floats, spec: ModelSpec, decision: Decision) -> tuple[Floats, Floats]:
    """Add up the labels of each emotion: ((n, 7), dropped mass (n,) as a share of all the mass)."""
    if spec.kind == "dimensional":
        return posterior, np.zeros(len(posterior))
    into = np.zeros((len(spec.labels), len(TAXONOMY)))
    for row, label in enumerate(spec.labels):
        if label.lower() not in decision.label_map:
            raise ValueError(f"label {label!r} of {spec.source} is not in the decision's label_map")
        emotion = decision.label_map[label.lower()]
        if emotion is not None:
            into[row, TAXONOMY.index(emotion)] = 1.0
    mass = posterior.sum(axis=1)
    # Summed by itself: as a difference of sums it would not be quite 0 where no label is dropped.
    lost = posterior @ (into.sum(axis=1) == 0)
    return posterior @ into, np.divide(lost, mass, out=np.ones_like(mass), where=mass > 0)


def _distances(outputs: Floats, spec: ModelSpec) -> Floats:
    """Euclidean distance, over the dimensions that the model has (0…1, rescaled to -1…1), to each centroid: (n, 7)."""
    labels = [label.casefold() for label in spec.labels]
    has = [column for column, name in enumerate(_DIMENSIONS) if name in labels]
    points = 2 * outputs[:, [labels.index(_DIMENSIONS[column]) for column in has]] - 1
    centroids = np.array([CENTROIDS[emotion] for emotion in TAXONOMY])[:, has]
    return np.asarray(np.linalg.norm(points[:, None, :] - centroids[None, :, :], axis=2))


def _suppress_neutral(posterior: Floats, decision: Decision) -> Floats:
    if decision.neutral_suppression == 1.0:
        return posterior
    others = np.sort(np.delete(posterior, NEUTRAL, axis=1), axis=1)
    best, second = others[:, -1], others[:, -2]
    applies = (best >= decision.confidence_threshold) & (best - second >= decision.dominance_margin)
    suppressed = posterior.copy()
    suppressed[:, NEUTRAL] *= np.where(applies, decision.neutral_suppression, 1.0)
    return _renormalise(suppressed)


def _raise_neutral(posterior: Floats, floor: float) -> Floats:
    raised = posterior.copy()
    others = posterior.sum(axis=1) - posterior[:, NEUTRAL]
    raised[:, NEUTRAL] = np.maximum(posterior[:, NEUTRAL], floor / (1 - floor) * others)
    return _renormalise(raised)


def _renormalise(rows: Floats) -> Floats:
    """Rows divided by their sums; a row without mass becomes NaN."""
    total = rows.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(rows, total, out=np.full_like(rows, np.nan), where=total > 0))


def _softmax(logits: Floats) -> Floats:
    exponential = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(exponential / exponential.sum(axis=1, keepdims=True))


def _check(
    name: str, value: float, *, low: float, high: float = np.inf, open_low: bool = False, open_high: bool = False
) -> None:
    inside = (low < value if open_low else low <= value) and (value < high if open_high else value <= high)
    if not inside or not np.isfinite(value):
        raise ValueError(
            f"{name} must be in {'(' if open_low else '['}{low}, {high}{')' if open_high else ']'}, not {value}"
        )


def _check_emotion(emotion: str, where: str) -> None:
    if emotion not in TAXONOMY:
        raise ValueError(f"{where}: {emotion!r} is not an emotion; expected one of {', '.join(TAXONOMY)}")
