"""Decision parameters for each language: its own, those that all share, or something in between.

Owns the choice among the three and what it is worth, held out by source. Few labels choose badly: a language takes
its own point, or the one in between, only where that does better on sources that had no part in choosing it. Searches
themselves are nested.py's and selection.py's part.

- common: the best point on the labels of all languages.
- own: the best on the labels of this language alone.
- between: halfway, parameter by parameter, at the nearest value that was tried; of two as near, the one nearer to the
  common point. Factors are halved as logarithms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from tasks.numerics import search
from tasks.numerics.folds import INNER, Folds, make_folds
from tasks.numerics.found import Points, Tabled, Walked
from tasks.numerics.gains import Answers, Gain, Judgement, gains, judge
from tasks.numerics.grid import DEFAULTS, Evidence, Grid, GridAnswers
from tasks.numerics.nested import Scores, answers_of, same_answers, scores_of
from tasks.numerics.objectives import distances, settled
from tasks.numerics.sources import FEW_SOURCES, group
from tasks.numerics.tallies import Objective, score, tally

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Kind = Literal["common", "between", "own"]
KINDS: Final[tuple[Kind, ...]] = ("common", "between", "own")
"""In the order in which equals are preferred."""


@dataclass(frozen=True)
class LanguageChoice:
    """What one language should use.

    Attributes:
        n, sources: Its labelled segments, and the sources they are from.
        kind: Which of the three; always `common` with fewer than five sources.
        chosen: The point, and its `params`.
        scores: Held-out scores of each of the three on this language's segments.
        nested: Held-out scores where the kind, too, was chosen without the source that it answers for.
        gains: Of these over the default; `over_common`: over the common parameters, held out likewise.
        judgement: Whether to change from the default.
        held_out: The answers to this language's segments, (n,), in their order.
    """

    language: str
    n: int
    sources: int
    kind: Kind
    chosen: int
    params: Mapping[str, float]
    scores: Mapping[Kind, Scores]
    nested: Scores
    gains: Mapping[Objective, Gain]
    over_common: Mapping[Objective, Gain]
    judgement: Judgement
    held_out: Answers


def by_language(
    answers: GridAnswers | None,
    grid: Grid,
    evidence: Evidence,
    languages: Sequence[str],
    objective: Objective = "macro_f1_present",
    *,
    seed: int,
    near: Mapping[str, float] = DEFAULTS,
) -> tuple[LanguageChoice, ...]:
    """Choose for each language, in alphabetical order.

    Args:
        answers, grid, evidence, objective, seed, near: As for `nested`.
        languages: Of each segment, (n,).
    """
    if len(languages) != len(evidence.truth):
        raise ValueError(f"{len(evidence.truth)} segments, but {len(languages)} languages; give one a segment")
    folds = make_folds(evidence.source, evidence.start_s, seed=seed, detail=np.nan_to_num(evidence.logits))
    default = search.answers(evidence, Grid({name: (value,) for name, value in near.items()}))
    names, language = np.unique(np.asarray(languages, dtype=str), return_inverse=True)
    cells = language * folds.count + folds.fold
    if answers is None:
        points: Points = Walked(evidence, grid, cells, len(names) * folds.count, objective, near, seed=seed)
    else:
        points = Tabled(answers, default, grid, evidence.truth, cells, objective, near)
    task = _Search(points, default, grid, evidence.truth, language, len(names), folds, objective)
    return tuple(_of_language(task, place, str(name), evidence) for place, name in enumerate(names))


@dataclass(frozen=True, eq=False)
class _Search:
    """What all languages share; `language` is a code for each segment, (n,), of `count`."""

    found: Points
    default: GridAnswers
    grid: Grid
    truth: Ints
    language: Ints
    count: int
    folds: Folds
    objective: Objective

    def points(self, left_out: Floats, place: int) -> dict[Kind, Ints]:
        """The three points of a language, each (sets,), by which folds are left out: (sets, folds) of 0 and 1."""
        everyone = np.tile(1.0 - left_out, (1, self.count))
        own = np.zeros_like(everyone)
        part = slice(place * self.folds.count, (place + 1) * self.folds.count)
        own[:, part] = everyone[:, part]
        best = self.found.best(np.vstack([everyone, own]))
        common, alone = best[: len(left_out)], best[len(left_out) :]
        between = np.array([_between(self.grid, a, b) for a, b in zip(common, alone, strict=True)], dtype=np.int64)
        return {"common": common, "between": between, "own": alone}


def _of_language(task: _Search, place: int, name: str, evidence: Evidence) -> LanguageChoice:
    rows = task.language == place
    truth, sources = evidence.truth[rows], group(evidence.source[rows])
    held_out, final = _held_out(task, place, rows), task.points(np.zeros((1, task.folds.count)), place)
    few = sources.count < FEW_SOURCES
    kind: Kind = "common" if few else _best(truth, held_out, task.objective)
    pooled = held_out["common"] if few else _nested(task, place, rows)
    chosen, base = int(final[kind][0]), _taken(answers_of(task.default, 0), rows)
    unchanged = same_answers(base, _at(task, final[kind], rows), task.objective)
    made = gains(truth, base, pooled, sources)
    return LanguageChoice(
        language=name,
        n=len(truth),
        sources=sources.count,
        kind=kind,
        chosen=chosen,
        params=task.grid.point(chosen),
        scores={each: scores_of(truth, held_out[each]) for each in KINDS},
        nested=scores_of(truth, pooled),
        gains=made,
        over_common=gains(truth, held_out["common"], pooled, sources),
        judgement=judge(made, task.objective, sources, default_is_best=unchanged),
        held_out=pooled,
    )


def _held_out(task: _Search, place: int, rows: Bools) -> dict[Kind, Answers]:
    """What each of the three answers to the language's segments, (m,), chosen without their fold."""
    points = task.points(np.eye(task.folds.count), place)
    fold = task.folds.fold[rows]
    return {kind: _at(task, points[kind][fold], rows) for kind in KINDS}


