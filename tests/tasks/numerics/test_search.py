"""tasks/numerics/search.py against decision.py and metrics.py, one point after the other."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.contract import TAXONOMY
from tasks.numerics.grid import DEFAULTS, Evidence, Grid
from tasks.numerics.metrics import measure
from tasks.numerics.objectives import TIE_ORDER, values
from tasks.numerics.search import Best, answers, coordinate_search, search
from tasks.numerics.tallies import OBJECTIVES, Objective
from tests.support.searches import VALUES, decided, evidences, grids, heard, predictions, recorded

pytestmark = pytest.mark.slow

quick = settings(max_examples=100, deadline=None, database=None)
objectives = st.sampled_from(OBJECTIVES)


def _row(**masses: float) -> list[float]:
    return [masses.get(emotion, 0.0) for emotion in TAXONOMY]


def _noise(n: int = 31, seed: int = 0) -> Evidence:
    """A random head beside a text model that knows something, on labels that are mostly neutral."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(7, size=n, p=(0.64, 0.08, 0.08, 0.08, 0.06, 0.06, 0.0))
    audio = rng.dirichlet(200 * np.array((2, 1, 1, 1, 1, 1, 1)) / 8, size=n)
    text = np.array([rng.dirichlet(np.where(np.arange(7) == each, 2.0, 0.5)) for each in truth])
    return recorded(truth, np.round(audio, 6), np.round(text, 6))


# -- answers -----------------------------------------------------------------------------------------------------------


@quick
@given(evidences(), grids())
def test_every_point_answers_exactly_what_the_decision_answers(evidence: Evidence, grid: Grid) -> None:
    made = answers(evidence, grid)
    for index, point in enumerate(grid.points()):
        expected = decided(evidence, point)
        p_truth = expected.posterior[np.arange(len(evidence.truth)), evidence.truth].astype(np.float32)
        assert made.prediction[index].tolist() == predictions(expected).tolist()
        np.testing.assert_array_equal(made.p_truth[index], p_truth)


def test_logits_that_differ_in_the_last_bits_only_are_decided_alike() -> None:
    rng = np.random.default_rng(1)
    logits = np.round(rng.normal(size=(300, 5)), 2) + rng.integers(-2, 3, (300, 5)) * 2**-50
    evidence = heard(rng.integers(0, 7, 300), logits)
    grid = Grid({"audio_temperature": (0.9, 1.0, 1.1), "neutral": (0.7, 1.0), "neutral_floor": (0.0, 0.2)})
    made = answers(evidence, grid)
    expected = [predictions(decided(evidence, point)) for point in grid.points()]
    np.testing.assert_array_equal(made.prediction, np.array(expected))


def test_a_tie_goes_to_the_lower_index() -> None:
    evidence = recorded([3], [_row(angry=0.3, sad=0.3, fear=0.3, neutral=0.1)])
    made = answers(evidence, Grid({"angry": (1.0, 2.0)}))
    assert made.prediction.tolist() == [[TAXONOMY.index("sad")], [TAXONOMY.index("angry")]]


def test_parts_of_a_grid_and_of_the_segments_are_parts_of_the_answers() -> None:
    evidence, grid = _noise(), Grid({name: VALUES[name] for name in ("audio_weight", "audio_temperature", "sad")})
    rows = np.array([7, 2, 30])
    whole, part = answers(evidence, grid), answers(evidence, grid, rows=rows, start=5, stop=100)
    np.testing.assert_array_equal(part.prediction, whole.prediction[5:100, rows])
    np.testing.assert_array_equal(part.p_truth, whole.p_truth[5:100, rows])
    masked = answers(evidence, grid, rows=np.isin(np.arange(31), rows))
    np.testing.assert_array_equal(masked.prediction, whole.prediction[:, sorted(rows)])


def test_the_number_of_threads_changes_no_answer() -> None:
    evidence = _noise()
    grid = Grid({name: tuple(np.linspace(0.5, 1.5, 20)) for name in ("neutral", "sad", "angry")})
    one, three = answers(evidence, grid, threads=1), answers(evidence, grid, threads=3)
    np.testing.assert_array_equal(one.prediction, three.prediction)
    np.testing.assert_array_equal(one.p_truth, three.p_truth)
    assert search(evidence, grid, threads=1) == search(evidence, grid, threads=3)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (2, 1), (0, 4)])
def test_points_that_a_grid_does_not_have_are_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="of a grid of 3"):
        answers(_noise(), Grid({"sad": (0.5, 1.0, 2.0)}), start=start, stop=stop)


# -- search ------------------------------------------------------------------------------------------------------------


def _figure(evidence: Evidence, point: dict[str, float], objective: Objective) -> float:
    made = decided(evidence, point)
    figure = getattr(measure(evidence.truth, predictions(made), made.posterior), objective)
    if figure is None:
        return -math.inf
    return -figure if objective == "cross_entropy" else figure


