"""Where snapshots of label files lie, on the shelf of a results store: `labels/<hash of the labels' URI>/`.

seen.json                  the last look, with when something was last seen to change; written over where it changed
snapshots/<content>.json   what was told, or what a re-evaluation stands on; never written over with something else
told.json                  which snapshot was told last; written after the telling
"""

import logging
from datetime import datetime
from typing import Literal, TypeVar

from pydantic import ValidationError

from infra.errors import ObjectMissing
from infra.shelf import Shelf
from tasks.hashes import short_hash
from tasks.records.parts import Record
from tasks.watch.snapshot import VERSION, Snapshot

_log = logging.getLogger(__name__)
_Kind = TypeVar("_Kind", bound=Record)


class Seen(Record):
    """The last look: what was there, and when something was last seen to change."""

    version: Literal[1] = VERSION
    snapshot: Snapshot
    changed_at: datetime


class Told(Record):
    """What was told last: the content of a snapshot, and how often."""

    version: Literal[1] = VERSION
    snapshot: str
    told_at: datetime
    times: int = 1


class WatchArchive:
    """What is known of the label files under one prefix."""

    def __init__(self, shelf: Shelf, labels: str) -> None:
        self._shelf = shelf
        self._folder = f"labels/{short_hash(labels.rstrip('/'))}"

    def seen(self) -> Seen | None:
        """The last look, if there was one."""
        return self._read("seen.json", Seen)

    def told(self) -> Told | None:
        """What was told last, if anything was."""
        return self._read("told.json", Told)

    def snapshot(self, content: str) -> Snapshot | None:
        """A snapshot that was kept, by its content; None where it is gone."""
        return self._read(_file(content), Snapshot)

    def save_seen(self, seen: Seen) -> None:
        """Remember the last look."""
        self._write("seen.json", seen)

    def save_told(self, told: Told) -> None:
        """Remember what was told."""
        self._write("told.json", told)

    def keep(self, snapshot: Snapshot) -> str:
        """Keep a snapshot for later comparisons; its address."""
        return self._write(_file(snapshot.content), snapshot)

    def address(self, content: str) -> str:
        """Where a kept snapshot lies."""
        return self._shelf.address(f"{self._folder}/{_file(content)}")

    def _write(self, name: str, record: Record) -> str:
        return self._shelf.put(f"{self._folder}/{name}", record.model_dump_json().encode(), "application/json")

    def _read(self, name: str, kind: type[_Kind]) -> _Kind | None:
        try:
            return kind.model_validate_json(self._shelf.get(f"{self._folder}/{name}"))
        except ObjectMissing:
            return None
        except ValidationError as error:
            # Without it the labels are read, or told, once more: that costs little, and mends the file.
            _log.warning("%s is not read: %s", self._shelf.address(f"{self._folder}/{name}"), error)
            return None


def _file(content: str) -> str:
    return f"snapshots/{content}.json"
