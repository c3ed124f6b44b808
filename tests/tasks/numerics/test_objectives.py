"""tasks/numerics/objectives.py against metrics.py, one point after the other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.numerics.grid import DEFAULTS, Evidence, Grid
from tasks.numerics.metrics import measure
from tasks.numerics.objectives import distances, settled, values
from tasks.numerics.search import answers
from tasks.numerics.tallies import OBJECTIVES, Objective
from tests.support.searches import decided, evidences, grids, predictions, recorded

quick = settings(max_examples=60, deadline=None, database=None)


@quick
@given(evidences(), grids(), st.sampled_from(OBJECTIVES), st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_every_point_has_the_metric_that_it_would_have_by_itself(
    evidence: Evidence, grid: Grid, objective: Objective, counts: list[int]
) -> None:
    weights = np.array(counts[: len(evidence.truth)], dtype=np.float64)
    found = values(objective, evidence.truth, answers(evidence, grid), weights=weights)
    for value, point in zip(found, grid.points(), strict=True):
        made = decided(evidence, point)
        figure = getattr(measure(evidence.truth, predictions(made), made.posterior, weights=weights), objective)
        if figure is None:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(-figure if objective == "cross_entropy" else figure, abs=1e-6)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_rows_left_out_are_as_if_they_were_not_there(objective: Objective) -> None:
    rng = np.random.default_rng(0)
    evidence = recorded(rng.integers(0, 4, 40), rng.dirichlet(np.ones(7), 40))
    grid = Grid({"neutral": (0.5, 1.0, 2.0), "happy": (0.5, 1.0)})
    rows = rng.random(40) < 0.5
    made, part = answers(evidence, grid), answers(evidence, grid, rows=rows)
    inside = values(objective, evidence.truth, made, rows=rows)
    assert inside == pytest.approx(values(objective, evidence.truth[rows], part))
    assert inside != pytest.approx(values(objective, evidence.truth, made))
    assert np.isnan(values(objective, evidence.truth, made, rows=np.zeros(40, dtype=bool))).all()


def test_weights_are_counted_in_rows_that_count_only() -> None:
    evidence = recorded([1, 2, 2], np.eye(7)[[1, 1, 2]])
    made = answers(evidence, Grid({}))
    weights, rows = np.array([1.0, 2.0, 5.0]), np.array([True, True, False])
    assert values("accuracy", evidence.truth, made, weights=weights, rows=rows).tolist() == [1 / 3]


def test_the_number_of_threads_changes_no_value() -> None:
    rng = np.random.default_rng(0)
    evidence = recorded(rng.integers(0, 7, 50), rng.dirichlet(np.ones(7), 50))
    made = answers(evidence, Grid({"neutral": tuple(np.linspace(0.2, 2, 60)), "sad": tuple(np.linspace(0.2, 2, 60))}))
    weights = rng.random(50)
    for objective in OBJECTIVES:
        one, three = (values(objective, evidence.truth, made, weights=weights, threads=each) for each in (1, 3))
        np.testing.assert_array_equal(one, three)


def test_truth_of_other_segments_is_refused() -> None:
    made = answers(recorded([1], np.eye(7)[[1]]), Grid({}))
    with pytest.raises(ValueError, match="2 segments, answers to 1"):
        values("accuracy", np.array([1, 2]), made)


def test_values_are_compared_to_twelve_decimals_and_undefined_is_below_all() -> None:
    one, two = 0.1 + 0.2, 0.3
    assert one != two
    assert settled(np.array([one, np.nan, -5.0])).tolist() == [two, -math.inf, -5.0]


def test_a_factor_doubled_or_halved_is_as_far_as_a_share_changed_by_one() -> None:
    at = {
        "sad": np.array([1.0, 2.0, 0.5, 0.0, 4.0]),
        "neutral_floor": np.array([0.0, 0.0, 0.25, 0.0, 0.5]),
        "audio_weight": np.array([1.0, 1.0, 0.9, 1.0, 0.0]),
    }
    assert distances(at) == pytest.approx([0.0, 1.0, 1 + 0.25 + 0.1, 10.0, 2 + 0.5 + 1])
    assert distances({"sad": np.array([2.0])}, {**DEFAULTS, "sad": 8.0}) == pytest.approx([2.0])
