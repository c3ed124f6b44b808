"""The flow `housekeeping`: look at a results store, tidy it where asked to, and show the summary in Prefect.

What may go, and in which order, is tasks/housekeeping's part.
"""

from datetime import UTC, datetime
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict, Field

from flows.alarms import announce_lost
from flows.catch_up import catch_up_once
from infra.location import Location
from infra.services import Services
from infra.settings import Settings
from infra.stack import ensure
from infra.storage import Store
from tasks.housekeeping import HousekeepingRecord, Limits, keep_house, markdown_housekeeping


class HousekeepingRequest(BaseModel):
    """What to tidy. Frozen; a misspelt name is an error.

    Attributes:
        results: `s3://bucket/prefix` of the results store.
        keep_days: Runs older than this may go, but for those that something still refers to.
        grace_hours: Longer than any run or reader is at work; younger files are left alone.
        apply: Whether to tidy, or only to say what would be done.
        deep: Whether every needed file is read, hashed and counted.
        keep: Ids of runs that stay in any case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    results: str
    keep_days: float = Field(90, ge=1)
    grace_hours: float = Field(48, ge=1)
    apply: bool = False
    deep: bool = False
    keep: tuple[str, ...] = ()


@flow(name="housekeeping", on_running=[catch_up_once])
def housekeeping(request: HousekeepingRequest) -> dict[str, Any]:
    """Tidy a results store, or say what would be done.

    Returns:
        The record as JSON values (see `tasks.housekeeping.HousekeepingRecord`).
    """
    services = ensure(Settings.from_environment(), need=frozenset({"s3"}), say=get_run_logger().info)
    return tidying(request, services).model_dump(mode="json")


@task(name="tidy", cache_policy=NO_CACHE, persist_result=False)
def tidying(request: HousekeepingRequest, services: Services) -> HousekeepingRecord:
    """Plan, apply where asked to, store the record, and show its summary."""
    record = keep_house(
        Store(services.access_for(request.results)),
        Location.parse(request.results),
        Limits(datetime.now(UTC), request.keep_days, request.grace_hours),
        keep=request.keep,
        apply=request.apply,
        deep=request.deep,
    )
    create_markdown_artifact(
        markdown_housekeeping(record), key="housekeeping", description=f"Housekeeping {record.housekeeping_id}"
    )
    announce_lost(record, get_run_logger().warning)
    return record
