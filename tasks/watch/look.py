"""One look at label files: whether what they say is new, has settled, and is enough to be told.

The state lies in the results store, so any process may look. Telling is the caller's: tell first, then `record_told`.
A crash between the two leads to one telling more, never to none.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from infra.shelf import Shelf
from tasks.watch.archive import Seen, Told, WatchArchive
from tasks.watch.reading import LabelStore, take_snapshot
from tasks.watch.request import WatchLabelsRequest
from tasks.watch.snapshot import Difference, Snapshot, difference

Status = Literal["unchanged", "settling", "too-few", "new"]


@dataclass(frozen=True)
class Look:
    """What a look found.

    Attributes:
        status: `new`: to be told. `settling`: something changed a moment ago, look again in `wait_s` seconds.
            `too-few`: less than is worth it. `unchanged`: nothing since the last telling.
        difference: From what was told last.
    """

    status: Status
    snapshot: Snapshot
    difference: Difference
    wait_s: float = 0.0


def look(request: WatchLabelsRequest, store: LabelStore, shelf: Shelf, now: datetime) -> Look:
    """Look at the label files once, and remember what was seen.

    Args:
        request: What to look at.
        store: Where the label files lie.
        shelf: The results.
        now: The moment, with its time zone.

    Raises:
        StoreError: A store cannot be reached.
    """
    archive = WatchArchive(shelf, request.labels)
    seen = archive.seen()
    snapshot = take_snapshot(store, request.labels, request.aliases, seen.snapshot if seen else None)
    changed_at = seen.changed_at if seen and seen.snapshot.content == snapshot.content else now
    if seen is None or seen.snapshot != snapshot:
        archive.save_seen(Seen(snapshot=snapshot, changed_at=changed_at))
    told = archive.told()
    found = difference(_told_before(archive, told, snapshot), snapshot)
    wait_s = _still_settling(changed_at, now, request.settle_s)
    return Look(_status(found.total, request.minimum, wait_s), snapshot, found, wait_s)


def keep(request: WatchLabelsRequest, shelf: Shelf, found: Look) -> str:
    """Keep what is about to be told; the snapshot's address."""
    return WatchArchive(shelf, request.labels).keep(found.snapshot)


def record_told(request: WatchLabelsRequest, shelf: Shelf, found: Look, now: datetime) -> None:
    """Remember that it was told."""
    WatchArchive(shelf, request.labels).save_told(Told(snapshot=found.snapshot.content, told_at=now))


def _told_before(archive: WatchArchive, told: Told | None, snapshot: Snapshot) -> Snapshot | None:
    if told is None:
        return None
    return snapshot if told.snapshot == snapshot.content else archive.snapshot(told.snapshot)


def _still_settling(changed_at: datetime, now: datetime, settle_s: float) -> float:
    """Seconds that are left; 0 as well where another machine's clock is ahead: nothing waits on a clock's fault."""
    elapsed = (now - changed_at).total_seconds()
    return settle_s - elapsed if 0 <= elapsed < settle_s else 0.0


def _status(changes: int, minimum: int, wait_s: float) -> Status:
    if not changes:
        return "unchanged"
    if wait_s:
        return "settling"
    return "new" if changes >= minimum else "too-few"
