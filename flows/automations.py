"""What the Prefect server does by itself: start a re-evaluation, find dead runs, start them again.

Owns the objects; registering them is flows/registration.py's part. Alarms are flows/alarms.py's.

A dead run cannot say that it is dead. While it lives it gives a sign of life (infra/settings.py says how often); when
none has come for a while, the server marks it crashed. A crashed run is scheduled again, as itself: with its
parameters, and with a count of its starts, so that one that crashes whenever it runs does not run for ever.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from prefect.automations import Automation
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows.alarms import alarm_automations
from flows.deployments import ON_LABELS, watch_request
from flows.watch_labels import EVENT
from tasks.config.operations import Operations

PREFIX = "seraph: "
"""How the names of our automations begin: with the tag of our deployments, by which they are found again."""

_ANY_RUN = ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"})
_FLOWS = ("evaluate-models", "housekeeping", "reevaluate", "score-corpus", "tune-decision", "watch-labels")
_TOLD_TWICE = timedelta(seconds=30)
"""A busy server may handle one event several times: one crash is one more start."""

_NEVER_STARTED_S = 1800.0
"""How long a run may stay handed over but not running: on a cluster, a machine and an image may have to come first."""


def automations(operations: Operations, deployments: Mapping[str, UUID]) -> list[Automation]:
    """All automations of an archive.

    Args:
        deployments: The ids of the registered deployments, by their full names.
    """
    return [*_reevaluation(operations, deployments), *recovery(operations, deployments), *alarm_automations(operations)]


def recovery(operations: Operations, deployments: Mapping[str, UUID]) -> list[Automation]:
    """What finds runs that died, and starts them again."""
    ours = ResourceSpecification(
        {
            "prefect.resource.role": "deployment",
            "prefect.resource.id": [f"prefect.deployment.{each}" for _, each in sorted(deployments.items())],
        }
    )
    return [
        _dead(operations.recovery.dead_after_s),
        _never_started(ours),
        *_again(operations.recovery.attempts, ours),
    ]


def _reevaluation(operations: Operations, deployments: Mapping[str, UUID]) -> list[Automation]:
    """The event of flows/watch_labels.py starts `reevaluate/on-labels`, with that deployment's own parameters."""
    if operations.labels is None:
        return []
    return [
        Automation(
            name=f"{PREFIX}re-evaluate when labels have changed",
            trigger=EventTrigger(
                expect={EVENT},
                match=ResourceSpecification(
                    {"prefect.resource.id": watch_request(operations, operations.labels).resource}
                ),
                posture=Posture.Reactive,
                threshold=1,
            ),
            actions=[RunDeployment(source="selected", deployment_id=deployments[ON_LABELS])],
        )
    ]


def _dead(after_s: float) -> Automation:
    """For runs of the command line too: they have no deployment, and nothing else ends them in the server's eyes."""
    ours = ResourceSpecification({"prefect.resource.role": "flow", "prefect.resource.name": list(_FLOWS)})
    return Automation(
        name=f"{PREFIX}a run without a sign of life has crashed",
        trigger=EventTrigger(
            after={"prefect.flow-run.Running", "prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            match=_ANY_RUN,
            match_related=ours,
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=after_s),
        ),
        actions=[_crashed(f"no sign of life for {after_s:.0f} s: its machine or its process is gone")],
    )


def _never_started(ours: ResourceSpecification) -> Automation:
    return Automation(
        name=f"{PREFIX}a run that was handed over and never started has crashed",
        trigger=EventTrigger(
            after={"prefect.flow-run.Pending"},
            expect={"prefect.flow-run.*"},
            match=_ANY_RUN,
            match_related=ours,
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=_NEVER_STARTED_S),
        ),
        actions=[_crashed(f"handed to a worker, and not running after {_NEVER_STARTED_S / 60:.0f} min")],
    )


def _again(attempts: int, ours: ResourceSpecification) -> list[Automation]:
    """Start a crashed run again: while it was started less than `attempts` times; if it never was, once a day."""
    if attempts == 1:
        return []
    counts = [str(count) for count in range(1, attempts)]
    return [
        _restart("a run that crashed is started again", counts, _TOLD_TWICE, ours),
        _restart("a run that crashed before it began is started again", ["0"], timedelta(days=1), ours),
    ]


def _restart(name: str, counts: list[str], once_within: timedelta, ours: ResourceSpecification) -> Automation:
    return Automation(
        name=f"{PREFIX}{name}",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Crashed"},
            match=ResourceSpecification({**_ANY_RUN.root, "prefect.run-count": counts}),
            match_related=ours,
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
            within=once_within,
        ),
        actions=[ChangeFlowRunState(state=StateType.SCHEDULED, name="AwaitingRetry", message="it crashed: once more")],
    )


def _crashed(message: str) -> ChangeFlowRunState:
    return ChangeFlowRunState(state=StateType.CRASHED, name="Crashed", message=message)
