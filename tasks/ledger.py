"""What commits say: for each medium its newest entry, whichever commit it stands in.

Owns the records and the order among them; where commits lie and how they are read is tasks/store.py.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pandas as pd
from pydantic import Field

from infra.location import Location
from tasks.records.parts import Record

Outcome = Literal["scored", "silent", "quarantined", "removed"]


class Entry(Record):
    """What a commit says of one medium.

    Attributes:
        outcome: Every planned medium ends as scored, silent or quarantined; `removed` marks one that is gone.
        before: With `removed`: what it was, so that a medium that comes back unchanged need not be scored again.
        rows, faults: Its rows in the `logits` file, and in the `quarantine` file.
        routes: Route key to route identity of every model that heard it (see `tasks.config.identity.Identity.routes`).
        transient: Quarantined for a reason that another run may not meet.
        attempts: How often it has been tried.
        stem: Names the files that hold its rows: its own commit's, or an earlier one's where it had been removed and
            came back unchanged.
        duration_s: Decoded duration.
    """

    uri: str
    etag: str
    outcome: Outcome
    before: Outcome | None = None
    rows: int = 0
    faults: int = 0
    routes: dict[str, str] = Field(default_factory=dict)
    transient: bool = False
    attempts: int = 1
    stem: str = ""
    duration_s: float = 0.0


class Commit(Record):
    """The record that makes a shard exist. `sha256` names the bytes of each file written before it."""

    id: str
    run_id: str
    committed: str
    fingerprint: str
    media: tuple[Entry, ...]
    sha256: dict[str, str] = Field(default_factory=dict)
    version: int = 1


@dataclass(frozen=True)
class Ledger:
    """For each medium its newest entry.

    Attributes:
        entries: Indexed by uri; the columns are those of `Entry` (routes as JSON text) and `committed`, `commit`.
    """

    entries: pd.DataFrame

    @cached_property
    def current(self) -> pd.DataFrame:
        """The entries of media that have rows and are not removed."""
        return self.entries[(self.entries["outcome"] == "scored") & (self.entries["rows"] > 0)]

    def entry(self, uri: str) -> Entry:
        """One medium's newest entry."""
        row = self.entries.loc[uri].to_dict()
        values = {name: row[name] for name in Entry.model_fields if name not in ("uri", "routes", "before")}
        return Entry(uri=uri, routes=json.loads(row["routes"]), before=row["before"] or None, **values)

    def under(self, location: Location) -> "Ledger":
        """The part of it that lies under a location (which may be one object itself)."""
        uris = self.entries.index
        return Ledger(self.entries[(uris == location.uri) | uris.str.startswith(location.uri.rstrip("/") + "/")])


def shard_id(fingerprint: str, routes: Mapping[str, str], rows: Iterable[Sequence[str | int]]) -> str:
    """Id of a commit: a hash of the fingerprint, the routes and the sorted rows (uri, etag, attempt): 32 hex digits."""
    key = json.dumps([fingerprint, dict(sorted(routes.items())), sorted(map(list, rows))], ensure_ascii=False)
    return hashlib.sha256(key.encode()).hexdigest()[:32]


_DTYPES = {"rows": "int64", "attempts": "int64", "duration_s": "float64", "transient": "bool", "faults": "int64"}
_COLUMNS = ["uri", "etag", "outcome", "before", "routes", "stem", "committed", "commit", *_DTYPES]


def frame_of(commits: Sequence[Commit]) -> pd.DataFrame:
    """Every entry of these commits as a row; the columns are those of `Ledger.entries`, and `uri`."""
    rows = [
        {
            **entry.model_dump(),
            "before": entry.before or "",
            "routes": json.dumps(entry.routes, sort_keys=True),
            "committed": commit.committed,
            "commit": commit.id,
        }
        for commit in commits
        for entry in commit.media
    ]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    return frame.astype({**{name: "str" for name in _COLUMNS if name not in _DTYPES}, **_DTYPES})


def newest(entries: pd.DataFrame) -> pd.DataFrame:
    """One row per uri: the last committed; the commit's id decides between equal times, so that all readers agree."""
    return entries.sort_values(["committed", "commit"], kind="stable").drop_duplicates("uri", keep="last")


def made_by(routes: Mapping[str, str], text: str) -> bool:
    """Whether these routes made what an entry has, told by its routes' text."""
    return all(routes.get(key) == identity for key, identity in json.loads(text).items())
