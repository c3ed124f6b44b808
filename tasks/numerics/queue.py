"""Which segments to label next: some by chance, the others in turns by what each would add.

Owns the turns and the quotas. The figures are queue_candidates.py's, what is nearly the same queue_near.py's.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY
from tasks.numerics.queue_candidates import UNDECIDED, Candidates, Floats, draws, most_kept, uncertainty
from tasks.numerics.queue_near import Heard, HeardAlike, Near, said_alike, same_audio

Bools = npt.NDArray[np.bool_]


class Reason(StrEnum):
    """Why a segment is proposed: stored with it, and read back by whoever evaluates."""

    RANDOM = "random"
    DISAGREEMENT = "disagreement"
    UNCERTAINTY = "uncertainty"
    EMOTION = "emotion"
    LANGUAGE = "language"
    SOURCE = "source"


@dataclass(frozen=True)
class Covered:
    """What is labelled already: by index into the taxonomy (7,), by hash of the language, by hash of the source.

    `copies`: hashes of the audio that is labelled (see `Candidates.copy`).
    """

    emotions: tuple[int, ...] = (0,) * len(TAXONOMY)
    languages: Mapping[int, int] = field(default_factory=dict)
    sources: Mapping[int, int] = field(default_factory=dict)
    copies: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Pick:
    """A segment to label.

    Attributes:
        key: See `Candidates.key`.
        reason: Why.
        count: Of what there are few: how many were labelled or picked before. None for the other reasons.
        draw: Its place in the random order, 0 … 1. Of all picks: the segments below any limit are a uniform draw.
    """

    key: int
    reason: Reason
    count: int | None
    draw: float


def choose(
    candidates: Candidates,
    covered: Covered,
    *,
    wanted: int,
    random_share: float,
    seed: int,
    near: Near | None = None,
    heard: Callable[[int], Heard | None] = lambda _: None,
) -> tuple[Pick, ...]:
    """Choose segments to label. Neither the order of rows nor anything but the arguments changes the result.

    First `random_share` of them by chance alone. Then in turns, each with the same number: the one that models differ
    on most; the one that the model is least sure of; one of the emotion, of the language and of the source with the
    fewest labels and picks so far. Of an emotion it is the most probable one, which is the likeliest to be one; of a
    language or a source the least sure one. In the first two turns a segment counts less by the root of what its source
    gave.

    Args:
        candidates: Without labelled segments.
        covered: What is labelled.
        wanted: How many; fewer come where no more are left that are not nearly the same as others.
        random_share: 0 … 1.
        seed: Of the random order.
        near: When two are nearly the same.
        heard: By key what a model heard; asked only of those that are about to be chosen.
    """
    desk = _Desk(candidates.take(np.argsort(candidates.key)), covered, seed, near or Near(), heard)
    desk.draw(round(wanted * random_share), among=most_kept(wanted))
    turns = desk.turns()
    while turns and len(desk.picks) < wanted:
        turns = [turn for turn in turns if len(desk.picks) < wanted and turn()]
    return tuple(desk.picks)


class _Desk:
    """A choice under way."""

    def __init__(
        self,
        candidates: Candidates,
        covered: Covered,
        seed: int,
        near: Near,
        heard: Callable[[int], Heard | None],
    ) -> None:
        self.picks: list[Pick] = []
        self._all, self._near, self._heard = candidates, near, heard
        self._draw = draws(candidates.key, seed)
        self._alike = HeardAlike(near.logits)
        # What chance may still take, and what the other reasons may: never two that are nearly the same.
        self._drawable: Bools = ~np.isin(candidates.copy, np.array(sorted(covered.copies - {0}), dtype=np.uint64))
        self._free: Bools = self._drawable & ~candidates.beside
        self._unsure = uncertainty(candidates.posterior)
        self._sure = np.nan_to_num(candidates.posterior).max(axis=1).astype(np.float64)
        self._differ = np.nan_to_num(candidates.disagreement)
        self._from_source = np.zeros(len(candidates))
        self._counts: dict[Reason, Counter[int]] = {
            Reason.EMOTION: Counter(dict(enumerate(covered.emotions))),
            Reason.LANGUAGE: Counter(dict(covered.languages)),
            Reason.SOURCE: Counter(dict(covered.sources)),
        }
        self._columns: dict[Reason, npt.NDArray[Any]] = {
            Reason.EMOTION: candidates.emotion,
            Reason.LANGUAGE: candidates.language,
            Reason.SOURCE: candidates.source,
        }

    def draw(self, wanted: int, among: int) -> None:
        """The first so many in the random order. What a model says of them has no part in it.

        Beyond the first `among`, only those were kept that are there for another reason.
        """
        for row in np.argsort(self._draw, kind="stable")[:among].tolist():
            if len(self.picks) >= wanted:
                return
            if self._drawable[row] and not self._is_heard_alike(row):
                self._pick(row, Reason.RANDOM, None)

    def turns(self) -> list[Callable[[], bool]]:
        """The turns that make sense here; each picks one segment, or says that it has none left."""
        turns = [lambda: self._by_value(Reason.DISAGREEMENT, self._differ)] if self._differ.any() else []
        turns.append(lambda: self._by_value(Reason.UNCERTAINTY, self._unsure))
        turns.append(lambda: self._by_need(Reason.EMOTION))
        if len(np.unique(self._all.language)) > 1:
            turns.append(lambda: self._by_need(Reason.LANGUAGE))
        if len(np.unique(self._all.source)) > 1:
            turns.append(lambda: self._by_need(Reason.SOURCE))
        return turns

    def _by_value(self, reason: Reason, value: Floats) -> bool:
        weighed = value / np.sqrt(1 + self._from_source)
        return any(self._pick(row, reason, None) for row in self._highest(weighed, value > 0))

    def _by_need(self, reason: Reason) -> bool:
        """The best of the group with the fewest; a group that has none left is passed over."""
        column, counts = self._columns[reason], self._counts[reason]
        value = self._sure if reason is Reason.EMOTION else self._unsure + self._differ
        known = self._free & (column != UNDECIDED) if reason is Reason.EMOTION else self._free
        for group in sorted(set(column[known].tolist()), key=lambda group: (counts[group], group)):
            for row in self._highest(value, column == group):
                return self._pick(row, reason, counts[group])
        return False

    def _highest(self, value: Floats, among: Bools) -> Iterator[int]:
        """The highest that is new, of equal ones that with the lowest key; what is not new is struck off for good."""
        while (among & self._free).any():
            row = int(np.argmax(np.where(among & self._free, value, -1.0)))
            if not self._is_heard_alike(row):
                yield row
            self._free[row] = False

    def _is_heard_alike(self, row: int) -> bool:
        return self._alike(self._heard(int(self._all.key[row])), self._length_s(row))

    def _pick(self, row: int, reason: Reason, count: int | None) -> bool:
        key = int(self._all.key[row])
        self._alike.add(self._heard(key), self._length_s(row))
        same = same_audio(self._all, row, self._near)
        self._drawable &= ~same
        # Not from the draw: it must not depend on what the model says of a segment.
        self._free &= ~(same | said_alike(self._all, row, self._near))
        self._free[row] = False
        self._from_source += self._all.source == self._all.source[row]
        for kind, column in self._columns.items():
            self._counts[kind][int(column[row])] += 1
        self.picks.append(Pick(key, reason, count, float(self._draw[row]) / 2.0**64))
        return True

    def _length_s(self, row: int) -> float:
        return float(self._all.end_s[row] - self._all.start_s[row])
