"""Where the marks of a timeline stand."""

import numpy as np
import pytest

from tasks.report.summary import MediumSummary, Summary
from tasks.report.timelines import HEIGHT, MAX_MARKS, composition, short_name, timeline
from tests.support.tables import score_row, scores


def _medium(*rows: dict[str, object]) -> MediumSummary:
    (medium,) = Summary.fold([scores(*rows)]).timelines
    return medium


def test_marks_stand_in_their_share_of_the_time() -> None:
    drawn = timeline(_medium(score_row(start_s=0, end_s=5), score_row(start_s=15, end_s=20)), "s3://media")
    assert [(mark.x, mark.width) for mark in drawn.marks] == [("0.00%", "25.00%"), ("75.00%", "25.00%")]


def test_a_mark_is_as_tall_as_the_model_is_confident() -> None:
    (mark,) = timeline(_medium(score_row(confidence=0.75)), "").marks
    assert (mark.height, mark.top) == (0.75 * HEIGHT, 0.25 * HEIGHT)
    assert mark.title == "0:00–0:04 · angry · 75.0% · en"


def test_an_undecided_segment_is_drawn_low_and_without_a_figure() -> None:
    (mark,) = timeline(_medium(score_row(emotion=None)), "").marks
    assert mark.title == "0:00–0:04 · undecided · en"
    assert mark.height < 0.2 * HEIGHT


def test_a_long_medium_is_drawn_in_stretches_of_the_emotion_that_fills_most() -> None:
    half = MAX_MARKS * 10
    rows = [
        score_row(start_s=float(n), end_s=n + 1.0, emotion="sad" if n < half or n % 4 == 0 else "happy", confidence=0.5)
        for n in range(2 * half)
    ]
    drawn = timeline(_medium(*rows), "")
    assert drawn.pooled
    assert len(drawn.marks) == MAX_MARKS
    assert [mark.category for mark in drawn.marks] == [2] * (MAX_MARKS // 2) + [1] * (MAX_MARKS // 2)
    assert {mark.height for mark in drawn.marks} == {HEIGHT // 2}


def test_silence_in_a_long_medium_stays_empty() -> None:
    rows = [score_row(start_s=float(n), end_s=n + 1.0) for n in [*range(200), *range(1800, 2000)]]
    drawn = timeline(_medium(*rows), "")
    assert len(drawn.marks) == pytest.approx(MAX_MARKS / 5, abs=2)


def test_the_line_below_adds_up_to_the_whole() -> None:
    parts = composition(np.array([1.0, 0, 0, 3, 0, 0, 0, 0]))
    assert [(part.category, part.x, part.width) for part in parts] == [(0, "0.00%", "25.00%"), (3, "25.00%", "75.00%")]
    assert composition(np.zeros(8)) == ()


def test_there_are_few_ticks_however_long_a_medium_is() -> None:
    for seconds in (3.0, 61.0, 700.0, 5400.0, 14_400.0):
        ticks = timeline(_medium(score_row(start_s=seconds - 1, end_s=seconds)), "").ticks
        assert len(ticks) <= 6
        assert all(float(tick.x.rstrip("%")) < 97 for tick in ticks)


def test_a_name_stands_below_the_runs_address_and_cannot_pose_as_another() -> None:
    assert short_name("s3://media/shows/a/b.mp4", "s3://media/shows") == "a/b.mp4"
    assert short_name("s3://media/shows/a\u202eb.mp4", "s3://media/shows/") == "a⟨U+202E⟩b.mp4"
    assert len(short_name("s3://media/" + "가" * 300, "s3://media")) <= 120


def test_a_timeline_is_told_in_words_too() -> None:
    drawn = timeline(_medium(score_row(), score_row(start_s=4, end_s=8, emotion="sad", language="ko")), "s3://media")
    assert drawn.label.en == "Timeline of a.wav: sad 50.0%, angry 50.0%"
    assert [language.en for language in drawn.languages] == ["English", "Korean"]
