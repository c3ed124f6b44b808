"""What a search over decision parameters is really worth: nested cross-validation by source.

Owns the protocol. Each source is held out in turn; the point that is best on the others answers for it; the held-out
answers are pooled and scored once. How points are found, in all of a grid or along its parameters, is in found.py;
folds are made in folds.py, the gain is judged in gains.py, luck imitated in luck.py.

The score of the best point on the very segments it was chosen on (`apparent`) is too good: the difference from the
nested score is the optimism of the search.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.numerics import search
from tasks.numerics.folds import Folds, make_folds
from tasks.numerics.found import Points, Tabled, Walked
from tasks.numerics.gains import Answers, Gain, Judgement, gains, judge
from tasks.numerics.grid import DEFAULTS, Evidence, Grid, GridAnswers
from tasks.numerics.luck import DRAWS, Luck, luck
from tasks.numerics.surface import PairResponse, Response
from tasks.numerics.tallies import OBJECTIVES, Objective, score, tally

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Scores = Mapping[Objective, float | None]
"""Every objective of one set of answers, as reports print it (the cross-entropy in nats); None without segments."""


@dataclass(frozen=True)
class Nested:
    """What a search found, and what it is worth.

    Attributes:
        objective: What was searched for; `points`: among how many; `exhaustive`: whether these are all of the grid.
        folds: Their number; `sources`: that of the sources; `single_source`: folds are blocks of one source's time.
        chosen: The best point on all segments, and its `params`.
        chosen_in_folds: The best point without each fold; `stability`: share of the folds that chose `chosen`.
        default, apparent, nested: Scores of the default, of `chosen` on the segments it was chosen on, and of the
            pooled held-out answers.
        optimism: Apparent less nested score of the objective, positive where the search flatters itself (of the
            cross-entropy, nested less apparent).
        gains: Held-out gain over the default, of every objective.
        judgement: What follows.
        luck: The best gain that luck alone offers, at least, where not all points were tried.
        responses, pair: How the objective answers to each parameter, and to the two that matter most. Where not all
            points were tried, the first tell the best that was found, and the other keeps all else as it was chosen.
        held_out: The pooled answers.
    """

    objective: Objective
    points: int
    exhaustive: bool
    folds: int
    sources: int
    single_source: bool
    chosen: int
    params: Mapping[str, float]
    chosen_in_folds: tuple[int, ...]
    stability: float
    default: Scores
    apparent: Scores
    nested: Scores
    optimism: float | None
    gains: Mapping[Objective, Gain]
    judgement: Judgement
    luck: Luck
    responses: tuple[Response, ...]
    pair: PairResponse | None
    held_out: Answers


def nested(
    answers: GridAnswers | None,
    grid: Grid,
    evidence: Evidence,
    objective: Objective = "macro_f1_present",
    *,
    seed: int,
    near: Mapping[str, float] = DEFAULTS,
    draws: int = DRAWS,
) -> Nested:
    """Search, and say what the search is worth.

    Args:
        answers: Of every point of the grid to the n segments; None where they are too many: then each set of segments
            is searched along one parameter after another (climbing.py).
        grid: The points.
        evidence: The segments; their truth, source and time.
        objective: What the best is the best of.
        seed: Of the folds (with more than 20 sources), of the imitated luck, and of where walks begin.
        near: The default, all parameters: what a gain is a gain over, and ties are broken towards.
        draws: Number of draws of luck.

    Raises:
        ValueError: There are no segments, or the answers are of other ones or of other points.
    """
    _check(answers, grid, evidence)
    default = search.answers(evidence, Grid({name: (value,) for name, value in near.items()}))
    detail = np.nan_to_num(np.column_stack([evidence.truth, evidence.logits]))
    folds = make_folds(evidence.source, evidence.start_s, seed=seed, detail=detail)
    training = np.vstack([1.0 - np.eye(folds.count), np.ones(folds.count)])
    if answers is None:
        points: Points = Walked(evidence, grid, folds.fold, folds.count, objective, near, seed=seed)
    else:
        points = Tabled(answers, default, grid, evidence.truth, folds.fold, objective, near)
    best = points.best(training)
    told, chosen, in_folds = points.told(training[-1], best[:-1]), int(best[-1]), best[:-1]
    of_best = points.answers(best)
    base, apparent = answers_of(default, 0), answers_of(of_best, -1)
    held_out = pooled(of_best, default, folds)
    made = gains(evidence.truth, base, held_out, folds.sources)
    scores = [scores_of(evidence.truth, each) for each in (base, apparent, held_out)]
    sign = -1.0 if objective == "cross_entropy" else 1.0
    return Nested(
        objective=objective,
        points=told.count,
        exhaustive=told.exhaustive,
        folds=folds.count,
        sources=folds.sources.count,
        single_source=folds.single_source,
        chosen=chosen,
        params=grid.point(chosen),
        chosen_in_folds=tuple(in_folds.tolist()),
        stability=float((in_folds == chosen).mean()),
        default=scores[0],
        apparent=scores[1],
        nested=scores[2],
        optimism=_less(scores[1][objective], scores[2][objective], sign),
        gains=made,
        judgement=judge(made, objective, folds.sources, default_is_best=same_answers(base, apparent, objective)),
        luck=luck(evidence.truth, told.tried, default, folds.unit, objective, seed=seed, draws=draws),
        responses=told.responses,
        pair=told.pair,
        held_out=held_out,
    )


def answers_of(answers: GridAnswers, point: int) -> Answers:
    """What one point answers."""
    return Answers(answers.prediction[point], answers.p_truth[point])


def pooled(answers: GridAnswers, default: GridAnswers, folds: Folds) -> Answers:
    """Of each segment, what the point that was chosen without its fold answers; the default, if nothing was left.

    Args:
        answers: Of the points that were chosen, one a fold.
        default: Of the default, one point.
        folds: Fold of each segment.
    """
    if folds.count < 2:
        return answers_of(default, 0)
    column = np.arange(len(folds.fold))
    return Answers(answers.prediction[folds.fold, column], answers.p_truth[folds.fold, column])


def scores_of(truth: Ints, given: Answers) -> Scores:
    """Every objective of one set of answers."""
    one = GridAnswers(np.asarray(given.prediction, np.int8)[None], np.asarray(given.p_truth, np.float32)[None])
    counts = tally(truth, one, np.zeros(len(truth), dtype=np.int64), 1)
    made = {each: float(score(each, counts)[0, 0]) for each in OBJECTIVES}
    made["cross_entropy"] = 0.0 - made["cross_entropy"]
    return {name: None if np.isnan(value) else value for name, value in made.items()}


def same_answers(first: Answers, second: Answers, objective: Objective) -> bool:
    """Whether two sets of answers are one as far as an objective can see."""
    if objective == "cross_entropy":
        return bool(np.array_equal(first.p_truth, second.p_truth, equal_nan=True))
    return bool(np.array_equal(first.prediction, second.prediction))


def _check(answers: GridAnswers | None, grid: Grid, evidence: Evidence) -> None:
    if not len(evidence.truth):
        raise ValueError("no labelled segments: there is nothing to search on")
    if answers is None:
        return
    wanted = (len(grid), len(evidence.truth))
    for name, each in (("prediction", answers.prediction), ("p_truth", answers.p_truth)):
        if each.shape != wanted:
            raise ValueError(f"{name} has shape {each.shape}, not {wanted}: give the answers of this grid and evidence")


def _less(apparent: float | None, held_out: float | None, sign: float) -> float | None:
    return None if apparent is None or held_out is None else sign * (apparent - held_out)