def _nested(task: _Search, place: int, rows: Bools) -> Answers:
    """The same where the kind is chosen among the other folds, too, a fifth of them held out at a time."""
    count, fold = task.folds.count, task.folds.fold[rows]
    points, truth = task.points(np.eye(count), place), task.truth[rows]
    taken = np.zeros(len(fold), dtype=np.int64)
    inner = np.arange(count) % INNER
    for outer in np.unique(fold):
        left_out = np.maximum(np.eye(INNER)[:, inner], np.eye(count)[outer])
        within = task.points(left_out, place)
        others = fold != outer
        kept = np.flatnonzero(rows)[others]
        tried = {kind: _at(task, within[kind][inner[fold[others]]], kept) for kind in KINDS}
        taken[~others] = points[_best(truth[others], tried, task.objective)][outer]
    return _at(task, taken, rows)


def _best(truth: Ints, tried: Mapping[Kind, Answers], objective: Objective) -> Kind:
    """The kind of the best answers; of equals, the one that is more common."""
    values = {}
    for kind, each in tried.items():
        one = GridAnswers(np.asarray(each.prediction, np.int8)[None], np.asarray(each.p_truth, np.float32)[None])
        counts = tally(truth, one, np.zeros(len(truth), dtype=np.int64), 1)
        values[kind] = float(settled(score(objective, counts))[0, 0])
    return max(KINDS, key=values.__getitem__)


def _between(grid: Grid, common: int, own: int) -> int:
    """The point halfway between two, parameter by parameter."""
    index, first, second = 0, grid.point(common), grid.point(own)
    for name, values in grid.values.items():
        away = [
            (round(max(_step(name, value, first[name]), _step(name, value, second[name])), 12), place)
            for place, value in enumerate(values)
        ]
        least = min(away)[0]
        near = [place for far, place in away if far == least]
        index = index * len(values) + min(near, key=lambda place: _step(name, values[place], first[name]))
    return index


def _step(name: str, value: float, other: float) -> float:
    return float(distances({name: np.array([value])}, {name: other})[0])


def _at(task: _Search, points: Ints, rows: Bools | Ints) -> Answers:
    """What each of m points answers to its own of m segments; one point, to all of them."""
    columns, (distinct, place) = np.arange(len(task.truth))[rows], np.unique(points, return_inverse=True)
    made = task.found.answers(distinct)
    return Answers(made.prediction[place, columns], made.p_truth[place, columns])


def _taken(answers: Answers, rows: Bools) -> Answers:
    return Answers(answers.prediction[rows], answers.p_truth[rows])
