"""tasks/numerics/surface.py by hand."""

import numpy as np
import pytest

from tasks.numerics.grid import Grid
from tasks.numerics.surface import responses, strongest_pair

GRID = Grid({"neutral": (0.5, 1.0), "sad": (0.8, 1.0, 1.2), "angry": (1.0,)})
# neutral 0.5: sad .1 .2 .3; neutral 1: sad .6 .5 .4
SCORES = np.array([0.1, 0.2, 0.3, 0.6, 0.5, 0.4])


def test_the_response_is_the_best_that_a_value_can_reach() -> None:
    neutral, sad, angry = responses(GRID, SCORES, [3, 3, 5])
    assert neutral.parameter == "neutral"
    assert neutral.best == pytest.approx((0.3, 0.6))
    assert neutral.influence == pytest.approx(0.3)
    assert neutral.chosen == (0, 3)
    assert sad.best == pytest.approx((0.6, 0.5, 0.4))
    assert sad.chosen == (2, 0, 1)
    assert (angry.best, angry.influence, angry.chosen) == ((0.6,), 0.0, (3,))


def test_a_cross_entropy_is_shown_in_nats() -> None:
    neutral = responses(GRID, -SCORES, [], sign=-1.0)[0]
    assert neutral.best == pytest.approx((0.1, 0.4))
    assert neutral.chosen == (0, 0)


def test_the_pair_is_of_the_two_that_matter_most() -> None:
    grid = Grid({"neutral": (0.5, 1.0), "sad": (0.8, 1.0), "angry": (0.9, 1.0)})
    # Angry alone, and sad a little: neutral does nothing.
    scores = np.array([[[sad * 0.1 + angry for angry in (0, 1)] for sad in (0, 1)] for _ in (0, 1)]).ravel()
    pair = strongest_pair(grid, scores)
    assert pair is not None
    assert (pair.first, pair.second) == ("sad", "angry")
    assert np.array(pair.best) == pytest.approx(np.array([[0.0, 1.0], [0.1, 1.1]]))


def test_one_parameter_makes_no_pair() -> None:
    assert strongest_pair(Grid({"neutral": (0.5, 1.0), "sad": (1.0,)}), np.zeros(2)) is None


def test_an_undefined_score_counts_as_the_worst() -> None:
    grid = Grid({"neutral": (0.5, 1.0)})
    assert responses(grid, np.array([np.nan, 0.4]), [])[0].best == (0.4, 0.4)
    assert responses(grid, np.array([np.nan, np.nan]), [])[0].influence == 0.0


def test_every_point_needs_a_score() -> None:
    with pytest.raises(ValueError, match="5 scores for a grid of 6 points"):
        responses(GRID, SCORES[:5], [])
