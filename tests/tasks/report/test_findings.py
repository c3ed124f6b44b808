"""The verdict, the warnings and the reasons of quarantine."""

from typing import Any

import pyarrow as pa
import pytest

from actors.contract import Reason
from tasks.records.parts import Alarm
from tasks.records.run import Corpus, MediaCounts, Validation
from tasks.report.findings import NAMES_PER_REASON, asides, quarantined, verdict, warnings
from tasks.report.summary import Summary
from tests.support.records import model_spec, run_record
from tests.support.tables import quarantine, score_row, scores

NONE = quarantine()
GOOD = [score_row(start_s=n * 5, end_s=n * 5 + 4) for n in range(10)]


def _said(rows: list[dict[str, Any]], faults: pa.Table = NONE, **changes: Any) -> str:
    return " | ".join(each.text.en for each in warnings(run_record(**changes), Summary.fold([scores(*rows)]), faults))


@pytest.mark.parametrize(
    ("media", "changes", "text"),
    [
        (
            MediaCounts(planned=60, scored=52, silent=4, quarantined=4, skipped=7),
            {},
            "52 of 60 media scored, 4 without speech, 4 quarantined. 7 more had been scored before.",
        ),
        (MediaCounts(planned=60, scored=60), {}, "60 of 60 media scored."),
        (MediaCounts(skipped=60), {}, "Nothing new: all 60 media were scored before."),
        (MediaCounts(skipped=1), {}, "Nothing new: the one medium here was scored before."),
        (
            MediaCounts(skipped=60),
            {"redecided": 1040},
            "Nothing new to hear. 1,040 segments were decided again from stored model outputs.",
        ),
        (MediaCounts(), {}, "There are no media under this address."),
        (MediaCounts(planned=60), {"status": "failed"}, "This run failed."),
    ],
)
def test_the_verdict_is_one_plain_sentence(media: MediaCounts, changes: dict[str, Any], text: str) -> None:
    assert verdict(run_record(media=media, **changes)).en.replace("\xa0", " ") == text


def test_speed_is_left_out_where_nothing_was_scored() -> None:
    assert "11.2 × real time" in asides(run_record())[0].en
    assert asides(run_record(realtime_factor=None)) == []
    assert "2 are no longer" in asides(run_record(realtime_factor=None, media=MediaCounts(removed=2)))[0].en


def test_a_good_run_warns_of_nothing() -> None:
    assert _said(GOOD) == ""


@pytest.mark.parametrize(
    ("row", "changes", "says"),
    [
        ({"flags": ["demo_model"]}, {}, "toy models"),
        ({}, {"models": {"en": model_spec(demo=True)}}, "toy models"),
        ({}, {"status": "failed"}, "stopped before its end"),
        ({}, {"corpus": Corpus(alarms={"a/b": ("near_uniform",)})}, "a/b says almost nothing"),
        ({}, {"corpus": Corpus(alarms={"a/b": ("one_class",)})}, "a/b gives (almost) every segment the same label"),
        ({}, {"models": {"en": model_spec(source="a/b", licence="cc-by-nc-4.0")}}, "non-commercial use only: a/b"),
        ({}, {"validation": Validation(success=False, failed=("a", "b"))}, "2 data checks failed"),
        ({"flags": ["uncertain_language"]}, {}, "100.0% of the segments are in a language"),
        ({"flags": ["unrouted_language"]}, {}, "100.0% of the segments are in a language"),
        ({"flags": ["fallback_model"]}, {}, "heard by the fallback model"),
        ({"flags": ["truncated"]}, {}, "10 segments come from files that break"),
        ({"emotion": "neutral"}, {}, "100.0% of the decided segments are neutral"),
        ({"emotion": None, "confidence": None}, {}, "100.0% of the segments are undecided"),
    ],
)
def test_each_doubt_has_its_warning(row: dict[str, Any], changes: dict[str, Any], says: str) -> None:
    assert says in _said([each | row for each in GOOD], **changes)


def test_short_segments_warn_from_three_in_ten_on() -> None:
    short = [score_row(start_s=100 + n, end_s=100.9 + n) for n in range(3)]
    assert _said([*GOOD[:8], *short[:2]]) == ""
    assert "30.0% of the segments are shorter than 3 s" in _said([*GOOD[:7], *short])


def test_quarantined_media_are_counted_once_each() -> None:
    faults = quarantine(("s3://media/a", "empty"), ("s3://media/a", "empty"), ("s3://media/b", "timeout"))
    assert "2 media are in quarantine" in _said(GOOD, faults)


