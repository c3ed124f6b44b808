"""Bytes of a label file → `LabelledSet`, checked line by line. Owns the limits, and what counts as what."""

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY
from infra.errors import InputError
from tasks.labels.labelled import Counts, LabelledSet, segment_key
from tasks.labels.overlaps import overlaps
from tasks.labels.problems import LineFault, Problem, ProblemKind
from tasks.labels.ratings import Ratings
from tasks.labels.rows import Row, label_of, milliseconds, read_rows, text_of
from tasks.labels.scores import ABSENT, Posteriors
from tasks.labels.tables import SCORES
from tasks.labels.words import LabelWords

MAX_PROBLEMS_SHARE = 0.2
"""A file with a greater share of lines that cannot be used is refused: it is not what it seems to be."""

_ABOUT = ("speaker", "language", "text", "pick")
_FIRST = 3


def read_labelled(
    data: bytes,
    name: str,
    *,
    aliases: Mapping[str, str | None] | None = None,
    max_problems_share: float = MAX_PROBLEMS_SHARE,
) -> LabelledSet:
    """Read a labelled set.

    JSON lines, a JSON array, CSV (comma, semicolon, tab), Parquet, audformat's `file,start,end` tables and Label
    Studio's exports are told apart by their content. A problem is named with its line, and the rest is used.

    Args:
        data: The file's bytes.
        name: What to call it in messages.
        aliases: Further label words: emotion of the taxonomy, or None to reject.
        max_problems_share: Which share of lines may be broken or conflicting, 0…1. Labels outside the taxonomy,
            duplicates and overlaps do not count.

    Raises:
        ConfigError: An alias for something outside the taxonomy.
        InputError: The file cannot be read, too many of its lines cannot, or no line has a label that can be used.
    """
    draft = _Draft(LabelWords(aliases))
    for row in read_rows(data, name):
        draft.add(row)
    _check_share(draft, name, max_problems_share)
    labelled = draft.finish(name, hashlib.sha256(data).hexdigest())
    if not len(labelled):
        counts = labelled.counts
        raise InputError(
            f"{name} has no labelled segment: of {counts.lines} lines {counts.unlabelled} have no label, "
            f"{counts.rejected} one outside the taxonomy{_first(labelled.problems, name)}. Expected: a column "
            f"`label` with one of {', '.join(TAXONOMY)}, or aliases for other words."
        )
    return labelled


def _check_share(draft: "_Draft", name: str, allowed: float) -> None:
    if not draft.lines:
        raise InputError(f"{name} holds no labelled segment: it is empty.")
    unusable = draft.broken + draft.conflicting
    if unusable > allowed * draft.lines:
        told = _first([each for each in draft.problems if each.kind.breaks], name)
        raise InputError(
            f"{name}: {unusable} of {draft.lines} lines cannot be used, {allowed:.0%} may be{told}. Correct the file."
        )


def _first(problems: Sequence[Problem], name: str) -> str:
    """The first few problems for the middle of a sentence, or nothing."""
    told = "; ".join(each.told(name) for each in sorted(problems, key=_line)[:_FIRST])
    return f" ({told}{'; …' if len(problems) > _FIRST else ''})" if told else ""


def _line(problem: Problem) -> int:
    return problem.line


