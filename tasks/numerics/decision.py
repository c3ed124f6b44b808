"""From a model's logits to one emotion a segment: pure, vectorised, cheap enough to run again at any time.

Owns the decision's parameters and its arithmetic (the order is fixed by `decide`). Knows no files and no tables.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY, ModelSpec
from tasks.numerics.dimensions import DimensionMap
from tasks.numerics.posterior import label_matrix, mapped_posterior, model_posterior, outputs_of, renormalise, tempered

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

Pooling = Literal["linear", "log"]
POOLINGS: Final[tuple[Pooling, ...]] = ("linear", "log")

NEUTRAL = TAXONOMY.index("neutral")
_EVERY = np.ones(len(TAXONOMY), dtype=bool)
_NOTHING = 1e-12
"""Probability that only rounding leaves."""


@dataclass(frozen=True)
class Decision:
    """How posteriors become decisions. The defaults decide by the plain argmax.

    Attributes:
        audio_temperature: Divides the logits; above 1 flattens. Alone it changes no argmax under a one-to-one map.
        audio_weight: Share of the audio model where a text model has its say too (see `pooled`); at 1 it has none.
        pooling: How the two are put together there: by the weighted sum (`linear`, see `fuse`), or by the weighted
            product (`log`, see `log_linear`).
        emotion_weights: Factor per emotion on its probability; an emotion that is not named has 1.
        neutral_suppression: Factor on neutral where another emotion stands out (see the next two).
        confidence_threshold, dominance_margin: Neutral is suppressed only where the best other emotion has at least
            this probability, and leads the next other one by at least this much.
        neutral_floor: Least probability of neutral after renormalising, 0 ≤ f < 1.
        max_dropped_mass: A segment whose model puts more than this on labels outside the taxonomy is undecided.
        label_map: Model label (lower case) to emotion, or to None: its mass is dropped.
        dimension_map: For a dimensional model, a map that was fitted on labels, instead of distances to centroids.
    """

    audio_temperature: float = 1.0
    audio_weight: float = 1.0
    pooling: Pooling = "linear"
    emotion_weights: Mapping[str, float] = field(default_factory=dict)
    neutral_suppression: float = 1.0
    confidence_threshold: float = 0.0
    dominance_margin: float = 0.0
    neutral_floor: float = 0.0
    max_dropped_mass: float = 0.5
    label_map: Mapping[str, str | None] = field(default_factory=dict)
    dimension_map: DimensionMap | None = None

    def __post_init__(self) -> None:
        for name in ("neutral_suppression", "confidence_threshold", "dominance_margin", "neutral_floor"):
            _check(name, getattr(self, name), low=0)
        _check("audio_temperature", self.audio_temperature, low=0, open_low=True)
        _check("audio_weight", self.audio_weight, low=0, high=1)
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, not {self.pooling!r}")
        _check("neutral_floor", self.neutral_floor, low=0, high=1, open_high=True)
        _check("max_dropped_mass", self.max_dropped_mass, low=0, high=1)
        for emotion, weight in self.emotion_weights.items():
            _check_emotion(emotion, "emotion_weights")
            _check(f"emotion_weights[{emotion}]", weight, low=0)
        for label, target in self.label_map.items():
            if target is not None:
                _check_emotion(target, f"label_map[{label}]")

    def canonical(self) -> dict[str, Any]:
        """All parameters as plain, sorted JSON values: what a decision's hash is taken over.

        Without an `audio_weight` of 1, linear pooling, or a map that is not there: decisions stored before these were
        known keep their hash.
        """
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        if self.audio_weight == 1.0:
            del plain["audio_weight"]
        if self.pooling == "linear":
            del plain["pooling"]
        plain["dimension_map"] = asdict(self.dimension_map) if self.dimension_map else None
        if self.dimension_map is None:
            del plain["dimension_map"]
        return {
            key: dict(sorted(value.items())) if isinstance(value, Mapping) else value for key, value in plain.items()
        }

    def weights(self) -> Floats:
        """Factor per emotion of the taxonomy, shape (7,)."""
        return np.array([self.emotion_weights.get(emotion, 1.0) for emotion in TAXONOMY])


@dataclass(frozen=True, eq=False)
class TextPosterior:
    """What a text model makes of the same n segments.

    Attributes:
        posterior: Shape (n, 7), rows sum to 1, or are NaN where there is no text.
        says: Which emotions it can say, bool (7,).
    """

    posterior: Floats
    says: Bools


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


def decide(
    logits: npt.NDArray[np.float32], spec: ModelSpec, decision: Decision, text: TextPosterior | None = None
) -> Decided:
    """Decide n segments from one model's logits. One that the audio model leaves undecided stays so, text or not.

    Args:
        logits: Raw outputs, shape (n, len(spec.labels)).
        spec: The model they came from: its labels and its kind.
        decision: The parameters.
        text: What a text model says of the same segments.
    """
    outputs = outputs_of(logits, spec, decision.dimension_map)
    into = _into(spec, decision)
    several = spec.kind == "multilabel"
    p_model = model_posterior(outputs, decision.audio_temperature, multilabel=several)
    p_audio, dropped = mapped_posterior(p_model, into, decision.max_dropped_mass, multilabel=several)
    heard = p_audio if text is None else _fused(p_audio, np.asarray(into.any(axis=0)), text, decision)
    return _decided(heard, dropped, decision)


def decide_posterior(posterior: Floats, decision: Decision, text: TextPosterior | None = None) -> Decided:
    """Decide n segments from posteriors over the taxonomy, as earlier tools recorded them.

    The temperature applies to their logarithm; there is no label map and no dropped mass.

    Args:
        posterior: Shape (n, 7), rows sum to 1, or are NaN where there is none: undecided.
        decision: The parameters.
        text: What a text model says of the same segments.
    """
    p_audio = tempered(posterior, decision.audio_temperature)
    heard = renormalise(p_audio) if text is None else _fused(p_audio, _EVERY, text, decision)
    return _decided(heard, np.zeros(len(posterior)), decision)


def own_posterior(logits: npt.NDArray[np.float32], spec: ModelSpec) -> tuple[Floats, tuple[str, ...]]:
    """What the model itself says, before temperature, map and decision: alarms are computed on it.

    Returns:
        Posterior over its own labels, shape (n, labels), rows sum to 1, and those labels. A dimensional model has none
        of its own: there, the emotions by their centroids.
    """
    raw = model_posterior(outputs_of(logits, spec), 1.0, multilabel=spec.kind == "multilabel")
    return renormalise(raw), TAXONOMY if spec.kind == "dimensional" else spec.labels


def weighted_sum(audio: Floats, text: Floats, audio_weight: float) -> Floats:
    """Fuse two posteriors over the full taxonomy, each (n, 7): audio_weight · audio + (1 − audio_weight) · text.

    A segment that lacks one of them is NaN: fused figures must not mix segments that have text with some that do not.
    """
    _check("audio_weight", audio_weight, low=0, high=1)
    return np.asarray(audio_weight * audio + (1 - audio_weight) * text)


def fuse(audio: Floats, text: Floats, audio_says: Bools, text_says: Bools, audio_weight: float) -> Floats:
    """Fuse two posteriors: audio_weight · audio + (1 − audio_weight) · text over the emotions that both can say.

    What a model cannot say is no evidence against it. So an emotion that only the text model can say keeps the text's
    mass; one that only the audio model can say keeps its share of the rest, whatever the weight; and what both can say
    is pooled and scaled to what is left then. Where both can say all seven, it is `weighted_sum`.

    Args:
        audio, text: Shape (n, 7), rows sum to 1 over what each can say. Without text (a row of NaN) it is the audio's
            row; without audio it is NaN.
        audio_says, text_says: Which emotions each can say, bool (7,).
        audio_weight: 0 … 1.

    Returns:
        Shape (n, 7); rows sum to 1, or are NaN.
    """
    pooled = weighted_sum(audio, text, audio_weight)
    if audio_says.all() and text_says.all():
        return _or_audio(pooled, audio, text)
    return _beside(pooled, audio, text, audio_says, text_says)


def log_linear(
    audio: Floats,
    text: Floats,
    audio_weight: float,
    *,
    audio_says: Bools = _EVERY,
    text_says: Bools = _EVERY,
) -> Floats:
    """Fuse two posteriors by ∝ audio^audio_weight · text^(1 − audio_weight): either can veto. Otherwise as `fuse`.

    Returns:
        Shape (n, 7); rows sum to 1, or are NaN: also where each rules out all that the other allows.
    """
    _check("audio_weight", audio_weight, low=0, high=1)
    return _beside(audio**audio_weight * text ** (1 - audio_weight), audio, text, audio_says, text_says)


def pooled(
    audio: Floats, text: Floats, audio_says: Bools, text_says: Bools, audio_weight: float, pooling: Pooling
) -> Floats:
    """Fuse two posteriors as a decision's `pooling` says: by `fuse` or by `log_linear`.

    At a weight of 1 it is the audio's alone: text then has no say, not even for emotions that the audio cannot say.
    """
    if audio_weight == 1.0:
        return audio
    if pooling == "log":
        return log_linear(audio, text, audio_weight, audio_says=audio_says, text_says=text_says)
    return fuse(audio, text, audio_says, text_says, audio_weight)


def emotion_posterior(logits: npt.NDArray[np.float32], spec: ModelSpec, decision: Decision) -> Floats:
    """Posterior over the taxonomy, shape (n, 7): rows sum to 1, or are NaN where undecided. See `decide`."""
    return decide(logits, spec, decision).posterior


def _into(spec: ModelSpec, decision: Decision) -> Floats:
    """Which output means which emotion, shape (labels, 7), or (7, 7) for a dimensional model."""
    if spec.kind != "dimensional":
        return label_matrix(spec.labels, decision.label_map, spec.source)
    said = decision.dimension_map.emotions if decision.dimension_map else TAXONOMY
    return np.diag(np.isin(TAXONOMY, said).astype(np.float64))


def _fused(p_audio: Floats, says: Bools, text: TextPosterior, decision: Decision) -> Floats:
    weight, pooling = decision.audio_weight, decision.pooling
    return renormalise(pooled(p_audio, text.posterior, says, text.says, weight, pooling))


def _decided(posterior: Floats, dropped: Floats, decision: Decision) -> Decided:
    posterior = renormalise(posterior * decision.weights())
    posterior = _suppress_neutral(posterior, decision)
    return Decided(_raise_neutral(posterior, decision.neutral_floor), dropped)


def _beside(pooled: Floats, audio: Floats, text: Floats, audio_says: Bools, text_says: Bools) -> Floats:
    """What is pooled over the emotions that both can say, scaled to what the emotions that one can say leave it."""
    from_text = np.where(text_says & ~audio_says, renormalise(text), 0.0)
    rest = 1 - from_text.sum(axis=1, keepdims=True)
    from_audio = np.where(audio_says & ~text_says, audio * rest, 0.0)
    both = renormalise(np.where(audio_says & text_says, pooled, 0.0))
    left = np.maximum(rest - from_audio.sum(axis=1, keepdims=True), 0.0)
    # Where nothing is left there may be nothing to scale either.
    both = np.where(np.isnan(both) & (left <= _NOTHING), 0.0, both)
    return _or_audio(renormalise(from_text + from_audio + left * both), audio, text)


def _or_audio(fused: Floats, audio: Floats, text: Floats) -> Floats:
    alone = np.isnan(audio).any(axis=1, keepdims=True) | np.isnan(text).any(axis=1, keepdims=True)
    return np.where(alone, audio, fused)


def _suppress_neutral(posterior: Floats, decision: Decision) -> Floats:
    if decision.neutral_suppression == 1.0:
        return posterior
    others = np.sort(np.delete(posterior, NEUTRAL, axis=1), axis=1)
    best, second = others[:, -1], others[:, -2]
    applies = (best >= decision.confidence_threshold) & (best - second >= decision.dominance_margin)
    suppressed = posterior.copy()
    suppressed[:, NEUTRAL] *= np.where(applies, decision.neutral_suppression, 1.0)
    return renormalise(suppressed)


def _raise_neutral(posterior: Floats, floor: float) -> Floats:
    raised = posterior.copy()
    others = posterior.sum(axis=1) - posterior[:, NEUTRAL]
    raised[:, NEUTRAL] = np.maximum(posterior[:, NEUTRAL], floor / (1 - floor) * others)
    return renormalise(raised)


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
