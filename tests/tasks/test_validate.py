"""tasks/validate.py: every fault fails its own check, and what is whole passes."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from actors.contract import MediumResult, Reason
from tasks.config.scoring import Warnings
from tasks.tables import POSTERIOR, quarantine_table
from tasks.validate import Checked, check_scores, check_shard, check_summary
from tests.support.quiet import import_great_expectations
from tests.support.results import fault, medium, rejected, silent
from tests.support.tables import score_row, scores

pytestmark = pytest.mark.slow

A, B = medium("s3://media/a.wav"), medium("s3://media/b.wav")
EVEN = dict.fromkeys(POSTERIOR, 1 / 7)
TIMES = [(0.0, 4.0), (4.0, 8.5), (9.0, 9.5)]


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    import_great_expectations()


def _rows() -> list[dict[str, Any]]:
    """Three segments of A; the last one is undecided."""
    return [score_row(A.uri, *TIMES[0]), score_row(A.uri, *TIMES[1]), score_row(A.uri, *TIMES[2], emotion=None)]


def _result(rows: Sequence[dict[str, Any]], *rejections: Any) -> MediumResult:
    """Medium A with these segments planned."""
    planned = (*(row["segment_id"] for row in rows), *(each.segment_id for each in rejections))
    return MediumResult(A, 20.0, planned, (), rejections)


def _check(
    rows: Sequence[dict[str, Any]], *results: MediumResult, table: pa.Table | None = None, faults: Sequence[Any] = ()
) -> Checked:
    """Check rows against results; by default exactly these rows were planned, and the results' faults are there."""
    results = results or (_result(_rows()),)
    faults = faults or [each for result in results for each in result.rejections]
    return check_shard(table or scores(*rows), quarantine_table(faults, "run-1"), results, ["en", "ko"])


def _wrong() -> list[dict[str, Any]]:
    """The good rows, the first with an emotion that is none."""
    first, *others = _rows()
    return [first | {"emotion": "calm"}, *others]


# -- one shard: what is whole ------------------------------------------------------------------------------------------


def test_a_good_shard_passes_and_its_results_are_json() -> None:
    whole = _result(_rows(), fault(A, Reason.NON_FINITE, number=7))
    checked = _check(_rows(), whole, silent(B), rejected(medium("s3://media/c.wav")))
    assert checked.failed == ()
    assert len(checked.results) > 30
    assert all(each["success"] for each in checked.results)
    json.dumps(checked.results)


def test_an_all_quarantined_shard_passes() -> None:
    assert _check([], rejected(A), rejected(B, Reason.STORE_ERROR)).failed == ()


def test_an_all_silent_shard_passes() -> None:
    assert _check([], silent(A), silent(B)).failed == ()


def test_an_all_undecided_shard_passes() -> None:
    rows = [score_row(A.uri, *times, emotion=None) for times in TIMES]
    assert _check(rows).failed == ()


def test_a_sum_that_is_off_by_rounding_passes() -> None:
    first, *others = _rows()
    assert _check([first | EVEN | {"p_angry": 1 / 7 + 5e-5}, *others]).failed == ()


def test_what_was_heard_and_read_together_passes() -> None:
    heard, unread, undecided = _rows()
    # The fused emotion need be neither of the two.
    read = heard | {"text": "Oh.", "emotion_audio": "sad", "emotion_text": "fear"}
    rows = [read, unread | {"emotion_audio": "angry"}, undecided | {"text": "Hm.", "emotion_text": "sad"}]
    assert check_scores(scores(*rows), ["en"]).failed == ()


def test_of_two_that_tie_in_single_precision_either_may_be_chosen() -> None:
    first, *others = _rows()
    tie = dict.fromkeys(POSTERIOR, 0.08) | {"p_sad": 0.3, "p_angry": 0.3}
    for emotion in ("sad", "angry"):
        row = first | tie | {"emotion": emotion}
        assert _check([row, *others]).failed == ()


