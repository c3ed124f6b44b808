"""Who said what about which segment: duplicates, contradictions, the majority and ties. Owns no segments' places."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY
from infra.errors import InputError
from tasks.labels.problems import Problem, ProblemKind

MISSING = -1
"""In ratings: this rater said nothing about this segment."""

TIED = -1
"""In truths: as many raters say one thing as another."""

UNNAMED = "(unnamed)"
"""The rater of lines without one, in a file where others have one."""

MAX_RATERS = 1000
"""More are no raters: somebody's row numbers, most likely."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the ratings of n segments come to.

    Attributes:
        raters: In alphabetical order; empty where there are fewer than two.
        ratings: int8 (n, len(raters)), index into the taxonomy or `MISSING`.
        soft: float64 (n, 7): the share of a segment's raters for each emotion; 0 in rows that are not `rated`.
        truth: int8 (n,): what most raters say, or `TIED`.
        rated: bool (n,): whether a rating is left.
    """

    raters: tuple[str, ...]
    ratings: npt.NDArray[np.int8]
    soft: npt.NDArray[np.float64]
    truth: npt.NDArray[np.int8]
    rated: npt.NDArray[np.bool_]


class Ratings:
    """Collects ratings line by line; of each rater at most one for each segment.

    Attributes:
        used: Lines whose rating counts.
        duplicates: Lines that repeat what the same rater said about the same segment.
        conflicting: Lines of which the same rater says something else elsewhere. None of them counts: which one was
            meant cannot be known, and the first would make the result depend on the order of the lines.
    """

    def __init__(self) -> None:
        self.duplicates = self.conflicting = 0
        self._said: dict[tuple[int, int], tuple[int, int]] = {}
        self._raters: dict[str | None, int] = {}

    @property
    def used(self) -> int:
        return sum(code != MISSING for code, _ in self._said.values())

    def add(self, segment: int, rater: str | None, code: int, line: int) -> Problem | None:
        """Note that `rater` hears emotion `code` in a segment; what contradicts or repeats comes back as a problem."""
        key = segment, self._raters.setdefault(rater, len(self._raters))
        if key not in self._said:
            self._said[key] = (code, line)
            return None
        earlier, first = self._said[key]
        if earlier == code:
            self.duplicates += 1
            text = f"the same segment with the same label as on line {first}: counted once"
            return Problem(line, ProblemKind.DUPLICATE, text)
        self._said[key] = (MISSING, first)
        self.conflicting += 1 if earlier == MISSING else 2
        text = f"{TAXONOMY[code]}, but line {first} says otherwise about the same segment: neither is used"
        return Problem(line, ProblemKind.CONFLICTING_LABELS, text)

    def verdict(self, segments: int, name: str) -> Verdict:
        """What the ratings of `segments` segments come to.

        Args:
            segments: How many there are; those that were given to `add` are below.
            name: Of the file, for messages.

        Raises:
            InputError: More than `MAX_RATERS`.
        """
        raters = {_named(rater): number for rater, number in self._raters.items()}
        if len(raters) > MAX_RATERS:
            raise InputError(
                f"{name} names {len(raters):,} raters, at most {MAX_RATERS:,} are expected: the column `rater` must "
                "hold one word for each person, not one for each line."
            )
        votes = np.array(
            [(segment, rater, code) for (segment, rater), (code, _) in self._said.items() if code != MISSING],
            dtype=np.int64,
        ).reshape(-1, 3)
        soft, truth, rated = _majority(votes, segments)
        return Verdict(*_table(votes, segments, raters), soft, truth, rated)


def _named(rater: str | None) -> str:
    return UNNAMED if rater is None else rater


def _table(
    votes: npt.NDArray[np.int64], segments: int, raters: dict[str, int]
) -> tuple[tuple[str, ...], npt.NDArray[np.int8]]:
    names = tuple(sorted(raters)) if len(raters) > 1 else ()
    ratings = np.full((segments, len(names)), MISSING, dtype=np.int8)
    if names:
        columns = np.argsort([raters[name] for name in names])
        ratings[votes[:, 0], columns[votes[:, 1]]] = votes[:, 2]
    return names, ratings


def _majority(
    votes: npt.NDArray[np.int64], segments: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
    counts = np.zeros((segments, len(TAXONOMY)))
    np.add.at(counts, (votes[:, 0], votes[:, 2]), 1)
    rated = counts.sum(axis=1) > 0
    alone = (counts == counts.max(axis=1, keepdims=True)).sum(axis=1) == 1
    truth = np.where(alone, counts.argmax(axis=1), TIED).astype(np.int8)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), truth, rated
