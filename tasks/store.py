"""The results store: where each table lies, and the commits that make shards exist.

    logits/config=<fingerprint>/shard=<stem>.parquet
    quarantine/config=<fingerprint>/shard=<stem>.parquet
    texts/config=<fingerprint>/text=<hash>/shard=<stem>.parquet
    scores/config=<fingerprint>/decision=<hash>/shard=<stem>.parquet
    commits/config=<fingerprint>/<id>.json
    index/config=<fingerprint>/<time>-<hash>.parquet
    runs/<run_id>/…

A stem is the commit's id and a hash of the files' bytes, so files are never rewritten, even where two runs score the
same shard at the same moment: each commit names its own files, and the one that stands refers to a whole set. Only a
commit makes a shard exist; it is written last. `Ledger` (tasks/ledger.py) is the sum of all commits.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from infra.location import Location
from infra.storage import Store
from tasks.ledger import Commit as Commit
from tasks.ledger import Entry as Entry
from tasks.ledger import Ledger as Ledger
from tasks.ledger import frame_of, made_by, newest
from tasks.ledger import shard_id as shard_id
from tasks.tables import SCORES, from_parquet, to_parquet

_READERS = 16
"""Commits and tables read at once: a store answers slowly, but to many."""

INDEX_EVERY = 64
"""Commits outside the index before a new index is written."""

_DERIVED = {"scores": "decision", "texts": "text"}
"""Tables that are made of a shard's logits at any time, and what their folders are named by."""


class ResultsStore:
    """One results location, for one fingerprint."""

    def __init__(self, store: Store, location: Location, fingerprint: str, *, index_every: int = INDEX_EVERY) -> None:
        self._store = store
        self._index_every = index_every
        self.location = location
        self.fingerprint = fingerprint

    # -- addresses ---------------------------------------------------------------------------------------------------

    def table_uri(self, table: str, stem: str, name: str | None = None) -> str:
        """Where a shard's file of `logits`, `quarantine`, `scores` or `texts` lies."""
        return f"{self.folder_uri(table, name)}/shard={stem}.parquet"

    def folder_uri(self, table: str, name: str | None = None) -> str:
        """The folder of a table's files; `scores` by the decision's name, `texts` by the text identity's."""
        below = f"/{_DERIVED[table]}={name}" if name else ""
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

    def write_texts(self, stem: str, text: str, texts: pa.Table) -> None:
        """Write the texts of a shard's segments: once, and whole."""
        self._put_parquet(self.table_uri("texts", stem, text), texts)

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
            frames = [index, *(frame_of([Commit.model_validate_json(data)]) for data in read)]
        entries = newest(pd.concat(frames) if len(frames) > 1 else index)
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
        entries = frame_of(commits)
        standing = newest(entries).set_index("uri")
        made = pd.Series([made_by(routes, text) for text in entries["routes"]], entries.index, dtype=bool)
        own = newest(entries[made & (entries["outcome"] == "scored") & (entries["rows"] > 0)]).set_index("uri")
        now = standing.loc[own.index]
        return Ledger(own[(now["etag"] == own["etag"]) & (now["outcome"] != "removed")])

    def logits(self, stem: str) -> pa.Table:
        """A shard's `logits` rows, with the models' specs in the metadata."""
        return from_parquet(self._store.get_bytes(self.table_uri("logits", stem)))

    def texts(self, stem: str, text: str) -> pa.Table:
        """A shard's `texts` rows, with the text models' specs in the metadata."""
        return from_parquet(self._store.get_bytes(self.table_uri("texts", stem, text)))

    def scored_stems(self, decision: str) -> set[str]:
        """The stems whose scores under this decision are written."""
        return self._stems("scores", decision)

    def text_stems(self, text: str) -> set[str]:
        """The stems whose texts are written."""
        return self._stems("texts", text)

    def current_scores(self, ledger: Ledger, decision: str, otherwise: str | None = None) -> Iterator[pa.Table]:
        """The current table, a shard at a time: of each medium the rows of its newest commit, each once.

        Args:
            ledger: Which media.
            decision: Under which name.
            otherwise: Under which name where a shard has no scores under the first: by audio alone, until its texts
                are there.
        """
        there = None if otherwise in (None, decision) else self.scored_stems(decision)
        for stem, uris in _by_stem(ledger):
            name = decision if there is None or stem in there else otherwise
            table = from_parquet(self._store.get_bytes(self.table_uri("scores", stem, name)))
            yield _only(table, uris).select(SCORES.names)

    def current_texts(self, ledger: Ledger, text: str) -> Iterator[pa.Table]:
        """The texts of the current table, a shard at a time; a shard that has none yet is left out."""
        there = self.text_stems(text)
        for stem, uris in _by_stem(ledger):
            if stem in there:
                yield _only(self.texts(stem, text), uris)

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
            return frame_of([]), set()
        table = from_parquet(self._store.get_bytes(found[-1]))
        return table.to_pandas(), set(json.loads(table.schema.metadata[_COVERED]))

    def _write_index(self, entries: pd.DataFrame, covered: set[str]) -> None:
        table = pa.Table.from_pandas(entries, preserve_index=False)
        table = table.replace_schema_metadata({_COVERED: json.dumps(sorted(covered))})
        data = to_parquet(table)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{hashlib.sha256(data).hexdigest()[:8]}"
        self._store.put_bytes(f"{self.folder_uri('index')}/{name}.parquet", data, "application/vnd.apache.parquet")

    def _stems(self, table: str, name: str) -> set[str]:
        listed = self._store.list(Location.parse(self.folder_uri(table, name)))
        names = (each.key.rsplit("/", 1)[-1] for each in listed)
        return {name.removeprefix("shard=").removesuffix(".parquet") for name in names if name.startswith("shard=")}

    def _put_parquet(self, uri: str, table: pa.Table) -> None:
        self._store.put_bytes(uri, to_parquet(table), "application/vnd.apache.parquet")


_COVERED = b"seraph.commits"


def _by_stem(ledger: Ledger) -> Iterator[tuple[str, set[str]]]:
    for stem, group in ledger.current.groupby("stem", sort=True):
        yield str(stem), set(group.index)


def _only(table: pa.Table, uris: set[str]) -> pa.Table:
    return table.filter(pc.is_in(table["media_uri"], value_set=pa.array(sorted(uris), pa.string())))


def _is_commit(key: str) -> bool:
    return key.endswith(".json")


def _commit_name(uri: str) -> str:
    return uri.rsplit("/", 1)[-1].removesuffix(".json")
