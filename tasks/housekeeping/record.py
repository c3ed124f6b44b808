"""One housekeeping, looked at or applied, and its record: `housekeeping/<id>.json` in the results store."""

from collections.abc import Iterable
from datetime import UTC, datetime

from infra.location import Location
from infra.storage import Store
from tasks.housekeeping.compaction import Compaction
from tasks.housekeeping.inventory import Limits, Removal
from tasks.housekeeping.plan import Done, Plan, apply_plan, make_plan, reopen_lost
from tasks.housekeeping.verification import Fault
from tasks.records.parts import Record
from tasks.records.run import code_version, new_run_id


class Reason(Record):
    """Files that may go for one reason; `size` in bytes."""

    reason: str
    files: int
    size: int


class HousekeepingRecord(Record):
    """What housekeeping found, and whether it did it.

    Attributes:
        applied: Whether it changed anything it could; else all of this is what it would do.
        totals: Removals by reason. removals: Each of them.
        compactions: Shards that become one.
        uploads: Uploads that were never finished.
        reopened: Media whose rows are lost, and that the next run scores again.
        faults: What the records say, and the store does not hold.
        warnings: What could not be looked at or done.
    """

    housekeeping_id: str
    started: str
    finished: str
    results_uri: str
    code_version: str
    keep_days: float
    grace_hours: float
    deep: bool
    applied: bool
    totals: tuple[Reason, ...] = ()
    removals: tuple[Removal, ...] = ()
    compactions: tuple[Compaction, ...] = ()
    uploads: tuple[str, ...] = ()
    reopened: int = 0
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()
    output: str | None = None

    @property
    def freed(self) -> int:
        """Bytes of all removals."""
        return sum(each.size for each in self.totals)


def keep_house(
    store: Store,
    location: Location,
    limits: Limits,
    *,
    keep: tuple[str, ...] = (),
    apply: bool = False,
    deep: bool = False,
    verify_only: bool = False,
) -> HousekeepingRecord:
    """Look at a results store, tidy it where asked to, and store the record.

    Args:
        store: Where it is.
        location: Its bucket and prefix.
        limits: How old what may go must be.
        keep: Ids of runs that stay in any case.
        apply: Whether to do what was found.
        deep: Whether every needed file is read, hashed and counted.
        verify_only: Nothing is tidied; with `apply`, media whose rows are lost are marked to be scored again.

    Raises:
        StoreError: The store cannot be reached.
    """
    started, name = datetime.now(UTC), new_run_id()
    plan = make_plan(store, location, limits, keep=keep, deep=deep)
    reopened = reopen_lost(plan, name) if apply and verify_only else 0
    done = apply_plan(store, plan, name) if apply and not verify_only else Done()
    planned = not apply and not verify_only
    removals = plan.removals if planned else done.removed
    record = HousekeepingRecord(
        housekeeping_id=name,
        started=started.isoformat(timespec="seconds"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        results_uri=location.uri,
        code_version=code_version(),
        keep_days=limits.keep_days,
        grace_hours=limits.grace_hours,
        deep=deep,
        applied=apply,
        totals=_totals(removals),
        removals=removals,
        compactions=plan.compactions if planned else done.merged,
        uploads=_uploads(plan, planned=planned, done=done),
        reopened=reopened,
        faults=plan.faults,
        warnings=(*plan.warnings, *done.warnings),
        output=location.join("housekeeping", f"{name}.json").uri,
    )
    store.put_bytes(str(record.output), record.model_dump_json(indent=1).encode(), "application/json")
    return record


def markdown_housekeeping(record: HousekeepingRecord) -> str:
    """The summary that Prefect shows."""
    verb = "" if record.applied else "would be "
    lines = [f"# Housekeeping {record.housekeeping_id}", "", "| what | files | MB |", "| --- | ---: | ---: |"]
    lines += [f"| {verb}removed: {each.reason} | {each.files} | {each.size / 1e6:.1f} |" for each in record.totals]
    merged, size = sum(len(each.stems) for each in record.compactions), sum(each.size for each in record.compactions)
    lines += [f"| {verb}merged | {merged} into {len(record.compactions)} | {size / 1e6:.1f} |"]
    lines += ["", *(f"- **{each.kind}**: {each.what}. {each.remedy}" for each in record.faults)]
    lines += [f"- {each}" for each in record.warnings]
    return "\n".join(lines)


def _totals(removals: Iterable[Removal]) -> tuple[Reason, ...]:
    found: dict[str, tuple[int, int]] = {}
    for each in removals:
        files, size = found.get(each.reason, (0, 0))
        found[each.reason] = (files + 1, size + each.size)
    return tuple(Reason(reason=name, files=files, size=size) for name, (files, size) in sorted(found.items()))


def _uploads(plan: Plan, *, planned: bool, done: Done) -> tuple[str, ...]:
    return tuple(each.uri for each in plan.uploads) if planned or done.uploads else ()
