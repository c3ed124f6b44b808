"""tasks/numerics/selection.py: on any set of segments it chooses what an exhaustive search chooses there."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.numerics.grid import Evidence, Grid
from tasks.numerics.objectives import values
from tasks.numerics.search import answers, search
from tasks.numerics.selection import Selected, choose
from tasks.numerics.tallies import CELLS, OBJECTIVES, Objective
from tasks.numerics.tuning_simulation import Listener, draw_evidence

quick = settings(max_examples=25, deadline=None, database=None)
GRID = Grid({"neutral_suppression": (0.3, 0.6, 1.0), "sad": (0.8, 1.0, 1.25), "audio_temperature": (0.5, 1.0)})


def _chosen(evidence: Evidence, sets: np.ndarray, objective: Objective, cells: int = CELLS) -> Selected:
    made, default = answers(evidence, GRID), answers(evidence, Grid({}))
    return choose(evidence.truth, made, default, GRID, evidence.source, sets, objective, cells=cells)


@quick
@given(st.integers(0, 10_000), st.integers(4, 30), st.sampled_from(OBJECTIVES))
def test_each_set_chooses_what_a_search_of_it_chooses(seed: int, n: int, objective: Objective) -> None:
    evidence = draw_evidence(np.random.default_rng(seed), Listener(), n, 4)
    sets = np.vstack([1 - np.eye(4), np.ones(4)])
    made = _chosen(evidence, sets, objective)
    for weights, point in zip(sets, made.points, strict=True):
        rows = weights[evidence.source] > 0
        assert point == search(evidence, GRID, objective, rows=rows).index
    expected = values(objective, evidence.truth, answers(evidence, GRID))
    assert made.scores == pytest.approx(expected, abs=1e-6)


def test_blocks_choose_as_the_whole() -> None:
    evidence = draw_evidence(np.random.default_rng(3), Listener(), 12, 4)
    whole = [_chosen(evidence, np.ones((1, 4)), each) for each in OBJECTIVES]
    parts = [_chosen(evidence, np.ones((1, 4)), each, cells=1) for each in OBJECTIVES]
    assert [each.points.tolist() for each in parts] == [each.points.tolist() for each in whole]


def test_a_set_without_segments_chooses_the_default() -> None:
    evidence = draw_evidence(np.random.default_rng(3), Listener(), 12, 4)
    (point,) = _chosen(evidence, np.zeros((1, 4)), "macro_f1_present").points
    assert GRID.point(int(point)) == Grid({}).point(0)


def test_no_point_wins_a_cross_entropy_by_not_answering() -> None:
    # A label without an emotion takes more than half of the mass of some segments when the temperature is low.
    evidence = draw_evidence(np.random.default_rng(5), Listener(0.4), 60, 4)
    evidence = replace(
        evidence,
        logits=np.column_stack([evidence.logits, evidence.logits.max(axis=1) + 0.7]),
        into=np.vstack([np.eye(7), np.zeros(7)]),
    )
    made = answers(evidence, GRID)
    assert len(set((made.prediction < 0).sum(axis=1).tolist())) > 1
    (point,) = _chosen(evidence, np.ones((1, 4)), "cross_entropy").points
    assert (made.prediction[point] < 0).sum() <= (answers(evidence, Grid({})).prediction < 0).sum()
    assert point == search(evidence, GRID, "cross_entropy").index
