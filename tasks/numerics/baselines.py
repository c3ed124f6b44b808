"""What a model must beat: always the commonest emotion, and guessing with the labels' own shares.

Both are told the shares of the very labels they are measured on, so they are a little better than any real guess.
"""

from dataclasses import replace

import numpy as np
from scipy.stats import binom

from actors.contract import TAXONOMY
from tasks.numerics.metrics import (
    ClassMetrics,
    Floats,
    Ints,
    Metrics,
    PosteriorMetrics,
    confusion,
    from_confusion,
    measure,
)

_CAN_SAY_ALL = np.ones(len(TAXONOMY), dtype=np.bool_)


def majority(truth: Ints) -> Metrics:
    """A model that always says the commonest emotion of `truth`, shape (n,); ties go to the lower index. Exact."""
    commonest = int(np.bincount(np.asarray(truth, dtype=np.int64), minlength=1).argmax())
    says = np.arange(len(TAXONOMY)) == commonest
    return measure(truth, np.full(len(truth), commonest), can_say=says)


def label_prior(truth: Ints) -> Metrics:
    """A model that draws each prediction from the shares q of the labels, and has q as its posterior.

    All figures are expectations over the draws, and exact; nothing is simulated. Accuracy Σ q², recall and precision
    q (precision: given that the emotion is predicted at all), cross-entropy the entropy of q, Brier 1 - Σ q². F1 is
    2·hits/(support + predicted); given P predictions the hits have mean P·support/n (hypergeometric), so its
    expectation is a sum over P, which is binomial. `confusion` holds expected counts, n · q qᵀ.

    Args:
        truth: Shape (n,).
    """
    support = confusion(truth, truth)[:, :-1].diagonal()
    n = len(truth)
    q = support / max(n, 1)
    expected = from_confusion(
        np.column_stack([n * np.outer(q, q), np.zeros(len(q))]), n=n, scored=_posterior(q, n), can_say=_CAN_SAY_ALL
    )
    return expected if n == 0 else _with_f1(expected, np.array([_expected_f1(each, n) for each in support]), q)


def _posterior(q: Floats, n: int) -> PosteriorMetrics | None:
    if n == 0:
        return None
    entropy = 0.0 - (q[q > 0] * np.log(q[q > 0])).sum()
    return PosteriorMetrics(float(entropy), float(1 - (q**2).sum()), float(n), 0)


def _expected_f1(support: float, n: int) -> float:
    if support == 0:
        return 0.0
    predicted = np.arange(n + 1)
    chances = binom.pmf(predicted, n, support / n)
    return float((chances * 2 * predicted * (support / n) / (support + predicted)).sum())


def _with_f1(metrics: Metrics, f1: Floats, q: Floats) -> Metrics:
    classes = {
        emotion: ClassMetrics(each.precision, each.recall, float(f1[index]) if q[index] > 0 else None, each.support)
        for index, (emotion, each) in enumerate(metrics.classes.items())
    }
    return replace(metrics, classes=classes, macro_f1=float(f1.mean()), macro_f1_present=float(f1[q > 0].mean()))
