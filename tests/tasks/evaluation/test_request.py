"""What an evaluation may be asked, and what it refuses to be."""

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.evaluation.request import EvaluateRequest

ON_MEDIA: dict[str, Any] = {"labels": ("l.jsonl",), "models": ("m",), "media": "s3://media"}


def test_labels_with_models_and_media_or_with_recorded_scores_are_enough() -> None:
    assert EvaluateRequest(**ON_MEDIA).recorded is False
    assert EvaluateRequest(labels=("l",), recorded=True).modality is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"labels": ()}, "at least 1 item"),
        ({"media": None}, "give --models and --media, or --recorded"),
        ({"models": ()}, "give --models and --media, or --recorded"),
        ({"recorded": True}, "recorded scores need neither models nor media"),
        ({"modality": "audio"}, "it goes with --recorded"),
        ({"audio_weight": 1.5}, "less than or equal to 1"),
        ({"models": ("majority",)}, "name of a baseline: write ./majority"),
        ({"models": ("label_prior",)}, "name of a baseline: write ./label_prior"),
        ({"seeds": 1}, "Extra inputs"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_remedy(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        EvaluateRequest(**{**ON_MEDIA, **changes})
