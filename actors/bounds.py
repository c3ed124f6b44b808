"""How many workers a model should have: bounds by language, and what the work that waits for it justifies. Pure."""

import math
from collections.abc import Mapping

from actors.options import Bounds, Route
from infra.errors import ConfigError

STEAL_BATCHES = 2.0
"""Batches that must wait for a model before a worker that does not hold it loads it, though another holds it."""


def bounds_of(routes: Mapping[str, Route], languages: Mapping[str, Bounds]) -> dict[Route, Bounds]:
    """Bounds by model; two languages that share one add theirs.

    Args:
        routes: Language to model.
        languages: What is configured; a language that is not named is unbounded.

    Raises:
        ConfigError: A language that no route serves is named.
    """
    if unknown := sorted(set(languages) - set(routes)):
        known = ", ".join(sorted(routes))
        raise ConfigError(f"resources.languages names {', '.join(unknown)}; expected languages with a route: {known}")
    bounds: dict[Route, Bounds] = {}
    for language, route in routes.items():
        each = languages.get(language, Bounds())
        bounds[route] = _together(bounds[route], each) if route in bounds else each
    return bounds


def wanted(bounds: Bounds, *, holders: int, segments: int, batches: float) -> int:
    """How many more workers should load a model.

    Args:
        bounds: Of the model.
        holders: Workers that hold it.
        segments, batches: What waits for it; a batch may be a fraction.
    """
    if not segments:
        return 0
    more = max(bounds.min_workers - holders, math.floor(batches / STEAL_BATCHES))
    return more if bounds.max_workers is None else min(more, bounds.max_workers - holders)


def _together(one: Bounds, other: Bounds) -> Bounds:
    unbounded = one.max_workers is None or other.max_workers is None
    most = None if unbounded else (one.max_workers or 0) + (other.max_workers or 0)
    return Bounds(min_workers=max(one.min_workers, other.min_workers), max_workers=most)
