"""Rules that make one posterior of audio and text, as fitted on some labelled segments: what choice.py compares.

Owns the rules: a posterior as it is, a pool whose weight is chosen, and a fitted stacker. How well a rule does is
never judged by the segments it was fitted on; choice.py sees to that. How posteriors are pooled is in decision.py.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from actors.contract import TAXONOMY
from tasks.numerics.gains import Answers
from tasks.numerics.grid import DEFAULTS, Grid, GridAnswers
from tasks.numerics.selection import choose
from tasks.numerics.tallies import Objective

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Rule = Callable[[Bools], Floats]
"""From the segments that may be learned from, (n,), to the posterior of all segments, (n, 7); NaN where undecided."""

WEIGHTS = tuple(round(0.1 * step, 1) for step in range(11))
"""Audio weights that a pool may choose among."""

STRENGTH = 1.0
"""Weight of the labels against the penalty Σ coefficient² / 2 of the stacker (scikit-learn's C)."""

_LEAST = 1e-3
"""Least probability that the stacker sees: a sure mistake is not to outweigh all the rest."""

_K = len(TAXONOMY)


def fixed(posterior: Floats) -> Rule:
    """A posterior as it is, (n, 7): nothing is learned."""
    return lambda _rows: posterior


def pooled_by(
    truth: Ints, pool: Callable[[float], Floats], objective: Objective, *, weights: Sequence[float] = WEIGHTS
) -> Rule:
    """A pool of audio and text with the audio weight that is best on the segments to learn from.

    Args:
        truth: (n,).
        pool: From an audio weight to the pooled posterior, (n, 7): `fuse` or `log_linear` of decision.py.
        objective: What the best is the best of; ties go to the weight nearest to the default.
        weights: To choose among.
    """
    posteriors = [pool(each) for each in weights]
    each_answers = [answers_to(truth, posterior) for posterior in posteriors]
    answers = GridAnswers(
        np.array([each.prediction for each in each_answers], dtype=np.int8),
        np.array([each.p_truth for each in each_answers], dtype=np.float32),
    )
    grid = Grid({"audio_weight": tuple(weights)})
    place = int(np.argmin(np.abs(np.array(weights) - DEFAULTS["audio_weight"])))
    nearest = GridAnswers(answers.prediction[place, None], answers.p_truth[place, None])

    def rule(rows: Bools) -> Floats:
        if not rows.any():
            return posteriors[place]
        best = choose(truth, answers, nearest, grid, rows.astype(np.int64), np.array([[0.0, 1.0]]), objective)
        return posteriors[int(best.points[0])]

    return rule


def stacked(truth: Ints, audio: Floats, text: Floats, *, strength: float = STRENGTH) -> Rule:
    """Multinomial logistic regression on both logarithms, with an L2 penalty; the audio alone where there is no text.

    Deterministic. An emotion that is not among the labels to learn from is not impossible: each has one more segment's
    worth of probability than it was seen with.

    Args:
        truth: (n,).
        audio, text: Posteriors, (n, 7), rows of NaN where there is none.
        strength: See `STRENGTH`.
    """
    both = ~np.isnan(np.column_stack([audio, text])).any(axis=1)
    features = np.zeros((len(truth), 2 * _K))
    features[both] = np.log(np.maximum(np.column_stack([audio, text])[both], _LEAST))

    def rule(rows: Bools) -> Floats:
        learned = rows & both
        made = np.array(audio, dtype=np.float64)
        if learned.any():
            made[both] = _fitted(features[learned], truth[learned], features[both], strength)
        return made

    return rule


def answers_to(truth: Ints, posterior: Floats) -> Answers:
    """What a posterior, (n, 7), answers to n segments: its largest, the first of equals; −1 where it is NaN."""
    undecided = np.isnan(posterior).any(axis=1)
    best = np.where(undecided, -1, np.argmax(posterior, axis=1))
    return Answers(best, np.where(undecided, np.nan, posterior[np.arange(len(truth)), truth]))


def _fitted(features: Floats, truth: Ints, wanted: Floats, strength: float) -> Floats:
    """Posterior of the `wanted` rows, (m, 7), learned from n rows of features and their truth."""
    seen = np.unique(truth)
    made = np.zeros((len(wanted), _K))
    if len(seen) == 1:
        made[:, seen] = 1.0
    else:
        centre, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
        model = LogisticRegression(C=strength, max_iter=2000).fit((features - centre) / spread, truth)
        made[:, seen] = model.predict_proba((wanted - centre) / spread)
    return np.asarray((made * len(truth) + 1) / (len(truth) + _K))
