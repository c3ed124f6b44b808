"""Make a Prefect server agree with a file: register what it names, update what differs, remove what it drops.

Twice is the same: what is as it should be is not touched, so that its runs, its ids and what it waits for stay. Owns
the comparison and the calls; what is registered stands in flows/deployments.py and flows/automations.py.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import UUID

import httpx
from prefect import get_client
from prefect.automations import Automation
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import SCHEDULE_TYPES, CronSchedule, IntervalSchedule
from prefect.deployments.runner import DeploymentApplyError, RunnerDeployment
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from flows.automations import automations
from flows.deployments import TAG, deployments
from infra.errors import ConfigError, PrefectError
from tasks.config.operations import Operations

Change = Literal["created", "updated", "unchanged", "removed"]


@dataclass(frozen=True)
class Registered:
    """One deployment or automation, what was done about it, and when it runs (`when`: empty if not by the clock)."""

    kind: Literal["deployment", "automation"]
    name: str
    change: Change
    id: UUID
    when: str = ""


Apply = Callable[[RunnerDeployment], UUID]
"""Registers one deployment, and returns its id."""


def register(operations: Operations | None, serve: Apply | None = None) -> tuple[Registered, ...]:
    """Register everything; without `operations`, `score-corpus/on-demand` alone, and nothing is removed.

    Args:
        serve: Called for each deployment, changed or not, by whoever wants to run it.

    Raises:
        PrefectError: The server cannot be reached, or refuses.
        ConfigError: The server does not know the work pool, or does not take what the file says.
    """
    with _client() as client:
        wanted = deployments(operations)
        done = [_deployed(client, each, serve) for each in wanted]
        if operations is None:
            return tuple(done)
        done += _removed(client, {each.full_name for each in wanted})
        ids = {each.name: each.id for each in done if each.change != "removed"}
        return (*done, *_automated(client, automations(operations, ids)))


@contextmanager
def _client() -> Iterator[SyncPrefectClient]:
    """The server's client; its faults are ours to put into words."""
    try:
        with get_client(sync_client=True) as client:
            yield client
    except PrefectHTTPStatusError as error:
        status = error.response.status_code
        if status in {401, 403}:
            raise PrefectError(
                f"the Prefect server refuses ({status}): set PREFECT_API_AUTH_STRING to its user:password"
            ) from error
        raise PrefectError(f"the Prefect server answers {status}: {error.response.text[:300]}") from error
    except DeploymentApplyError as error:
        raise ConfigError(f"the Prefect server does not take a deployment: {error}") from error
    except httpx.HTTPError as error:
        raise PrefectError(f"the Prefect server cannot be reached ({error}): check PREFECT_API_URL") from error


def _deployed(client: SyncPrefectClient, wanted: RunnerDeployment, serve: Apply | None) -> Registered:
    found = _find(client, wanted.full_name)
    change: Change = "created" if found is None else "updated"
    if found is not None and _as_it_is(found) == _as_it_should_be(wanted):
        change = "unchanged"
    _check_pool(client, wanted.work_pool_name)
    if serve is not None:
        number = serve(wanted)
    elif found is not None and change == "unchanged":
        number = found.id
    else:
        number = cast(UUID, wanted.apply())
    when = "; ".join(_when(each.schedule) for each in wanted.schedules or [] if each.schedule is not None)
    return Registered("deployment", wanted.full_name, change, number, when)


def _find(client: SyncPrefectClient, name: str) -> DeploymentResponse | None:
    try:
        return client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


def _check_pool(client: SyncPrefectClient, pool: str | None) -> None:
    try:
        if pool is not None:
            client.read_work_pool(pool)
    except ObjectNotFound as error:
        raise ConfigError(
            f"the Prefect server has no work pool {pool!r}: make it with "
            f"`prefect work-pool create {pool} --type process` (or docker, kubernetes)"
        ) from error


def _as_it_is(found: DeploymentResponse) -> dict[str, Any]:
    limit, options = found.global_concurrency_limit, found.concurrency_options
    return {
        "entrypoint": found.entrypoint,
        "parameters": found.parameters,
        "schedules": [_comparable(each) for each in found.schedules],
        "tags": sorted(found.tags),
        "limit": limit.limit if limit else None,
        "collision": options.collision_strategy if options and limit else None,
        "work_pool": found.work_pool_name,
        "job_variables": found.job_variables,
        "description": found.description,
        "version": found.version,
        "schema": found.parameter_openapi_schema,
    }


def _as_it_should_be(wanted: RunnerDeployment) -> dict[str, Any]:
    options = wanted.concurrency_options
    return {
        "entrypoint": wanted.entrypoint,
        "parameters": wanted.model_dump(mode="json")["parameters"],
        "schedules": [_comparable(each) for each in wanted.schedules or []],
        "tags": sorted(wanted.tags),
        "limit": wanted.concurrency_limit,
        "collision": options.collision_strategy if options else None,
        "work_pool": wanted.work_pool_name,
        "job_variables": wanted.job_variables or {},
        "description": wanted.description,
        "version": wanted.version,
        "schema": wanted._parameter_openapi_schema.model_dump(exclude_unset=True),
    }


def _comparable(each: Any) -> tuple[str | None, dict[str, Any]]:
    return each.slug, each.schedule.model_dump(mode="json")


def _when(schedule: SCHEDULE_TYPES) -> str:
    if isinstance(schedule, CronSchedule):
        return f"{schedule.cron} ({schedule.timezone})"
    assert isinstance(schedule, IntervalSchedule)
    return f"every {schedule.interval.total_seconds():.0f} s"


def _removed(client: SyncPrefectClient, wanted: set[str]) -> list[Registered]:
    """Take away deployments of ours that the file no longer names. Their runs' histories stay."""
    ours = client.read_deployments(deployment_filter=DeploymentFilter.model_validate({"tags": {"all_": [TAG]}}))
    gone = []
    for each in ours:
        name = f"{client.read_flow(each.flow_id).name}/{each.name}"
        if name not in wanted:
            client.delete_deployment(each.id)
            gone.append(Registered("deployment", name, "removed", each.id))
    return gone


def _automated(client: SyncPrefectClient, wanted: Iterable[Automation]) -> list[Registered]:
    known = {each.name: each for each in client.read_automations() if each.name.startswith(TAG)}
    done = [_automate(client, each, known.pop(each.name, None)) for each in wanted]
    for name, each in known.items():
        client.delete_automation(each.id)
        done.append(Registered("automation", name, "removed", each.id))
    return done


def _automate(client: SyncPrefectClient, wanted: Automation, found: Any) -> Registered:
    core = _core(wanted)
    if found is None:
        return Registered("automation", core.name, "created", client.create_automation(core))
    if _core(found) == core:
        return Registered("automation", core.name, "unchanged", found.id)
    client.update_automation(found.id, core)
    return Registered("automation", core.name, "updated", found.id)


def _core(automation: AutomationCore) -> AutomationCore:
    """What we say of it. Its owner is the server's to say: named in an update, even as nobody, it is refused."""
    return AutomationCore.model_validate(automation.model_dump(exclude={"id", "owner_resource"}))
