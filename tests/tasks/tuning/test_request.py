"""tasks/tuning/request.py: what may be asked."""

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.tuning.request import TuneRequest


def test_gains_may_be_over_other_parameters_than_the_default() -> None:
    assert TuneRequest(labels=("a.jsonl",), near={"neutral": 0.9, "audio_weight": 0.7}).near["neutral"] == 0.9


@pytest.mark.parametrize(
    ("near", "said"),
    [
        ({"bored": 1.0}, "no decision parameter bored"),
        ({"neutral": -1.0}, r"emotion_weights\[neutral\] must be in \[0, inf\], not -1.0"),
        ({"neutral": float("nan")}, r"emotion_weights\[neutral\] must be in \[0, inf\], not nan"),
        ({"audio_weight": 2.0}, r"audio_weight must be in \[0, 1\], not 2.0"),
        ({"audio_temperature": 0.0}, r"audio_temperature must be in \(0, inf\], not 0.0"),
    ],
)
def test_a_default_that_no_decision_can_have_is_refused(near: dict[str, float], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TuneRequest(labels=("a.jsonl",), near=near)


@pytest.mark.parametrize(
    "given",
    [{}, {"labels": ("a.jsonl",), "evaluation": "x"}, {"labels": ("a.jsonl",), "candidate": "x"}],
)
def test_answers_come_from_labels_or_from_an_evaluation(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"--labels|--evaluation"):
        TuneRequest(**given)
