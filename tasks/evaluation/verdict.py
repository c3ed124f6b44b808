"""What an evaluation comes to, in a sentence or two: only what the set can bear. The words are tasks/report's.

Order of importance: candidates that say nothing, then whether the best beats the commonest label, then whether the best
can be told from the next, then what the set is too small for.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from actors.contract import TAXONOMY
from tasks.evaluation.answers import IN_SAMPLE, Answers
from tasks.evaluation.gather import Segments
from tasks.evaluation.result import Comparison, Rank
from tasks.evaluation.result_model import ModelResult
from tasks.numerics.alarms import CONSTANT, NEAR_UNIFORM, ONE_CLASS
from tasks.numerics.comparison import ALPHA, compare
from tasks.numerics.significance import holm
from tasks.numerics.sources import FEW_SOURCES, group
from tasks.report.words import Text, percent, shortened, visible, words

_SUSPICIOUS = (NEAR_UNIFORM, CONSTANT, ONE_CLASS)
_NAMES = 4


def verdict(
    segments: Segments,
    answers: Sequence[Answers],
    models: Sequence[ModelResult],
    pairs: Sequence[Comparison],
    ranks: Sequence[Rank],
) -> Text:
    """The verdict, the gravest first."""
    if not answers:
        return words("said_nobody", n=len(models))
    sentences = [*_suspicions(answers), _best(segments, answers, models, pairs, ranks)]
    return _joined(sentences)


def notes(segments: Segments, models: Sequence[ModelResult]) -> list[Text]:
    """What else must be known before anything is concluded."""
    dataset, said = segments.dataset, []
    if dataset.sources < FEW_SOURCES:
        said.append(words("said_few_sources", n=dataset.sources))
    absent = len(TAXONOMY) - len(dataset.counts)
    if absent:
        said.append(words("said_absent", n=absent))
    if dataset.unheard:
        said.append(words("said_unheard", n=dataset.unheard))
    if dataset.rejected:
        said.append(words("said_rejected", n=dataset.rejected))
    missing = [each.model for each in models if each.status != "ok"]
    if missing:
        said.append(words("said_missing", n=len(missing), names=_named(missing)))
    return said


def _suspicions(answers: Sequence[Answers]) -> list[Text]:
    by_alarm = {alarm: [each.name for each in answers if alarm in each.flags] for alarm in _SUSPICIOUS}
    told: list[Text] = []
    said: set[str] = set()
    for alarm, names in by_alarm.items():
        fresh = [name for name in names if name not in said]
        if fresh:
            told.append(words(f"said_{alarm}", names=_named(fresh)))
            said.update(fresh)
    flattered = [each.name for each in answers if IN_SAMPLE in each.flags]
    told += [words("said_in_sample", names=_named(flattered))] if flattered else []
    leaning = [each.name for each in answers if f"audio_{NEAR_UNIFORM}" in each.flags]
    return [*told, words("said_leaning", names=_named(leaning))] if leaning else told


def _best(
    segments: Segments,
    answers: Sequence[Answers],
    models: Sequence[ModelResult],
    pairs: Sequence[Comparison],
    ranks: Sequence[Rank],
) -> Text:
    top = max(answers, key=lambda each: float((each.prediction == segments.truth).mean()))
    result = next(each for each in models if each.model == top.name)
    figures = {"best": _named([top.name]), "accuracy": percent(result.accuracy), "range": _range(result)}
    sentences = [words(f"said_{_against_majority(segments, answers, top)}", n=len(segments), **figures)]
    tied = [name for name in ranks[0].models if name != top.name] if ranks else []
    if tied:
        sentences.append(words("said_tied", names=_named(tied), best=_named([top.name])))
        more = [
            each.labels_to_decide
            for each in pairs
            if top.name in (each.a, each.b) and {each.a, each.b} & set(tied) and each.labels_to_decide
        ]
        if more:
            sentences.append(words("said_more_labels", n=min(more)))
    elif len(answers) > 1:
        sentences.append(words("said_ahead", n=len(answers) - 1, best=_named([top.name])))
    return _joined(sentences)


def _against_majority(segments: Segments, answers: Sequence[Answers], top: Answers) -> str:
    """Whether the best candidate is better than always saying the commonest label: `above`, `level` or `below`.

    Corrected for all candidates: of many that say nothing, the luckiest looks good.
    """
    commonest = segments.truth == np.bincount(segments.truth).argmax()
    sources = group(segments.source)
    pairs = [
        compare({"commonest": commonest, "candidate": each.prediction == segments.truth}, sources)[0]
        for each in answers
    ]
    adjusted = dict(zip([each.name for each in answers], holm([pair.sign_flip for pair in pairs]), strict=True))
    own = pairs[[each.name for each in answers].index(top.name)]
    if adjusted[top.name] > ALPHA:
        return "level"
    return {"better": "above", "worse": "below"}.get(own.verdict, "level")


def _range(result: ModelResult) -> str:
    bounds = result.accuracy_ci_grouped or result.accuracy_ci
    return "–" if bounds is None else f"{percent(bounds[0])} … {percent(bounds[1])}"


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(shortened(visible(_short(name)), 60) for name in names[:_NAMES])
    return f"{shown}, … (+{len(names) - _NAMES})" if len(names) > _NAMES else shown


def _short(name: str) -> str:
    """Of a folder its last part: a sentence is no place for a path."""
    return Path(name).name if Path(name).is_dir() else name


def _joined(sentences: Sequence[Text]) -> Text:
    first, *rest = sentences
    for each in rest:
        first = first.joined(each)
    return first
