"""From a model's raw outputs to its posterior over the taxonomy: by kind, temperature and label map.

What is decided from posteriors, and how two are fused, is decision.py's part.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY, ModelSpec
from tasks.numerics.dimensions import DimensionMap

Floats = npt.NDArray[np.float64]

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


def outputs_of(logits: npt.NDArray[np.float32], spec: ModelSpec, fitted: DimensionMap | None = None) -> Floats:
    """What a softmax or sigmoids are taken of, shape (n, labels), or (n, 7) for a dimensional model.

    Args:
        logits: Raw outputs, shape (n, labels).
        spec: The model they came from.
        fitted: For a dimensional model, instead of distances to centroids.
    """
    outputs = np.asarray(logits, dtype=np.float64)
    if outputs.ndim != 2 or outputs.shape[1] != len(spec.labels):
        raise ValueError(f"logits of {spec.source} must have shape (n, {len(spec.labels)}), not {outputs.shape}")
    if spec.kind != "dimensional":
        return outputs
    if fitted is None:
        return -_distances(outputs, spec) / _DISTANCE_SCALE
    if fitted.dimensions != tuple(label.casefold() for label in spec.labels):
        raise ValueError(f"the fitted map is for {', '.join(fitted.dimensions)}; {spec.source} gives {spec.labels}")
    return fitted.logits(outputs)


def model_posterior(outputs: Floats, temperature: float, *, multilabel: bool = False) -> Floats:
    """Softmax, or for a multilabel model sigmoids, of outputs over a temperature, shape (n, labels)."""
    scaled = outputs / temperature
    return 1 / (1 + np.exp(-np.clip(scaled, -500, 500))) if multilabel else _softmax(scaled)


def mapped_posterior(
    posterior: Floats, into: Floats, max_dropped_mass: float, *, multilabel: bool = False
) -> tuple[Floats, Floats]:
    """Bring the labels of each emotion together: their sum, or of a multilabel model the most probable of them.

    Labels of a softmax exclude each other, so the probability that one of several holds is their sum. Those of a
    multilabel model do not: it lies between the largest of them and their sum (Fréchet's bounds). The largest is exact
    where one label implies the other, as "delighted" does "glad", and it alone gives an emotion no lead for the mere
    number of its labels: with thirteen labels of 0.05 each, the sum is 0.65, independent labels would make 0.49, and
    one label 0.05. The labels that are dropped are treated as one emotion more.

    Args:
        posterior: Over the model's labels, (n, labels); rows need not sum to 1.
        into: As of `label_matrix`.
        max_dropped_mass: See `Decision`.
        multilabel: Whether labels may hold together.

    Returns:
        Posterior over the taxonomy, (n, 7), NaN where undecided; dropped mass as a share of all the mass, (n,).
    """
    outside = into.sum(axis=1) == 0
    if multilabel:
        held = np.stack([_largest(posterior, column > 0) for column in into.T], axis=1)
        lost = _largest(posterior, outside)
        mass = held.sum(axis=1) + lost
    else:
        # Summed by itself: as a difference of sums it would not be quite 0 where no label is dropped.
        held, lost, mass = posterior @ into, posterior @ outside, posterior.sum(axis=1)
    dropped = np.divide(lost, mass, out=np.ones_like(mass), where=mass > 0)
    return renormalise(np.where((dropped <= max_dropped_mass)[:, None], held, 0.0)), dropped


def tempered(posterior: Floats, temperature: float) -> Floats:
    """A recorded posterior, (n, 7), at a temperature, which applies to its logarithm; at 1 as it is."""
    if temperature == 1.0:
        return posterior
    with np.errstate(divide="ignore"):
        return np.where(np.isnan(posterior), np.nan, _softmax(np.log(posterior) / temperature))


def label_matrix(labels: Sequence[str], label_map: Mapping[str, str | None], source: str = "the model") -> Floats:
    """A label map as a matrix, shape (labels, 7): 1 where a label means an emotion; a row of 0 is dropped.

    Raises:
        ValueError: A label is not in the map.
    """
    into = np.zeros((len(labels), len(TAXONOMY)))
    for row, label in enumerate(labels):
        if label.lower() not in label_map:
            raise ValueError(f"label {label!r} of {source} is not in the decision's label_map")
        emotion = label_map[label.lower()]
        if emotion is not None:
            into[row, TAXONOMY.index(emotion)] = 1.0
    return into


def renormalise(rows: Floats) -> Floats:
    """Rows divided by their sums; a row without mass becomes NaN."""
    total = rows.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(rows, total, out=np.full_like(rows, np.nan), where=total > 0))


def _largest(posterior: Floats, labels: npt.NDArray[np.bool_]) -> Floats:
    """The largest probability among some labels, shape (n,); 0 where there are none."""
    return np.asarray(posterior[:, labels].max(axis=1, initial=0.0))


def _distances(outputs: Floats, spec: ModelSpec) -> Floats:
    """Euclidean distance, over the dimensions that the model has (0…1, rescaled to -1…1), to each centroid: (n, 7)."""
    labels = [label.casefold() for label in spec.labels]
    has = [column for column, name in enumerate(_DIMENSIONS) if name in labels]
    points = 2 * outputs[:, [labels.index(_DIMENSIONS[column]) for column in has]] - 1
    centroids = np.array([CENTROIDS[emotion] for emotion in TAXONOMY])[:, has]
    return np.asarray(np.linalg.norm(points[:, None, :] - centroids[None, :, :], axis=2))


def _softmax(logits: Floats) -> Floats:
    exponential = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(exponential / exponential.sum(axis=1, keepdims=True))
