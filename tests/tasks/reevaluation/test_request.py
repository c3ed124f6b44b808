"""What a re-evaluation may be asked."""

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.reevaluation.request import ReevaluateRequest

PLACES = {"labels": "s3://labels", "media": "s3://media", "results": "s3://results"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": "s3://results/"}, "give the label files a prefix"),
        ({"promote": True, "config": "superb"}, "goes with config 'current'"),
        ({"promote": True, "tune": False}, "and tune"),
        ({"models": ("majority",)}, "./majority"),
        ({"model": ("large",)}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ReevaluateRequest.model_validate(PLACES | changes)


def test_each_candidate_counts_once_and_the_configuration_is_none_of_them() -> None:
    request = ReevaluateRequest(**PLACES, models=("large", "current", "large", "other.yaml"))
    assert request.candidates == ("large", "other.yaml")
