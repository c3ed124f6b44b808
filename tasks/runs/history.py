"""The runs of a results store: which there are, and their records read back, from any version that wrote them.

A record that cannot be read is named and left out: one damaged file must not hide the others. What two runs differ in
is comparison.py's part.
"""

import json
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pydantic import ValidationError

from infra.errors import InputError, ObjectMissing
from infra.shelf import Shelf
from tasks.config.operations import Price
from tasks.records.run import RunRecord
from tasks.runs.costs import cost

LATEST = "latest"
"""Names the newest run wherever a run is named."""

_RECORD = re.compile(r"runs/([^/]+)/run\.json")
_AT_ONCE = 16
"""Records read at once: a store answers slowly, but to many."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Unreadable:
    """A record that could not be read: of another version, damaged, or no record at all."""

    run_id: str
    address: str
    reason: str


@dataclass(frozen=True)
class Runs:
    """Runs, the newest first, and what could not be read among them. `more`: how many older ones there are."""

    records: tuple[RunRecord, ...]
    unreadable: tuple[Unreadable, ...] = ()
    more: int = 0


class History:
    """The runs on a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def ids(self) -> list[str]:
        """Every run with a record, the newest first: ids begin with the time."""
        found = (_RECORD.fullmatch(name) for name in self._shelf.names("runs"))
        return sorted((match[1] for match in found if match), reverse=True)

    def newest(self, limit: int) -> Runs:
        """The newest runs.

        Args:
            limit: How many records are read at most, those that cannot be read included.
        """
        ids = self.ids()
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            found = list(readers.map(self._read, ids[:limit]))
        return Runs(
            tuple(each for each in found if isinstance(each, RunRecord)),
            tuple(each for each in found if isinstance(each, Unreadable)),
            max(0, len(ids) - limit),
        )

    def backwards(self) -> Iterator[RunRecord]:
        """The runs, the newest first, read a few at a time, and only as far as somebody asks."""
        ids = self.ids()
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            for start in range(0, len(ids), _AT_ONCE):
                for found in readers.map(self._read, ids[start : start + _AT_ONCE]):
                    if isinstance(found, RunRecord):
                        yield found
                    else:
                        _log.warning("%s is left out: %s", found.address, found.reason)

    def get(self, name: str) -> RunRecord:
        """One run.

        Args:
            name: Its id, as many of its first characters as tell it apart, or `latest`.

        Raises:
            InputError: There is no such run, several begin so, or its record cannot be read.
        """
        found = self._read(self._one(name))
        if isinstance(found, Unreadable):
            raise InputError(f"the record of run {found.run_id} cannot be read ({found.address}): {found.reason}")
        return found

    def _one(self, name: str) -> str:
        ids = self.ids()
        chosen = ids[:1] if name == LATEST else [each for each in ids if each == name]
        chosen = chosen or [each for each in ids if name and each.startswith(name)]
        if len(chosen) != 1:
            what = f"{len(chosen)} runs begin so" if chosen else "there is none"
            raise InputError(f"no run {name!r} in {self._shelf.address('runs')}, {what}: see `seraph runs list`")
        return chosen[0]

    def _read(self, run_id: str) -> RunRecord | Unreadable:
        name = f"runs/{run_id}/run.json"
        try:
            return _checked(RunRecord.model_validate_json(self._shelf.get(name)), run_id)
        except ObjectMissing:
            reason = "it is gone"
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            reason = f"{where + ': ' if where else ''}{first['msg']}"
        except ValueError as error:
            reason = str(error)
        return Unreadable(run_id, self._shelf.address(name), reason)


def priced(record: RunRecord, price: Price | None) -> RunRecord:
    """The record with its cost at another price; as it is where no price is given, or nobody counted the seconds."""
    if price is None or record.spent is None:
        return record
    return record.model_copy(update={"cost": cost(record.spent, record.audio_seconds, price)})


def _checked(record: RunRecord, run_id: str) -> RunRecord:
    """The record, if it is the one of this run, and all its figures are finite: others are compared with it."""
    if record.run_id != run_id:
        raise ValueError(f"it is the record of another run, {record.run_id!r}")
    json.dumps(record.summary(), allow_nan=False)
    return record
