"""The flow `watch-labels`: one look at the label files; where there is something to tell, an event.

The event is `seraph.labels.updated`. It is told first and recorded as told afterwards, so that a crash between the two
leads to one event more. Whoever is triggered by it looks for the truth itself. What a look is lies in tasks/watch.
"""

from datetime import UTC, datetime
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.events import Event
from prefect.events.schemas.events import Resource

from flows.catch_up import catch_up_once
from infra.location import Location
from infra.services import Services, is_local_bucket
from infra.settings import Settings
from infra.shelf import StoreShelf
from infra.stack import Need, ensure
from infra.storage import Store
from tasks.watch.look import Look, keep, look, record_told
from tasks.watch.request import WatchLabelsRequest

__all__ = ["EVENT", "WatchLabelsRequest", "emit", "look_once", "summary", "watch_labels"]

EVENT = "seraph.labels.updated"


@flow(name="watch-labels", on_running=[catch_up_once])
def watch_labels(request: WatchLabelsRequest) -> dict[str, Any]:
    """Look at the label files once, and emit an event if something new has settled, or if nothing came of the last one.

    Returns:
        status (see `tasks.watch.look.Look`), added, changed, withdrawn, labels, snapshot, problems and wait_s.
    """
    needs: frozenset[Need] = frozenset({"s3", "folders"} if is_local_bucket(request.labels) else {"s3"})
    services = ensure(Settings.from_environment(), need=needs, say=get_run_logger().info)
    found = look_once(request, services, datetime.now(UTC))
    if found.status in {"new", "again"}:
        shelf = _shelf(request, services)
        keep(request, shelf, found)
        emit(request, found)
        record_told(request, shelf, found, datetime.now(UTC))
    for problem in found.snapshot.problems:
        get_run_logger().warning("%s", problem)
    get_run_logger().info("%s: %s", request.labels, summary(found))
    return summary(found)


def look_once(request: WatchLabelsRequest, services: Services, now: datetime) -> Look:
    """Look at the label files in their store; what was seen is remembered in the results."""
    return look(request, Store(services.access_for(request.labels)), _shelf(request, services), now)


def summary(found: Look) -> dict[str, Any]:
    """A look as JSON values."""
    return {
        "status": found.status,
        **_counts(found),
        "labels": len(found.snapshot.said),
        "snapshot": found.snapshot.content,
        "problems": list(found.snapshot.problems),
        "wait_s": round(found.wait_s, 1),
    }


def emit(request: WatchLabelsRequest, found: Look) -> None:
    """Hand the event to the server, and wait until it says that it has it.

    Not `emit_event`: that puts it into a queue of this process, which may be lost with the process.
    """
    event = Event(
        event=EVENT,
        resource=Resource({"prefect.resource.id": request.resource, "prefect.resource.name": request.labels}),
        payload={
            **_counts(found),
            "snapshot": found.snapshot.content,
            "labels": request.labels,
            "results": request.results,
        },
    )
    with get_client(sync_client=True) as client:
        client.request("POST", "/events", json=[event.model_dump(mode="json")]).raise_for_status()


def _counts(found: Look) -> dict[str, int]:
    new = found.difference
    return {"added": len(new.added), "changed": len(new.changed), "withdrawn": len(new.withdrawn)}


def _shelf(request: WatchLabelsRequest, services: Services) -> StoreShelf:
    return StoreShelf(Store(services.access_for(request.results)), Location.parse(request.results))
