"""One candidate in detail: confusion, emotions, calibration, groups, intervals. Computes shares and places only."""

from collections.abc import Mapping
from dataclasses import dataclass

from actors.contract import TAXONOMY
from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import ClassFigures, Counts, Group, Interval, ModelResult
from tasks.report.evaluation.candidates import flag_name, in_order
from tasks.report.evaluation.figures import Emotion, Name, emotion, figure, listed, place
from tasks.report.evaluation.phrases import phrase
from tasks.report.evaluation.reliability import Diagram, diagram
from tasks.report.evaluation.texts import text_facts
from tasks.report.palette import CATEGORIES
from tasks.report.words import (
    UNDEFINED,
    Text,
    has_words,
    named,
    number,
    percent,
    shortened,
    visible,
    words,
)

OPEN_CANDIDATES = 2
"""Candidates whose details are unfolded; the rest are one click away."""
MAX_GROUPS = 20
"""Groups of one kind in a table, the largest first."""
SHADES = 10
"""Steps of the confusion matrix's shading: the style sheet has one class for each."""


@dataclass(frozen=True)
class ConfusionCell:
    """Segments, their share of the row, how dark the cell is (0…10), and whether it is on the diagonal."""

    count: str
    share: str
    shade: int
    right: bool


@dataclass(frozen=True)
class Bar:
    """A figure and the length of its bar in percent."""

    text: str
    width: str


@dataclass(frozen=True)
class GroupTable:
    """The groups of one kind; `left` smaller ones are not shown."""

    title: Text
    rows: tuple[tuple[Text, tuple[str, ...]], ...]
    left: int


@dataclass(frozen=True)
class IntervalRow:
    """An interval with its method, how often it held in simulations, under which conditions, and a note."""

    name: Text
    ends: str
    method: Text
    held: str
    conditions: Text
    note: Text


@dataclass(frozen=True)
class Details:
    """Everything about one measured candidate."""

    name: Name
    open: bool
    accuracy: str
    facts: tuple[tuple[Text, str | Text], ...]
    confusion: tuple[tuple[Emotion, str, tuple[ConfusionCell, ...]], ...]
    classes: tuple[tuple[Emotion, str, str, tuple[Bar, ...]], ...]
    reliability: Diagram
    posterior: tuple[tuple[Emotion, Bar, Bar], ...]
    groups: tuple[GroupTable, ...]
    intervals: tuple[IntervalRow, ...]
    undefined: tuple[tuple[Text, Text], ...]


def all_details(evaluation: Evaluation, names: Mapping[str, Name]) -> tuple[Details, ...]:
    """Every measured candidate, in the order of the tables. Baselines have none: they hold no surprise."""
    measured = [each for each in in_order(evaluation) if each.status == "ok" and each.kind != "baseline"]
    return tuple(
        _details(each, names[each.model], evaluation.dataset.counts, index < OPEN_CANDIDATES)
        for index, each in enumerate(measured)
    )


def figure_name(key: str) -> Text:
    """What a figure is called; its key where the catalogue has no words for it."""
    if key.removesuffix("_grouped").endswith("_ci"):
        return figure_name(key.replace("_ci", "")).joined(words("ev_interval"), ", ")
    about, dot, rest = key.partition(".")
    if dot and about in TAXONOMY:
        return emotion(about).name.joined(figure_name(rest), ": ")
    known = next((name for name in (f"ev_figure_{key}", f"ev_{key}") if has_words(name)), None)
    return words(known) if known else Text(visible(key), visible(key))


def _details(model: ModelResult, name: Name, counts: Counts, unfolded: bool) -> Details:
    return Details(
        name=name,
        open=unfolded,
        accuracy=figure(model.accuracy),
        facts=(*_facts(model), *text_facts(model)),
        confusion=tuple(_confusion(model.confusion)),
        classes=tuple(_class(each) for each in model.classes),
        reliability=diagram(model.reliability),
        posterior=_posterior(model.mean_posterior, counts),
        groups=_groups(model.groups),
        intervals=tuple(_interval(key, each) for key, each in model.intervals.items()),
        undefined=tuple((figure_name(key), phrase(why)) for key, why in model.undefined.items()),
    )


