"""The candidates of an evaluation as the page's first tables show them: place, accuracy on one axis, all figures."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import BASELINES, ModelResult
from tasks.report.evaluation.figures import Cell, Name, Whisker, accuracy_cell, cell, place
from tasks.report.evaluation.texts import kind_name
from tasks.report.words import Text, has_words, named, number, percent, shortened, visible, words

MAX_REASON = 600

_FIGURES = (
    "macro_f1",
    "macro_f1_present",
    "uar",
    "cross_entropy",
    "soft_cross_entropy",
    "brier",
    "ece",
    "neutral_rate",
    "non_neutral_accuracy",
    "coverage",
)


@dataclass(frozen=True)
class Row:
    """One candidate: measured (`accuracy`, `dot`, `figures`), or the reason why not."""

    name: Name
    rank: Text | None
    kind: Text
    tags: tuple[Text, ...]
    baseline: bool
    status: Text | None
    reason: str | Text | None
    accuracy: Cell
    dot: Whisker | None
    n: str
    asides: tuple[Text, ...]
    figures: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """All rows, the columns of the second table, and where the baselines cross the axis."""

    rows: tuple[Row, ...]
    columns: tuple[Text, ...]
    grouped: bool
    """Whether the intervals take the media into account."""
    references: tuple[tuple[str, str, Text, str], ...]
    """Name, place on the axis, its words and its accuracy."""


def in_order(evaluation: Evaluation) -> tuple[ModelResult, ...]:
    """Candidates by their place, then those without one, then the baselines, then those that were not measured."""
    places = {model: each.rank for each in evaluation.ranking for model in each.models}
    last = len(evaluation.models) + 1

    def key(model: ModelResult) -> tuple[bool, bool, int]:
        return model.status != "ok", model.kind == "baseline", places.get(model.model, last)

    return tuple(sorted(evaluation.models, key=key))


def candidate_table(evaluation: Evaluation, names: Mapping[str, Name]) -> Table:
    """The rows of both tables, in the order of `in_order`."""
    ranks = _ranks(evaluation)
    models = in_order(evaluation)
    columns = tuple(key for key in _FIGURES if key != "soft_cross_entropy" or any(m.soft_cross_entropy for m in models))
    return Table(
        rows=tuple(_row(each, names[each.model], ranks.get(each.model), columns) for each in models),
        columns=tuple(words(f"ev_{key}") for key in columns),
        grouped=any(each.accuracy_ci_grouped for each in models),
        references=references(evaluation),
    )


def references(evaluation: Evaluation) -> tuple[tuple[str, str, Text, str], ...]:
    """The baselines as lines across the axis."""
    found = [each for each in evaluation.models if each.model in BASELINES and each.accuracy is not None]
    return tuple(
        (each.model, place(each.accuracy), words(f"ev_baseline_{each.model}"), f"{each.accuracy:.3f}")
        for each in found
        if each.accuracy is not None
    )


def flag_name(flag: str) -> Text:
    """What a candidate's flag is called; the flag itself where the catalogue has no words for it."""
    return words(f"ev_tag_{flag}") if has_words(f"ev_tag_{flag}") else named("flag", shortened(flag, 40))


def _ranks(evaluation: Evaluation) -> dict[str, Text]:
    return {
        model: words("ev_rank_shared" if len(each.models) > 1 else "ev_rank_own", rank=each.rank)
        for each in evaluation.ranking
        for model in each.models
    }


def _row(model: ModelResult, name: Name, rank: Text | None, columns: tuple[str, ...]) -> Row:
    measured = model.status == "ok"
    reason = shortened(visible(model.reason), MAX_REASON) if model.reason else words("ev_no_reason")
    accuracy, dot = accuracy_cell(model)
    return Row(
        name=name,
        rank=rank,
        kind=kind_name(model),
        tags=tuple(flag_name(flag) for flag in model.flags),
        baseline=model.kind == "baseline",
        status=None if measured else words(f"ev_status_{model.status}"),
        reason=None if measured else reason,
        accuracy=accuracy,
        dot=dot,
        n=number(model.n),
        asides=_asides(model),
        figures=tuple(_figure(model, key) for key in columns) if measured else (),
    )


def _asides(model: ModelResult) -> tuple[Text, ...]:
    counts = (("ev_undecided_n", model.undecided), ("ev_unscored_n", model.unscored))
    return tuple(words(key, n=count) for key, count in counts if count)


def _figure(model: ModelResult, key: str) -> Cell:
    if key == "ece":
        found = cell(model, key)
        return found if model.ece_null is None else Cell(found.text, _band(model.ece_null))
    if key in {"neutral_rate", "coverage"}:
        value: float | None = getattr(model, key)
        return Cell(percent(value), why=cell(model, key).why)
    return cell(model, key, getattr(model, f"{key}_ci", None))


def _band(pair: tuple[float, float]) -> Text:
    return words("ev_ece_null", low=f"{pair[0]:.3f}", high=f"{pair[1]:.3f}")
