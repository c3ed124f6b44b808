"""tasks/labelling/reasons.py: the sentence that says why."""

import pytest

from actors.contract import TAXONOMY
from tasks.labelling.reasons import Said, why
from tasks.numerics.queue import Pick, Reason

ANGRY, SAD = TAXONOMY.index("angry"), TAXONOMY.index("sad")
SAID = (Said("default", ANGRY, 0.62), Said("superb", SAD, 0.555))


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (Reason.RANDOM, "Drawn at random, whatever the models say: such picks can measure accuracy without bias."),
        (Reason.DISAGREEMENT, "The models differ: default hears angry (0.62), superb hears sad (0.56)."),
        (Reason.UNCERTAINTY, "The model wavers between angry (0.62) and sad (0.30)."),
        (Reason.EMOTION, "The model hears angry (0.62), of which there are few labels and picks so far (3)."),
        (Reason.LANGUAGE, "There are few labels and picks in its language (ko) so far (3)."),
        (Reason.SOURCE, "There are few labels and picks from its medium so far (3)."),
    ],
)
def test_the_sentence_names_what_spoke_for_the_segment(reason: Reason, expected: str) -> None:
    found = why(Pick(1, reason, 3, 0.25), SAID, Said("default", SAD, 0.3), "ko")
    assert (found.pick, found.reason.en, found.draw) == (reason.value, expected, 0.25)
    assert found.reason.ko != found.reason.en


def test_models_that_hear_the_same_emotion_differ_in_how_sure_they_are() -> None:
    found = why(Pick(1, Reason.DISAGREEMENT, None, 0.0), (SAID[0], Said("superb", ANGRY, 0.9)), None, "en")
    assert (
        found.reason.en
        == "The models differ in how sure they are: default hears angry (0.62), superb hears angry (0.90)."
    )


def test_a_segment_of_which_nothing_is_said_still_has_a_reason() -> None:
    assert why(Pick(1, Reason.SOURCE, 0, 0.0), (), None, "en").reason.en.endswith("so far (0).")
