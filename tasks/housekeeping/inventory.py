"""What lies in a results store, by one listing of each folder: the files that housekeeping knows how to name.

A file whose name is not one that Seraph writes is not listed here, and so never touched: media and labels may share the
bucket. Owns the shapes of names; what may go is decided beside it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.errors import UsageError
from infra.location import Location
from infra.storage import ObjectInfo, Store
from tasks.records.parts import Record

_SHARD = re.compile(
    r"(?P<table>logits|quarantine|texts|scores)/config=(?P<fingerprint>[^/]+)/"
    r"(?:(?:decision|text)=(?P<name>[^/]+)/)?shard=(?P<stem>[^/]+)\.parquet"
)
_COMMIT = re.compile(r"commits/config=(?P<fingerprint>[^/]+)/(?P<id>[^/]+)\.json")
_INDEX = re.compile(r"index/config=(?P<fingerprint>[^/]+)/\d{8}T\d{12}-[0-9a-f]{8}\.parquet")
_RUN = re.compile(r"runs/(?P<run>(?:survey-)?\d{8}T\d{6}-[0-9a-f]{6})/.+")

_CENTURY = 36_525
"""Days."""

OWN_FOLDERS = ("logits", "quarantine", "texts", "scores", "commits", "index", "runs")
"""Folders of a results store in which names are Seraph's own."""


@dataclass(frozen=True)
class Limits:
    """How old what may go must be.

    Attributes:
        now: The moment of the housekeeping, with its time zone.
        keep_days: Runs, and scores of decisions that nobody names, are kept so long.
        grace_hours: Longer than any run or reader is at work.

    Raises:
        UsageError: One of the two is not finite, or longer than a century.
    """

    now: datetime
    keep_days: float = 90
    grace_hours: float = 48

    def __post_init__(self) -> None:
        for name, days in (("keep_days", self.keep_days), ("grace_hours", self.grace_hours / 24)):
            if not 0 <= days <= _CENTURY:
                raise UsageError(f"{name} is {getattr(self, name)}: expected a time of at most {_CENTURY:,} days")

    @property
    def settled(self) -> datetime:
        """What is older belongs to no run, and to no reader, that is still at work."""
        return self.now - timedelta(hours=self.grace_hours)

    @property
    def expired(self) -> datetime:
        """What is older has been kept long enough, and is settled."""
        return min(self.now - timedelta(days=self.keep_days), self.settled)


class Removal(Record):
    """One file that may go. `size` in bytes."""

    uri: str
    reason: str
    size: int


@dataclass(frozen=True)
class TableFile:
    """A shard's file of a table; `name` is the decision's or the text identity's."""

    table: str
    fingerprint: str
    name: str | None
    stem: str
    found: ObjectInfo


@dataclass(frozen=True)
class Inventory:
    """The files of a results store.

    Attributes:
        commits, indexes: By fingerprint, in the order of their names.
        runs: The files of each run by its id.
    """

    location: Location
    tables: tuple[TableFile, ...]
    commits: Mapping[str, tuple[ObjectInfo, ...]]
    indexes: Mapping[str, tuple[ObjectInfo, ...]]
    runs: Mapping[str, tuple[ObjectInfo, ...]]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Every configuration that has a file of a table, or a commit."""
        return tuple(sorted({each.fingerprint for each in self.tables} | self.commits.keys()))

    def of(self, fingerprint: str) -> tuple[TableFile, ...]:
        """The files of one configuration's tables."""
        return tuple(each for each in self.tables if each.fingerprint == fingerprint)


def take_inventory(store: Store, location: Location) -> Inventory:
    """List what is there. Raises StoreError where the store cannot be listed."""
    found = {folder: list(_under(store, location, folder)) for folder in OWN_FOLDERS}
    files = [(_SHARD.fullmatch(name), each) for folder in OWN_FOLDERS[:4] for name, each in found[folder]]
    return Inventory(
        location=location,
        tables=tuple(
            TableFile(match["table"], match["fingerprint"], match["name"], match["stem"], each)
            for match, each in files
            if match
        ),
        commits=_grouped(_COMMIT, "fingerprint", found["commits"]),
        indexes=_grouped(_INDEX, "fingerprint", found["index"]),
        runs=_grouped(_RUN, "run", found["runs"]),
    )


def _under(store: Store, location: Location, folder: str) -> Iterator[tuple[str, ObjectInfo]]:
    """What lies in a folder of the results, with its name below the results."""
    top = f"{location.key}/" if location.key else ""
    for each in store.list(location.join(folder)):
        yield each.key.removeprefix(top), each


def _grouped(
    pattern: re.Pattern[str], by: str, found: list[tuple[str, ObjectInfo]]
) -> dict[str, tuple[ObjectInfo, ...]]:
    groups: dict[str, list[ObjectInfo]] = {}
    for name, each in sorted(found):
        if match := pattern.fullmatch(name):
            groups.setdefault(match[by], []).append(each)
    return {name: tuple(group) for name, group in groups.items()}
