"""Which runs have been kept long enough. A run is kept while anything still refers to it, however old it is.

Kept are: runs younger than the limit; of each media prefix and configuration the newest run, and the newest few that
scored anything, which alarms compare with; whatever a promotion, an evaluation, a tuning, a re-evaluation, an alarm or
a kept run mentions; what it was asked to keep; and records that this version cannot read. Evaluations, tunings and
re-evaluations are never removed: they are few, and the history is made of them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.storage import ObjectInfo, Store
from tasks.housekeeping.inventory import Inventory, Limits, Removal

_READERS = 16
_MENTIONING = ("configs", "evaluations", "tunings", "reevaluations", "alarms")
"""Folders of the results whose records may name a run. One that is not there is no error."""
_WORDS = re.compile(r"[\w.-]+")

_REFERENCES = 30
"""As many earlier runs as an alarm adds up at most (tasks/alarms/raising.py)."""

OLD_RUN = "old run"


class RunSketch(BaseModel):
    """What housekeeping needs of a run's record, of whichever version it is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    media_uri: str
    fingerprint: str
    decision: str
    segments: int = 0
    corpus: dict[str, Any] = {}
    configuration: dict[str, Any] | None = None
    text: dict[str, Any] | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """What it scored with what: runs of one key follow each other."""
        return self.media_uri, self.fingerprint, self.decision, str((self.configuration or {}).get("hash"))


@dataclass(frozen=True)
class Runs:
    """The runs of a results store.

    Attributes:
        removals: The files of those that may go, each run's record first.
        kept: The records of the others, as far as they can be read.
        unread: Ids of the runs whose record cannot be read.
    """

    removals: tuple[Removal, ...]
    kept: tuple[RunSketch, ...]
    unread: tuple[str, ...]


def old_runs(store: Store, inventory: Inventory, limits: Limits, keep: Sequence[str] = ()) -> Runs:
    """Find the runs that may go.

    Args:
        store: To read the records from.
        inventory: What is there.
        limits: How old a run must be: the newest of its files counts.
        keep: Ids of runs that stay in any case.
    """
    records = dict(_records(store, inventory))
    sketches = {name: sketch for name, data in records.items() if (sketch := _sketch(name, data))}
    unread = tuple(name for name in records if name not in sketches)
    young = {name for name, files in inventory.runs.items() if max(each.modified for each in files) >= limits.expired}
    standing = young | set(_newest(sketches.values())) | set(unread) | set(keep)
    words = set(_mentioned(store, inventory))
    for name in standing & records.keys():
        words.update(_WORDS.findall(records[name].decode(errors="replace")))
    kept = standing | (words & inventory.runs.keys())
    gone = [name for name in sorted(inventory.runs) if name not in kept]
    return Runs(
        removals=tuple(_removal(each) for name in gone for each in _record_first(name, inventory.runs[name])),
        kept=tuple(sketches[name] for name in sorted(sketches) if name in kept),
        unread=unread,
    )


def _records(store: Store, inventory: Inventory) -> Iterator[tuple[str, bytes]]:
    found = [(name, each.uri) for name, files in inventory.runs.items() for each in files if _is_record(name, each)]
    with ThreadPoolExecutor(_READERS) as readers:
        data = readers.map(store.get_bytes, [uri for _, uri in found])
        yield from zip([name for name, _ in found], data, strict=True)


def _newest(sketches: Iterable[RunSketch]) -> Iterator[str]:
    by_key: dict[tuple[str, ...], list[RunSketch]] = {}
    for each in sorted(sketches, key=lambda sketch: sketch.run_id, reverse=True):
        by_key.setdefault(each.key, []).append(each)
    for group in by_key.values():
        yield group[0].run_id
        yield from [each.run_id for each in group if each.segments][:_REFERENCES]


def _mentioned(store: Store, inventory: Inventory) -> Iterator[str]:
    """Every word of the records that may name a run."""
    listed = (each for folder in _MENTIONING for each in store.list(inventory.location.join(folder)))
    uris = [each.uri for each in listed if each.key.endswith((".json", ".yaml"))]
    with ThreadPoolExecutor(_READERS) as readers:
        for data in readers.map(store.get_bytes, uris):
            yield from _WORDS.findall(data.decode(errors="replace"))


def _sketch(run_id: str, data: bytes) -> RunSketch | None:
    """None for what cannot be read, or is the record of another run."""
    try:
        found = RunSketch.model_validate_json(data)
    except ValidationError:
        return None
    return found if found.run_id == run_id else None


def _record_first(run_id: str, files: Iterable[ObjectInfo]) -> list[ObjectInfo]:
    """A run whose record stands has its report: so the record goes first."""
    return sorted(files, key=lambda each: (not _is_record(run_id, each), each.uri))


def _is_record(run_id: str, found: ObjectInfo) -> bool:
    return found.uri.endswith(f"/runs/{run_id}/run.json")


def _removal(found: ObjectInfo) -> Removal:
    return Removal(uri=found.uri, reason=OLD_RUN, size=found.size)
