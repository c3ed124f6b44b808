"""A tuning's tables: all figures, the parameters chosen, the languages, and the ways to use text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tasks.report.evaluation.figures import Cell, Whisker, figure, listed, place, whisker
from tasks.report.evaluation.phrases import phrase
from tasks.report.tuning.terms import (
    OBJECTIVES,
    GainCell,
    gain_cell,
    parameter,
    score_cell,
    scored,
    setting,
    title,
)
from tasks.report.words import UNDEFINED, Text, has_words, named, number, shortened, visible, words
from tasks.tuning.result import Fusion, Gain, LanguageResult, Response, Scores, Tuning

MAX_LANGUAGES = 40


@dataclass(frozen=True)
class FigureRow:
    """One figure: default, apparent, nested, and the held-out gain."""

    name: Text
    searched: bool
    cells: tuple[Cell, ...]
    gain: GainCell


@dataclass(frozen=True)
class ParameterRow:
    """One parameter that was varied; `idle` says why it cannot matter."""

    name: Text
    code: str
    default: str
    chosen: str
    changed: bool
    tried: Text
    folds: Text | None
    influence: str
    idle: Text | None


@dataclass(frozen=True)
class LanguageRow:
    """What one language should use, and what that is worth."""

    name: Text
    n: str
    sources: str
    kind: Text
    values: Text
    score: str
    gain: GainCell
    verdict: Text
    reason: Text


@dataclass(frozen=True)
class FusionRow:
    """One way to use text; the last one is the choice among them."""

    name: Text
    best: bool
    last: bool
    scores: tuple[str, ...]
    gain: GainCell
    dot: Whisker | None


@dataclass(frozen=True)
class FusionTable:
    """The ways to use text, the answer in a sentence, and the axis of the gains (its end, and where 0 is)."""

    sentence: Text
    columns: tuple[Text, ...]
    rows: tuple[FusionRow, ...]
    edge: str
    zero: str


def figures(tuning: Tuning) -> tuple[FigureRow, ...]:
    """Every figure, the one that was searched for first."""
    order = sorted(OBJECTIVES, key=lambda each: each != tuning.objective)
    return tuple(_figure_row(tuning, each) for each in order)


def parameters(tuning: Tuning) -> tuple[ParameterRow, ...]:
    """Every parameter that was varied, in the grid's order."""
    by_name = {each.parameter: each for each in tuning.responses}
    varied = [name for name, values in tuning.grid.items() if len(set(values)) > 1]
    return tuple(_parameter_row(tuning, name, by_name.get(name)) for name in varied)


def languages(tuning: Tuning) -> tuple[LanguageRow, ...]:
    """Every language, the one with most labels first."""
    ordered = sorted(tuning.languages, key=lambda each: (-each.n, each.language))
    return tuple(_language_row(each, tuning) for each in ordered[:MAX_LANGUAGES])


def fusion(tuning: Tuning) -> FusionTable | None:
    """The ways to use text; None where there is no text."""
    found = tuning.fusion
    if found is None:
        return None
    edge = _edge([*(each.gains for each in found.candidates), found.gains], tuning.objective)
    columns = tuple(dict.fromkeys((tuning.objective, "accuracy", "cross_entropy")))
    rows = [
        _fusion_row(tuning, _way(each.name), each.scores, each.gains, columns, edge, best=best)
        for each in found.candidates
        for best in [each.name == found.chosen]
    ]
    last = _fusion_row(tuning, words("tu_fusion_nested"), found.nested, found.gains, columns, edge, last=True)
    return FusionTable(
        sentence=_sentence(found),
        columns=tuple(title(each) for each in columns),
        rows=(*rows, last),
        edge=f"{edge:.2f}".rstrip("0"),
        zero=place(0.0, -edge, edge),
    )


def _figure_row(tuning: Tuning, objective: str) -> FigureRow:
    three = (("default", tuning.default), ("apparent", tuning.apparent), ("nested", tuning.nested))
    return FigureRow(
        name=title(objective),
        searched=objective == tuning.objective,
        cells=tuple(score_cell(scores, objective, tuning, where) for where, scores in three),
        gain=gain_cell(tuning.gains, objective, tuning),
    )


def _parameter_row(tuning: Tuning, name: str, response: Response | None) -> ParameterRow:
    values, idle = tuning.grid[name], tuning.cannot_matter.get(name)
    default, chosen = (each.params.get(name) for each in (tuning.default, tuning.apparent))
    return ParameterRow(
        name=parameter(name),
        code=shortened(visible(name), 60),
        default=_set(default),
        chosen=_set(chosen),
        changed=chosen != default,
        tried=words("tu_tried_values", low=setting(min(values)), high=setting(max(values)), n=len(values)),
        folds=_folds(tuning, response, chosen),
        influence=UNDEFINED if response is None else figure(response.influence),
        idle=None if idle is None else words("tu_idle", why=phrase(idle)),
    )


def _set(value: float | None) -> str:
    return UNDEFINED if value is None else setting(value)


def _folds(tuning: Tuning, response: Response | None, chosen: float | None) -> Text | None:
    if response is None or chosen not in response.values or len(response.chosen) != len(response.values):
        return None
    return words("tu_of_folds", n=response.chosen[response.values.index(chosen)], all=tuning.folds)


def _language_row(each: LanguageResult, tuning: Tuning) -> LanguageRow:
    return LanguageRow(
        name=named("language", shortened(each.language, 40)),
        n=number(each.n),
        sources=number(each.sources),
        kind=words(f"tu_kind_{each.kind}"),
        values=_values(each.params, tuning.default.params),
        score=figure(scored(each.nested, tuning.objective)),
        gain=gain_cell(each.gains, tuning.objective, tuning),
        verdict=words(f"tu_verdict_{each.verdict}"),
        reason=phrase(shortened(each.reason, 400)),
    )


def _values(params: Mapping[str, float], default: Mapping[str, float]) -> Text:
    """The parameters that differ from the default."""
    changed = [(parameter(name), setting(value)) for name, value in params.items() if value != default.get(name)]
    if not changed:
        return words("tu_all_default")
    return listed([Text(f"{name.en} {value}", f"{name.ko} {value}") for name, value in changed])


def _edge(found: list[dict[str, Gain]], objective: str) -> float:
    """The end of the axis of gains: the smallest twentieth that holds every interval."""
    known = [gains[objective] for gains in found if objective in gains]
    reach = [abs(end) for each in known for end in ((each.ci.low, each.ci.high) if each.ci else (each.value,))]
    return max(0.1, -(-max(reach, default=0.0) * 20 // 1) / 20)


def _fusion_row(
    tuning: Tuning,
    name: Text,
    scores: Scores,
    gains: Mapping[str, Gain],
    columns: tuple[str, ...],
    edge: float,
    *,
    best: bool = False,
    last: bool = False,
) -> FusionRow:
    gain = gains.get(columns[0])
    ends = (gain.ci.low, gain.ci.high) if gain and gain.ci else None
    return FusionRow(
        name=name,
        best=best,
        last=last,
        scores=tuple(figure(scored(scores, each)) for each in columns),
        gain=gain_cell(gains, columns[0], tuning),
        dot=whisker(gain.value, ends, -edge, edge) if gain else None,
    )


def _way(name: str) -> Text:
    """What a way to use text is called; its own name where the catalogue has none."""
    key = f"tu_way_of_{re.sub('[ -]', '_', name)}"
    return words(key) if has_words(key) else Text(*[visible(shortened(name, 60))] * 2)


def _sentence(found: Fusion) -> Text:
    return Text(visible(found.sentence), visible(found.sentence_ko))
