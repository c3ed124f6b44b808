"""Posteriors that a label file recorded beside its labels: `audio_scores`, `text_scores`, `combined_scores`."""

import math
from collections.abc import Mapping
from typing import Any

from actors.contract import TAXONOMY
from tasks.labels.problems import LineFault, ProblemKind, shown
from tasks.labels.words import LabelWords, codes_of

ABSENT = (math.nan,) * len(TAXONOMY)
"""What stands where there is no posterior."""

_NUMBERS = frozenset({int, float})


class Posteriors:
    """Reads masses by emotion into the order of the taxonomy."""

    def __init__(self, words: LabelWords) -> None:
        self._words = words
        self._places: dict[tuple[Any, ...], list[int | None]] = {}

    def read(self, scores: Any) -> list[float]:
        """A posterior over the seven, sum 1.

        Emotions that are not mentioned have no mass; that of words without an emotion (`calm`) is dropped, and the
        rest renormalised.

        Args:
            scores: Emotion, in any known spelling, to mass of at least 0.

        Raises:
            LineFault: It is no such mapping, or there is no mass in it.
        """
        if not isinstance(scores, dict) or not scores:
            raise _fault(scores, "expected mass by emotion")
        if None in scores.values():
            # Parquet gives every row the emotions of all rows.
            return self.read({word: mass for word, mass in scores.items() if mass is not None})
        masses = _masses(scores)
        posterior = [0.0] * len(TAXONOMY)
        for place, mass in zip(self._places_of(scores), masses, strict=True):
            if place is not None:
                posterior[place] += mass
        total = sum(posterior)
        if not total > 0:
            raise _fault(scores, "there is no mass on any of the seven emotions")
        return [mass / total for mass in posterior]

    def _places_of(self, scores: Mapping[Any, Any]) -> list[int | None]:
        key = tuple(scores)
        if key not in self._places:
            if not all(isinstance(word, str) for word in key):
                raise _fault(scores, "expected mass by emotion")
            try:
                self._places[key] = codes_of(key, self._words)
            except KeyError as error:
                raise _fault(error.args[0], "no emotion is known for a label in it") from error
        return self._places[key]


def _masses(scores: Mapping[Any, Any]) -> list[float]:
    if not _NUMBERS.issuperset(map(type, scores.values())):
        raise _fault(scores, "masses must be numbers")
    try:
        masses = list(map(float, scores.values()))
    except OverflowError as error:
        raise _fault(scores, "masses must be numbers") from error
    # The sum finds NaN and infinity.
    if not (min(masses) >= 0 and math.isfinite(sum(masses))):
        raise _fault(scores, "masses must be finite and at least 0")
    return masses


def _fault(value: object, expected: str) -> LineFault:
    return LineFault(ProblemKind.BAD_SCORES, f"{expected}, not {shown(value)}")
