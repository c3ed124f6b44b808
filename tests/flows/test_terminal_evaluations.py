"""What a person sees of evaluations on the terminal."""

import pytest

from flows import terminal_evaluations
from tests.support.evaluations import empty_evaluation, evaluation, failed_models


def test_an_evaluation_shows_the_verdict_each_candidate_and_where_the_report_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = evaluation(("superb",), notes=("All [red] from one source.",))
    terminal_evaluations.show_evaluation(base.model_copy(update={"models": base.models + failed_models("bad head")}))
    shown = capsys.readouterr().out
    assert shown.startswith(base.verdict)
    for text in (
        "All [red] from one source.",
        "superb",
        "majority",
        "Refused     broken: bad head",
        "Failed      absent: no reason was given",
        "s3://results/r.html",
    ):
        assert text in shown
    assert f"{base.models[0].accuracy:.3f}" in shown


def test_the_history_shows_the_newest_first_and_who_shares_the_first_place(capsys: pytest.CaptureFixture[str]) -> None:
    older = evaluation(evaluation_id="older", created="2025-01-01T00:00:00+00:00")
    terminal_evaluations.show_history([older, evaluation(evaluation_id="newer")])
    shown = capsys.readouterr().out
    assert shown.index("newer") < shown.index("older")
    assert shown.count("tied") == 2


def test_an_evaluation_of_nothing_and_a_history_of_none_are_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    terminal_evaluations.show_evaluation(empty_evaluation())
    terminal_evaluations.show_history([empty_evaluation()])
    terminal_evaluations.show_history([])
    assert "There is no evaluation yet" in capsys.readouterr().out
