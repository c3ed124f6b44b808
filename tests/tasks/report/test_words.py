"""The catalogue of words, and how figures and names are written."""

import re
from collections.abc import Mapping

import pytest

from actors.contract import TAXONOMY, Flag, Reason
from tasks.report.words import (
    LANGUAGES,
    Text,
    catalogue,
    clock,
    duration,
    named,
    number,
    percent,
    shortened,
    visible,
    words,
)


def _places(entry: str | Mapping[str, str]) -> set[str]:
    text = entry if isinstance(entry, str) else entry["other"]
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_languages_have_the_same_keys() -> None:
    assert list(catalogue("en")) == list(catalogue("ko"))


def test_both_languages_fill_in_the_same_values() -> None:
    assert {key: _places(entry) for key, entry in catalogue("en").items()} == {
        key: _places(entry) for key, entry in catalogue("ko").items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_words_are_empty_or_left_in_the_other_language(language: str) -> None:
    same = {key for key, entry in catalogue("en").items() if entry == catalogue("ko")[key]}
    assert all(catalogue(language).values())
    assert same <= {"identity_version"}
    hangul = {key for key, entry in catalogue("en").items() if re.search("[가-힣]", str(entry))}
    assert not hangul


@pytest.mark.parametrize(
    "key",
    [
        *(f"emotion_{emotion}" for emotion in (*TAXONOMY, "undecided")),
        *(f"flag_{flag}" for flag in Flag),
        *(f"{kind}_{reason}" for kind in ("reason", "remedy") for reason in Reason),
    ],
)
def test_every_emotion_flag_and_reason_has_words(key: str) -> None:
    assert words(key).en != words(key).ko


def test_one_and_several_are_told_apart_in_english() -> None:
    assert words("timeline_meta", n=1, speech="x").en == "1\xa0segment, x"
    assert words("timeline_meta", n=2000, speech="x").en == "2,000\xa0segments, x"
    assert words("timeline_meta", n=1, speech="x").ko == "1개\xa0구간, x"


def test_a_value_in_two_languages_is_filled_in_by_language() -> None:
    speed = words("verdict_speed", speech=duration(3600), wall=duration(61), factor="59.0")
    assert speed.en == "1\xa0h\xa00\xa0min of speech in 1\xa0min\xa01\xa0s, 59.0 × real time."
    assert speed.ko == "음성 1시간\xa00분 분량을 1분\xa01초 만에 처리했습니다(실시간의 59.0배)."


def test_what_the_catalogue_does_not_know_keeps_its_name_and_cannot_pose_as_another() -> None:
    assert named("language", "tlh") == Text("tlh", "tlh")
    assert named("stage", "ab\u202ecd").en == "ab⟨U+202E⟩cd"


def test_a_text_is_escaped_in_both_languages() -> None:
    assert Text("<b>", "<i>").__html__() == '<span lang="en">&lt;b&gt;</span><span lang="ko">&lt;i&gt;</span>'
    assert Text("<b>", "<b>").__html__() == "&lt;b&gt;"


def test_undefined_figures_are_a_dash() -> None:
    assert (number(None), percent(None)) == ("–", "–")
    assert (number(1234567), number(2.345, 1), percent(0.12345)) == ("1,234,567", "2.3", "12.3%")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0\xa0s"),
        (3.25, "3.2\xa0s"),
        (59.7, "1\xa0min\xa00\xa0s"),
        (3725, "1\xa0h\xa02\xa0min"),
        (400_000, "111\xa0h"),
    ],
)
def test_durations_name_the_units_that_matter(seconds: float, text: str) -> None:
    assert duration(seconds).en == text


def test_places_in_a_medium_read_as_on_a_clock() -> None:
    assert [clock(seconds) for seconds in (0, 65.9, 3723)] == ["0:00", "1:05", "1:02:03"]


def test_control_and_direction_characters_are_spelled_out() -> None:
    assert visible("a\nb\u202ec\u2066d\u2028e\x00f 한국.wav") == (
        "a⟨U+000A⟩b⟨U+202E⟩c⟨U+2066⟩d⟨U+2028⟩e⟨U+0000⟩f 한국.wav"
    )


def test_a_long_name_keeps_its_start_and_its_end() -> None:
    short = shortened("a" * 300 + ".mp4")
    assert len(short) <= 120
    assert short.startswith("aaa")
    assert short.endswith("a.mp4")
    assert "…" in short
