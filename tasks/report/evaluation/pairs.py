"""Candidates two by two: who is better, how sure that is, and how far they say the same."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.evaluation.result import Agreement, Comparison, Evaluation
from tasks.report.evaluation.candidates import in_order
from tasks.report.evaluation.figures import Name, Whisker, figure, p_value, place, signed, whisker
from tasks.report.evaluation.phrases import phrases
from tasks.report.words import UNDEFINED, Text, words

MAX_OPEN_PAIRS = 10
"""With more pairs than these, their table is folded away below the matrix."""

_MARKS = {"better": "▲", "worse": "▼", "tied": "=", "undecided": ""}
_OTHER_WAY = {"better": "worse", "worse": "better"}


@dataclass(frozen=True)
class PairRow:
    """One comparison as a row; `why` are the reasons for its dashes."""

    a: Name
    b: Name
    difference: str
    interval: str | None
    dot: Whisker | None
    only_a: int
    only_b: int
    p_sign_flip: str
    p_adjusted: str
    p_mcnemar: str
    p_b_better: str
    verdict: str
    meaning: Text
    why: Text


@dataclass(frozen=True)
class Square:
    """A table of candidates by candidates: per row its name and cells (text, mark, class), None on the diagonal."""

    names: tuple[Name, ...]
    rows: tuple[tuple[Name, tuple[tuple[str, str, str] | None, ...]], ...]


@dataclass(frozen=True)
class Pairs:
    """All comparisons: rows, the matrix, and the axis of their drawings (its ends and its zero)."""

    rows: tuple[PairRow, ...]
    matrix: Square
    edge: str
    zero: str
    folded: bool


def pair_table(evaluation: Evaluation, names: Mapping[str, Name]) -> Pairs | None:
    """The comparisons, or None where there is none."""
    found = evaluation.comparisons
    if not found:
        return None
    edge = _edge(found)
    return Pairs(
        rows=tuple(_row(each, names, edge) for each in found),
        matrix=_matrix(evaluation, names),
        edge=f"{edge:.1f}",
        zero=place(0.0, -edge, edge),
        folded=len(found) > MAX_OPEN_PAIRS,
    )


def agreement_table(evaluation: Evaluation, names: Mapping[str, Name]) -> Square | None:
    """Share of segments on which two candidates say the same, with kappa; None where that was not computed."""
    cells = {}
    for each in evaluation.agreement:
        cells[each.a, each.b] = cells[each.b, each.a] = _agreement(each)
    return _square(evaluation, names, cells) if cells else None


def _edge(found: tuple[Comparison, ...]) -> float:
    """The end of the axis of differences: the smallest tenth that holds every interval."""
    reach = max(max(abs(end) for end in ((c.ci.low, c.ci.high) if c.ci else (c.difference,))) for c in found)
    return min(1.0, max(0.1, -(-reach * 10 // 1) / 10))


def _row(each: Comparison, names: Mapping[str, Name], edge: float) -> PairRow:
    ends = (each.ci.low, each.ci.high) if each.ci else None
    return PairRow(
        a=names[each.a],
        b=names[each.b],
        difference=signed(each.difference),
        interval=f"[{signed(ends[0])}, {signed(ends[1])}]" if ends else None,
        dot=whisker(each.difference, ends, -edge, edge),
        only_a=each.only_a,
        only_b=each.only_b,
        p_sign_flip=p_value(each.p_sign_flip),
        p_adjusted=p_value(each.p_adjusted),
        p_mcnemar=p_value(each.p_mcnemar),
        p_b_better=figure(each.p_b_better),
        verdict=each.verdict,
        meaning=_meaning(each, names),
        why=phrases(each.undefined.values()),
    )


def _meaning(each: Comparison, names: Mapping[str, Name]) -> Text:
    if each.verdict in _OTHER_WAY:
        return words("ev_pair_better", name=names[each.b if each.verdict == "better" else each.a].text)
    if each.verdict == "tied":
        return words("ev_pair_tied")
    said = words("ev_pair_undecided", n=each.n)
    if each.labels_to_decide is None:
        return said
    return said.joined(words("ev_labels_to_decide", n=each.labels_to_decide))


def _matrix(evaluation: Evaluation, names: Mapping[str, Name]) -> Square:
    """Row less column: in a comparison, `b` is the row of the difference as it stands."""
    cells: dict[tuple[str, str], tuple[str, str, str]] = {}
    for each in evaluation.comparisons:
        back = _OTHER_WAY.get(each.verdict, each.verdict)
        cells[each.b, each.a] = (signed(each.difference), _MARKS[each.verdict], each.verdict)
        cells[each.a, each.b] = (signed(-each.difference), _MARKS[back], back)
    return _square(evaluation, names, cells)


def _square(
    evaluation: Evaluation, names: Mapping[str, Name], cells: Mapping[tuple[str, str], tuple[str, str, str]]
) -> Square:
    inside = {name for pair in cells for name in pair}
    order = [each.model for each in in_order(evaluation) if each.model in inside]
    rows = ((names[row], tuple(_at(cells, row, column) for column in order)) for row in order)
    return Square(names=tuple(names[each] for each in order), rows=tuple(rows))


def _at(cells: Mapping[tuple[str, str], tuple[str, str, str]], row: str, column: str) -> tuple[str, str, str] | None:
    return None if row == column else cells.get((row, column), (UNDEFINED, "", ""))


def _agreement(each: Agreement) -> tuple[str, str, str]:
    return figure(each.share), f"κ {figure(each.kappa)}", ""
