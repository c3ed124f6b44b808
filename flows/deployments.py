"""The flows as Prefect deployments: their names, schedules, parameters, and how many of each may run at once.

    score-corpus/nightly       by a cron line                one at a time; another is cancelled
    score-corpus/on-demand     when somebody asks
    watch-labels/every         by an interval                one at a time; another is cancelled
    reevaluate/on-labels       when labels have changed      one at a time; another waits
    housekeeping/weekly        by a cron line                one at a time; another is cancelled

Owns the objects; registering them is flows/registration.py's part, what starts `on-labels` flows/automations.py's. The
same stands in prefect.yaml, for `prefect deploy`. Where the object store and Ray are, a run reads from its own
environment (infra/settings.py).
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType
from pydantic import BaseModel

from flows import catch_up
from flows.housekeeping import HousekeepingRequest, housekeeping
from flows.reevaluate import ReevaluateRequest, reevaluate
from flows.score_corpus import ScoreRequest, score_corpus
from flows.watch_labels import WatchLabelsRequest, watch_labels
from infra.settings import HEARTBEAT_S
from tasks.config import operations as ops
from tasks.config.operations import Operations
from tasks.records.run import code_version

TAG = "seraph"
"""All that is registered carries it: so what is no longer wanted is found, and nothing of anybody else's."""

NIGHTLY = "score-corpus/nightly"
ON_DEMAND = "score-corpus/on-demand"
WATCH = "watch-labels/every"
ON_LABELS = "reevaluate/on-labels"
HOUSEKEEPING = "housekeeping/weekly"

_ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
"""Intervals are counted from here: counted from now, each registration would be another schedule."""


def deployments(operations: Operations | None = None) -> list[RunnerDeployment]:
    """What is registered for an archive; without one `score-corpus/on-demand` alone, which is told its archive."""
    if operations is None:
        return [_on_demand(None)]
    return [_nightly(operations), _on_demand(operations), *_labels(operations), _housekeeping(operations)]


def watch_request(operations: Operations, labels: ops.Labels) -> WatchLabelsRequest:
    """What `watch-labels/every` is asked; its event, which names these labels and results, starts `on-labels`."""
    return WatchLabelsRequest(
        labels=labels.uri,
        results=operations.results,
        settle_s=labels.settle_s,
        minimum=labels.minimum,
        aliases=labels.aliases,
    )


def _nightly(operations: Operations) -> RunnerDeployment:
    return _deployment(
        score_corpus,
        NIGHTLY,
        "Score what is new in the archive, and report on the whole of it.",
        operations,
        request=_score_request(operations),
        schedule=_cron(operations.nightly, "nightly"),
        collision=ConcurrencyLimitStrategy.CANCEL_NEW,
    )


def _on_demand(operations: Operations | None) -> RunnerDeployment:
    return _deployment(
        score_corpus,
        ON_DEMAND,
        "Score what is new under a prefix, and report on the whole of it.",
        operations,
        request=None if operations is None else _score_request(operations),
    )


def _labels(operations: Operations) -> list[RunnerDeployment]:
    labels, then = operations.labels, operations.reevaluate
    if labels is None:
        return []
    again = ReevaluateRequest(
        labels=labels.uri,
        media=operations.media,
        results=operations.results,
        config=_anywhere(operations.config),
        models=tuple(_anywhere(model) for model in then.models),
        tune=then.tune,
        promote=then.promote,
        aliases=labels.aliases,
    )
    return [
        _deployment(
            watch_labels,
            WATCH,
            "Look whether labels were added, changed or withdrawn.",
            operations,
            request=watch_request(operations, labels),
            schedule=Interval(labels.every_s, anchor_date=_ANCHOR, timezone="UTC", slug="every"),
            collision=ConcurrencyLimitStrategy.CANCEL_NEW,
        ),
        _deployment(
            reevaluate,
            ON_LABELS,
            "Evaluate the candidates on the labels as they are now, tune, and recommend.",
            operations,
            request=again,
            # Labels that come during a re-evaluation are not in it: another must follow.
            collision=ConcurrencyLimitStrategy.ENQUEUE,
        ),
    ]


def _housekeeping(operations: Operations) -> RunnerDeployment:
    tidy, reference = operations.housekeeping, operations.alarms.reference
    return _deployment(
        housekeeping,
        HOUSEKEEPING,
        "Tidy the results store, or say what would be tidied.",
        operations,
        request=HousekeepingRequest(
            results=operations.results,
            keep_days=tidy.keep_days,
            grace_hours=tidy.grace_hours,
            apply=tidy.apply,
            keep=() if reference is None else (reference,),
        ),
        schedule=_cron(tidy.schedule, "weekly"),
        collision=ConcurrencyLimitStrategy.CANCEL_NEW,
    )


def _deployment(
    flow: Flow[Any, Any],
    full_name: str,
    description: str,
    operations: Operations | None,
    *,
    request: BaseModel | None,
    schedule: Schedule | None = None,
    collision: ConcurrencyLimitStrategy | None = None,
) -> RunnerDeployment:
    pool = operations.work_pool if operations else None
    deployment = flow.to_deployment(
        name=full_name.partition("/")[2],
        description=description,
        version=code_version(),
        tags=[TAG, *([catch_up.TAG] if collision else [])],
        parameters=_parameters(request),
        schedule=schedule,
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=collision) if collision else None,
        work_pool_name=pool,
        job_variables=_job_variables(operations) if operations and pool else None,
        # By module: the flow is an installed package, wherever the worker's folder is.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return cast(RunnerDeployment, deployment)


def _parameters(request: BaseModel | None) -> dict[str, Any]:
    if request is None:
        return {}
    return {"request": {key: value for key, value in request.model_dump(mode="json").items() if value is not None}}


def _job_variables(operations: Operations) -> dict[str, Any]:
    """What the file says; and that runs give signs of life as often as they are looked for."""
    given = operations.job_variables
    return {**given, "env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S), **given.get("env", {})}}


def _score_request(operations: Operations) -> ScoreRequest:
    return ScoreRequest(
        media=operations.media,
        results=operations.results,
        config=_anywhere(operations.config),
        alarms=operations.alarms,
        price=operations.price,
    )


def _cron(schedule: ops.Schedule, slug: str) -> Schedule:
    return Cron(schedule.cron, timezone=schedule.timezone, slug=slug)


def _anywhere(config: str) -> str:
    """A file's full path: a run's folder is not the one that `seraph deploy` was called in."""
    path = Path(config)
    return str(path.absolute()) if path.is_file() else config
