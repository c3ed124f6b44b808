"""The record of an evaluation as a document: it survives storing, and finds its candidates."""

import json

import pytest
from pydantic import ValidationError

from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import BASELINES, ModelResult
from tests.support.evaluations import evaluation


def test_a_record_survives_storing() -> None:
    one = evaluation()

    assert Evaluation.model_validate_json(one.model_dump_json()) == one
    assert Evaluation.model_validate(json.loads(json.dumps(one.model_dump(mode="json"), allow_nan=False))) == one


def test_a_candidate_is_found_by_its_name() -> None:
    one = evaluation(("a", "b"))

    assert one.model("b").model == "b"
    assert one.model(BASELINES[0]).kind == "baseline"
    with pytest.raises(KeyError, match="absent"):
        one.model("absent")


def test_a_misspelt_key_is_an_error() -> None:
    with pytest.raises(ValidationError, match="acuracy"):
        ModelResult(model="a", kind="model", status="ok", acuracy=1.0)  # type: ignore[call-arg]
