"""What a run hands to its workers."""

from datetime import UTC, datetime
from typing import Any, cast

from actors.options import Route
from infra.location import Location
from infra.services import Services
from infra.settings import StoreAccess
from tasks.config import ScoreConfig
from tasks.plan import Plan
from tasks.run import Run
from tests.support.identities import checkpoint_identity, run_identity

FOUND = "1" * 40
NOTHING = Plan(shards=(), skipped=0, removed=(), revived=(), other={})


def opened(routes: dict[str, Route], found: dict[str, str | None]) -> Run:
    """A run whose models were found at these commits."""
    checkpoints = {key: checkpoint_identity(revision=revision) for key, revision in found.items()}
    services = Services(StoreAccess(), None, "", "")
    return Run(
        run_id="run", started=datetime.now(UTC), config=ScoreConfig(routes=routes), identity=run_identity(checkpoints),
        media=Location("bucket", "media"), media_store=cast(Any, None), results=cast(Any, None), services=services,
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
