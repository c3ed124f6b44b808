"""tasks/records/run.py: the run record, and the names of runs."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.records.parts import Alarm, Cost, Snapshot, Spent, Spread
from tasks.records.run import MediaCounts, RunRecord, code_version, lock_sha256, new_run_id
from tests.support.records import run_record

PROMISED = {
    "run_id": str,
    "status": str,
    "media": {"planned", "scored", "silent", "skipped", "quarantined", "removed", "failed", "other"},
    "segments": int,
    "audio_seconds": float,
    "realtime_factor": float,
    "languages": {"en", "ko"},
    "emotions": {"neutral", "angry"},
    "outputs": {"scores", "report", "quarantine", "run", "report_file"},
    "validation": {"success", "failed", "warnings"},
}
"""The keys of the design's JSON contract: the type of a figure, the keys of a group."""


@pytest.mark.parametrize(("key", "promise"), PROMISED.items())
def test_the_summary_has_the_keys_that_others_rely_on(key: str, promise: Any) -> None:
    value = run_record().summary()[key]
    if isinstance(promise, set):
        assert set(value) == promise
    else:
        assert isinstance(value, promise)


def test_the_summary_is_plain_json_without_nan() -> None:
    json.dumps(run_record(realtime_factor=None).summary(), allow_nan=False)


def test_an_undefined_figure_is_null_with_its_reason_and_a_defined_one_has_none() -> None:
    summary = run_record(realtime_factor=None).summary()
    assert summary["realtime_factor"] is None
    assert "scored nothing" in summary["undefined"]["realtime_factor"]
    assert "undefined" not in run_record().summary()
    cost = Cost(gpu_hour=2, cpu_hour=0, currency="USD", total=0.1, per_1000_audio_hours=None)
    assert list(run_record(cost=cost).summary()["undefined"]) == ["cost.per_1000_audio_hours"]


def test_a_stored_record_is_read_back_as_it_was() -> None:
    record = run_record()
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


def test_what_a_run_took_found_and_raised_is_read_back_as_it_was() -> None:
    record = run_record(
        code_revision="ab" * 20,
        snapshot=Snapshot(sha256="cd" * 32, media=60, bytes=10**12),
        seeds={"bands": 0},
        spent=Spent(gpu_seconds=1.5, cpu_seconds=3),
        cost=Cost(gpu_hour=2, cpu_hour=0, currency="USD", total=0.1, per_1000_audio_hours=None),
        spread=Spread(media=2, squares=25, emotions={"sad": (9, 12)}),
        alarms=(Alarm(kind="slow", n=3, message="slow", value=1.0, bound=2.0),),
        reference=("20251231T000000-abcdef",),
    )
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


def test_spreads_add_up_medium_by_medium() -> None:
    # Media of 3 sad; of 2 sad and 2 angry: Σ n² = 9 + 16, sad: Σ x² = 9 + 4, Σ x n = 9 + 8.
    one = Spread(media=1, squares=9, emotions={"sad": (9, 9)})
    other = Spread(media=1, squares=16, emotions={"sad": (4, 8), "angry": (4, 8)})
    assert one + other == Spread(media=2, squares=25, emotions={"sad": (13, 17), "angry": (4, 8)})


def test_a_record_is_frozen_and_a_misspelt_name_is_an_error() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        run_record().segments = 0
    with pytest.raises(ValidationError, match="scoored"):
        MediaCounts.model_validate({"scoored": 1})


def test_run_ids_sort_by_time_and_are_told_apart_within_a_second() -> None:
    now = datetime(2026, 3, 1, 12, 30, 59, tzinfo=UTC)
    ids = [new_run_id(now + timedelta(seconds=second)) for second in range(0, 4000, 500)]
    assert ids == sorted(ids)
    assert ids[0].startswith("20260301T123059-")
    assert len({new_run_id(now) for _ in range(20)}) == 20


def test_the_code_version_is_that_of_the_installed_project() -> None:
    assert code_version() == version("seraph")


def test_the_lock_is_hashed_where_there_is_one() -> None:
    lock = Path(__file__).parents[3] / "constraints.txt"
    assert lock.is_file()
    assert lock_sha256() == hashlib.sha256(lock.read_bytes()).hexdigest()
