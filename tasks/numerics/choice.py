"""Which of several ways to decide is best, and whether it is really better than a baseline: does text help here?

Owns the nested protocol over rules (fusing.py): every rule answers for each source as fitted on the others; which
rule to take is chosen, too, without the source it answers for. Searches over grids of one rule's parameters are in
nested.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.numerics.folds import INNER, Folds, make_folds
from tasks.numerics.fusing import Rule, answers_to, fixed
from tasks.numerics.gains import Answers, Gain, Judgement, gains, judge
from tasks.numerics.nested import Scores, scores_of
from tasks.numerics.tallies import Objective

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Candidate:
    """One rule, by its held-out answers.

    Attributes:
        scores: Every objective.
        gains: Over the baseline, each with its own interval: for one comparison that was planned, not for the best of
            many, which is what `Choice.gains` is for. The baseline has none over itself.
    """

    name: str
    scores: Scores
    gains: Mapping[Objective, Gain]


@dataclass(frozen=True)
class Choice:
    """What choosing among rules is worth.

    Attributes:
        chosen: The rule that is best by its held-out answers to all segments.
        chosen_in_folds: The rule that answered for each fold, chosen without it.
        nested: Scores of these answers; `gains`: theirs over the baseline.
        judgement: What follows; its default is the baseline.
        held_out: The answers.
    """

    objective: Objective
    baseline: str
    candidates: tuple[Candidate, ...]
    chosen: str
    chosen_in_folds: tuple[str, ...]
    nested: Scores
    gains: Mapping[Objective, Gain]
    judgement: Judgement
    folds: int
    single_source: bool
    held_out: Answers


def nested_choice(
    candidates: Mapping[str, Rule | Floats],
    truth: Ints,
    source: npt.ArrayLike,
    start_s: Floats,
    objective: Objective = "macro_f1_present",
    *,
    baseline: str,
    seed: int,
) -> Choice:
    """Choose among rules, and say what the choice is worth.

    Args:
        candidates: Rules by name, or posteriors (n, 7) that learned nothing from these labels or only out of fold.
        truth: (n,), indices into the taxonomy.
        source, start_s: As in `Evidence`.
        objective: What the best is the best of; equals go to the baseline, then to the earlier.
        baseline: Name of what gains are gains over, such as the audio alone.
        seed: Of the folds, where there are more than 20 sources.

    Raises:
        ValueError: There are no segments, or no candidate has the baseline's name.
    """
    if baseline not in candidates:
        raise ValueError(f"no candidate {baseline!r} to be the baseline; there are {', '.join(candidates)}")
    if not len(truth):
        raise ValueError("no labelled segments: there is nothing to choose by")
    names = [baseline, *(name for name in candidates if name != baseline)]
    rules = {name: _rule(candidates[name]) for name in names}
    folds = make_folds(source, start_s, seed=seed, detail=_details(truth, candidates))
    everything = np.ones(len(truth), dtype=np.bool_)
    by_rule = {name: _held_out(truth, rule, folds.fold, everything) for name, rule in rules.items()}
    chosen = _best(truth, by_rule, everything, objective)
    in_folds = [
        _chosen_without(truth, rules, folds.fold, fold, objective) if folds.count > 1 else baseline
        for fold in range(folds.count)
    ]
    pooled = _pooled(by_rule, in_folds, folds)
    base = by_rule[baseline]
    made = gains(truth, base, pooled, folds.sources)
    return Choice(
        objective=objective,
        baseline=baseline,
        candidates=tuple(
            Candidate(name, scores_of(truth, each), {} if name == baseline else gains(truth, base, each, folds.sources))
            for name, each in by_rule.items()
        ),
        chosen=chosen,
        chosen_in_folds=tuple(in_folds),
        nested=scores_of(truth, pooled),
        gains=made,
        judgement=judge(made, objective, folds.sources, default_is_best=chosen == baseline, default=baseline),
        folds=folds.count,
        single_source=folds.single_source,
        held_out=pooled,
    )


def _rule(candidate: Rule | Floats) -> Rule:
    return fixed(candidate) if isinstance(candidate, np.ndarray) else candidate


def _details(truth: Ints, candidates: Mapping[str, Rule | Floats]) -> Floats:
    """What tells sources apart besides their times: the truth, and the posteriors that are given."""
    given = [np.nan_to_num(each) for each in candidates.values() if isinstance(each, np.ndarray)]
    return np.column_stack([truth, *given]).astype(np.float64)


def _held_out(truth: Ints, rule: Rule, group: Ints, rows: Bools) -> Answers:
    """What a rule answers to `rows`, each group of them by what the other groups of them teach; −1 elsewhere."""
    prediction, p_truth = np.full(len(truth), -1, dtype=np.int64), np.full(len(truth), np.nan)
    for each in np.unique(group[rows]):
        held = rows & (group == each)
        made = answers_to(truth, rule(rows & ~held))
        prediction[held], p_truth[held] = made.prediction[held], made.p_truth[held]
    return Answers(prediction, p_truth)


def _chosen_without(truth: Ints, rules: Mapping[str, Rule], fold: Ints, left_out: int, objective: Objective) -> str:
    """The best rule by its answers to the other folds, held out among themselves."""
    rows = fold != left_out
    _, rank = np.unique(fold[rows], return_inverse=True)
    inner = np.zeros_like(fold)
    inner[rows] = rank % INNER
    return _best(truth, {name: _held_out(truth, rule, inner, rows) for name, rule in rules.items()}, rows, objective)


def _best(truth: Ints, by_rule: Mapping[str, Answers], rows: Bools, objective: Objective) -> str:
    """The name of the best answers to `rows`; the first of equals.

    The cross-entropy leaves undecided segments out: none that has more of them than the first wins by not answering.
    """
    sign = -1.0 if objective == "cross_entropy" else 1.0
    values, most = {}, _undecided(next(iter(by_rule.values())), rows)
    for name, each in by_rule.items():
        value = scores_of(truth[rows], Answers(each.prediction[rows], each.p_truth[rows]))[objective]
        silent = objective == "cross_entropy" and _undecided(each, rows) > most
        values[name] = -np.inf if value is None or silent else round(sign * value, 12)
    return max(values, key=values.__getitem__)


def _undecided(answers: Answers, rows: Bools) -> int:
    return int((answers.prediction[rows] < 0).sum())


def _pooled(by_rule: Mapping[str, Answers], in_folds: list[str], folds: Folds) -> Answers:
    prediction, p_truth = np.full(len(folds.fold), -1, dtype=np.int64), np.full(len(folds.fold), np.nan)
    for fold, name in enumerate(in_folds):
        held = folds.fold == fold
        prediction[held], p_truth[held] = by_rule[name].prediction[held], by_rule[name].p_truth[held]
    return Answers(prediction, p_truth)