class _Draft:
    """Columns as they grow, by segment."""

    def __init__(self, words: LabelWords) -> None:
        self.lines = self.broken = self.unlabelled = self.rejected = self.ambivalent = 0
        self.ratings = Ratings()
        self.problems: list[Problem] = []
        self._words = words
        self._posteriors = Posteriors(words)
        self._segments: dict[tuple[str, int, int], int] = {}
        self._media: list[str] = []
        self._about: dict[str, list[str | None]] = {column: [] for column in _ABOUT}
        self._times, self._lines = array("d"), array("q")
        self._scores = {column: array("d") for column in SCORES}
        self._without: dict[str, list[int]] = {column: [] for column in SCORES}
        self._seen: dict[str, str] = {}

    @property
    def conflicting(self) -> int:
        return self.ratings.conflicting + self.ambivalent

    def add(self, row: Row | Problem) -> None:
        self.lines += 1
        if isinstance(row, Problem):
            self.broken += 1
            self.problems.append(row)
            return
        try:
            self._add(row)
        except LineFault as fault:
            self.rejected += fault.kind is ProblemKind.LABEL_OUTSIDE
            self.ambivalent += fault.kind is ProblemKind.CONFLICTING_LABELS
            self.broken += fault.kind is ProblemKind.BAD_LINE
            self.problems.append(Problem(row.line, fault.kind, str(fault)))

    def _add(self, row: Row) -> None:
        code = self._words.code(label_of(row.values))
        if code is None:
            self.unlabelled += 1
            return
        about = [text_of(row.values, column) for column in _ABOUT]
        rater = text_of(row.values, "rater")
        place = (row.media, milliseconds(row.start_s), milliseconds(row.end_s))
        if place not in self._segments:
            self._segments[place] = len(self._segments)
            self._add_segment(row, about)
        problem = self.ratings.add(self._segments[place], rater, code, row.line)
        if problem:
            self.problems.append(problem)

    def _add_segment(self, row: Row, about: Sequence[str | None]) -> None:
        self._media.append(self._once(row.media))
        self._times.extend((row.start_s, row.end_s))
        self._lines.append(row.line)
        for column, value in zip(_ABOUT, about, strict=True):
            self._about[column].append(value if value is None or column == "text" else self._once(value))
        for column in SCORES:
            self._scores[column].extend(self._posterior(row, column))

    def _once(self, text: str) -> str:
        """The same text as one object: names repeat on every line."""
        return self._seen.setdefault(text, text)

    def _posterior(self, row: Row, column: str) -> Sequence[float]:
        scores = row.values.get(column)
        if scores is None or scores == "":
            self._without[column].append(len(self._lines) - 1)
            return ABSENT
        try:
            return self._posteriors.read(scores)
        except LineFault as fault:
            self.problems.append(Problem(row.line, fault.kind, f"{column}: {fault}"))
            return ABSENT

    def finish(self, name: str, sha256: str) -> LabelledSet:
        verdict = self.ratings.verdict(len(self._media), name)
        times = np.array(self._times).reshape(-1, 2)
        every = LabelledSet(
            name=name,
            sha256=sha256,
            media=_objects(self._media),
            start_s=times[:, 0].copy(),
            end_s=times[:, 1].copy(),
            truth=verdict.truth,
            **{column: _objects(values) for column, values in self._about.items()},
            line=np.array(self._lines, np.int64),
            key=_objects([segment_key(media, *at) for media, at in zip(self._media, times.tolist(), strict=True)]),
            raters=verdict.raters,
            ratings=verdict.ratings,
            soft=verdict.soft,
            recorded=self._recorded(),
            counts=self._counts(),
            problems=(),
        )
        return self._with_problems(every.take(verdict.rated))

    def _recorded(self) -> dict[str, npt.NDArray[np.float64]]:
        """The posteriors of each kind that any segment has; a segment without one is told where others have one."""
        recorded = {}
        for column, values in self._scores.items():
            missing = self._without[column]
            if len(missing) < len(self._lines):
                recorded[column.removesuffix("_scores")] = np.array(values).reshape(-1, len(TAXONOMY))
                text = f"no {column}, though other lines have them"
                self.problems += [Problem(self._lines[row], ProblemKind.BAD_SCORES, text) for row in missing]
        return recorded

    def _counts(self) -> Counts:
        return Counts(
            lines=self.lines,
            ratings=self.ratings.used,
            unlabelled=self.unlabelled,
            rejected=self.rejected,
            duplicates=self.ratings.duplicates,
            conflicting=self.conflicting,
            broken=self.broken,
            tied=0,
        )

    def _with_problems(self, labelled: LabelledSet) -> LabelledSet:
        tied = labelled.line[~labelled.decided].tolist()
        text = "the raters are evenly split: no truth, but ratings"
        problems = [*self.problems, *overlaps(labelled.media, labelled.start_s, labelled.end_s, labelled.line)]
        problems += [Problem(line, ProblemKind.TIED_RATERS, text) for line in tied]
        counts = replace(labelled.counts, tied=len(tied))
        return replace(labelled, counts=counts, problems=tuple(sorted(problems, key=_line)))


def _objects(values: Sequence[str | None]) -> npt.NDArray[np.object_]:
    column = np.empty(len(values), dtype=np.object_)
    column[:] = values
    return column
