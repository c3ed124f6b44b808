"""The record of an evaluation: drawn up from any answers without a NaN, and stored with its page."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.contract import TAXONOMY
from infra.shelf import FolderShelf
from tasks.evaluation.answers import Answers, from_recorded
from tasks.evaluation.archive import Archive
from tasks.evaluation.record import Findings, drawn_up, store
from tasks.evaluation.request import EvaluateRequest
from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import BASELINES, ModelResult
from tasks.numerics.decision import Decision
from tests.support.evaluation import one_hot, segments

FIGURES = (
    "accuracy", "accuracy_ci", "accuracy_ci_grouped", "uar", "uar_ci", "macro_f1", "macro_f1_ci", "macro_f1_present",
    "macro_f1_present_ci", "brier", "cross_entropy", "soft_cross_entropy", "ece", "ece_null", "neutral_rate",
    "non_neutral_accuracy", "coverage", "dropped_mass",
)  # fmt: skip
REFUSED = ModelResult(model="refused", kind="model", status="refused", reason="no head")


def request(**changes: Any) -> EvaluateRequest:
    return EvaluateRequest(**{"labels": ("labels.jsonl",), "recorded": True, **changes})


def answers(posterior: np.ndarray[Any, np.dtype[np.float64]], name: str) -> Answers:
    return replace(from_recorded({"audio": posterior}, "audio", 0.5, Decision()), name=name)


def findings(truth: list[str], *given: Answers, sources: int = 6, **changes: Any) -> Findings:
    chosen = segments(truth, media=lambda row: f"m{row % sources}.wav")
    return Findings(request(), chosen, given, {}, "20260101T000000-abcdef", time.perf_counter(), **changes)


def as_json(evaluation: Evaluation) -> Any:
    """The printed document; raises ValueError for a NaN or an infinity anywhere in it."""
    return json.loads(json.dumps(evaluation.model_dump(mode="json"), allow_nan=False))


@st.composite
def cases(draw: st.DrawFn) -> Findings:
    """Up to three candidates on up to twelve segments of few sources: sure, flat, silent, or all of it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, labels = draw(st.integers(1, 12)), draw(st.integers(1, 7))
    truth = [TAXONOMY[code] for code in rng.integers(0, labels, n)]
    given = []
    for number in range(draw(st.integers(0, 3))):
        posterior = rng.dirichlet(np.full(7, draw(st.sampled_from([0.01, 1.0, 1e4]))), n)
        posterior[rng.random(n) < draw(st.sampled_from([0.0, 0.5, 1.0]))] = np.nan
        given.append(answers(posterior, f"candidate {number}"))
    return findings(truth, *given, sources=draw(st.integers(1, 6)))


@given(cases())
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_no_figure_is_nan_and_every_null_one_has_a_reason(case: Findings) -> None:
    document = as_json(drawn_up(case))

    for each in document["models"]:
        unexplained = [name for name in FIGURES if each[name] is None and name not in each["undefined"]]
        assert unexplained == [], each["model"]
    for pair in document["comparisons"]:
        for name in ("ci", "labels_to_decide"):
            assert pair[name] is not None or name in pair["undefined"]


def test_candidates_stand_as_they_were_named_then_those_that_came_along_then_the_baselines() -> None:
    found = findings(["sad", "happy"], *(answers(one_hot(["sad", "sad"]), name) for name in ("along", "b", "a")))
    found = replace(found, request=request(recorded=False, models=("a", "refused", "b"), media="s3://media"))

    models = drawn_up(replace(found, silent={"refused": REFUSED})).models

    assert [each.model for each in models] == ["a", "refused", "b", "along", *BASELINES]
    assert models[1] == REFUSED


def test_without_one_candidate_the_baselines_and_the_reasons_are_left() -> None:
    evaluation = drawn_up(replace(findings(["sad", "happy"]), silent={"refused": REFUSED}))

    assert [each.model for each in evaluation.models] == ["refused", *BASELINES]
    assert (evaluation.comparisons, evaluation.ranking, evaluation.worst, evaluation.agreement) == ((), (), (), ())
    assert evaluation.verdict.startswith("The candidate could not be evaluated")


def test_the_same_seed_gives_the_same_record() -> None:
    rng = np.random.default_rng(4)
    truth = [TAXONOMY[code] for code in rng.integers(0, 5, 40)]
    given = [answers(rng.dirichlet(np.ones(7), 40), name) for name in "ab"]
    when = {"created": "", "seconds": 0.0}

    first, second = (drawn_up(findings(truth, *given)).model_copy(update=when) for _ in range(2))

    assert first == second


def test_the_settings_hold_what_the_figures_depend_on_and_nothing_of_the_machine() -> None:
    found = replace(findings(["sad"]), request=request(seed=7, modality="fused", aliases={"bored": "sad"}))

    evaluation = drawn_up(found)

    assert evaluation.seed == 7
    assert evaluation.settings["aliases"] == {"bored": "sad"}
    assert set(evaluation.settings["config"]) == {"name", "precision", "reading", "decision"}
    assert str(Path.home()) not in json.dumps(as_json(evaluation))


@pytest.fixture
def stored(tmp_path: Path) -> Evaluation:
    archive = Archive(FolderShelf(tmp_path))
    found = findings(["sad", "happy"], answers(one_hot(["sad", "sad"]), "one"))
    return store(found, archive, {})


def test_a_stored_record_says_where_it_lies_and_is_the_one_in_the_archive(stored: Evaluation, tmp_path: Path) -> None:
    assert stored.outputs is not None
    assert stored.outputs.report_file == stored.outputs.report
    assert "<html" in Path(stored.outputs.report).read_text()[:500].lower()
    assert Archive(FolderShelf(tmp_path)).get(stored.evaluation_id) == stored


def test_the_leaderboard_is_drawn_anew(stored: Evaluation, tmp_path: Path) -> None:
    board = tmp_path / "evaluations" / "leaderboard.html"
    before = board.read_text()

    store(findings(["fear"], answers(one_hot(["fear"]), "brand-new candidate")), Archive(FolderShelf(tmp_path)), {})

    assert stored.outputs is not None
    assert "brand-new candidate" not in before
    assert "brand-new candidate" in board.read_text()


class AddressedShelf(FolderShelf):
    """A folder that calls itself a store."""

    def address(self, name: str) -> str:
        return f"s3://results/{name}"


def test_a_report_in_a_store_is_no_file_of_this_machine(tmp_path: Path) -> None:
    found = findings(["sad", "happy"], answers(one_hot(["sad", "sad"]), "one"))

    evaluation = store(found, Archive(AddressedShelf(tmp_path)), {})

    assert evaluation.outputs is not None
    assert evaluation.outputs.report.startswith("s3://results/evaluations/")
    assert evaluation.outputs.report_file is None
