"""The history of all evaluations: for each set of labels, its candidates over time, and what changed.

Figures from different labels are never put in one ranking: each set, known by its hash, has tables of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import ModelResult
from tasks.report.evaluation.candidates import flag_name, references
from tasks.report.evaluation.figures import Cell, Whisker, accuracy_cell, cell, listed, shown_name
from tasks.report.frame import environment, frame, moment
from tasks.report.words import Text, shortened, visible, words

SHOWN = 10
"""Evaluations of one set that are unfolded."""


@dataclass(frozen=True)
class Entry:
    """One evaluation in the list of its set."""

    when: str
    link: str
    verdict: Text
    changes: tuple[Text, ...]


@dataclass(frozen=True)
class Point:
    """A candidate at one time."""

    when: str
    link: str
    weights: str
    accuracy: Cell
    dot: Whisker | None
    macro_f1: Cell
    note: Text | str | None


@dataclass(frozen=True)
class LabelSet:
    """One set of labels: its evaluations, and its candidates, each over time; newest first throughout."""

    title: Text
    sha256: str
    shown: tuple[Entry, ...]
    folded: tuple[Entry, ...]
    candidates: tuple[tuple[Text, tuple[Point, ...]], ...]
    references: tuple[tuple[str, str, Text, str], ...]


def build_leaderboard(evaluations: Sequence[Evaluation]) -> str:
    """Build the page of all evaluations, given in any order.

    Its links are relative (`<id>/report.html`): the page lies beside the folders of the evaluations.
    """
    newest_first = sorted(evaluations, key=lambda each: (each.created, each.evaluation_id), reverse=True)
    return (
        environment()
        .get_template("evaluation/history.html")
        .render(
            **frame(["report.css", "evaluation/page.css"], ["report.js"]),
            page_title=words("ev_history"),
            sets=_sets(newest_first),
        )
    )


def what_changed(newer: Evaluation, older: Evaluation | None) -> tuple[Text, ...]:
    """What an evaluation has that the one before it, on labels of the same name, had not."""
    if older is None:
        return (words("ev_history_first"),)
    changes = (*_labels_changed(newer, older), *_models_changed(newer, older))
    return changes or (words("ev_history_same"),)


def _sets(evaluations: list[Evaluation]) -> list[LabelSet]:
    groups: dict[tuple[str, int], list[Evaluation]] = {}
    for each in evaluations:
        groups.setdefault((each.dataset.sha256, each.dataset.n), []).append(each)
    return [_set(group, evaluations) for group in groups.values()]


def _set(group: list[Evaluation], evaluations: list[Evaluation]) -> LabelSet:
    newest = group[0]
    entries = [_entry(each, _before(each, evaluations)) for each in group]
    names = dict.fromkeys(model.model for each in group for model in each.models if model.kind != "baseline")
    name = shortened(_set_name(newest), 80)
    return LabelSet(
        title=words("ev_history_set", name=name, n=newest.dataset.n),
        sha256=newest.dataset.sha256,
        shown=tuple(entries[:SHOWN]),
        folded=tuple(entries[SHOWN:]),
        candidates=tuple((shown_name(each), _points(each, group)) for each in names),
        references=references(newest),
    )


def _set_name(evaluation: Evaluation) -> str:
    """The files' names without their folders."""
    return ", ".join(visible(each.replace("\\", "/").rsplit("/", 1)[-1]) for each in evaluation.dataset.files)


def _before(evaluation: Evaluation, newest_first: list[Evaluation]) -> Evaluation | None:
    """The evaluation before this one on labels of the same name, whatever their hash."""
    later = newest_first[newest_first.index(evaluation) + 1 :]
    return next((each for each in later if _set_name(each) == _set_name(evaluation)), None)


def _entry(evaluation: Evaluation, before: Evaluation | None) -> Entry:
    verdict = Text(visible(evaluation.verdict), visible(evaluation.verdict_ko))
    return Entry(moment(evaluation.created), _link(evaluation), verdict, what_changed(evaluation, before))


def _link(evaluation: Evaluation) -> str:
    return f"{quote(evaluation.evaluation_id, safe='')}/report.html"


def _points(model: str, group: list[Evaluation]) -> tuple[Point, ...]:
    pairs = ((each, candidate) for each in group for candidate in each.models if candidate.model == model)
    return tuple(_point(each, candidate) for each, candidate in pairs)


def _point(evaluation: Evaluation, model: ModelResult) -> Point:
    accuracy, dot = accuracy_cell(model)
    return Point(
        when=moment(evaluation.created),
        link=_link(evaluation),
        weights=(model.weights_sha256 or "")[:8],
        accuracy=accuracy,
        dot=dot,
        macro_f1=cell(model, "macro_f1", model.macro_f1_ci),
        note=_note(model),
    )


def _note(model: ModelResult) -> Text | None:
    if model.status == "ok":
        return listed([flag_name(each) for each in model.flags]) if model.flags else None
    reason = shortened(visible(model.reason or ""), 200)
    status = words(f"ev_status_{model.status}")
    return status.joined(Text(reason, reason), ": ") if reason else status


def _labels_changed(newer: Evaluation, older: Evaluation) -> list[Text]:
    more = newer.dataset.n - older.dataset.n
    if more:
        return [words("ev_history_labels_more" if more > 0 else "ev_history_labels_fewer", n=abs(more))]
    return [words("ev_history_labels_changed")] if newer.dataset.sha256 != older.dataset.sha256 else []


def _models_changed(newer: Evaluation, older: Evaluation) -> list[Text]:
    now = {each.model: each.weights_sha256 for each in newer.models}
    before = {each.model: each.weights_sha256 for each in older.models}
    changes = {
        "ev_history_added": [each for each in now if each not in before],
        "ev_history_gone": [each for each in before if each not in now],
        "ev_history_weights": [each for each in now if now[each] and before.get(each) and now[each] != before[each]],
    }
    return [words(key, models=listed([shown_name(each) for each in found])) for key, found in changes.items() if found]
