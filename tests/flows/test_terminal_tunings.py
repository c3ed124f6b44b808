"""What a person sees of tunings on the terminal."""

import pytest

from flows import terminal_tunings
from tests.support.tunings import adopted_tuning, empty_tuning, tuning


def test_a_tuning_shows_verdict_figures_luck_choice_and_where_the_report_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal_tunings.show_tuning(tuning(notes=("All [red] from one rater.",), flags=("single_source",)))
    shown = capsys.readouterr().out
    assert shown.startswith("Undecided. Keep the default for now.")
    for text in (
        "About 3,120 more labels",
        "All [red] from one rater.",
        "single source",
        "7,700 combinations on 124 segments",
        "-0.027 [-0.107, +0.053]",
        "gains up to 0.126 (95 %) where nothing helps; observed 0.097",
        "audio_weight 0.7, sad 0.8, neutral_suppression 0.8",
        "s3://results/r.html",
    ):
        assert text in shown
    assert "seraph promote" not in shown


def test_an_adopted_tuning_shows_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    terminal_tunings.show_tuning(adopted_tuning())
    shown = capsys.readouterr().out
    assert shown.startswith("Use the tuned parameters.")
    assert "seraph promote 20260102T030405-abcdef" in shown


def test_a_tuning_of_nothing_is_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    terminal_tunings.show_tuning(empty_tuning())
    shown = capsys.readouterr().out
    assert "There are no labelled segments." in shown
    assert "Found       the default" in shown
