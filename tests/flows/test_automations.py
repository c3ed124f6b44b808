"""flows/automations.py: what the server does by itself, held against events as Prefect's server matches them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.automations import Automation
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.automations import EventTrigger as ServerTrigger
from prefect.server.events.schemas.events import ReceivedEvent

from flows.automations import PREFIX, automations, recovery
from flows.deployments import NIGHTLY, ON_LABELS
from tasks.config.operations import Operations, Recovery
from tasks.watch.request import WatchLabelsRequest

IDS = {NIGHTLY: UUID(int=1), ON_LABELS: UUID(int=2)}
FILE: dict[str, Any] = {"media": "s3://archive/2026", "results": "s3://scores", "labels": {"uri": "s3://labels/in"}}
DEAD, NEVER_STARTED = (
    "a run without a sign of life has crashed",
    "a run that was handed over and never started has crashed",
)
AGAIN, FROM_NOTHING = "a run that crashed is started again", "a run that crashed before it began is started again"


def named(**changes: Any) -> dict[str, Automation]:
    """All but the alarms, which have tests of their own."""
    found = automations(Operations.model_validate({**FILE, **changes}), IDS)
    names = {each.name.removeprefix(PREFIX): each for each in found}
    return {name: each for name, each in names.items() if not name.startswith("alarm")}


def happened(name: str, *, deployment: UUID | None = IDS[NIGHTLY], flow: str = "score-corpus", count: int = 1) -> Any:
    """An event of a flow run, as the server tells it."""
    role = "prefect.resource.role"
    related = [{"prefect.resource.id": "prefect.flow.1", role: "flow", "prefect.resource.name": flow}]
    if deployment is not None:
        related.append({"prefect.resource.id": f"prefect.deployment.{deployment}", role: "deployment"})
    run = {"prefect.resource.id": f"prefect.flow-run.{uuid4()}", "prefect.run-count": str(count)}
    return ReceivedEvent(occurred=datetime.now(UTC), event=name, resource=run, related=related, payload={}, id=uuid4())


def fits(automation: Automation, event: Any) -> bool:
    assert isinstance(automation.trigger, EventTrigger)
    return ServerTrigger.model_validate(automation.trigger.model_dump(mode="json")).covers(event)


@pytest.mark.parametrize("count", [1, 2])
def test_a_run_that_crashed_is_started_again_as_itself(count: int) -> None:
    automation = named()[AGAIN]
    assert fits(automation, happened("prefect.flow-run.Crashed", count=count))
    (action,) = automation.actions
    assert isinstance(action, ChangeFlowRunState)
    assert action.state.value == "SCHEDULED"


def test_a_crash_that_is_told_twice_is_one_more_start_and_the_next_crash_is_another() -> None:
    trigger = named()[AGAIN].trigger
    assert isinstance(trigger, EventTrigger)
    least = Recovery.model_fields["dead_after_s"].metadata[0].ge
    assert 10 <= trigger.within.total_seconds() < least


def test_a_run_that_crashes_for_ever_is_not_started_for_ever() -> None:
    event = happened("prefect.flow-run.Crashed", count=3)
    assert [name for name, each in named().items() if fits(each, event) and name in {AGAIN, FROM_NOTHING}] == []


def test_a_run_that_crashed_before_it_began_is_started_once_a_day() -> None:
    automation = named()[FROM_NOTHING]
    assert fits(automation, happened("prefect.flow-run.Crashed", count=0))
    assert isinstance(automation.trigger, EventTrigger)
    assert (automation.trigger.threshold, automation.trigger.within.days) == (1, 1)
    assert automation.trigger.for_each == {"prefect.resource.id"}


def test_with_one_attempt_nothing_is_started_again() -> None:
    assert {AGAIN, FROM_NOTHING}.isdisjoint(named(recovery={"attempts": 1}))


def test_runs_of_others_are_none_of_ours() -> None:
    theirs = uuid4()
    for name in ("Crashed", "Running", "heartbeat", "Pending"):
        event = happened(f"prefect.flow-run.{name}", deployment=theirs, flow="their-flow")
        assert [each for each in named() if fits(named()[each], event)] == []


def test_a_run_of_the_command_line_is_found_dead_too() -> None:
    """It has no deployment, and cannot be started again: but it does not stay running for ever."""
    event = happened("prefect.flow-run.heartbeat", deployment=None)
    assert [name for name, each in named().items() if fits(each, event)] == [DEAD]


def test_only_silence_is_death() -> None:
    trigger = named(recovery={"dead_after_s": 600})[DEAD].trigger
    assert isinstance(trigger, EventTrigger)
    server = ServerTrigger.model_validate(trigger.model_dump(mode="json"))
    assert trigger.within.total_seconds() == 600
    assert server.starts_after("prefect.flow-run.heartbeat")
    assert server.starts_after("prefect.flow-run.Running")
    assert not server.starts_after("prefect.flow-run.Completed")
    assert all(server.expects(f"prefect.flow-run.{name}") for name in ("heartbeat", "Completed", "Failed", "Cancelled"))


def test_new_labels_start_the_re_evaluation_with_its_own_parameters() -> None:
    automation = named()["re-evaluate when labels have changed"]
    (action,) = automation.actions
    assert isinstance(action, RunDeployment)
    assert (action.deployment_id, action.parameters) == (IDS[ON_LABELS], None)
    assert fits(automation, told("s3://labels/in"))
    assert not fits(automation, told("s3://labels/of-another-archive"))


def told(labels: str) -> Any:
    resource = WatchLabelsRequest(labels=labels, results=FILE["results"]).resource
    return ReceivedEvent(
        occurred=datetime.now(UTC), event="seraph.labels.updated", payload={}, id=uuid4(),
        resource={"prefect.resource.id": resource}, related=[],
    )  # fmt: skip


def test_without_label_files_no_event_is_waited_for() -> None:
    assert "re-evaluate when labels have changed" not in named(labels=None)


def test_alarms_are_among_them_and_all_can_be_found_again() -> None:
    found = automations(Operations.model_validate(FILE), IDS)
    assert len(found) > 1 + len(recovery(Operations.model_validate(FILE), IDS))
    assert all(each.name.startswith("seraph") for each in found)
