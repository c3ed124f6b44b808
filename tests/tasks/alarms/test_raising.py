"""tasks/alarms/raising.py: which alarms a finished run raises, and which runs it is compared with."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tasks.alarms.kinds import KINDS, SILENT
from tasks.alarms.raising import LEAST_SEGMENTS, REFERENCE_RUNS, raised, references_of, silence
from tasks.alarms.shares import RUNS_FOR_NIGHTS
from tasks.config.operations import Alarms
from tasks.records.parts import Alarm
from tasks.records.run import Corpus, MediaCounts, RunRecord, Validation
from tests.support.alarming import from_media, night

LIMITS = Alarms()


def kinds(record: RunRecord, *references: RunRecord, options: Alarms = LIMITS) -> list[str]:
    return [each.kind for each in raised(record, references, options)]


def test_a_usual_night_raises_nothing() -> None:
    assert kinds(night(9), night(8), night(7)) == []


def test_a_first_run_is_compared_with_nothing() -> None:
    assert kinds(night(1, shares={"neutral": 1.0})) == []


def test_all_alarms_of_a_run_stand_in_one_order_and_say_what_to_do() -> None:
    bad = night(
        9,
        shares={"neutral": 0.98, "happy": 0.02},
        media=MediaCounts(planned=40, scored=20, quarantined=20),
        validation=Validation(success=False, failed=("shard a: rows",)),
        corpus=Corpus(segments=1000, alarms={"a/b": ("near_uniform", "one_class")}),
        languages={"ko": 1000},
        realtime_factor=1.0,
    )
    found = raised(bad, [night(8)], LIMITS)
    assert list(dict.fromkeys(each.kind for each in found)) == list(KINDS)
    assert all(each.message.endswith(".") for each in found)
    assert found[0].message.startswith("1 data check failed: shard a: rows. What failed")
    assert {each.subject for each in found if each.kind == "near_uniform"} == {"a/b"}


# -- quarantine --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media", "quarantined", "cries"),
    [
        (1, 1, False),  # P(X ≥ 1) = .1 where a tenth is usual
        (2, 2, True),  # .01
        (10, 3, False),  # .070
        (10, 4, True),  # .013
        (1000, 100, False),  # the limit itself
        (1000, 130, True),
        (0, 0, False),
    ],
)
def test_quarantine_cries_above_its_limit_but_not_over_a_single_file(media: int, quarantined: int, cries: bool) -> None:
    record = night(9, media=MediaCounts(planned=media, scored=media - quarantined, quarantined=quarantined))
    assert kinds(record) == ["quarantine"] * cries


def test_a_limit_of_nothing_cries_at_the_first() -> None:
    record = night(9, media=MediaCounts(planned=1000, quarantined=1))
    assert kinds(record, options=Alarms(max_quarantined=0)) == ["quarantine"]


# -- speed -------------------------------------------------------------------------------------------------------------


def test_half_the_usual_speed_is_slow() -> None:
    before = [night(day, realtime_factor=factor) for day, factor in ((5, 10.0), (6, 12.0), (7, 11.0))]
    assert kinds(night(9, realtime_factor=6.0), *before) == []
    (alarm,) = raised(night(9, realtime_factor=5.0), before, LIMITS)
    assert (alarm.kind, alarm.expected, alarm.bound, alarm.n) == ("slow", 11.0, 5.5, 3)


def test_a_short_night_is_not_slow_only_because_starting_takes_its_time() -> None:
    short = night(9, films=2, size=10, realtime_factor=1.0)
    assert kinds(short, night(8)) == [], "a fiftieth of the audio of the night before"
    assert kinds(night(9, realtime_factor=1.0, seconds=50.0), night(8)) == [], "less than a minute"
    assert kinds(night(9, realtime_factor=None), night(8)) == []


# -- references --------------------------------------------------------------------------------------------------------


def test_the_newest_runs_over_the_same_media_are_added_up_until_there_is_enough() -> None:
    earlier = [night(day, films=8) for day in range(8, 0, -1)]
    chosen = references_of(night(9), iter(earlier))
    assert [each.run_id[6:8] for each in chosen] == ["08", "07", "06", "05", "04"], "5 · 200 segments"


def test_of_large_nights_too_there_are_enough_to_tell_how_far_nights_differ() -> None:
    rng = np.random.default_rng(4)
    usual = np.array([40, 20, 12, 10, 8, 6, 4])
    nights = [
        from_media(day, rng.multinomial(40, own / own.sum(), size=30))
        for day, own in enumerate(rng.standard_gamma(usual, size=(9, 7)), start=1)
    ]
    newest, *earlier = nights[::-1]
    chosen = references_of(newest, earlier)
    assert len(chosen) == RUNS_FOR_NIGHTS
    assert kinds(newest, chosen[0]) != [], "one night tells nothing of how far nights differ"
    assert kinds(newest, *chosen) == []


def test_a_run_that_says_nothing_of_the_usual_is_no_reference() -> None:
    unfit = [
        night(8, media_uri="s3://media/other"),
        night(8, results_uri="s3://other"),
        night(8, status="failed"),
        night(8, validation=Validation(success=False)),
        night(8, segments=0),
        night(8, alarms=(Alarm(kind="class_shares", n=1, message="it moved"),)),
        night(9),
        night(10),
    ]
    good = night(7, alarms=(Alarm(kind="slow", n=1, message="slow, and no worse for it"),))
    assert references_of(night(9), [*unfit, good]) == (good,)


def test_too_few_segments_in_all_are_no_reference_and_not_all_runs_are_read() -> None:
    assert references_of(night(9), [night(8, films=1, size=LEAST_SEGMENTS - 1)]) == ()
    asked = []
    many = (asked.append(day) or night(8, films=1, size=5) for day in range(100))
    assert len(references_of(night(9), many)) == len(asked) == REFERENCE_RUNS


def test_what_is_wrong_keeps_ringing_until_somebody_looks() -> None:
    moved = {"neutral": 0.9, "happy": 0.1}
    first = night(8, shares=moved)
    first = first.model_copy(update={"alarms": raised(first, [night(7)], LIMITS)})
    second = night(9, shares=moved)
    assert "neutral_rate" in kinds(second, *references_of(second, [first, night(7)]))


# -- silence -----------------------------------------------------------------------------------------------------------

NOW = datetime(2026, 1, 3, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("finished", "cries"),
    [
        (["2026-01-02T03:30:00+00:00", "2025-12-01T03:30:00+00:00"], False),
        (["2026-01-02T02:30:00+00:00"], True),
        ([], True),
    ],
)
def test_no_run_for_26_hours_is_an_alarm_and_so_is_none_at_all(finished: list[str], cries: bool) -> None:
    found = silence(finished, NOW, 26)
    assert (found is not None) == cries
    assert found is None or found.kind == SILENT
