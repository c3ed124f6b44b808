"""The results store: where each table lies, and the commits that make shards exist.

    logits/config=<fingerprint>/shard=<stem>.parquet
    quarantine/config=<fingerprint>/shard=<stem>.parquet
    scores/config=<fingerprint>/decision=<hash>/shard=<stem>.parquet
    commits/config=<fingerprint>/<id>.json
    index/config=<fingerprint>/<time>-<hash>.parquet
    runs/<run_id>/…

A stem is the commit's id and a hash of the files' bytes, so files are never rewritten, even where two runs score the
same shard at the same moment: each commit names its own files, and the one that stands refers to a whole set. Only a
commit makes a shard exist; it is written last. `Ledger` is the sum of all commits: for each medium its newest entry.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from infra.location import Location
from infra.storage import Store
from tasks.records import Record
from tasks.tables import SCORES, from_parquet, to_parquet

Outcome = Literal["scored", "silent", "quarantined", "removed"]

_READERS = 16
"""Commits and tables read at once: a store answers slowly, but to many."""

INDEX_EVERY = 64
"""Commits outside the index before a new index is written."""


class Entry(Record):
    """What a commit says of one medium.

    Attributes:
        outcome: Every planned medium ends as scored, silent or quarantined; `removed` marks one that is gone.
        before: With `removed`: what it was, so that a medium that comes back unchanged need not be scored again.
        rows, faults: Its rows in the `logits` file, and in the `quarantine` file.
        routes: Route key to route identity of every model that heard it (see `tasks.config.Identity.routes`).
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


class ResultsStore:
    """One results location, for one fingerprint."""

    def __init__(self, store: Store, location: Location, fingerprint: str, *, index_every: int = INDEX_EVERY) -> None:
        self._store = store
        self._index_every = index_every
        self.location = location
        self.fingerprint = fingerprint

    # -- addresses ---------------------------------------------------------------------------------------------------

    def table_uri(self, table: str, stem: str, decision: str | None = None) -> str:
        """Where a shard's file of `logits`, `quarantine` or `scores` lies."""
        return f"{self.folder_uri(table, decision)}/shard={stem}.parquet"

    def folder_uri(self, table: str, decision: str | None = None) -> str:
        """The folder of a table's files."""
        below = f"/decision={decision}" if decision else ""
        return f"{self.location.uri}/{table}/config={self.fingerprint}{below}"

    def run_uri(self, run_id: str, name: str) -> str:
        """Where a file of a run's lies."""
        return f"{self.location.uri}/runs/{run_id}/{name}"

    # -- writing -----------------------------------------------------------------------------------------------------

    def commit(
        self, commit_id: str, run_id: str, media: Sequence[Entry], tables: Mapping[str, pa.Table] | None = None
    ) -> Commit:
        """Write a shard's tables, then the commit that makes them exist.

        Args:
            commit_id: See `shard_id`.
            run_id: The run that scored it.
            media: One entry per medium; an entry without a stem gets this commit's.
            tables: `logits` and `quarantine`, where there are rows.
        """
        files = {name: to_parquet(table) for name, table in (tables or {}).items() if table.num_rows}
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
        stem = f"{commit_id}.{hashlib.sha256(json.dumps(hashes).encode()).hexdigest()[:8]}"
        for name, data in files.items():
            self._store.put_bytes(self.table_uri(name, stem), data, "application/vnd.apache.parquet")
        commit = Commit(
            id=commit_id,
            run_id=run_id,
            committed=datetime.now(UTC).isoformat(),
            fingerprint=self.fingerprint,
            media=tuple(entry if entry.stem else entry.model_copy(update={"stem": stem}) for entry in media),
            sha256=hashes,
        )
        self._store.put_bytes(self._commit_uri(commit_id), commit.model_dump_json().encode(), "application/json")
        return commit

    def write_scores(self, stem: str, decision: str, scores: pa.Table) -> None:
        """Write a shard's decided rows."""
        self._put_parquet(self.table_uri("scores", stem, decision), scores)

    def write_run_file(self, run_id: str, name: str, data: bytes, content_type: str) -> str:
        """Write a file of a run's, and return its uri."""
        uri = self.run_uri(run_id, name)
        self._store.put_bytes(uri, data, content_type)
        return uri

    def read_run_file(self, run_id: str, name: str) -> bytes:
        """A file of a run's. Raises ObjectMissing where there is none."""
        return self._store.get_bytes(self.run_uri(run_id, name))

    # -- reading -----------------------------------------------------------------------------------------------------

    def ledger(self, *, compact: bool = True) -> Ledger:
        """Read all commits, through the newest index; with `compact`, write a new one where many stand outside it."""
        index, covered = self._newest_index()
        listed = self._commits()
        fresh = [uri for uri, version in listed.items() if version not in covered]
        with ThreadPoolExecutor(_READERS) as readers:
            read = readers.map(self._store.get_bytes, fresh)
            frames = [index, *(_frame([Commit.model_validate_json(data)]) for data in read)]
        entries = _newest(pd.concat(frames) if len(frames) > 1 else index)
        if compact and len(fresh) >= self._index_every:
            self._write_index(entries, set(listed.values()))
        return Ledger(entries.set_index("uri"))

    def ledger_of(self, routes: Mapping[str, str]) -> Ledger:
        """Of each medium as it stands now, the newest entry with rows that these routes made.

        Another configuration with the same fingerprint may have scored it since, and then stands in `ledger`. Reads
        every commit: an index knows the newest entries only.
        """
        with ThreadPoolExecutor(_READERS) as readers:
            commits = [Commit.model_validate_json(data) for data in readers.map(self._store.get_bytes, self._commits())]
        entries = _frame(commits)
        standing = _newest(entries).set_index("uri")
        made = pd.Series([_made_by(routes, text) for text in entries["routes"]], entries.index, dtype=bool)
        own = _newest(entries[made & (entries["outcome"] == "scored") & (entries["rows"] > 0)]).set_index("uri")
        now = standing.loc[own.index]
        return Ledger(own[(now["etag"] == own["etag"]) & (now["outcome"] != "removed")])

    def logits(self, stem: str) -> pa.Table:
        """A shard's `logits` rows, with the models' specs in the metadata."""
        return from_parquet(self._store.get_bytes(self.table_uri("logits", stem)))

    def scored_stems(self, decision: str) -> set[str]:
        """The stems whose scores under this decision are written."""
        folder = Location.parse(self.folder_uri("scores", decision))
        names = (each.key.rsplit("/", 1)[-1] for each in self._store.list(folder))
        return {name.removeprefix("shard=").removesuffix(".parquet") for name in names if name.startswith("shard=")}

    def current_scores(self, ledger: Ledger, decision: str) -> Iterator[pa.Table]:
        """The current table, a shard at a time: of each medium the rows of its newest commit, each once."""
        for stem, uris in _by_stem(ledger):
            table = from_parquet(self._store.get_bytes(self.table_uri("scores", stem, decision)))
            yield _only(table, uris).select(SCORES.names)

    def current_quarantine(self, ledger: Ledger) -> Iterator[pa.Table]:
        """The quarantine rows of the media's newest entries, a shard at a time."""
        entries = ledger.entries[(ledger.entries["faults"] > 0) & (ledger.entries["outcome"] != "removed")]
        for stem, group in entries.groupby("stem", sort=True):
            data = self._store.get_bytes(self.table_uri("quarantine", str(stem)))
            yield _only(from_parquet(data), set(group.index))

    # -- helpers -----------------------------------------------------------------------------------------------------

    def _commit_uri(self, commit_id: str) -> str:
        return f"{self.folder_uri('commits')}/{commit_id}.json"

    def _commits(self) -> dict[str, str]:
        """Uri of every commit, and its name with its version: two runs at once, or a medium that was replaced and then
        put back, write one name twice, and an index knows only one of them."""
        listed = self._store.list(Location.parse(self.folder_uri("commits")))
        found = sorted((each.uri, each.etag or each.modified.isoformat()) for each in listed if _is_commit(each.key))
        return {uri: f"{_commit_name(uri)} {version}" for uri, version in found}

    def _newest_index(self) -> tuple[pd.DataFrame, set[str]]:
        found = sorted(each.uri for each in self._store.list(Location.parse(self.folder_uri("index"))))
        if not found:
            return _frame([]), set()
        table = from_parquet(self._store.get_bytes(found[-1]))
        return table.to_pandas(), set(json.loads(table.schema.metadata[_COVERED]))

    def _write_index(self, entries: pd.DataFrame, covered: set[str]) -> None:
        table = pa.Table.from_pandas(entries, preserve_index=False)
        table = table.replace_schema_metadata({_COVERED: json.dumps(sorted(covered))})
        data = to_parquet(table)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{hashlib.sha256(data).hexdigest()[:8]}"
        self._store.put_bytes(f"{self.folder_uri('index')}/{name}.parquet", data, "application/vnd.apache.parquet")

    def _put_parquet(self, uri: str, table: pa.Table) -> None:
        self._store.put_bytes(uri, to_parquet(table), "application/vnd.apache.parquet")


