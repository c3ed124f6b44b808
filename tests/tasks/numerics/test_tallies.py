"""tasks/numerics/tallies.py: counts add up, and the objectives of counts are those of metrics.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.numerics.grid import GridAnswers
from tasks.numerics.metrics import measure
from tasks.numerics.tallies import OBJECTIVES, Tallies, score, tallies_by_block, tally

quick = settings(max_examples=50, deadline=None, database=None)


def _drawn(seed: int, n: int, points: int) -> tuple[np.ndarray, np.ndarray, GridAnswers]:
    """Truth, posteriors (points, n, 7) with some rows undecided, and the answers."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, rng.integers(1, 8), n)
    posterior = rng.dirichlet(np.ones(7), (points, n))
    posterior[rng.random((points, n)) < 0.2] = np.nan
    undecided = np.isnan(posterior).any(axis=2)
    prediction = np.where(undecided, -1, posterior.argmax(axis=2)).astype(np.int8)
    p_truth = posterior[:, np.arange(n), truth].astype(np.float32)
    return truth, posterior, GridAnswers(prediction, p_truth)


@quick
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 4))
def test_objectives_of_counts_are_those_of_the_metrics(seed: int, n: int, points: int) -> None:
    truth, posterior, answers = _drawn(seed, n, points)
    counts = tally(truth, answers, np.zeros(n, dtype=np.int64), 1)
    for place in range(points):
        figures = measure(truth, answers.prediction[place], posterior[place])
        for name in OBJECTIVES:
            expected = getattr(figures, name)
            made = score(name, counts)[0, place] * (-1 if name == "cross_entropy" else 1)
            assert made == pytest.approx(np.nan if expected is None else expected, abs=1e-6, nan_ok=True)


def test_counts_of_groups_add_up_to_those_of_all() -> None:
    truth, _, answers = _drawn(1, 40, 5)
    by_group = tally(truth, answers, np.random.default_rng(2).integers(0, 6, 40), 6)
    whole = tally(truth, answers, np.zeros(40, dtype=np.int64), 1)
    for name in OBJECTIVES:
        assert score(name, by_group.mixed(np.ones((1, 6)))) == pytest.approx(score(name, whole))


def test_a_weight_of_two_counts_a_group_twice() -> None:
    truth, _, answers = _drawn(3, 20, 3)
    group = np.arange(20) % 2
    weighted = tally(truth, answers, group, 2).mixed(np.array([[2.0, 1.0]]))
    rows = np.concatenate([np.arange(20), np.flatnonzero(group == 0)])
    twice = GridAnswers(answers.prediction[:, rows], answers.p_truth[:, rows])
    repeated = tally(truth[rows], twice, np.zeros(len(rows), dtype=np.int64), 1)
    for name in OBJECTIVES:
        assert score(name, weighted) == pytest.approx(score(name, repeated))


def test_blocks_are_the_whole_in_parts() -> None:
    truth, _, answers = _drawn(4, 10, 7)
    group = np.arange(10) % 2
    blocks = list(tallies_by_block(truth, answers, group, 2, cells=30))
    whole = tally(truth, answers, group, 2)
    assert [start for start, _ in blocks] == [0, 1, 2, 3, 4, 5, 6]
    assert np.concatenate([each.hits for _, each in blocks], axis=1).tolist() == whole.hits.tolist()


def test_no_segments_have_no_score() -> None:
    nothing = np.zeros((1, 3, 7))
    empty = Tallies(np.zeros((1, 1, 7)), nothing, nothing, np.zeros((1, 3)), np.zeros((1, 3)))
    for name in OBJECTIVES:
        assert np.isnan(score(name, empty)).all()
