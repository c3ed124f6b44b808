"""actors/bounds.py: how many workers a model should have."""

import pytest

from actors.bounds import bounds_of, wanted
from actors.options import Bounds, Route
from infra.errors import ConfigError

ENGLISH, KOREAN = Route(model="english"), Route(model="korean")
ROUTES = {"en": ENGLISH, "ko": KOREAN}


def test_a_language_that_is_not_named_is_unbounded() -> None:
    bounds = bounds_of(ROUTES, {"ko": Bounds(max_workers=2)})
    assert bounds == {ENGLISH: Bounds(), KOREAN: Bounds(max_workers=2)}


def test_languages_that_share_a_model_add_their_bounds() -> None:
    shared = {"en": ENGLISH, "de": ENGLISH}
    both = bounds_of(shared, {"en": Bounds(min_workers=2, max_workers=3), "de": Bounds(max_workers=2)})
    assert both == {ENGLISH: Bounds(min_workers=2, max_workers=5)}
    assert bounds_of(shared, {"en": Bounds(max_workers=3)}) == {ENGLISH: Bounds()}


def test_a_language_without_a_route_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="names ja; expected languages with a route: en, ko"):
        bounds_of(ROUTES, {"ja": Bounds()})


@pytest.mark.parametrize(
    ("holders", "segments", "batches", "more"),
    [
        (0, 0, 0.0, 0),
        (0, 1, 0.1, 1),  # somebody must
        (1, 9, 1.9, 0),  # not worth a load
        (1, 9, 2.0, 1),
        (1, 99, 9.5, 4),
    ],
)
def test_every_two_batches_that_wait_are_worth_another_worker(
    holders: int, segments: int, batches: float, more: int
) -> None:
    assert wanted(Bounds(), holders=holders, segments=segments, batches=batches) == more


def test_bounds_come_before_what_the_work_is_worth() -> None:
    assert wanted(Bounds(min_workers=3), holders=1, segments=1, batches=0.1) == 2
    assert wanted(Bounds(max_workers=2), holders=1, segments=99, batches=50.0) == 1
    assert wanted(Bounds(max_workers=2), holders=2, segments=99, batches=50.0) == 0
    assert wanted(Bounds(min_workers=3), holders=0, segments=0, batches=0.0) == 0


def test_bounds_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="at least min_workers"):
        Bounds(min_workers=3, max_workers=2)
