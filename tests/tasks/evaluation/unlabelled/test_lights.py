"""tasks/evaluation/unlabelled/lights.py: which light is lit from where on, and what it says."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from actors.contract import TAXONOMY
from tasks.evaluation.unlabelled import Reference, Scored, Survey, survey
from tasks.evaluation.unlabelled.record import Light
from tests.support.tables import score_row, scores

LABELS = {"models/english": TAXONOMY}


def _scored(said: Sequence[str | None], name: str = "one", media: int = 10, **changes: Any) -> Scored:
    """Segments of four seconds, dealt out to the media in turn."""
    rows = [score_row(f"s3://media/{n % media}.wav", 4 * n, 4 * n + 4, each, **changes) for n, each in enumerate(said)]
    return Scored(name, lambda: [scores(*rows)], LABELS)


def _lights(found: Survey) -> Mapping[str, Light]:
    return {light.code: light for light in found.lights}


def _of(said: Sequence[str | None], **changes: Any) -> Mapping[str, Light]:
    return _lights(survey([_scored(said, **changes)], seed=0))


VARIED = [*TAXONOMY] * 20


def test_a_varied_corpus_lights_nothing() -> None:
    found = _of(VARIED)
    assert set(found) == {"near_uniform", "one_class", "neutral", "undecided", "short", "language", "diversity"}
    assert {light.level for light in found.values()} == {"green"}


def test_a_model_that_says_nothing_is_red_and_names_its_information_and_the_bound() -> None:
    light = _of(VARIED, information=0.02)["near_uniform"]
    assert light.level == "red"
    assert "0.020 nats" in light.text
    assert "below 0.343" in light.text
    assert "0.020내트" in light.text_ko


def test_a_model_with_one_label_is_red_and_names_it() -> None:
    found = _of(["neutral"] * 100)
    assert (found["one_class"].level, found["neutral"].level, found["diversity"].level) == ("red", "amber", "amber")
    assert "“neutral” first for 100.0%" in found["one_class"].text


def test_few_segments_are_grey_and_say_how_many_it_takes() -> None:
    found = _of(["neutral"] * 19)
    assert {light.level for light in found.values()} == {"grey"}
    assert "It heard 19 segments, too few to say: that takes 20." in found["one_class"].text


@pytest.mark.parametrize(
    ("neutral", "level"),
    [(50, "green"), (80, "grey"), (95, "amber")],
)
def test_a_share_whose_band_lies_across_the_bound_is_grey(neutral: int, level: str) -> None:
    others = [TAXONOMY[1 + n % 6] for n in range(100 - neutral)]
    light = _of(["neutral"] * neutral + others)["neutral"]
    assert light.level == level
    assert f"{neutral}.0% of the decided segments are neutral (95 %: " in light.text


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("short", {"flags": ["short"], "end_s": None}),
        ("language", {"flags": ["uncertain_language"]}),
        ("undecided", {"emotion": None}),
    ],
)
def test_shares_that_are_too_large_are_amber(code: str, changes: dict[str, Any]) -> None:
    rows = []
    for n, each in enumerate(VARIED):
        row = score_row(f"s3://media/{n}.wav", 4 * n, 4 * n + 4, each)
        if n % 2:
            row |= {"end_s": row["start_s"] + 1} if "end_s" in changes else changes
        rows.append(row)
    assert _lights(survey([Scored("one", lambda: [scores(*rows)], LABELS)], seed=0))[code].level == "amber"


def test_a_model_that_the_configuration_does_not_name_is_grey() -> None:
    assert _of(VARIED, model="models/gone")["near_uniform"].text.startswith("one: models/gone is no longer named")


def test_a_configuration_without_a_segment_says_what_to_do() -> None:
    (light,) = survey([Scored("empty", list, {})], seed=0).lights
    assert (light.level, light.code, light.about) == ("grey", "nothing_scored", ("empty",))
    assert "`seraph score`" in light.text


def test_drift_is_red_where_it_is_large_and_green_where_chance_explains_it() -> None:
    reference = Reference.of(_scored(VARIED, name="last night"))
    moved = _lights(survey([_scored(["angry"] * 100 + VARIED[:40])], reference, seed=0))
    same = _lights(survey([_scored(VARIED[:70])], reference, seed=0))
    assert (moved["drift"].level, same["drift"].level) == ("red", "green")
    assert "from those of last night" in moved["drift"].text
    assert "chance alone stays below" in moved["drift"].text
    assert moved["drift_language"].text.startswith("one: English: ")


def test_drift_is_amber_where_it_is_certain_and_small() -> None:
    reference = Reference.of(_scored(VARIED * 50, name="last night"))
    found = _lights(survey([_scored((VARIED + ["angry"] * 40) * 50)], reference, seed=0))
    assert found["drift"].level == "amber"


def test_drift_is_grey_where_even_a_large_one_would_not_show() -> None:
    reference = Reference.of(_scored(VARIED, name="last night"))
    found = _lights(survey([_scored(VARIED[:14], media=7)], reference, seed=0))
    assert found["drift"].level == "grey"
    assert "chance alone could hide even a large change" in found["drift"].text


def test_drift_with_fewer_than_five_media_is_grey_and_says_so() -> None:
    reference = Reference.of(_scored(VARIED, name="last night"))
    found = _lights(survey([_scored(VARIED, media=4)], reference, seed=0))
    assert found["drift"].level == "grey"
    assert "at least five media are needed" in found["drift"].text


@pytest.mark.parametrize(
    ("other", "level"),
    [
        (VARIED, "green"),
        ([each if n % 5 < 2 else TAXONOMY[(n + 3) % 7] for n, each in enumerate(VARIED)], "amber"),
        ([TAXONOMY[(n // 7) % 7] for n in range(len(VARIED))], "red"),
    ],
)
def test_two_configurations_are_lit_by_how_far_they_agree_beyond_chance(other: list[str], level: str) -> None:
    light = _lights(survey([_scored(VARIED, "a"), _scored(other, "b")], seed=0))["agreement"]
    assert (light.level, light.about) == (level, ("a", "b"))
    assert "of 140 segments (95 %: " in light.text
    assert "kappa" in light.text


def test_two_configurations_without_a_common_segment_are_grey() -> None:
    other = Scored("b", lambda: [scores(score_row("s3://media/x.wav", 0, 1, "sad"))], LABELS)
    light = _lights(survey([_scored(VARIED, "a"), other], seed=0))["agreement"]
    assert light.level == "grey"
    assert "no segment in common" in light.text


def test_the_gravest_light_comes_first() -> None:
    found = survey([_scored(["neutral"] * 100, information=0.0)], seed=0).lights
    order = [["red", "amber", "grey", "green"].index(light.level) for light in found]
    assert order == sorted(order)
    assert found[0].level == "red"


def test_a_hostile_name_is_made_visible_in_the_sentence() -> None:
    (light,) = survey([Scored("a\u202eb" + "x" * 500, list, {})], seed=0).lights
    assert light.text.startswith("a⟨U+202E⟩b")
    assert len(light.text) < 200