def shard_id(fingerprint: str, routes: Mapping[str, str], rows: Iterable[Sequence[str | int]]) -> str:
    """Id of a commit: a hash of the fingerprint, the routes and the sorted rows (uri, etag, attempt): 32 hex digits."""
    key = json.dumps([fingerprint, dict(sorted(routes.items())), sorted(map(list, rows))], ensure_ascii=False)
    return hashlib.sha256(key.encode()).hexdigest()[:32]


_COVERED = b"seraph.commits"
_DTYPES = {"rows": "int64", "attempts": "int64", "duration_s": "float64", "transient": "bool", "faults": "int64"}
_COLUMNS = ["uri", "etag", "outcome", "before", "routes", "stem", "committed", "commit", *_DTYPES]


def _frame(commits: Sequence[Commit]) -> pd.DataFrame:
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


def _newest(entries: pd.DataFrame) -> pd.DataFrame:
    """One row per uri: the last committed; the commit's id decides between equal times, so that all readers agree."""
    return entries.sort_values(["committed", "commit"], kind="stable").drop_duplicates("uri", keep="last")


def _by_stem(ledger: Ledger) -> Iterator[tuple[str, set[str]]]:
    for stem, group in ledger.current.groupby("stem", sort=True):
        yield str(stem), set(group.index)


def _made_by(routes: Mapping[str, str], text: str) -> bool:
    return all(routes.get(key) == identity for key, identity in json.loads(text).items())


def _only(table: pa.Table, uris: set[str]) -> pa.Table:
    return table.filter(pc.is_in(table["media_uri"], value_set=pa.array(sorted(uris), pa.string())))


def _is_commit(key: str) -> bool:
    return key.endswith(".json")


def _commit_name(uri: str) -> str:
    return uri.rsplit("/", 1)[-1].removesuffix(".json")
