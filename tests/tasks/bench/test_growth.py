"""The made-up listing: as many segments as were asked for, whatever their number in a medium."""

from itertools import islice

import pytest

from infra.location import Location
from tasks.bench.growth import Lister, media_of
from tasks.plan import list_media

PLACE = Location("bench", "here")


@pytest.mark.parametrize(("segments", "per_medium"), [(100, 100), (101, 100), (17, 4), (1, 100), (1_000, 7), (10, 10)])
def test_the_media_have_all_segments_and_none_is_without(segments: int, per_medium: int) -> None:
    sizes = [each.size for each in Lister(media_of(segments, per_medium), segments).list(PLACE)]
    assert sum(sizes) == segments
    assert 1 <= min(sizes) <= max(sizes) <= per_medium


def test_a_plan_takes_every_object_for_a_medium_of_its_own() -> None:
    objects = list(islice(Lister(2_500, 2_500).list(PLACE), 2_500))
    assert len(list_media(objects, ["wav"]).media) == 2_500
