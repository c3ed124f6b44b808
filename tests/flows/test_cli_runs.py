"""`seraph runs` as a user types it, on a local store that is only a folder."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from infra.errors import InputError
from infra.shelf import FolderShelf
from tasks.records.parts import Alarm, Snapshot, Spent
from tests.support.alarming import night
from tests.support.desk import Desk

TOOK: dict[str, Any] = {
    "spent": Spent(gpu_seconds=3600, cpu_seconds=7200), "audio_seconds": 36_000.0, "seeds": {},
}  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A store with two runs and one that is damaged."""
    desk = Desk(tmp_path / "home", before=("runs",))
    moved = Alarm(kind="neutral_rate", n=1000, value=0.9, bound=0.6, expected=0.5, message="neutral moved")
    for record in (
        night(1, snapshot=Snapshot(sha256="aa", media=40, bytes=10)),
        night(2, shares={"neutral": 0.9, "happy": 0.1}, alarms=(moved,), **TOOK),
    ):
        desk.shelf.put(f"runs/{record.run_id}/run.json", record.model_dump_json().encode())
    desk.shelf.put("runs/20260103T020000-abcdef/run.json", b"{")
    return desk


def test_the_list_has_the_newest_first_with_its_alarms_and_names_what_is_damaged(desk: Desk) -> None:
    found = desk.json("list")
    assert [(each["run_id"][6:8], each["alarms"]) for each in found["runs"]] == [("02", ["neutral_rate"]), ("01", [])]
    assert [each["run_id"][6:8] for each in found["unreadable"]] == ["03"]
    assert desk.json("list", "--limit", "1")["more"] == 2
    shown = desk.run("list").stdout
    assert shown.index("20260102") < shown.index("20260101")
    assert "neutral rate" in shown
    assert "Left out" in shown


def test_where_nothing_ran_yet_it_says_what_to_do(tmp_path: Path) -> None:
    environment = {"SERAPH_HOME": str(tmp_path), "AWS_ENDPOINT_URL": ""}
    assert "seraph score makes one" in CliRunner().invoke(app, ["runs", "list"], env=environment).stdout


def test_one_run_is_shown_whole_and_priced_when_asked(desk: Desk) -> None:
    assert desk.json("show", "20260102")["cost"] is None
    # 1 h · 2.5 + 2 h · 0.25 = 3.00 for ten hours of speech.
    found = desk.json("show", "20260102", "--gpu-hour", "2.5", "--cpu-hour", "0.25", "--currency", "EUR")
    assert found["cost"]["per_1000_audio_hours"] == pytest.approx(300)
    shown = desk.run("show", "20260102", "--gpu-hour", "2.5", "--cpu-hour", "0.25", "--currency", "EUR").stdout
    for words in ("neutral moved", "3600 GPU seconds", "300.00 EUR", "none: nothing is random", "superb/wav2vec2"):
        assert words in shown


def test_a_run_that_cannot_be_read_or_is_not_there_is_named(desk: Desk) -> None:
    with pytest.raises(InputError, match="20260103T020000-abcdef cannot be read"):
        desk.run("show", "latest")
    with pytest.raises(InputError, match="seraph runs list"):
        desk.run("compare", "20260101", "1999")


def test_two_runs_are_compared_with_what_a_difference_can_be_due_to(desk: Desk) -> None:
    found = desk.json("compare", "20260101", "20260102")
    assert {each["name"] for each in found["shares"] if each["verdict"] == "beyond chance"} >= {"neutral"}
    assert (found["same_data"], found["agreement"]) == (None, None)
    assert found["causes"]
    shown = desk.run("compare", "20260101", "20260102", "--no-agreement").stdout
    assert "beyond chance" in shown
    assert "Chance alone would hardly" in shown


def test_a_run_that_scored_nothing_says_in_every_document_why_it_has_no_speed(desk: Desk) -> None:
    idle = night(4, realtime_factor=None)
    FolderShelf(desk.home / "s3" / "results").put(f"runs/{idle.run_id}/run.json", idle.model_dump_json().encode())
    newest, other = desk.json("list")["runs"][:2]
    assert "scored nothing" in newest["undefined"]["realtime_factor"]
    assert "undefined" not in other
    assert "agreement" in desk.json("compare", "20260101", "20260102", "--no-agreement")["undefined"]
