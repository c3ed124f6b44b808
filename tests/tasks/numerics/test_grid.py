"""tasks/numerics/grid.py: places and points of a grid, and what is refused."""

import pytest

from tasks.numerics.decision import Decision
from tasks.numerics.grid import DEFAULTS, Grid, options_of


def test_the_last_parameter_varies_fastest_and_the_others_keep_their_default() -> None:
    grid = Grid({"sad": (0.5, 1.0), "neutral_floor": (0.0, 0.1, 0.2)})
    assert (len(grid), grid.size) == (6, 6)
    tried = [(point["sad"], point["neutral_floor"]) for point in grid.points()]
    assert tried == [(0.5, 0.0), (0.5, 0.1), (0.5, 0.2), (1.0, 0.0), (1.0, 0.1), (1.0, 0.2)]
    assert grid.point(4) == {**DEFAULTS, "sad": 1.0, "neutral_floor": 0.1}


def test_a_grid_without_parameters_is_the_default() -> None:
    assert list(Grid({}).points()) == [dict(DEFAULTS)]


def test_the_default_point_is_the_default_decision() -> None:
    assert Decision(**options_of(DEFAULTS)) == Decision()
    changed = Decision(**options_of({**DEFAULTS, "sad": 0.5, "audio_weight": 0.2}))
    assert changed == Decision(emotion_weights={"sad": 0.5}, audio_weight=0.2)


def test_a_grid_may_have_more_points_than_a_length_can_say() -> None:
    grid = Grid(
        dict.fromkeys(("neutral", "happy", "sad", "angry", "fear", "surprise", "disgust"), tuple(range(1, 1001)))
    )
    assert grid.size == 10**21
    assert grid.point(grid.size - 1)["disgust"] == 1000.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"calm": (1.0,)}, "no decision parameter calm; there are audio_temperature, audio_weight"),
        ({"sad": ()}, "no values for sad"),
        ({"audio_temperature": (1.0, 0.0, 2.0)}, "audio_temperature must be in"),
        ({"audio_weight": (0.5, 1.5)}, r"audio_weight must be in \[0, 1\], not 1.5"),
        ({"sad": (1.0, float("nan"), 2.0)}, r"emotion_weights\[sad\] must be in .*, not nan"),
    ],
)
def test_what_no_decision_could_have_is_refused(values: dict[str, tuple[float, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Grid(values)