def _lost(evidence: Evidence, point: dict[str, float]) -> int:
    return int(decided(evidence, point).undecided.sum())


def _far(point: dict[str, float]) -> float:
    factors = {*TAXONOMY, "audio_temperature", "neutral_suppression"}
    return sum(
        abs(math.log2(max(value, 2**-10) / DEFAULTS[name])) if name in factors else abs(value - DEFAULTS[name])
        for name, value in point.items()
    )


def _brute_force(evidence: Evidence, grid: Grid, objective: Objective) -> tuple[int, float, int]:
    """Index, value and number of ties of the best point, all points being looked at by themselves."""
    ranks = []
    for point in grid.points():
        further = [each for each in TIE_ORDER if each != objective]
        rank = [_figure(evidence, point, each) for each in (objective, *further)]
        if objective == "cross_entropy" and _lost(evidence, point) > _lost(evidence, dict(DEFAULTS)):
            rank[0] = -math.inf
        ranks.append((*(round(each, 6) for each in rank), round(-_far(point), 9)))
    best = max(ranks)
    return ranks.index(best), best[0], sum(rank[0] == best[0] for rank in ranks) - 1


@quick
@given(evidences(), grids(), objectives)
def test_the_best_is_that_of_brute_force_ties_included(evidence: Evidence, grid: Grid, objective: Objective) -> None:
    best = search(evidence, grid, objective)
    index, value, ties = _brute_force(evidence, grid, objective)
    assert (best.index, best.ties) == (index, ties)
    assert best.value == pytest.approx(value, abs=1e-6)
    assert best.params == grid.point(best.index)
    assert (best.tried, best.exhaustive) == (len(grid), True)


def test_a_search_over_many_blocks_is_one_search() -> None:
    # 120,000 points of six segments: more than is looked at together.
    evidence = _noise(6)
    grid = Grid({"neutral": tuple(np.linspace(0.2, 2, 300)), "audio_weight": tuple(np.linspace(0, 1, 400))})
    made = answers(evidence, grid)
    best = search(evidence, grid, "accuracy")
    right = (made.prediction == evidence.truth).sum(axis=1)
    assert best.value == pytest.approx(right.max() / 6)
    assert best.ties == (right == right.max()).sum() - 1
    assert best == _chosen_at_once(evidence, grid, best)


def _chosen_at_once(evidence: Evidence, grid: Grid, best: Best) -> Best:
    """The same by a search over only those points that tie."""
    made = answers(evidence, grid)
    left = np.arange(len(grid))
    for each in ("accuracy", *TIE_ORDER):
        value = np.round(values(each, evidence.truth, made)[left], 12)
        left = left[value == value.max()]
    index = min(left.tolist(), key=lambda place: (round(_far(grid.point(place)), 12), place))
    return replace(best, index=index, params=grid.point(index))


def test_the_order_of_the_segments_changes_nothing() -> None:
    evidence = _noise()
    order = np.random.default_rng(3).permutation(31)
    assert evidence.recorded is not None
    assert evidence.text is not None
    shuffled = recorded(evidence.truth[order], evidence.recorded[order], evidence.text[order])
    grid = Grid({"audio_weight": (0.0, 0.3, 0.7, 0.9), "neutral": (0.6, 0.8, 1.0), "neutral_floor": (0.0, 0.1)})
    for objective in OBJECTIVES:
        assert search(evidence, grid, objective) == search(shuffled, grid, objective)


def test_equal_points_are_decided_by_nearness_to_the_default_then_by_the_lower_index() -> None:
    # Right whatever the weight of happy: the nearest to 1 is 0.9; of equally near ones the first.
    evidence = recorded([2], [_row(sad=0.9, happy=0.1)])
    assert search(evidence, Grid({"happy": (0.5, 1.2, 0.9, 2.0)})).params["happy"] == 0.9
    assert search(evidence, Grid({"happy": (2.0, 0.5)})).index == 0
    assert search(evidence, Grid({"happy": (0.5, 2.0)})).index == 0
    assert search(evidence, Grid({"happy": (0.5, 1.9)}), near={**DEFAULTS, "happy": 0.4}).params["happy"] == 0.5


def test_the_next_objectives_decide_before_nearness_does() -> None:
    # Macro F1 over the seven ties at 2/7 · 1/2: happy at F1 1/2 twice over; accuracy is 2 of 4 against 1 of 4.
    truth = [1, 1, 1, 2]
    evidence = recorded(truth, [_row(happy=0.6, sad=0.4)] * 3 + [_row(happy=0.55, sad=0.45)])
    grid = Grid({"sad": (0.5, 10.0)})
    assert [_figure(evidence, point, "uar") for point in grid.points()] == [0.5, 0.5]
    best = search(evidence, grid, "uar")
    # Always happy: F1 6/7 and 0; always sad: 0 and 2/5.
    assert (best.index, best.ties, best.value) == (0, 1, 0.5)
    assert best.rank[1] == pytest.approx(3 / 7)


