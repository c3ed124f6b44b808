"""tasks/numerics/climbing.py: walks along the parameters, against all points of small grids."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.contract import TAXONOMY
from tasks.numerics.climbing import Climbed, Climber
from tasks.numerics.grid import DEFAULTS, Evidence, Grid
from tasks.numerics.search import search
from tasks.numerics.tallies import OBJECTIVES, Objective
from tasks.numerics.tuning_simulation import Listener, draw_evidence
from tests.support.searches import evidences, grids, recorded

quick = settings(max_examples=50, deadline=None, database=None)
GRID = {
    "neutral_suppression": (0.1, 0.2, 0.4, 0.7, 1.0),
    "sad": (0.6, 0.8, 1.0, 1.25),
    "angry": (0.6, 0.8, 1.0, 1.25),
    "audio_temperature": (0.5, 1.0, 2.0),
}


def _climbed(evidence: Evidence, values: dict[str, tuple[float, ...]], objective: Objective, **options: int) -> Climbed:
    climber = Climber(evidence, values, objective, rng=np.random.default_rng(3), **options)
    return climber.climb(np.ones(1))


def _drawn(n: int = 60, bias: float = 1.5) -> Evidence:
    return draw_evidence(np.random.default_rng(1), Listener(bias=bias), n, 6)


@quick
@given(evidences(), grids(), st.sampled_from(OBJECTIVES))
def test_walks_are_never_better_than_the_best_of_all_points_nor_worse_than_the_default(
    evidence: Evidence, grid: Grid, objective: Objective
) -> None:
    found = _climbed(evidence, dict(grid.values), objective)
    assert _rounded(found.rank) <= _rounded(search(evidence, grid, objective).rank)
    if all(DEFAULTS[name] in each for name, each in grid.values.items()):
        default = search(evidence, Grid({name: (DEFAULTS[name],) for name in grid.values}), objective)
        assert _rounded(found.rank) >= _rounded(default.rank)
    assert len(found.tried) == len(set(found.tried)) <= len(grid)


def _rounded(rank: tuple[float, ...]) -> tuple[float, ...]:
    # The cross-entropy is summed in another order.
    return tuple(round(each, 9) for each in rank)


PAIR = st.tuples(st.sampled_from(("happy", "sad", "angry")), st.booleans(), st.integers(1, 9))
WEIGHTS = st.lists(st.floats(0.1, 4.0), min_size=1, max_size=5, unique=True)


@quick
@given(st.lists(PAIR, min_size=1, max_size=20), WEIGHTS, WEIGHTS, WEIGHTS)
def test_where_parameters_do_not_interact_the_best_value_is_reached_from_any_beginning(
    drawn: list[tuple[str, bool, int]], happy: list[float], sad: list[float], angry: list[float]
) -> None:
    # Each segment is between one weighted emotion and fear, so each is put right or wrong by one weight alone.
    truth, audio = [], np.zeros((len(drawn), 7))
    for row, (emotion, right, tenths) in enumerate(drawn):
        audio[row, TAXONOMY.index(emotion)], audio[row, TAXONOMY.index("fear")] = tenths / 10, 1 - tenths / 10
        truth.append(TAXONOMY.index(emotion if right else "fear"))
    values = {"happy": tuple(happy), "sad": tuple(sad), "angry": tuple(angry)}
    evidence = recorded(truth, audio)
    found = _climbed(evidence, values, "accuracy", beginnings=0)
    assert found.rank[0] == search(evidence, Grid(values), "accuracy").value


def test_two_that_help_only_together_can_be_missed_and_are_found_from_another_beginning() -> None:
    # Right needs sad ahead of both happy and angry; to lower one of these alone hands the segment to the other.
    audio = np.zeros((1, 7))
    audio[0, [1, 2, 3]] = 0.4, 0.2, 0.4
    evidence, values = recorded([2], audio), {"happy": (0.1, 1.0), "angry": (0.1, 1.0)}
    assert search(evidence, Grid(values), "accuracy").value == 1.0
    assert _climbed(evidence, values, "accuracy", beginnings=0).rank[0] == 0.0
    assert _climbed(evidence, values, "accuracy", beginnings=8).rank[0] == 1.0


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_neither_threads_nor_the_order_of_parameters_and_values_change_what_is_found(objective: Objective) -> None:
    evidence = _drawn(400)
    found = _climbed(evidence, GRID, objective, threads=1)
    turned = {name: tuple(reversed(GRID[name])) for name in reversed(list(GRID))}
    assert _climbed(evidence, turned, objective, threads=2) == found


def test_more_beginnings_are_never_worse() -> None:
    evidence = _drawn()
    ranks = [_climbed(evidence, GRID, "macro_f1_present", beginnings=each).rank for each in range(5)]
    assert ranks == sorted(ranks)


def test_each_set_is_walked_as_if_it_were_alone() -> None:
    evidence = _drawn()
    together = Climber(
        evidence, GRID, "accuracy", rng=np.random.default_rng(3), group=evidence.source, groups=6, beginnings=2
    )
    for left_out in range(6):
        members = (np.arange(6) != left_out).astype(np.float64)
        rows = evidence.source != left_out
        alone = Climber(evidence, GRID, "accuracy", rng=np.random.default_rng(3), beginnings=2, rows=rows)
        assert together.climb(members) == alone.climb(np.ones(1))


def test_in_a_set_without_segments_nearness_to_the_default_decides() -> None:
    climber = Climber(_drawn(), GRID, "uar", rng=np.random.default_rng(0), group=np.zeros(60, np.int64), groups=2)
    assert climber.climb(np.array([0.0, 1.0])).params == DEFAULTS


def test_what_was_forgotten_is_decided_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.numerics.climbing._KEPT_COUNTS", 200)
    forgetful = _climbed(_drawn(), GRID, "accuracy", beginnings=2)
    monkeypatch.undo()
    assert forgetful == _climbed(_drawn(), GRID, "accuracy", beginnings=2)


def test_a_parameter_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="no decision parameter bored"):
        _climbed(_drawn(), {"bored": (1.0,)}, "accuracy")