# -- one shard: each fault ---------------------------------------------------------------------------------------------

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
HALF_NULL = "expect_column_pair_values_to_be_equal(nulls, nulls_expected)"
ROW_FAULTS: list[tuple[str, dict[str, Any]]] = [
    (f"{NOT_NULL}(media_etag)", {"media_etag": None}),
    (f"{NOT_NULL}(language)", {"language": None}),
    (f"{NOT_NULL}(decision)", {"decision": None}),
    (f"{NOT_NULL}(dropped_mass)", {"dropped_mass": None}),
    (f"{BETWEEN}(start_s)", {"start_s": -1.0}),
    ("expect_column_pair_values_a_to_be_greater_than_b(end_s, start_s)", {"end_s": 0.0}),
    (
        f"{BETWEEN}(p_happy)",
        EVEN | {"emotion": "happy", "p_happy": 1.25, "p_sad": 0.0, "p_fear": 0.0, "p_disgust": 1 - 1.25 - 3 / 7},
    ),
    (f"{BETWEEN}(posterior_sum)", {"p_fear": 0.5}),
    (f"{BETWEEN}(confidence)", {"confidence": 1.5}),
    (f"{BETWEEN}(dropped_mass)", {"dropped_mass": -0.5}),
    (f"{BETWEEN}(entropy)", {"entropy": 2.0}),
    (f"{BETWEEN}(language_confidence)", {"language_confidence": 1.5}),
    (f"{BETWEEN}(language_margin)", {"language_margin": -0.5}),
    (f"{IN_SET}(emotion)", {"emotion": "calm"}),
    (f"{BETWEEN}(lead_lost)", {"emotion": "sad"}),
    (f"{IN_SET}(emotion_audio)", {"emotion_audio": "calm", "text": "Oh.", "emotion_text": "sad"}),
    (f"{IN_SET}(emotion_text)", {"emotion_audio": "angry", "text": "Oh.", "emotion_text": "calm"}),
    (f"{IN_SET}(read_nothing)", {"emotion_audio": "angry", "emotion_text": "sad"}),
    (f"{IN_SET}(fused_unread)", {"emotion_audio": "sad", "text": "Oh."}),
    (f"{IN_SET}(language)", {"language": "ja"}),
    (f"{IN_SET}(precision)", {"precision": "int8"}),
    (HALF_NULL, {"p_happy": None, "p_sad": None}),
    (HALF_NULL, {"confidence": None}),
    (HALF_NULL, {"entropy": None}),
    (HALF_NULL, {"emotion": None}),
]
"""The check that a fault in a row fails, and the change that makes the fault."""


@pytest.fixture(scope="module")
def row_faults() -> dict[str, str]:
    """What a shard says in which every row has another fault: by check, how many rows fail it, with an example."""
    rows = [
        score_row(A.uri, 5.0 * at + 1, 5.0 * at + 5) | changes for at, (_, changes) in enumerate(ROW_FAULTS, start=1)
    ]
    failed = _check(rows, _result(rows)).failed
    return {line.split(": ")[1]: line.split(": ")[2] for line in failed if line.startswith("scores: ")}


@pytest.mark.parametrize("check", dict.fromkeys(check for check, _ in ROW_FAULTS))
def test_a_fault_in_a_row_fails_its_own_check(row_faults: dict[str, str], check: str) -> None:
    rows = sum(each == check for each, _ in ROW_FAULTS)
    assert row_faults[check].startswith(f"{rows} of {len(ROW_FAULTS)} rows")


def test_a_fault_in_a_row_fails_no_other_check(row_faults: dict[str, str]) -> None:
    # What is above 1 elsewhere is below 0 here.
    assert set(row_faults) == {check for check, _ in ROW_FAULTS} | {f"{BETWEEN}(p_disgust)"}
    assert row_faults[f"{IN_SET}(language)"].endswith("for example ja")


def test_a_segment_id_that_stands_twice_is_found() -> None:
    twice = [*_rows(), _rows()[0]]
    failed = _check(twice).failed
    assert failed[0].startswith("scores: expect_column_values_to_be_unique(segment_id): 2 of 4 rows")
    assert [line for line in failed if line.startswith("segments: expect_column_values_to_be_in_set(found)")]


