"""The palette."""

from actors.contract import TAXONOMY
from tasks.report.palette import CATEGORIES, COLOURS, EMOTIONS


def test_every_emotion_has_a_colour_of_its_own() -> None:
    assert tuple(EMOTIONS) == TAXONOMY
    assert len(set(COLOURS)) == len(CATEGORIES) == len(TAXONOMY) + 1
