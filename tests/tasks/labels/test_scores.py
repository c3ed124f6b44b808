"""tasks/labels/scores.py: recorded posteriors."""

from typing import Any

import numpy as np
import pytest

from actors.contract import TAXONOMY
from tasks.labels.problems import LineFault
from tasks.labels.scores import Posteriors
from tasks.labels.words import LabelWords


def _read(scores: Any) -> list[float]:
    return Posteriors(LabelWords()).read(scores)


def test_masses_come_in_the_order_of_the_taxonomy_and_sum_to_one() -> None:
    masses = dict(zip(TAXONOMY, [1, 2, 3, 4, 5, 6, 7], strict=True))
    np.testing.assert_allclose(_read(dict(sorted(masses.items()))), np.arange(1, 8) / 28)


def test_spellings_of_one_emotion_add_and_words_without_an_emotion_are_dropped() -> None:
    # calm's 0.5 goes; joy and happiness are 0.2 + 0.2 of the 0.5 that is left, anger 0.1.
    posterior = _read({"joy": 0.2, "Happiness": 0.2, "anger": 0.1, "calm": 0.5, "fear": None})
    np.testing.assert_allclose(posterior, [0, 0.8, 0, 0.2, 0, 0, 0])


def test_readers_of_different_words_do_not_share_what_they_learned() -> None:
    first, second = Posteriors(LabelWords({"sad": "fear"})), Posteriors(LabelWords())
    assert first.read({"sad": 1}) != second.read({"sad": 1})


@pytest.mark.parametrize(
    "scores",
    [
        None, 3, "sad", [0.1] * 7, {}, {"sad": None}, {"sad": "1"}, {"sad": True}, {"sad": -0.1, "fear": 1}, {"sad": 0},
        {"sad": float("nan")}, {"fear": 1, "sad": float("nan")}, {"sad": float("inf")}, {"sad": 1e308, "fear": 1e308},
        {"sad": 10**400}, {"xyzzy": 1}, {1: 1}, {"calm": 1},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_posterior_is_told(scores: Any) -> None:
    with pytest.raises(LineFault) as caught:
        _read(scores)
    assert caught.value.kind == "bad_scores"