def test_a_column_too_few_or_too_many_is_found() -> None:
    fewer = scores(*_rows()).drop_columns(["run_id"])
    more = scores(*_rows()).append_column("mood", pa.array(["x"] * 3))
    for table, name in [(fewer, "run_id"), (more, "mood")]:
        failed = _check([], table=table).failed
        (line,) = (each for each in failed if each.startswith("scores: expect_table_columns_to_match_set()"))
        assert name in line


def test_a_segment_in_both_logits_and_quarantine_is_found() -> None:
    both = replace(fault(A, number=0), segment_id=_rows()[0]["segment_id"])
    failed = _check(_rows(), _result(_rows()), faults=[both]).failed
    assert [line.split(":")[:2] for line in failed] == [
        ["segments", " expect_column_values_to_be_in_set(found)"],
        ["media", " expect_column_values_to_be_in_set(accounted)"],
    ]


def test_a_planned_segment_in_neither_is_found() -> None:
    failed = _check(_rows()[:2], _result(_rows())).failed
    assert [line.split(":")[0] for line in failed] == ["segments", "media"]
    assert "(found): 1 of 3 rows, for example 0" in failed[0]


def test_a_segment_that_nobody_planned_is_found() -> None:
    failed = _check(_rows(), _result(_rows()[:2])).failed
    assert "(planned): 1 of 3 rows, for example 0" in failed[0]


def test_a_segment_that_was_planned_twice_is_found() -> None:
    rows = _rows()
    failed = _check(rows, _result([*rows, rows[0]])).failed
    assert "(planned): 1 of 3 rows, for example 2" in failed[0]


def test_a_medium_that_is_neither_scored_nor_silent_nor_in_quarantine_is_found() -> None:
    # B was rejected as a whole, but its fault is not in the table; as if it were silent it would pass.
    segments = MediumResult(B, 9.0, ("b-1", "b-2"), (), ())
    failed = _check(_rows(), _result(_rows()), segments).failed
    assert failed[-1].startswith("media: expect_column_values_to_be_in_set(accounted): 1 of 2 rows")


def test_a_medium_that_was_refused_twice_over_is_found() -> None:
    failed = _check(_rows(), _result(_rows()), rejected(B), faults=[fault(B), fault(B, Reason.TIMEOUT)]).failed
    assert failed == ("media: expect_column_values_to_be_in_set(accounted): 1 of 2 rows, for example 0",)


def test_a_medium_that_was_planned_twice_is_found() -> None:
    failed = _check([], silent(A), silent(A)).failed
    assert failed[0].startswith("media: expect_column_values_to_be_unique(media_uri): 2 of 2 rows")


# -- a run -------------------------------------------------------------------------------------------------------------


def test_a_share_above_its_threshold_warns_and_one_at_it_does_not() -> None:
    shares = {"neutral_rate": 0.95, "undecided_rate": 0.2, "short_rate": 0.75, "uncertain_language_rate": 0.0}
    assert check_summary(shares, Warnings()).failed == (
        "neutral_rate is 95%, over its limit of 90%",
        "short_rate is 75%, over its limit of 50%",
    )
    assert check_summary(shares, Warnings(neutral_rate=1, short_rate=1)).failed == ()


def test_every_threshold_has_its_share() -> None:
    limits = Warnings(neutral_rate=0, undecided_rate=0, short_rate=0, uncertain_language_rate=0)
    shares = dict.fromkeys(Warnings.model_fields, 0.5)
    assert [line.split(" ")[0] for line in check_summary(shares, limits).failed] == list(Warnings.model_fields)


def test_a_run_without_defined_shares_is_not_checked() -> None:
    assert check_summary({}, Warnings()) == Checked((), ())


# -- manners -----------------------------------------------------------------------------------------------------------


def test_checks_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    _check(_wrong())
    check_summary({"neutral_rate": 1.0}, Warnings())
    assert capfd.readouterr() == ("", "")


def test_checks_of_several_threads_do_not_meet() -> None:
    def found(number: int) -> bool:
        return bool(_check(_wrong() if number % 2 else _rows()).failed)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(found, range(4))) == [False, True] * 2
