"""What waits to do what a run is about to do: missed nights, and re-evaluations that were asked for meanwhile.

Owns the hook that takes such runs out of the way when one of them starts. Which deployments want it stands in
flows/deployments.py, as a tag; how many may run at once is their concurrency limit.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from prefect import Flow, State, get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.logging import get_logger
from prefect.states import Cancelled

TAG = "catch-up-once"
"""Runs with this tag do the same whenever they run: one of them makes up for all that were missed."""

_log = get_logger("seraph")


def catch_up_once(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - a hook gets all
    """Hook for `on_running`: cancel the runs that are due and would do the same.

    Three nights without a worker leave three late runs; the first that starts lists the media as they are now, and so
    does the work of all. A run that becomes due later stays: it may find more.
    """
    run = flow_run
    if run.deployment_id is None or TAG not in run.tags:
        return
    with get_client(sync_client=True) as client:
        # Page by page: a watch that was away for days has left hundreds.
        while mine := superseded(run.id, run.parameters, _waiting(client, run.deployment_id), datetime.now(UTC)):
            for each in mine:
                client.set_flow_run_state(each.id, Cancelled(message=f"run {run.name} does its work"), force=True)
            _log.info("%d more runs were due: run %s does their work", len(mine), run.name)


def superseded(
    run_id: UUID, parameters: dict[str, Any], waiting: Iterable[FlowRun], now: datetime
) -> tuple[FlowRun, ...]:
    """The waiting runs that were due by `now`, and have the same parameters as the run that has started."""
    return tuple(each for each in waiting if each.id != run_id and each.parameters == parameters and _due(each) <= now)


def _waiting(client: SyncPrefectClient, deployment: UUID) -> list[FlowRun]:
    return client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": [StateType.SCHEDULED]}}}),
        sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC,
    )


def _due(run: FlowRun) -> datetime:
    """When it was meant to start first: one that waits for its turn has a later time as well."""
    times = [time for time in (run.expected_start_time, run.next_scheduled_start_time) if time is not None]
    return min(times, default=datetime.max.replace(tzinfo=UTC))
