"""How much better the best point of a grid looks by luck alone.

Owns the null: what the best gain over the default would be if no point were truly better than the default.

Each draw gives every source (or block of time) a random weight, scores all points and the default on the weighted
segments, and takes from each point's gain the gain that it has on the segments as they are. What is left is noise of
the size and the correlation between points that these labels have; the largest of it is what luck offers. That is
White's (2000) reality check, with the weights of the Bayesian bootstrap (Rubin 1981), under which no class ever
disappears. Points that are surely worse keep their loss, as in Hansen's (2005) test of superior predictive ability:
they win nothing by luck.

The share of draws that are as good as what was observed is a rough p: where no point is better it is below .05 in 0 to
2 % of simulated sets of 100 or 500 segments from 12 sources, and in up to 10 % of those of 31
(benchmarks/tuning-simulation.json). The verdict does not rest on it.

Not used: shuffled truth. Parameters do matter there: whatever leans to the largest class gains accuracy, and macro F1
grows with every emotion that is named at all.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.numerics.grid import GridAnswers
from tasks.numerics.tallies import Objective, Tallies, score, tallies_by_block, tally

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DRAWS = 400
_FEWEST_DRAWS = 100
_MOST_SCORES = 40_000_000
_SCORES_AT_ONCE = 200_000


@dataclass(frozen=True)
class Luck:
    """The best gain over the default where no point has any.

    Attributes:
        points: How many points were tried, and `distinct`: how many of them answer differently from each other.
        gains: The best gain of each draw, in order of size.
        mean, high: Their mean and their 95 % quantile; None where nothing could be drawn, and `reason` says why.
        observed: The best gain on the segments as they are.
        share_as_good: Share of the draws that are as good as that: a p, for the grid as a whole.
    """

    points: int
    distinct: int
    gains: tuple[float, ...]
    mean: float | None
    high: float | None
    observed: float | None
    share_as_good: float | None
    reason: str | None = None


def luck(
    truth: Ints,
    answers: GridAnswers,
    default: GridAnswers,
    unit: Ints,
    objective: Objective,
    *,
    seed: int,
    draws: int = DRAWS,
) -> Luck:
    """The distribution of the best gain by luck.

    Args:
        truth: (n,), indices into the taxonomy.
        answers: Of all points of the grid.
        default: Of the default, one point.
        unit: Groups of segments that are weighted together, (n,), 0 … u − 1.
        objective: What the best is the best of.
        seed: Of the weights.
        draws: Number of draws; fewer, but at least 100 of them, where there are more than 100,000 distinct points.
    """
    points, units = len(answers.prediction), int(unit.max(initial=-1)) + 1
    kept = _distinct(answers, objective)
    draws = min(draws, max(_FEWEST_DRAWS, _MOST_SCORES // len(kept)))
    if units < 2:
        return _none(points, len(kept), "there is nothing to resample")
    weights = np.random.default_rng(seed).exponential(size=(draws, units))
    weights = np.vstack([np.ones(units), weights * units / weights.sum(axis=1, keepdims=True)])
    of_default = tally(truth, default, unit, units)
    base = score(objective, of_default.mixed(weights))
    # Such weights vary (u − 1) / (u + 1) times as much as segments of new sources would.
    wider = np.sqrt((units + 1) / (units - 1))
    best, observed = np.full(draws, -np.inf), -np.inf
    few = answers if len(kept) == points else GridAnswers(answers.prediction[kept], answers.p_truth[kept])
    for _, block in tallies_by_block(truth, few, unit, units):
        block = block.of(_allowed(block, of_default, objective))
        if not block.loss.size:
            continue
        actual = score(objective, block.mixed(weights[:1])) - base[:1]
        observed = max(observed, float(actual.max()))
        drawn = _scores(objective, block, weights[1:]) - base[1:]
        noise = (drawn - actual) * wider
        worse = actual < -noise.std(axis=0) * np.sqrt(2 * np.log(np.log(max(len(truth), 3))))
        best = np.maximum(best, (noise + np.where(worse, actual, 0.0)).max(axis=1))
    if not np.isfinite(best).all():
        return _none(points, len(kept), "every point leaves more segments undecided than the default")
    best = np.sort(best)
    return Luck(
        points=points,
        distinct=len(kept),
        gains=tuple(best.tolist()),
        mean=float(best.mean()),
        high=float(np.quantile(best, 0.95)),
        observed=observed,
        share_as_good=float((1 + (best >= observed).sum()) / (draws + 1)),
    )


def _none(points: int, distinct: int, reason: str) -> Luck:
    return Luck(points, distinct, (), None, None, None, None, reason)


def _allowed(block: Tallies, default: Tallies, objective: Objective) -> Ints:
    """Points of a block that may win, as in selection.py: none wins a cross-entropy by leaving segments undecided."""
    decided = block.decided.sum(axis=0)
    if objective != "cross_entropy":
        return np.arange(len(decided))
    return np.flatnonzero((decided > 0) & (decided >= default.decided.sum()))


def _distinct(answers: GridAnswers, objective: Objective) -> Ints:
    """One point of each kind of answers; probabilities tell all points apart for the cross-entropy."""
    if objective == "cross_entropy":
        return np.arange(len(answers.prediction))
    # A random linear code modulo 2⁶⁴: two different rows share it with a chance of about 2⁻⁶¹.
    points, n = answers.prediction.shape
    factors = np.random.default_rng(0).integers(1, 2**63 - 1, (n,))
    codes = np.zeros(points, dtype=np.int64)
    for place in range(n):
        codes += answers.prediction[:, place] * factors[place]
    return np.sort(np.unique(codes, return_index=True)[1])


def _scores(objective: Objective, block: Tallies, weights: Floats) -> Floats:
    """Scores of a block under all weights, (draws, points); some at a time, so that memory stays small."""
    size = max(1, _SCORES_AT_ONCE // block.loss.shape[1])
    parts = [score(objective, block.mixed(weights[start : start + size])) for start in range(0, len(weights), size)]
    return np.concatenate(parts)
