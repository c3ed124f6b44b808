"""One look at label files: whether what they say is new, has settled, and is enough to be told.

The state lies in the results store, so any process may look. Telling is the caller's: tell first, then `record_told`.
A crash between the two leads to one telling more, never to none. What was told and led to no re-evaluation, because
that failed, is told again, a few times.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from infra.shelf import Shelf
from tasks.reevaluation.archive import ReevaluationArchive
from tasks.watch.archive import Seen, Told, WatchArchive
from tasks.watch.reading import LabelStore, take_snapshot
from tasks.watch.request import WatchLabelsRequest
from tasks.watch.snapshot import Difference, Snapshot, difference

Status = Literal["unchanged", "settling", "too-few", "new", "again"]

AGAIN_AFTER: Final = timedelta(hours=1)
"""How long a re-evaluation may take before the labels are told once more; doubled each time."""

MOST_TIMES: Final = 4
"""How often the same labels are told: what fails for ever is not tried for ever."""


@dataclass(frozen=True)
class Look:
    """What a look found.

    Attributes:
        status: `new`: to be told. `settling`: something changed a moment ago, look again in `wait_s` seconds.
            `too-few`: less than is worth it. `unchanged`: nothing since the last telling. `again`: nothing either, but
            nothing came of that: to be told once more.
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
    status = _status(found.total, request.minimum, wait_s)
    if status == "unchanged" and told and _is_owed(told, now) and not _was_heard(request, shelf, told):
        status = "again"
    return Look(status, snapshot, found, wait_s)


def keep(request: WatchLabelsRequest, shelf: Shelf, found: Look) -> str:
    """Keep what is about to be told; the snapshot's address."""
    return WatchArchive(shelf, request.labels).keep(found.snapshot)


def record_told(request: WatchLabelsRequest, shelf: Shelf, found: Look, now: datetime) -> None:
    """Remember that it was told."""
    archive, content = WatchArchive(shelf, request.labels), found.snapshot.content
    before = archive.told()
    times = before.times + 1 if before and before.snapshot == content else 1
    archive.save_told(Told(snapshot=content, told_at=now, times=times))


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


def _is_owed(told: Told, now: datetime) -> bool:
    return told.times < MOST_TIMES and now - told.told_at >= AGAIN_AFTER * 2 ** (told.times - 1)


def _was_heard(request: WatchLabelsRequest, shelf: Shelf, told: Told) -> bool:
    """Whether a re-evaluation stands on what was told, or on what lay there later."""
    here = request.labels.rstrip("/")
    mine = (each for each in ReevaluationArchive(shelf).newest_first() if each.labels.uri.rstrip("/") == here)
    return any(
        each.labels.snapshot == told.snapshot or datetime.fromisoformat(each.created) >= told.told_at for each in mine
    )
