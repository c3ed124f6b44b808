"""What a run hands to its workers, what its record says it took, and which runs it is compared with."""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from actors.options import Route
from actors.usage import Held
from infra.location import Location
from infra.services import Services
from infra.settings import StoreAccess
from infra.shelf import FolderShelf
from tasks.config.operations import Alarms, Price
from tasks.config.scoring import ScoreConfig
from tasks.plan import Plan
from tasks.records.parts import Cost, Spent, Spread
from tasks.records.run import RunRecord
from tasks.run import Run, with_alarms
from tasks.runs.account import what_came_of_it, what_it_took, what_was_used
from tasks.runs.history import History
from tasks.runs.revision import code_revision
from tasks.score import ShardReport
from tests.support.alarming import night
from tests.support.identities import checkpoint_identity, run_identity

FOUND = "1" * 40


class _Results:
    """The part of a results store that a record names."""

    location = Location("results")


RESULTS = _Results()
NOTHING = Plan(shards=(), skipped=0, removed=(), revived=(), other={})


def opened(routes: dict[str, Route], found: dict[str, str | None], **changes: Any) -> Run:
    """A run whose models were found at these commits."""
    checkpoints = {key: checkpoint_identity(revision=revision) for key, revision in found.items()}
    services = Services(StoreAccess(), None, "", "")
    return Run(
        run_id="run", started=datetime.now(UTC), config=ScoreConfig(routes=routes), identity=run_identity(checkpoints),
        media=Location("bucket", "media"), media_store=cast(Any, None), results=cast(Any, RESULTS), services=services,
        **changes,
    )  # fmt: skip


def test_workers_load_the_commit_that_the_run_found_and_no_newer_one() -> None:
    routes = {"en": Route(model="owner/name"), "ko": Route(model="owner/other", revision="v1")}
    run = opened(routes, {"en": FOUND, "ko": FOUND})

    handed = run.pool_options(NOTHING).routes

    assert {key: (route.model, route.revision) for key, route in handed.items()} == {
        "en": ("owner/name", FOUND),
        "ko": ("owner/other", FOUND),
    }


def test_a_folder_of_ones_own_has_no_commit() -> None:
    run = opened({"en": Route(model="./mine")}, {"en": None})

    assert run.pool_options(NOTHING).routes["en"] == Route(model="./mine")


# -- the record --------------------------------------------------------------------------------------------------------


def test_a_record_says_what_it_ran_with_and_that_nothing_was_random() -> None:
    used = what_was_used(opened({"en": Route(model="./mine")}, {"en": None}), NOTHING, {"scorers": 2})
    assert used["code_revision"] == code_revision()
    assert used["lock_sha256"]
    assert (used["seeds"], used["workers"], used["snapshot"]) == ({}, {"scorers": 2}, None)


def test_the_spread_of_all_shards_is_added_up() -> None:
    shards = [
        ShardReport(str(n), {"scored": 1}, segments=3, spread=Spread(media=1, squares=9, emotions={"sad": (4, 6)}))
        for n in range(2)
    ]
    came = what_came_of_it(opened({"en": Route(model="./mine")}, {"en": None}), NOTHING, shards, None)
    assert came["spread"] == Spread(media=2, squares=18, emotions={"sad": (8, 12)})


def test_what_the_workers_held_is_recorded_and_costs_what_the_price_says() -> None:
    shards, held = [ShardReport("a", {"scored": 1}, audio_seconds=36_000.0)], Held(gpu_s=3600.0, cpu_s=7200.0)
    run = opened({"en": Route(model="./mine")}, {"en": None}, price=Price(gpu_hour=2, cpu_hour=0.5))
    took = what_it_took(run, shards, held)
    assert took["spent"] == Spent(gpu_seconds=3600, cpu_seconds=7200)
    # 1 h · 2 + 2 h · 0.5 = 3 for ten hours of speech.
    assert took["cost"] == Cost(gpu_hour=2, cpu_hour=0.5, currency="USD", total=3.0, per_1000_audio_hours=300.0)
    assert what_it_took(opened({"en": Route(model="./mine")}, {"en": None}), shards, held)["cost"] is None
    assert what_it_took(run, shards, None) == {}, "no worker was started"


# -- its alarms --------------------------------------------------------------------------------------------------------


def history(folder: Path, *records: RunRecord) -> History:
    shelf = FolderShelf(folder)
    for each in records:
        shelf.put(f"runs/{each.run_id}/run.json", each.model_dump_json().encode())
    return History(shelf)


def test_a_run_is_compared_with_the_newest_before_it_and_says_with_which(tmp_path: Path) -> None:
    stored = history(tmp_path, night(7), night(8))
    record = with_alarms(night(9, shares={"neutral": 0.9, "happy": 0.1}), stored, Alarms())
    assert record.reference == (night(8).run_id, night(7).run_id)
    assert "neutral_rate" in {each.kind for each in record.alarms}
    assert with_alarms(night(9), stored, Alarms()).alarms == ()


def test_a_named_reference_is_taken_and_a_name_that_fits_none_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stored = history(tmp_path, night(7), night(8))
    assert with_alarms(night(9), stored, Alarms(reference="20260107")).reference == (night(7).run_id,)
    with caplog.at_level(logging.WARNING):
        assert with_alarms(night(9), stored, Alarms(reference="nope")).reference[0] == night(8).run_id
    assert "alarms.reference" in caplog.text
