"""From arousal, dominance and valence to emotions by a small classifier that was fitted on labels.

Better than distances to centroids where there are labels: it learns where this model puts each emotion, and that few
segments are disgusted. Fitted on labels, it is part of a decision, and says nothing about itself on those labels:
`out_of_fold` does. Where it is stored, with its provenance, is tasks/config/dimension_map.py's business.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from actors.contract import TAXONOMY

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PENALTY = 1.0
"""Inverse strength of the L2 penalty on standardised outputs: scikit-learn's own default, with three inputs enough."""

MOST_FOLDS = 10


@dataclass(frozen=True)
class DimensionMap:
    """Multinomial logistic regression on standardised outputs.

    Attributes:
        dimensions: Names of the outputs, in the model's order.
        emotions: Those that had labels; the others get no mass.
        mean, scale: Of each output over the labelled segments.
        weights, bias: Shapes (emotions, dimensions) and (emotions,).
    """

    dimensions: tuple[str, ...]
    emotions: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]

    def __post_init__(self) -> None:
        inputs, outputs = len(self.dimensions), len(self.emotions)
        shapes = {len(self.mean), len(self.scale), *map(len, self.weights)}
        if shapes != {inputs} or {len(self.weights), len(self.bias)} != {outputs} or outputs < 2:
            raise ValueError(f"a map from {inputs} dimensions to {outputs} emotions has arrays of other sizes")
        if not set(self.emotions) <= set(TAXONOMY) or len(set(self.emotions)) != outputs:
            raise ValueError(f"{', '.join(self.emotions)}: expected some of {', '.join(TAXONOMY)}, each once")
        if (
            not np.isfinite([*self.mean, *self.scale, *self.bias, *np.ravel(self.weights)]).all()
            or min(self.scale) <= 0
        ):
            raise ValueError("a map's numbers must be finite, and its scales above 0")

    def logits(self, outputs: Floats) -> Floats:
        """Logits over the taxonomy, (n, 7), of outputs, (n, dimensions); -inf for emotions that had no labels."""
        scaled = (np.asarray(outputs, dtype=np.float64) - self.mean) / self.scale
        found = np.full((len(scaled), len(TAXONOMY)), -np.inf)
        known = [TAXONOMY.index(emotion) for emotion in self.emotions]
        found[:, known] = scaled @ np.array(self.weights).T + self.bias
        return found

    def posterior(self, outputs: Floats) -> Floats:
        """Posterior over the taxonomy, shape (n, 7): the softmax of `logits`."""
        return np.asarray(softmax(self.logits(outputs), axis=1))


def fit(outputs: Floats, truth: Ints, dimensions: tuple[str, ...]) -> DimensionMap:
    """Fit a map on labelled segments.

    Args:
        outputs: Raw outputs, shape (n, dimensions).
        truth: Index into the taxonomy, shape (n,).
        dimensions: Names of the outputs.

    Raises:
        ValueError: Fewer than two emotions have labels.
    """
    present = np.unique(truth)
    if len(present) < 2:
        raise ValueError(f"labels of at least two emotions are needed to fit a map, not {len(present)}")
    mean, scale = outputs.mean(axis=0), outputs.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)  # an output that never moves is left to the bias
    model = LogisticRegression(C=PENALTY, max_iter=1000).fit((outputs - mean) / scale, truth)
    weights, bias = model.coef_, model.intercept_
    if len(present) == 2:  # scikit-learn keeps one row for two classes
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return DimensionMap(
        dimensions,
        tuple(TAXONOMY[code] for code in present.tolist()),
        tuple(mean.tolist()),
        tuple(scale.tolist()),
        tuple(tuple(row) for row in weights.tolist()),
        tuple(bias.tolist()),
    )


def out_of_fold(outputs: Floats, truth: Ints, source: Ints, dimensions: tuple[str, ...]) -> Floats | None:
    """What maps fitted without a segment's own source say of it: posterior (n, 7); None with one source only.

    Args:
        outputs, truth, dimensions: As for `fit`.
        source: Which source each segment is from, shape (n,): none is in two folds.
    """
    sources = len(np.unique(source))
    if sources < 2:
        return None
    found = np.full((len(truth), len(TAXONOMY)), np.nan)
    for train, test in GroupKFold(min(sources, MOST_FOLDS)).split(outputs, truth, source):
        if len(np.unique(truth[train])) >= 2:
            found[test] = fit(outputs[train], truth[train], dimensions).posterior(outputs[test])
    return found
