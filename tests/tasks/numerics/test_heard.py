"""tasks/numerics/heard.py: what is shared by points, and refusals."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.numerics.decision import fuse
from tasks.numerics.grid import Grid
from tasks.numerics.heard import Heard, audio_says, columns, posterior, text_says
from tests.support.searches import EVERY, heard, recorded, said_by_text

AUDIO = [[0.4, 0.6, 0, 0, 0, 0, 0], [0, 0, 1.0, 0, 0, 0, 0]]
TEXT = [[0.5, 0, 0, 0, 0.5, 0, 0], [np.nan] * 7]


def test_columns_are_the_points_of_the_grid() -> None:
    grid = Grid({"sad": (0.5, 1.0), "neutral_floor": (0.0, 0.1, 0.2), "angry": (2.0, 3.0)})
    places = np.array([0, 3, 7, 11])
    for name, column in columns(grid, places).items():
        assert column.tolist() == [grid.point(place)[name] for place in places.tolist()]


def test_points_that_share_temperature_and_weight_share_what_is_heard() -> None:
    grid = Grid({"sad": (0.5, 1.0), "audio_weight": (0.2, 0.8), "audio_temperature": (1.0, 2.0, 3.0)})
    points = Heard(recorded([1, 2], AUDIO, TEXT)).points(grid, 0, 12)
    assert points.heard.shape == (6, 7, 2)
    assert sorted(points.heard_by.tolist()) == sorted([*range(6)] * 2)
    for place in range(12):
        point = grid.point(place)
        expected = posterior(recorded([1, 2], AUDIO, TEXT), point["audio_temperature"], point["audio_weight"])
        np.testing.assert_array_equal(points.heard[points.heard_by[place]].T, expected)


def test_without_text_the_weight_of_audio_is_nothing() -> None:
    evidence = recorded([1, 2], AUDIO)
    np.testing.assert_array_equal(posterior(evidence, 1.0, 0.2), posterior(evidence, 1.0, 1.0))
    assert posterior(evidence, 1.0, 0.2) == pytest.approx(np.array(AUDIO))


def test_with_text_it_is_fused_and_a_segment_without_is_the_audio() -> None:
    evidence = recorded([1, 2], AUDIO, TEXT)
    assert posterior(evidence, 1.0, 0.5) == pytest.approx(fuse(np.array(AUDIO), np.array(TEXT), EVERY, EVERY, 0.5))
    assert posterior(evidence, 1.0, 0.5)[1].tolist() == AUDIO[1]


def test_a_model_can_say_what_its_labels_mean_unless_the_evidence_says_otherwise() -> None:
    evidence = heard([1], np.zeros((1, 5)), [[1 / 6] * 6 + [0]])
    # neutral happy angry
    assert audio_says(evidence).tolist() == [True, True, False, True, False, False, False]
    assert text_says(evidence).tolist() == said_by_text().tolist()
    assert text_says(recorded([1, 2], AUDIO, TEXT)).all()
    assert audio_says(replace(evidence, audio_says=EVERY)).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("logits", np.zeros((3, 7))), ("recorded", np.zeros((2, 6))), ("text", np.zeros((1, 7))), ("into", np.eye(6))],
)
def test_arrays_that_do_not_fit_together_are_refused(name: str, value: object) -> None:
    evidence = replace(recorded([1, 2], AUDIO, TEXT), **{name: value})
    with pytest.raises(ValueError, match="of 2 segments must have shape"):
        Heard(evidence)


def test_truth_outside_the_taxonomy_is_refused() -> None:
    with pytest.raises(ValueError, match="truth must be within 0 … 6, not 1 … 7"):
        Heard(recorded([1, 7], AUDIO))