def test_only_the_rows_asked_for_are_searched_on() -> None:
    rows = np.array([0])
    evidence = recorded([1, 2, 2], [_row(happy=0.4, sad=0.6)] * 3)
    grid = Grid({"happy": (1.0, 2.0)})
    assert search(evidence, grid, rows=rows).params["happy"] == 2.0
    assert search(evidence, grid, rows=~np.isin([0, 1, 2], rows)).params["happy"] == 1.0


def test_a_point_does_not_win_the_cross_entropy_by_not_answering() -> None:
    # Without happy and sad the hard segment would be undecided, and left out.
    evidence = recorded([1, 3], [_row(happy=0.01, sad=0.99), _row(angry=0.9, fear=0.1)])
    grid = Grid({"happy": (1.0, 0.0), "sad": (1.0, 0.0)})
    assert search(evidence, grid, "cross_entropy").params["sad"] == 0.0
    only_without = Grid({"happy": (1.0, 0.0), "sad": (1.0,)})
    assert search(evidence, only_without, "cross_entropy").params["happy"] == 1.0
    both = search(evidence, Grid({"happy": (0.0,), "sad": (1.0, 0.0)}), "cross_entropy")
    assert both.params["sad"] == 1.0


def test_the_best_of_many_points_on_noise_looks_better_than_the_default_and_is_what_the_decision_says() -> None:
    evidence = _noise(seed=4)
    grid = Grid(
        {
            "audio_weight": tuple(np.round(np.arange(0, 1.05, 0.1), 2)),
            "neutral": (0.6, 0.7, 0.8, 0.9, 1.0),
            "sad": (0.8, 0.9, 1.0, 1.1, 1.2),
            "angry": (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2),
        }
    )
    best = search(evidence, grid, "accuracy")
    assert len(grid) == 2475
    assert best.value == pytest.approx(_figure(evidence, dict(best.params), "accuracy"))
    assert best.value >= _figure(evidence, {**DEFAULTS, "audio_weight": 0.0}, "accuracy") + 0.05


def test_a_grid_that_varies_nothing_is_the_default() -> None:
    best = search(_noise(), Grid({}))
    assert (best.index, best.params, best.ties, best.tried) == (0, DEFAULTS, 0, 1)


def test_a_search_on_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no labelled segments"):
        search(_noise(), Grid({}), rows=np.zeros(31, dtype=bool))


# -- coordinate search -------------------------------------------------------------------------------------------------

WIDE = {
    "audio_weight": tuple(np.round(np.linspace(0, 1, 11), 2)),
    "neutral": (0.5, 0.7, 0.9, 1.0, 1.2),
    "sad": (0.5, 0.7, 1.0, 1.5),
    "angry": (0.5, 0.7, 1.0, 1.5),
}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_coordinate_search_is_no_better_than_all_points_and_no_worse_than_its_beginning(objective: Objective) -> None:
    evidence = _noise(60, seed=2)
    best = search(evidence, Grid(WIDE), objective)
    found = coordinate_search(evidence, WIDE, objective, rng=np.random.default_rng(0), restarts=3)
    begun = search(evidence, Grid({name: (DEFAULTS[name],) for name in WIDE}), objective)
    assert begun.rank <= found.rank <= best.rank
    assert found.params == Grid(WIDE).point(found.index)
    assert (found.exhaustive, found.ties) == (False, None)
    assert found.tried < len(Grid(WIDE)) / 2


def test_a_coordinate_search_finds_the_best_where_parameters_do_not_interact() -> None:
    # Each segment is put right by one weight alone: happy above 1.5, sad below 2/3, angry as it is.
    evidence = recorded([1, 4, 3], [_row(happy=0.4, fear=0.6), _row(sad=0.6, fear=0.4), _row(angry=0.6, surprise=0.4)])
    parameters = {"happy": (0.5, 1.0, 1.6), "sad": (0.5, 1.0, 2.0), "angry": (0.5, 1.0, 2.0)}
    found = coordinate_search(evidence, parameters, rng=np.random.default_rng(0), restarts=0)
    assert found.value == 1.0
    assert found.index == search(evidence, Grid(parameters)).index


def test_the_same_seed_finds_the_same_point_in_a_grid_that_no_one_could_try() -> None:
    parameters = {emotion: tuple(np.round(np.linspace(0.1, 3, 199), 3)) for emotion in TAXONOMY}
    assert Grid(parameters).size > 10**16
    one, two = (
        coordinate_search(_noise(), parameters, rng=np.random.default_rng(5), restarts=1, threads=threads)
        for threads in (1, 2)
    )
    assert one == two
    assert Grid(parameters).point(one.index) == one.params
