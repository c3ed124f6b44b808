"""tasks/numerics/found.py: a search by all points and one by walks tell the same kind of things, each truly."""

import numpy as np
import pytest

from tasks.numerics.found import Points, Tabled, Walked
from tasks.numerics.grid import DEFAULTS, Evidence, Grid
from tasks.numerics.search import answers, coordinate_search, search
from tasks.numerics.tallies import OBJECTIVES, Objective
from tasks.numerics.tuning_simulation import Listener, draw_evidence

GRID = Grid({"neutral_suppression": (0.1, 0.3, 0.6, 1.0), "sad": (0.8, 1.0, 1.25), "neutral": (1.0,)})
SETS = np.vstack([1.0 - np.eye(6), np.ones(6)])


def _drawn() -> Evidence:
    return draw_evidence(np.random.default_rng(2), Listener(bias=1.5), 90, 6)


def _tabled(objective: Objective) -> Tabled:
    evidence, default = _drawn(), answers(_drawn(), Grid({}))
    return Tabled(answers(evidence, GRID), default, GRID, evidence.truth, evidence.source, objective, DEFAULTS)


def _walked(objective: Objective, grid: Grid = GRID) -> Walked:
    evidence = _drawn()
    return Walked(evidence, grid, evidence.source, 6, objective, DEFAULTS, seed=4)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_walks_choose_for_each_set_what_a_coordinate_search_of_it_chooses(objective: Objective) -> None:
    evidence = _drawn()
    for members, point in zip(SETS, _walked(objective).best(SETS).tolist(), strict=True):
        rows, rng = members[evidence.source] > 0, np.random.default_rng(4)
        assert point == coordinate_search(evidence, GRID.values, objective, rng=rng, rows=rows).index


@pytest.mark.parametrize("make", [_tabled, _walked])
def test_answers_are_those_of_the_points_in_the_grid(make: type[Tabled] | type[Walked]) -> None:
    points: Points = make("accuracy")  # type: ignore[call-arg, arg-type]
    given, wanted = points.answers(np.array([11, 0, 5])), answers(_drawn(), GRID)
    np.testing.assert_array_equal(given.prediction, wanted.prediction[[11, 0, 5]])
    np.testing.assert_array_equal(given.p_truth, wanted.p_truth[[11, 0, 5]])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_where_walks_have_seen_every_point_they_tell_what_all_points_tell(objective: Objective) -> None:
    whole, along = _tabled(objective), _walked(objective)
    chosen = whole.best(SETS)[:-1]
    by_all, by_walks = whole.told(SETS[-1], chosen), along.told(SETS[-1], chosen)
    assert (by_all.exhaustive, by_walks.exhaustive) == (True, False)
    assert by_all.count == by_walks.count == len(by_walks.tried.prediction) == len(GRID)
    for one, other in zip(by_all.responses, by_walks.responses, strict=True):
        assert (one.parameter, one.values, one.chosen) == (other.parameter, other.values, other.chosen)
        assert one.best == pytest.approx(other.best, abs=1e-6)
    # With two parameters that vary there is nothing else to keep as it was chosen.
    assert by_all.pair is not None
    assert by_walks.pair is not None
    assert (by_all.pair.first, by_all.pair.second) == (by_walks.pair.first, by_walks.pair.second)
    assert np.array(by_all.pair.best) == pytest.approx(np.array(by_walks.pair.best), abs=1e-6)


def test_the_map_of_two_parameters_keeps_the_others_as_they_were_chosen() -> None:
    values = {"neutral_suppression": tuple(np.round(np.linspace(0.05, 1, 40), 4)), "sad": (0.8, 1.0, 1.25)}
    grid = Grid({**values, "angry": (0.8, 1.0, 1.25), "audio_temperature": (0.5, 1.0)})
    along = _walked("accuracy", grid)
    told, best = along.told(SETS[-1], along.best(SETS)[:-1]), grid.point(int(along.best(SETS)[-1]))
    pair = told.pair
    assert pair is not None
    assert pair.first == "neutral_suppression"
    # Thinned, but what was chosen and the default stay.
    assert len(pair.first_values) < 40
    assert {0.05, 1.0, best["neutral_suppression"]} <= set(pair.first_values)
    row, column = len(pair.first_values) // 2, 0
    at = {**best, pair.first: pair.first_values[row], pair.second: pair.second_values[column]}
    fixed = Grid({name: (value,) for name, value in at.items()})
    assert pair.best[row][column] == pytest.approx(search(_drawn(), fixed, "accuracy").value)


def test_a_grid_that_varies_one_parameter_has_no_map() -> None:
    assert _walked("accuracy", Grid({"sad": (0.8, 1.0)})).told(SETS[-1], np.zeros(6, np.int64)).pair is None
