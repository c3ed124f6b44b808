"""Alarms as Prefect events, and ready-made automations that hear them. When one is raised: tasks/alarms/raising.py.

    seraph.run.completed     every finished run of score-corpus, with its counts
    seraph.alarm.<kind>      for each kind of alarm that it raised (tasks/alarms/kinds.py)
    seraph.alarm.lost        housekeeping found that the store does not hold what its records say

The resource is the corpus, `seraph.corpus.<hash of media and results>`, and of the last one the store,
`seraph.store.<hash of results>`; Prefect adds the flow run and the deployment. An event that cannot be sent costs a run
nothing but the event.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.events.actions import ActionTypes, DoNothing, SendNotification
from prefect.events.schemas.automations import CompoundTrigger, EventTrigger, Posture, TriggerTypes
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound

from infra.errors import ConfigError
from infra.location import Location
from tasks.alarms.kinds import (
    CLASS_SHARES,
    KINDS,
    LANGUAGE_MIX,
    LOST,
    NEAR_UNIFORM,
    NEUTRAL_RATE,
    ONE_CLASS,
    QUARANTINE,
    SILENT,
    SLOW,
    VALIDATION,
)
from tasks.config.operations import Operations
from tasks.records.parts import Alarm
from tasks.records.run import RunRecord

if TYPE_CHECKING:  # a run that scores has no use for it
    from tasks.housekeeping import HousekeepingRecord

COMPLETED = "seraph.run.completed"
ALARM = "seraph.alarm."

_TITLES = {
    VALIDATION: "data checks failed",
    NEAR_UNIFORM: "a model says almost nothing",
    ONE_CLASS: "a model says one thing only",
    QUARANTINE: "too many media in quarantine",
    NEUTRAL_RATE: "the neutral rate moved",
    CLASS_SHARES: "the shares of emotions moved",
    LANGUAGE_MIX: "the language mix changed",
    SLOW: "scoring became slow",
    SILENT: "no run has finished",
    LOST: "rows are lost",
}
_LONGEST = 2000
"""Characters of a message in an event: an event has a greatest size."""

Emit = Callable[..., Any]
FindBlock = Callable[[str], UUID]


def announce(record: RunRecord, warn: Callable[[str], object], emit: Emit = emit_event) -> None:
    """Tell Prefect that a run is finished, and every kind of alarm that it raised.

    Args:
        record: The finished run.
        warn: Told each alarm, and that events could not be sent.
        emit: Sends one event, as `prefect.events.emit_event` does.
    """
    for alarm in record.alarms:
        warn(alarm.message)
    resource = {
        "prefect.resource.id": corpus_id(record.media_uri, record.results_uri),
        "prefect.resource.name": record.media_uri,
        "seraph.results": record.results_uri,
        "seraph.run": record.run_id,
    }
    try:
        emit(event=COMPLETED, resource=resource, payload=_counts(record))
        for kind, found in groupby(record.alarms, key=lambda each: each.kind):
            emit(event=ALARM + kind, resource=resource, payload=_payload(record, tuple(found)))
    except Exception as error:  # noqa: BLE001 - the results stand and are stored, whatever befalls an event
        warn(f"events could not be sent: {type(error).__name__}: {error}")


def announce_lost(record: "HousekeepingRecord", warn: Callable[[str], object], emit: Emit = emit_event) -> None:
    """Tell Prefect where a store does not hold what its records say. Arguments as for `announce`."""
    if not record.faults:
        return
    resource = {"prefect.resource.id": store_id(record.results_uri), "prefect.resource.name": record.results_uri}
    message = f"{len(record.faults)} files of {record.results_uri} are missing or not what the records say they are"
    warn(message)
    payload = {"message": message, "results_uri": record.results_uri, "record": record.output}
    try:
        emit(event=ALARM + LOST, resource=resource, payload=payload)
    except Exception as error:  # noqa: BLE001 - the record is stored, whatever befalls an event
        warn(f"events could not be sent: {type(error).__name__}: {error}")


def store_id(results: str) -> str:
    """The resource that events of a results store are about."""
    place = Location.parse(results).uri.rstrip("/")
    return f"seraph.store.{hashlib.sha256(place.encode()).hexdigest()[:12]}"


def corpus_id(media: str, results: str) -> str:
    """The resource that events of a corpus are about: its media and results, however their URIs end."""
    places = (Location.parse(each).uri.rstrip("/") for each in (media, results))
    return f"seraph.corpus.{hashlib.sha256(' '.join(places).encode()).hexdigest()[:12]}"


def alarm_automations(operations: Operations, find_block: FindBlock | None = None) -> list[Automation]:
    """Automations for every alarm of an archive: one for each kind, for lost rows, and for runs that do not come.

    Each notifies where `alarms.notify` names a block, and else only leaves its trace in Prefect's event feed.

    Args:
        operations: The archive.
        find_block: The id of a notification block by its name; by default asks the Prefect server.

    Raises:
        ConfigError: The server has no such block.
    """
    notify = operations.alarms.notify
    block = None if notify is None else (find_block or find_notification_block)(notify)
    corpus = ResourceSpecification({"prefect.resource.id": corpus_id(operations.media, operations.results)})
    kinds = [_automation(kind, _present(ALARM + kind, corpus), _notified(kind, block)) for kind in KINDS]
    hours = operations.alarms.silent_hours
    store = ResourceSpecification({"prefect.resource.id": store_id(operations.results)})
    kinds.append(_automation(LOST, _present(ALARM + LOST, store), _lost(block)))
    return [*kinds, _automation(SILENT, _absent(corpus, hours), _silent(operations, hours, block))]


def find_notification_block(name: str) -> UUID:
    """The id of a block on the Prefect server, by `type/name`.

    Raises:
        ConfigError: There is none.
    """
    kind, _, own = name.partition("/")
    try:
        with get_client(sync_client=True) as client:
            return client.read_block_document_by_name(own, kind, include_secrets=False).id
    except ObjectNotFound as error:
        raise ConfigError(
            f"alarms.notify: the Prefect server has no block {name!r}; expected type/name as in slack-webhook/archive: "
            "make it on the server's page under Blocks, or leave `notify` out"
        ) from error


def _counts(record: RunRecord) -> dict[str, Any]:
    names = {"run_id", "media_uri", "results_uri", "media", "segments", "audio_seconds", "realtime_factor", "languages",
             "emotions", "undecided", "seconds"}  # fmt: skip
    kinds = dict.fromkeys(alarm.kind for alarm in record.alarms)
    return {**record.model_dump(mode="json", include=names), "alarms": list(kinds), "report": record.outputs.report}


def _payload(record: RunRecord, alarms: Sequence[Alarm]) -> dict[str, Any]:
    message = "\n".join(each.message for each in alarms)
    return {
        "run_id": record.run_id,
        "media_uri": record.media_uri,
        "message": message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…",
        "alarms": [each.model_dump(mode="json", exclude={"message"}) for each in alarms[:50]],
        "report": record.outputs.report,
    }


def _automation(kind: str, trigger: TriggerTypes, action: ActionTypes) -> Automation:
    return Automation(
        name=f"seraph: alarm, {_TITLES[kind]}",
        description="What it means and what to do stands in docs/operations.",
        trigger=trigger,
        actions=[action],
    )


def _present(event: str, about: ResourceSpecification) -> EventTrigger:
    return EventTrigger(expect={event}, match=about, posture=Posture.Reactive, threshold=1)


def _absent(corpus: ResourceSpecification, hours: float) -> CompoundTrigger:
    """Fires so long after the last run; and so long after it was registered, where no run ever comes.

    The first trigger begins to wait at a run, and anew at each. The second needs none to begin with; while nothing
    comes, it fires again and again.
    """
    within = timedelta(hours=hours)
    since = EventTrigger(
        after={COMPLETED}, expect={COMPLETED}, match=corpus, posture=Posture.Proactive, threshold=1, within=within
    )
    at_all = EventTrigger(expect={COMPLETED}, match=corpus, posture=Posture.Proactive, threshold=1, within=within)
    return CompoundTrigger(require="any", triggers=[since, at_all], within=None)


def _notified(kind: str, block: UUID | None) -> ActionTypes:
    if block is None:
        return DoNothing()
    of = "{{ event.payload.media_uri }}, run {{ event.payload.run_id }}"
    body = f"{{{{ event.payload.message }}}}\n\n{of}\n{{{{ event.payload.report }}}}"
    return SendNotification(block_document_id=block, subject=f"Seraph: {_TITLES[kind]}", body=body)


def _lost(block: UUID | None) -> ActionTypes:
    if block is None:
        return DoNothing()
    body = "{{ event.payload.message }}. `seraph housekeeping --verify` names them.\n{{ event.payload.record }}"
    return SendNotification(block_document_id=block, subject=f"Seraph: {_TITLES[LOST]}", body=body)


def _silent(operations: Operations, hours: float, block: UUID | None) -> ActionTypes:
    if block is None:
        return DoNothing()
    # There may never have been an event to take words from.
    body = (
        f"No run over {operations.media} has finished for {hours:g} hours. Look whether the Prefect server and a "
        "worker (or `seraph serve`) are up, and at the newest runs of score-corpus/nightly."
    )
    return SendNotification(block_document_id=block, subject=f"Seraph: {_TITLES[SILENT]}", body=body)
