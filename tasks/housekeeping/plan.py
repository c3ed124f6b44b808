"""What housekeeping would do, and its doing. The plan is made of listings and records only, and changes nothing.

Order of the doing: shards are merged first, then files are removed, a run's record before its other files. Whatever the
moment of a crash, what is left is readable, and the next housekeeping goes on. A store that lacks what its records say
is not tidied: what looks like an orphan may be all that is left of a shard.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from infra.errors import InputError
from infra.location import Location
from infra.storage import Store, UploadInfo
from tasks.housekeeping.compaction import Compaction, Sizes, compact, plan_compactions
from tasks.housekeeping.inventory import Inventory, Limits, Removal, take_inventory
from tasks.housekeeping.leftovers import old_indexes, stale_scores, unfinished_uploads, unneeded_files
from tasks.housekeeping.retention import Runs, old_runs
from tasks.housekeeping.shards import Shards, read_shards
from tasks.housekeeping.verification import Fault, reopen, verify_current, verify_runs, verify_shards

_REMOVERS = 8
_BATCH = 500


@dataclass(frozen=True, eq=False)
class Plan:
    """What may go, what may be merged, and what is wrong.

    Attributes:
        shards: What the commits of each configuration said, by fingerprint.
        warnings: What could not be looked at.
    """

    removals: tuple[Removal, ...]
    compactions: tuple[Compaction, ...]
    uploads: tuple[UploadInfo, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]
    shards: Mapping[str, Shards]

    @property
    def held_back(self) -> bool:
        """Whether the tables are left as they are, because rows are lost or a commit cannot be read."""
        return any(each.kind in ("lost", "unreadable") for each in self.faults)


def make_plan(
    store: Store,
    location: Location,
    limits: Limits,
    *,
    keep: Sequence[str] = (),
    deep: bool = False,
    sizes: Sizes | None = None,
) -> Plan:
    """Look at a results store.

    Args:
        store: Where it is.
        location: Its bucket and prefix.
        limits: How old what may go must be.
        keep: Ids of runs that stay in any case.
        deep: Whether every needed file is read, hashed and counted.
        sizes: What is small.

    Raises:
        StoreError: The store cannot be reached.
    """
    # Files before commits: a shard whose files are listed here is committed, if at all, before its commit is read.
    inventory = take_inventory(store, location)
    shards, unreadable = _read_all(store, inventory, limits)
    runs = old_runs(store, inventory, limits, keep)
    uploads, problem = unfinished_uploads(store, inventory, limits)
    removals = tuple(_removals(inventory, shards, runs, limits))
    faults = [*unreadable, *_faults(store, inventory, shards, runs, limits, deep=deep)]
    going = {each.uri for each in removals}
    staying = {name: [each for each in inventory.of(name) if each.found.uri not in going] for name in shards}
    return Plan(
        removals=removals,
        compactions=tuple(
            each for name in shards for each in plan_compactions(shards[name], staying[name], limits, sizes)
        ),
        uploads=tuple(uploads),
        faults=tuple(faults),
        warnings=tuple(_warnings(runs, problem)),
        shards=shards,
    )


@dataclass(frozen=True)
class Done:
    """What was done of a plan; `uploads` were given up."""

    removed: tuple[Removal, ...] = ()
    merged: tuple[Compaction, ...] = ()
    uploads: int = 0
    warnings: tuple[str, ...] = ()


def apply_plan(store: Store, plan: Plan, run_id: str) -> Done:
    """Do what the plan says. Twice is once.

    Args:
        store: Where.
        plan: Made a moment ago.
        run_id: Of the housekeeping: merged shards' commits bear it.

    Raises:
        StoreError: The store cannot be reached any more. What was done stays done.
    """
    if plan.held_back:
        return Done(warnings=("nothing was changed: see the faults first, and what to do about each",))
    merged, warnings = [], []
    for each in plan.compactions:
        try:
            compact(store, plan.shards[each.fingerprint], each, run_id)
            merged.append(each)
        except InputError as error:
            warnings.append(str(error))
    _remove(store, [each.uri for each in plan.removals])
    for upload in plan.uploads:
        store.abort_upload(upload)
    return Done(plan.removals, tuple(merged), len(plan.uploads), tuple(warnings))


def reopen_lost(plan: Plan, run_id: str) -> int:
    """Mark every medium whose rows are lost, so that the next run scores it again; how many there are."""
    return sum(reopen(own, plan.faults, run_id) for own in plan.shards.values())


def _read_all(store: Store, inventory: Inventory, limits: Limits) -> tuple[dict[str, Shards], list[Fault]]:
    shards, faults = {}, []
    for name in inventory.fingerprints:
        try:
            shards[name] = read_shards(store, inventory, name, limits)
        except InputError as error:
            faults.append(Fault(kind="unreadable", what=str(error), remedy="see there", fingerprint=name))
    return shards, faults


def _removals(inventory: Inventory, shards: Mapping[str, Shards], runs: Runs, limits: Limits) -> Iterator[Removal]:
    yield from runs.removals
    yield from unneeded_files(inventory, shards, limits)
    yield from stale_scores(inventory, shards, runs, limits)
    yield from old_indexes(inventory, limits)


def _faults(
    store: Store, inventory: Inventory, shards: Mapping[str, Shards], runs: Runs, limits: Limits, *, deep: bool
) -> Iterator[Fault]:
    for name, own in shards.items():
        yield from verify_shards(store, own, inventory.of(name), limits, deep=deep)
    yield from verify_runs(inventory, runs.kept)
    yield from verify_current(store, inventory)


def _warnings(runs: Runs, problem: str | None) -> Iterator[str]:
    if runs.unread:
        names = ", ".join(runs.unread[:3])
        yield f"{len(runs.unread)} records of runs cannot be read ({names}): they stay, and so do all scores"
    if problem is not None:
        yield problem


def _remove(store: Store, uris: Sequence[str]) -> None:
    """A batch after the other: no more than so many wait at once, whatever there is to remove."""
    with ThreadPoolExecutor(_REMOVERS) as removers:
        for first in range(0, len(uris), _BATCH):
            list(removers.map(lambda uri: store.delete([uri]), uris[first : first + _BATCH]))
