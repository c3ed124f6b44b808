"""tasks/numerics/tuning_simulation.py: the evidence is what it claims, so that verdicts can be held against it."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from tasks.numerics.calibration import calibration_error
from tasks.numerics.grid import Grid
from tasks.numerics.nested import answers_of, scores_of
from tasks.numerics.search import answers
from tasks.numerics.tuning_simulation import Listener, draw_evidence

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("correlation", [0.0, 0.1])
def test_posteriors_are_calibrated_and_as_often_right_as_asked(correlation: float) -> None:
    evidence = draw_evidence(np.random.default_rng(1), Listener(0.6), 40_000, 4000, correlation=correlation)
    posterior = softmax(evidence.logits, axis=1)
    right = posterior.argmax(axis=1) == evidence.truth
    assert right.mean() == pytest.approx(0.6, abs=0.012)
    assert posterior.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.012)
    # A source's mix of emotions adds noise that the band of independent segments does not have.
    assert calibration_error(evidence.truth, posterior, seed=0, draws=50).value == pytest.approx(0.0, abs=0.015)
    assert np.bincount(evidence.truth) / 40_000 == pytest.approx(np.full(7, 1 / 7), abs=0.015)


@pytest.mark.parametrize("correlation", [0.0, 0.1])
def test_being_right_is_correlated_within_sources_as_asked(correlation: float) -> None:
    evidence = draw_evidence(np.random.default_rng(1), Listener(0.55), 40_000, 2000, correlation=correlation)
    right = (evidence.logits.argmax(axis=1) == evidence.truth).reshape(2000, 20)
    between, within = right.mean(axis=1).var(), right.var(axis=1, ddof=1).mean()
    # One-way analysis of variance: what means vary more than segments explain.
    assert (between - within / 20) / (between - within / 20 + within) == pytest.approx(correlation, abs=0.02)


def test_no_decision_beats_the_default_in_the_long_run_but_one_that_takes_the_bias_away_does() -> None:
    grid = Grid({"neutral": (0.8, 1.0, 1.25), "sad": (0.8, 1.0, 1.25)})
    even = draw_evidence(np.random.default_rng(1), Listener(), 60_000, 60_000)
    made = answers(even, grid)
    figures = [scores_of(even.truth, answers_of(made, point)) for point in range(len(grid))]
    for name in ("macro_f1_present", "accuracy", "uar"):
        assert max(each[name] or 0 for each in figures) == figures[4][name]
    leaning = draw_evidence(np.random.default_rng(1), Listener(bias=2.2), 60_000, 60_000)
    biased, freed = (
        scores_of(leaning.truth, answers_of(answers(leaning, Grid({"neutral_suppression": (each,)})), 0))
        for each in (1.0, float(np.exp(-2.2)))
    )
    assert freed == pytest.approx(figures[4], abs=1e-6)
    assert (freed["macro_f1_present"] or 0) - (biased["macro_f1_present"] or 0) == pytest.approx(0.1, abs=0.01)


def test_sources_are_of_like_size_and_the_generator_decides_all() -> None:
    first, second = (draw_evidence(np.random.default_rng(3), Listener(), 31, 12, correlation=0.1) for _ in range(2))
    assert sorted(np.bincount(first.source).tolist()) == [2] * 5 + [3] * 7
    assert first.logits.tolist() == second.logits.tolist()


# -- what was measured at length ---------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[3]
MEASURED = json.loads((ROOT / "benchmarks" / "tuning-simulation.json").read_text(encoding="utf-8"))
SMALL_GRID = 270
OBJECTIVES = ("macro_f1_present", "accuracy", "uar", "cross_entropy")


def measured(truth: str, **wanted: object) -> list[float]:
    cases = [case for case in MEASURED["cases"] if case["truth"] == truth]
    return [case["adopt"] for case in cases if all(case[name] == value for name, value in wanted.items())]


def uncertainty(rate: float) -> float:
    """Half the 95 % interval of a rate that was measured on so many draws."""
    return 1.96 * (rate * (1 - rate) / MEASURED["draws"]) ** 0.5


def test_a_false_adoption_was_measured_in_at_most_a_twentieth_and_ten_points_were_found_in_nine_tenths() -> None:
    false_alarms, found = measured("null"), measured("helpful", n=500)
    assert len(false_alarms) == 30
    assert len(found) == 9
    assert max(false_alarms) <= 0.05 + uncertainty(0.05)
    assert min(found) >= 0.9 - uncertainty(0.9)


@pytest.mark.parametrize("page", ["tuning.md", "tuning.ko.md"])
@pytest.mark.parametrize(("truth", "n"), [("null", 31), ("null", 100), ("null", 500), ("helpful", 500)])
def test_the_documentation_prints_what_was_measured(page: str, truth: str, n: int) -> None:
    cases = [case for case in MEASURED["cases"] if (case["truth"], case["n"]) == (truth, n)]
    cells = []
    for objective in OBJECTIVES:
        rates = [case["adopt"] for case in cases if case["objective"] == objective and case["points"] <= SMALL_GRID]
        cells.append(f"{100 * min(rates):.1f}–{100 * max(rates):.1f} %".replace("100.0 %", "100 %") if rates else "–")
    assert f"| {n} | {' | '.join(cells)} |" in (ROOT / "docs" / page).read_text(encoding="utf-8")
