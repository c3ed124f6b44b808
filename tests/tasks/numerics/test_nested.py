"""tasks/numerics/nested.py against a plain loop, and its verdicts against evidence whose best decision is known."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from tasks.numerics.decision import Decision, decide_posterior
from tasks.numerics.grid import DEFAULTS, Evidence, Grid, GridAnswers, options_of
from tasks.numerics.metrics import measure
from tasks.numerics.nested import Nested, nested
from tasks.numerics.search import answers, coordinate_search, search
from tasks.numerics.tallies import OBJECTIVES, Objective
from tasks.numerics.tuning_simulation import Listener, draw_evidence

pytestmark = pytest.mark.slow

quick = settings(max_examples=10, deadline=None, database=None)
GRID = Grid({"neutral_suppression": (0.1, 0.3, 0.6, 1.0), "sad": (0.8, 1.0, 1.25)})


def _nested(
    evidence: Evidence, objective: Objective = "macro_f1_present", *, seed: int = 0, draws: int = 5, grid: Grid = GRID
) -> Nested:
    return nested(answers(evidence, grid, threads=1), grid, evidence, objective, seed=seed, draws=draws)


def _drawn(seed: int, n: int, sources: int, *, bias: float = 0.0, correlation: float = 0.0) -> Evidence:
    return draw_evidence(np.random.default_rng(seed), Listener(bias=bias), n, sources, correlation=correlation)


def _taken(evidence: Evidence, rows: np.ndarray) -> Evidence:
    return replace(
        evidence,
        truth=evidence.truth[rows],
        logits=evidence.logits[rows],
        source=evidence.source[rows],
        start_s=evidence.start_s[rows],
    )


def _told(made: Nested) -> tuple[object, ...]:
    """All that must not depend on order and names."""
    scores = [
        {name: None if value is None else round(value, 9) for name, value in each.items()}
        for each in (made.default, made.apparent, made.nested)
    ]
    return made.chosen, made.chosen_in_folds, made.judgement, made.luck.gains, made.responses, scores


@quick
@given(st.integers(0, 10_000), st.sampled_from(OBJECTIVES))
def test_the_nested_score_is_that_of_a_plain_loop_over_the_sources(seed: int, objective: Objective) -> None:
    evidence = _drawn(seed, 40, 6)
    posterior = softmax(evidence.logits, axis=1)
    held_out = np.zeros((40, 7))
    for each in range(6):
        held = evidence.source == each
        best = search(evidence, GRID, objective, rows=~held)
        held_out[held] = decide_posterior(posterior[held], Decision(**options_of(best.params))).posterior
    expected = measure(evidence.truth, held_out.argmax(axis=1), held_out)
    made = _nested(evidence, objective)
    apparent = search(evidence, GRID, objective)
    sign = -1 if objective == "cross_entropy" else 1
    assert made.nested == pytest.approx({name: getattr(expected, name) for name in OBJECTIVES}, abs=1e-6)
    assert made.apparent[objective] == pytest.approx(sign * apparent.value, abs=1e-6)
    assert (made.chosen, made.params) == (apparent.index, apparent.params)
    assert made.optimism == pytest.approx(apparent.value - sign * (made.nested[objective] or 0), abs=1e-6)
    assert made.gains[objective].value == pytest.approx(
        sign * ((made.nested[objective] or 0) - (made.default[objective] or 0)), abs=1e-6
    )


@quick
@given(st.integers(0, 10_000), st.integers(2, 30), st.sampled_from(OBJECTIVES))
def test_neither_order_nor_names_matter(seed: int, sources: int, objective: Objective) -> None:
    evidence = _drawn(seed, 60, sources)
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(60), rng.permutation(40)
    other = replace(_taken(evidence, order), source=names[evidence.source][order])
    assert _told(_nested(other, objective)) == _told(_nested(evidence, objective))


def test_the_seed_matters_only_to_luck_while_each_source_is_a_fold() -> None:
    evidence = _drawn(2, 60, 12)
    first, second = (_nested(evidence, seed=seed) for seed in (1, 2))
    assert first.luck.gains != second.luck.gains
    assert replace(first, luck=second.luck, held_out=second.held_out) == second


def test_thirty_sources_make_twenty_folds() -> None:
    made = _nested(_drawn(2, 90, 30))
    assert (made.sources, made.folds, len(made.chosen_in_folds)) == (30, 20, 20)


def test_all_parts_describe_the_same_search() -> None:
    made = _nested(_drawn(2, 300, 12, bias=2.2), draws=50)
    suppression, _ = made.responses
    share = np.mean([each == made.chosen for each in made.chosen_in_folds])
    assert made.points == 12
    assert made.stability == share
    assert sum(suppression.chosen) == made.folds == 12
    assert max(suppression.best) == pytest.approx(made.apparent["macro_f1_present"])
    assert made.pair is not None
    assert np.max(made.pair.best) == pytest.approx(made.apparent["macro_f1_present"])
    gain = (made.apparent["macro_f1_present"] or 0) - (made.default["macro_f1_present"] or 0)
    assert made.luck.observed == pytest.approx(gain)
    assert made.luck.share_as_good == pytest.approx(1 / 51)
    assert made.judgement.verdict == "adopt"


def test_shuffled_truth_leaves_no_gain() -> None:
    rng, gains = np.random.default_rng(5), []
    for seed in range(6):
        evidence = _drawn(seed, 200, 10, bias=2.2)
        assert _nested(evidence, "accuracy").gains["accuracy"].value > 0.03
        shuffled = replace(evidence, truth=rng.permutation(evidence.truth))
        gains.append(_nested(shuffled, "accuracy").gains["accuracy"].value)
    assert np.mean(gains) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("sources", [1, 2, 3, 4])
def test_few_sources_never_adopt(sources: int) -> None:
    made = _nested(_drawn(3, 400, sources, bias=3.0))
    assert made.gains["macro_f1_present"].value > 0.1
    assert made.single_source == (sources == 1)
    assert (made.folds, made.judgement.verdict) == (10 if sources == 1 else sources, "undecided")
    assert made.judgement.reason == ("single_source" if sources == 1 else "few_sources")
    assert made.luck.mean is not None


def test_one_segment_chooses_nothing() -> None:
    made = _nested(_drawn(3, 1, 1))
    assert made.nested == made.default
    assert (made.folds, made.chosen_in_folds, made.luck.reason) == (1, (10,), "there is nothing to resample")
    assert made.judgement.verdict != "adopt"


def test_one_class_is_no_obstacle() -> None:
    evidence = _drawn(3, 40, 8)
    made = _nested(replace(evidence, truth=np.zeros(40, dtype=np.int64)))
    assert made.default["macro_f1_present"] is not None
    # Neutral alone is true: no suppression can be better, and nothing else is to be had.
    assert made.params["neutral_suppression"] == 1.0
    assert made.judgement.verdict != "adopt"


def test_a_search_of_the_default_alone_keeps_it() -> None:
    made = _nested(_drawn(3, 40, 8), grid=Grid({"sad": (1.0,)}))
    assert (made.judgement.verdict, made.judgement.reason) == ("keep-default", "default_is_best")
    assert (made.optimism, made.stability, made.pair) == (0.0, 1.0, None)


def test_a_gain_can_be_over_other_parameters_than_the_default() -> None:
    evidence = _drawn(3, 300, 10, bias=2.2)
    current = {**DEFAULTS, "neutral_suppression": 0.1}
    made = nested(answers(evidence, GRID), GRID, evidence, seed=0, near=current, draws=5)
    assert made.default == pytest.approx(_nested(evidence, grid=Grid({"neutral_suppression": (0.1,)})).apparent)
    assert made.judgement.verdict != "adopt"


def test_no_segments_and_answers_of_another_grid_are_refused() -> None:
    evidence = _drawn(3, 12, 6)
    with pytest.raises(ValueError, match="no labelled segments"):
        _nested(_taken(evidence, np.arange(0)))
    few = answers(evidence, Grid({"sad": (1.0,)}))
    with pytest.raises(ValueError, match=r"prediction has shape \(1, 12\), not \(12, 12\)"):
        nested(GridAnswers(few.prediction, few.p_truth), GRID, evidence, seed=0)


def test_without_a_table_of_answers_each_fold_is_searched_anew_along_the_parameters() -> None:
    evidence = _drawn(5, 90, 6, bias=1.5)
    made = nested(None, GRID, evidence, seed=2, draws=5)
    posterior = softmax(evidence.logits, axis=1)
    held_out = np.zeros(90, dtype=np.int64)
    for each in range(6):
        held, rng = evidence.source == each, np.random.default_rng(2)
        best = coordinate_search(evidence, GRID.values, rng=rng, rows=~held)
        decided = decide_posterior(posterior[held], Decision(**options_of(best.params))).posterior
        held_out[held] = decided.argmax(axis=1)
    assert made.held_out.prediction.tolist() == held_out.tolist()
    assert not made.exhaustive
    assert made.points <= len(GRID)


def test_the_labels_of_a_fold_lead_no_walk_of_its_own() -> None:
    evidence = _drawn(5, 90, 6, bias=1.5)
    first = evidence.source == 0
    turned = replace(evidence, truth=np.where(first, (evidence.truth + 1) % 7, evidence.truth))
    one, other = (nested(None, GRID, each, seed=2, draws=5).held_out.prediction for each in (evidence, turned))
    assert one[first].tolist() == other[first].tolist()


def test_walks_through_a_grid_that_they_see_all_of_are_worth_what_all_points_are() -> None:
    evidence = _drawn(7, 90, 6, bias=1.5)
    whole, walked = _nested(evidence), nested(None, GRID, evidence, seed=0, draws=5)
    assert walked.points == whole.points == len(GRID)
    assert (walked.chosen_in_folds, walked.judgement) == (whole.chosen_in_folds, whole.judgement)
    # Luck takes the same points in another order.
    assert walked.luck.gains == pytest.approx(whole.luck.gains)


def _verdicts(draws: int, n: int, objective: Objective, *, bias: float, correlation: float) -> Counter[str]:
    made = (_nested(_drawn(each, n, 12, bias=bias, correlation=correlation), objective) for each in range(draws))
    return Counter(each.judgement.verdict for each in made)


@pytest.mark.parametrize(
    ("n", "objective", "correlation"),
    [(31, "macro_f1_present", 0.0), (31, "cross_entropy", 0.1), (100, "uar", 0.1), (500, "accuracy", 0.1)],
)
def test_what_is_best_already_is_rarely_changed(n: int, objective: Objective, correlation: float) -> None:
    # At a true rate of 5 %, more than 6 of 40 would be a chance of 0.3 %. Measured at length: benchmarks.
    assert _verdicts(40, n, objective, bias=0.0, correlation=correlation)["adopt"] <= 6


@pytest.mark.parametrize("correlation", [0.0, 0.05])
def test_ten_points_at_500_segments_from_12_sources_are_found(correlation: float) -> None:
    # At a true rate of 90 %, fewer than 14 of 20 would be a chance of 0.2 %.
    assert _verdicts(20, 500, "macro_f1_present", bias=2.25, correlation=correlation)["adopt"] >= 14
