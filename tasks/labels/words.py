"""What a label in a file means in the taxonomy: packaged words (English, Korean, Chinese) and the caller's aliases."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from actors.checkpoints.labels import label_map
from actors.contract import TAXONOMY
from infra.errors import CheckpointError, ConfigError
from tasks.labels.problems import LineFault, ProblemKind, shown

_CODES = {emotion: code for code, emotion in enumerate(TAXONOMY)}


class LabelWords:
    """Label words to indices into `TAXONOMY`; an alias goes before a packaged word, and case does not matter.

    Args:
        aliases: Label to emotion, or to None where it shall count as rejected.

    Raises:
        ConfigError: An alias for something outside the taxonomy.
    """

    def __init__(self, aliases: Mapping[str, str | None] | None = None) -> None:
        for word, emotion in (aliases or {}).items():
            if emotion is not None and emotion not in _CODES:
                expected = f"expected one of {', '.join(TAXONOMY)} or null"
                raise ConfigError(f"aliases: {word!r} stands for {emotion!r}, {expected}.")
        self._emotions: dict[str, str | None] = {_fold(word): emotion for word, emotion in (aliases or {}).items()}
        self._codes: dict[str, int | LineFault | None] = {}

    def code(self, label: Any) -> int | None:
        """Index of the emotion, or None where there is no label (null, NaN, blank).

        Several labels (a list) are one where exactly one of them is an emotion.

        Raises:
            LineFault: The label is outside the taxonomy, or names several emotions.
        """
        if not isinstance(label, str):
            return self._unusual(label)
        if label not in self._codes:
            self._codes[label] = self._look_up(label)
        code = self._codes[label]
        if isinstance(code, LineFault):
            # A new one: a raised exception keeps the frames of where it was raised.
            raise LineFault(code.kind, str(code))
        return code

    def emotion(self, word: str) -> str | None:
        """The emotion that a word stands for, or None where it is known to stand for none.

        Raises:
            KeyError: The word is not known.
        """
        key = _fold(word)
        if key not in self._emotions:
            try:
                (self._emotions[key],) = label_map([word]).values()
            except CheckpointError as error:
                raise KeyError(word) from error
        return self._emotions[key]

    def _unusual(self, label: Any) -> int | None:
        if label is None or label != label:
            return None
        if isinstance(label, list | tuple):
            return self._one_of([each for each in label if each is not None and each != ""])
        raise LineFault(ProblemKind.LABEL_OUTSIDE, f"label {shown(label)} is no text")

    def _one_of(self, labels: list[Any]) -> int | None:
        if len(labels) == 1 and isinstance(labels[0], str):
            return self.code(labels[0])
        emotions = {code for code in map(self._known, labels) if code is not None}
        if len(emotions) > 1:
            text = f"the labels {shown(labels)} name several emotions"
            raise LineFault(ProblemKind.CONFLICTING_LABELS, f"{text}: one is expected")
        if labels and not emotions:
            raise LineFault(ProblemKind.LABEL_OUTSIDE, f"none of the labels {shown(labels)} {_expected()}")
        return next(iter(emotions), None)

    def _known(self, label: Any) -> int | None:
        try:
            return self.code(label) if isinstance(label, str) else None
        except LineFault:
            return None

    def _look_up(self, label: str) -> int | LineFault | None:
        if not label.strip():
            return None
        try:
            emotion = self.emotion(label)
        except KeyError:
            return LineFault(ProblemKind.LABEL_OUTSIDE, f"label {shown(label)} {_expected()}")
        if emotion is None:
            text = f"label {shown(label)} has no emotion in the taxonomy"
            return LineFault(ProblemKind.LABEL_OUTSIDE, f"{text}; an alias can give it one")
        return _CODES[emotion]


def codes_of(words: Iterable[str], known: LabelWords) -> list[int | None]:
    """Index of the emotion of each word, None where a word is known to stand for none.

    Raises:
        KeyError: A word is not known.
    """
    emotions = [known.emotion(word) for word in words]
    return [None if emotion is None else _CODES[emotion] for emotion in emotions]


def _fold(word: str) -> str:
    return unicodedata.normalize("NFC", word).strip().casefold()


def _expected() -> str:
    return f"is none of {', '.join(TAXONOMY)}, and no alias of one"