def test_grave_warnings_come_first() -> None:
    faults = quarantine(("s3://media/a", "empty"))
    found = warnings(run_record(status="failed"), Summary.fold([scores(*GOOD)]), faults)
    assert [each.grave for each in found] == [True, False]


def test_faults_are_grouped_by_reason_the_most_frequent_first() -> None:
    faults = quarantine(("s3://m/c", "empty"), ("s3://m/b", "worker_died"), ("s3://m/a", "empty"))
    first, second = quarantined(faults, lambda uri: uri)
    assert (first.reason.en, first.media, first.segments) == ("The file is empty.", 2, 0)
    assert [fault.name for fault in first.shown] == ["s3://m/a", "s3://m/c"]
    assert first.again is not None
    assert second.again is not None
    assert (first.again.en, second.again.en) == (
        "Not tried again until the file changes.",
        "Tried again at the next run.",
    )


def test_single_segments_are_counted_apart_from_media() -> None:
    faults = quarantine(("s3://m/a", "non_finite"), ("s3://m/b", "non_finite"))
    faults = faults.set_column(3, "segment_id", pa.array(["s1", None], type=pa.string()))
    (group,) = quarantined(faults, lambda uri: uri)
    assert (group.media, group.segments, group.total) == (1, 1, 2)


def test_only_the_first_names_of_a_reason_are_listed() -> None:
    faults = quarantine(*((f"s3://m/{n:04}", "empty") for n in range(500)))
    (group,) = quarantined(faults, lambda uri: uri)
    assert (group.total, len(group.shown)) == (500, NAMES_PER_REASON)


def test_a_reason_that_is_not_known_is_named_as_it_is() -> None:
    (group,) = quarantined(quarantine(("s3://m/a", "melted")), lambda uri: uri)
    assert group.reason.en == "Reason: melted"
    assert group.again is None


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_says_what_to_do(reason: Reason) -> None:
    (group,) = quarantined(quarantine(("s3://m/a", str(reason))), lambda uri: uri)
    assert "Reason:" not in group.reason.en
    assert group.remedy.en


# -- alarms ------------------------------------------------------------------------------------------------------------


def _alarm(kind: str, subject: str | None = None, value: float = 0.9, bound: float = 0.6) -> Alarm:
    return Alarm(kind=kind, subject=subject, value=value, bound=bound, expected=0.5, n=1000, message="it moved")


@pytest.mark.parametrize(
    ("alarm", "says"),
    [
        (_alarm("neutral_rate", "neutral"), "neutral: 90.0% of 1,000 segments in this run, where 50.0% was usual"),
        (_alarm("class_shares", "sad", 0.1, 0.3), "sad: 10.0% of 1,000 segments in this run, where 50.0% was usual"),
        (_alarm("class_shares", "undecided"), "Chance explains up to 60.0%"),
        (_alarm("class_shares", "sad", 0.1, 0.3), "Chance explains down to 30.0%"),
        (_alarm("language_mix", "ko"), "Korean: 90.0% of 1,000 segments"),
        (_alarm("language_mix", "other"), "Languages that were rare: 90.0%"),
        (_alarm("quarantine"), "90.0% of the 1,000 media of this run are in quarantine. The limit is 60.0%."),
        (_alarm("slow", None, 4.0, 5.5), "4.0 × real time, where 1,000 runs of about this size had 0.5."),
    ],
)
def test_an_alarm_is_the_first_banner_in_both_languages(alarm: Alarm, says: str) -> None:
    found = warnings(run_record(alarms=(alarm,)), Summary.fold([scores(*GOOD)]), NONE)
    assert says in found[0].text.en
    assert found[0].text.ko != found[0].text.en
    assert found[0].grave == (alarm.kind != "slow")


def test_what_makes_all_scores_doubtful_comes_before_the_shares_that_moved() -> None:
    failed, silent = Validation(success=False, failed=("a",)), Corpus(alarms={"a/b": ("near_uniform",)})
    said = _said(GOOD, alarms=(_alarm("neutral_rate", "neutral"),), validation=failed, corpus=silent).split(" | ")
    assert [each.split(" ")[0] for each in said] == ["A", "a/b", "neutral:"]


def test_what_another_banner_says_already_is_not_said_twice() -> None:
    faults = quarantine(("s3://media/a.wav", Reason.EMPTY))
    assert _said(GOOD, faults, alarms=(_alarm("quarantine"),)).count("quarantine") == 1
    named = {"alarms": (_alarm("validation"), _alarm("near_uniform", "a/b"))}
    assert _said(GOOD, **named) == ""
