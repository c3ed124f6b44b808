"""Which values are tried: the packaged grids, a YAML file, or `neutral=0.8,0.9,1.0` on the command line."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import yaml

from infra.errors import ConfigError
from tasks.numerics.grid import DEFAULTS, MOST_POINTS, Grid


def default_grid(*, with_text: bool) -> Grid:
    """The packaged grid: with an audio weight where there is text to weigh against."""
    values = dict(_packaged())
    if not with_text:
        del values["audio_weight"]
    return Grid(values)


def grid_of(source: str | None, settings: Sequence[str], *, with_text: bool) -> Grid:
    """A grid from a YAML file (parameter: list of values), from `parameter=v1,v2` settings, or both; else the default.

    Raises:
        ConfigError: The file cannot be read, or a parameter or value is none.
    """
    values: dict[str, tuple[float, ...]] = {}
    if source is not None:
        values |= {name: _numbers(name, each) for name, each in _document(source).items()}
    for setting in settings:
        name, equals, listed = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting!r}: expected PARAMETER=VALUE,VALUE,… as in neutral=0.8,0.9,1.0")
        values[name.strip()] = _numbers(name, listed.split(","))
    if not values:
        return default_grid(with_text=with_text)
    try:
        grid = Grid(values)
    except ValueError as error:
        raise ConfigError(f"{source or '--set'}: {error}") from error
    if grid.size > MOST_POINTS:
        raise ConfigError(f"the grid has {grid.size:.1e} combinations, {MOST_POINTS:.1e} at most: name fewer values")
    return grid


def _document(source: str) -> Mapping[str, Sequence[object]]:
    try:
        document = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"--grid {source} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or not all(
        isinstance(name, str) and isinstance(each, list) for name, each in document.items()
    ):
        raise ConfigError(f"--grid {source}: expected a list of values for each parameter ({', '.join(DEFAULTS)})")
    return document


def _numbers(name: str, listed: Sequence[object]) -> tuple[float, ...]:
    try:
        return tuple(sorted({float(str(each)) for each in listed}))
    except ValueError as error:
        found = ", ".join(repr(each) for each in listed)
        raise ConfigError(f"{name}: {found} are not all numbers; expected such as 0.8,0.9,1.0") from error


@cache
def _packaged() -> Mapping[str, tuple[float, ...]]:
    text = resources.files("tasks.tuning").joinpath("grid.yaml").read_text(encoding="utf-8")
    return {name: tuple(map(float, values)) for name, values in yaml.safe_load(text).items()}
