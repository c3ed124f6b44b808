"""tasks/tuning/grids.py: which values are tried."""

from pathlib import Path

import pytest

from actors.contract import TAXONOMY
from infra.errors import ConfigError
from tasks.numerics.grid import DEFAULTS
from tasks.tuning.grids import default_grid, grid_of


@pytest.mark.parametrize("with_text", [True, False])
def test_the_packaged_grid_holds_every_default_so_that_a_tie_keeps_it(with_text: bool) -> None:
    grid = default_grid(with_text=with_text)
    assert ("audio_weight" in grid.values) == with_text
    assert all(DEFAULTS[name] in values for name, values in grid.values.items())


def test_values_come_from_a_file_and_settings_on_top_of_it_sorted_and_each_once(tmp_path: Path) -> None:
    (tmp_path / "grid.yaml").write_text("neutral: [1.0, 0.5, 0.5]\nsad: [1]\n")
    grid = grid_of(str(tmp_path / "grid.yaml"), ["sad=1.2,0.8", "neutral_floor=0,0.1"], with_text=False)
    assert dict(grid.values) == {"neutral": (0.5, 1.0), "sad": (0.8, 1.2), "neutral_floor": (0.0, 0.1)}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["neutral"], "PARAMETER=VALUE"),
        (["neutral=high"], "not all numbers"),
        (["neutral="], "not all numbers"),
        (["bored=1,2"], "no decision parameter bored"),
        ([f"{name}={','.join(map(str, range(1, 1001)))}" for name in TAXONOMY], "1.0e.21 combinations.*name fewer"),
    ],
)
def test_what_is_no_grid_is_told(settings: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        grid_of(None, settings, with_text=False)


def test_a_file_that_is_no_grid_is_named(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("neutral: 0.5\n")
    (tmp_path / "numbers.yaml").write_text("3: [1]\n")
    (tmp_path / "broken.yaml").write_text("neutral: [1,\n  foo: {")
    expected = (("wrong.yaml", "a list of values"), ("numbers.yaml", "a list of values"))
    for name, said in (*expected, ("broken.yaml", "cannot be read"), ("none.yaml", "cannot be read")):
        with pytest.raises(ConfigError, match=said) as refused:
            grid_of(str(tmp_path / name), [], with_text=False)
        assert "\n" not in str(refused.value)