def _facts(model: ModelResult) -> list[tuple[Text, str | Text]]:
    silent = [emotion(each).name for each in TAXONOMY if model.says and each not in model.says]
    flags = [flag_name(each) for each in model.flags]
    facts: list[tuple[str, str | Text | None]] = [
        ("ev_source", model.source),
        ("model_revision", model.revision),
        ("ev_weights", model.weights_sha256),
        ("model_family", model.family),
        ("model_licence", model.licence),
        ("model_precision", model.precision),
        (
            "ev_set_languages",
            listed([named("language", each) for each in model.languages]) if model.languages else None,
        ),
        ("ev_says", listed([emotion(each).name for each in model.says]) if model.says else None),
        ("ev_cannot", listed(silent) if silent else None),
        ("ev_map", _map(model.label_map)),
        ("ev_dropped", None if model.dropped_mass is None else figure(model.dropped_mass)),
        ("ev_unscored", _counted(model.unscored_reasons)),
        ("flags_title", listed(flags) if flags else None),
    ]
    return [
        (words(key), shortened(visible(value), 300) if isinstance(value, str) else value)
        for key, value in facts
        if value
    ]


def _map(labels: Mapping[str, str | None]) -> Text | None:
    parts = [
        Text(visible(own), visible(own)).joined(emotion(ours).name if ours else words("ev_map_nothing"), " → ")
        for own, ours in labels.items()
    ]
    return listed(parts) if parts else None


def _counted(counts: Counts) -> str | None:
    return ", ".join(f"{reason}: {n}" for reason, n in counts.items()) or None


def _confusion(
    confusion: tuple[tuple[int, ...], ...],
) -> list[tuple[Emotion, str, tuple[ConfusionCell, ...]]]:
    return [
        (emotion(truth), number(sum(row)), tuple(_confusion_cell(n, sum(row), truth == said) for n, said in _said(row)))
        for truth, row in zip(TAXONOMY, confusion, strict=False)
    ]


def _said(row: tuple[int, ...]) -> list[tuple[int, str]]:
    return list(zip(row, CATEGORIES, strict=False))


def _confusion_cell(count: int, total: int, right: bool) -> ConfusionCell:
    share = count / total if total else 0.0
    return ConfusionCell(number(count), percent(share) if count else "", round(SHADES * share), right)


def _class(each: ClassFigures) -> tuple[Emotion, str, str, tuple[Bar, ...]]:
    bars = tuple(_bar(value) for value in (each.precision, each.recall, each.f1))
    return emotion(each.emotion), number(each.support), number(each.predicted), bars


def _bar(value: float | None) -> Bar:
    return Bar(figure(value), place(value or 0.0))


def _posterior(mean: Mapping[str, float], counts: Counts) -> tuple[tuple[Emotion, Bar, Bar], ...]:
    total = sum(counts.values())
    if not mean or not total:
        return ()
    return tuple((emotion(each), _bar(counts.get(each, 0) / total), _bar(mean.get(each, 0.0))) for each in TAXONOMY)


def _groups(groups: tuple[Group, ...]) -> tuple[GroupTable, ...]:
    kinds = dict.fromkeys(each.by for each in groups)
    return tuple(_group_table(kind, [each for each in groups if each.by == kind]) for kind in kinds)


def _group_table(kind: str, groups: list[Group]) -> GroupTable:
    # Lengths come in their own order; everything else is read by weight.
    ordered = groups if kind == "length" else sorted(groups, key=lambda each: (-each.n, each.key))
    rows = tuple((_group_name(each), _group_figures(each)) for each in ordered[:MAX_GROUPS])
    return GroupTable(words(f"ev_by_{kind}"), rows, max(0, len(groups) - MAX_GROUPS))


def _group_name(group: Group) -> Text:
    if group.by == "language":
        return named("language", group.key)
    short = shortened(visible(group.key), 60) or UNDEFINED
    return Text(short, short)


def _group_figures(group: Group) -> tuple[str, ...]:
    values = (group.accuracy, group.uar, group.macro_f1_present, group.neutral_rate, group.cross_entropy)
    return (number(group.n), *(figure(each) for each in values))


def _interval(key: str, each: Interval) -> IntervalRow:
    return IntervalRow(
        name=figure_name(key),
        ends=f"{each.low:.3f}–{each.high:.3f}",
        method=phrase(each.method),
        held=percent(each.coverage),
        conditions=phrase(each.conditions or ""),
        note=phrase(each.note or ""),
    )
