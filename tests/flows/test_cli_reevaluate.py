"""`seraph reevaluate`: what it refuses, and what a person sees. On the real stack: test_labels_to_report.py."""

import pytest
from typer.testing import CliRunner

from flows import cli
from flows.cli_reevaluate import show_reevaluation
from infra.errors import UsageError
from tests.support.reevaluations import labels, reevaluation, tuned


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--promote", "--config", "demo"), "goes with config 'current'"),
        (("--promote", "--no-tune"), "goes with config 'current' and tune"),
        (("--models", "majority"), "./majority"),
        (("--aliases", "none.yaml"), "none.yaml cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(options: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(cli.app, ["reevaluate", "--labels", "s3://labels", "--media", "s3://media", *options])
    assert isinstance(done.exception, UsageError)
    assert said in str(done.exception)


def test_a_person_sees_what_to_do_first_and_then_what_it_rests_on(capsys: pytest.CaptureFixture[str]) -> None:
    found = reevaluation(labels=labels(problems=("s3://labels/x.csv: [red] empty",)))
    show_reevaluation(found.document())
    shown = capsys.readouterr().out
    assert shown.startswith("Keep the current one.")
    for text in (
        "124: 12 added, 1 changed, 1 withdrawn since 20260303T120000-000000",
        "s3://labels/x.csv: [red] empty",
        "+0.030 [-0.020, +0.080]",
        "refused: the head has 5 outputs",
        "20260304T115500-fedcba: No useful gain is left.",
        "36, known from before 212",
        "s3://results/r.html",
    ):
        assert text in shown


def test_that_nothing_changed_is_said_before_what_was_found_then(capsys: pytest.CaptureFixture[str]) -> None:
    show_reevaluation(reevaluation().document(unchanged=True))
    assert capsys.readouterr().out.startswith("Nothing changed since the last re-evaluation")


def test_why_nothing_was_promoted_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    none = tuned(tuning_id=None, verdict=None, reason="Nothing was tuned.")
    show_reevaluation(reevaluation(tuning=none, not_promoted="No tuning says adopt.").document())
    shown = capsys.readouterr().out
    assert "No tuning says adopt." in shown
    assert "–: Nothing was tuned." in shown


def test_the_document_tells_whether_anything_was_done() -> None:
    found = reevaluation()
    assert (found.document()["status"], found.document(unchanged=True)["status"]) == ("done", "unchanged")
    keys = {
        "reevaluation_id",
        "labels",
        "config",
        "candidates",
        "evaluation_id",
        "tuning",
        "promoted",
        "recommendation",
    }
    assert keys <= found.document().keys()
