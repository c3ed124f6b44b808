"""Small files of shards made into large ones: rows are copied, and a new commit points the media to the copy.

Files are never rewritten. The copies are written first (logits, quarantine, texts, scores), the commit that names them
last; a crash before it leaves orphans. The old files, which nobody needs then, go when the grace period is over. The
commit bears the moment of the newest entry that it copies, and a microsecond: whatever a run has committed of these
media since, seen or not, is newer and stands. So only settled entries are copied.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from actors.contract import ModelSpec
from infra.errors import InputError
from infra.storage import Store
from tasks.housekeeping.inventory import Limits, TableFile
from tasks.housekeeping.shards import Shards
from tasks.ledger import Commit, Entry, shard_id
from tasks.records.parts import Record
from tasks.store import ResultsStore
from tasks.tables import from_parquet, model_specs, to_parquet, with_specs
from tasks.texts.tables import TEXT_SHA256

_READERS = 8
_PARQUET = "application/vnd.apache.parquet"


@dataclass(frozen=True)
class Sizes:
    """What is small, and what is large enough: a shard is also what texts are read and decisions are made by.

    Attributes:
        small_bytes: Of a shard's logits and quarantine, below which it is merged with others.
        large_bytes, large_rows: Of a merged shard, at most.
        at_least: Shards that are merged into one, or it is not worth it.
    """

    small_bytes: int = 2**20
    large_bytes: int = 8 * 2**20
    large_rows: int = 10_000
    at_least: int = 8


class Compaction(Record):
    """Shards that become one.

    Attributes:
        stems: Of the shards. decisions, texts: Whose files all of them have, and so the merged one will.
        media, rows, size: What is copied; bytes of the small files of logits and quarantine.
    """

    fingerprint: str
    stems: tuple[str, ...]
    decisions: tuple[str, ...]
    texts: tuple[str, ...]
    media: int
    rows: int
    size: int


def plan_compactions(
    shards: Shards, files: Iterable[TableFile], limits: Limits, sizes: Sizes | None = None
) -> list[Compaction]:
    """Find the small shards of a configuration that may be merged, the oldest first.

    Args:
        shards: What its commits say.
        files: Of its tables.
        limits: How old an entry must be to be copied.
        sizes: What is small.
    """
    sizes = sizes or Sizes()
    places = _places(files)
    groups: dict[frozenset[str], list[_Small]] = {}
    for each in _small(shards, places, limits, sizes):
        groups.setdefault(places[each.stem].texts, []).append(each)
    packs = [pack for group in groups.values() for pack in _packed(group, sizes)]
    return [_compaction(shards.results.fingerprint, pack, places) for pack in packs if len(pack) >= sizes.at_least]


def compact(store: Store, shards: Shards, planned: Compaction, run_id: str) -> Commit:
    """Merge the shards: copies first, the commit last.

    Args:
        store: Where to.
        shards: What was known when it was planned.
        planned: What to merge.
        run_id: Of the housekeeping.

    Raises:
        InputError: The files do not hold what the commits say of them, and nothing was committed.
    """
    results, rows = shards.results, _entries(shards, planned.stems)
    entries = [shards.ledger.entry(str(uri)) for uri in rows.index]
    tables = {"logits": _logits(results, entries), "quarantine": _quarantine(store, results, entries)}
    files = {name: to_parquet(table) for name, table in tables.items() if table is not None}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    name = shard_id(planned.fingerprint, {}, [(each.uri, each.etag, each.stem) for each in entries])
    stem = stem_of(name, hashes)
    for table, data in files.items():
        store.put_bytes(results.table_uri(table, stem), data, _PARQUET)
    _copy_derived(store, results, planned, entries, stem)
    commit = Commit(
        id=name,
        run_id=run_id,
        committed=_just_after(rows["committed"]),
        fingerprint=planned.fingerprint,
        media=tuple(entry.model_copy(update={"stem": stem}) for entry in entries),
        sha256=hashes,
    )
    uri = f"{results.folder_uri('commits')}/{name}.json"
    store.put_bytes(uri, commit.model_dump_json().encode(), "application/json")
    return commit


def stem_of(commit_id: str, hashes: Mapping[str, str]) -> str:
    """The stem of a commit's own files, as `ResultsStore.commit` makes it."""
    return f"{commit_id}.{hashlib.sha256(json.dumps(dict(sorted(hashes.items()))).encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class _Small:
    """A shard that may be merged: its media, rows and bytes."""

    stem: str
    media: int
    rows: int
    size: int


@dataclass(frozen=True)
class _Place:
    """What there is of a stem."""

    size: int
    decisions: frozenset[str]
    texts: frozenset[str]


def _places(files: Iterable[TableFile]) -> dict[str, _Place]:
    own: dict[str, list[TableFile]] = {}
    for each in files:
        own.setdefault(each.stem, []).append(each)
    return {
        stem: _Place(
            size=sum(each.found.size for each in group if each.table in ("logits", "quarantine")),
            decisions=frozenset(each.name or "" for each in group if each.table == "scores"),
            texts=frozenset(each.name or "" for each in group if each.table == "texts"),
        )
        for stem, group in own.items()
    }


def _entries(shards: Shards, stems: Iterable[str]) -> pd.DataFrame:
    """The newest entries that have files under these stems, in the order of their media."""
    entries = shards.ledger.entries
    with_files = (entries["rows"] > 0) | (entries["faults"] > 0)
    return entries[with_files & entries["stem"].isin(list(stems))].sort_index()


def _small(shards: Shards, places: Mapping[str, _Place], limits: Limits, sizes: Sizes) -> list[_Small]:
    """Every small and settled shard, the oldest first."""
    entries = _entries(shards, places)
    found = []
    for stem, group in entries.groupby("stem"):
        size, rows = places[str(stem)].size, int(group["rows"].sum())
        settled = datetime.fromisoformat(group["committed"].max()) < limits.settled
        if settled and size < sizes.small_bytes and rows < sizes.large_rows:
            found.append((str(group["committed"].min()), _Small(str(stem), len(group), rows, size)))
    return [each for _, each in sorted(found, key=lambda pair: (pair[0], pair[1].stem))]


def _packed(stems: Iterable[_Small], sizes: Sizes) -> list[list[_Small]]:
    packs: list[list[_Small]] = [[]]
    for each in stems:
        rows = sum(other.rows for other in packs[-1]) + each.rows
        size = sum(other.size for other in packs[-1]) + each.size
        if packs[-1] and (rows > sizes.large_rows or size > sizes.large_bytes):
            packs.append([])
        packs[-1].append(each)
    return packs


def _compaction(fingerprint: str, pack: Sequence[_Small], places: Mapping[str, _Place]) -> Compaction:
    with_rows = [places[each.stem] for each in pack if each.rows]
    decided = [each.decisions for each in with_rows]
    return Compaction(
        fingerprint=fingerprint,
        stems=tuple(each.stem for each in pack),
        decisions=tuple(sorted(frozenset.intersection(*decided))) if decided else (),
        texts=tuple(sorted(with_rows[0].texts)) if with_rows else (),
        media=sum(each.media for each in pack),
        rows=sum(each.rows for each in pack),
        size=sum(each.size for each in pack),
    )


def _logits(results: ResultsStore, entries: Sequence[Entry]) -> pa.Table | None:
    tables = _read(results.logits, _stems(entries, "rows"))
    merged = _merged(tables, entries, "rows")
    return None if merged is None else with_specs(merged, _specs(tables))


def _quarantine(store: Store, results: ResultsStore, entries: Sequence[Entry]) -> pa.Table | None:
    uris = [results.table_uri("quarantine", stem) for stem in _stems(entries, "faults")]
    return _merged(_read(lambda uri: from_parquet(store.get_bytes(uri)), uris), entries, "faults")


def _copy_derived(
    store: Store, results: ResultsStore, planned: Compaction, entries: Sequence[Entry], stem: str
) -> None:
    """Texts and scores, of the same rows as the logits."""
    stems = _stems(entries, "rows")
    for text in planned.texts if stems else ():
        tables = _read(partial(results.texts, text=text), stems)
        merged = _merged(tables, entries, "rows")
        results.write_texts(stem, text, with_specs(merged, _specs(tables), TEXT_SHA256))
    for decision in planned.decisions if stems else ():
        uris = [results.table_uri("scores", each, decision) for each in stems]
        tables = _read(lambda uri: from_parquet(store.get_bytes(uri)), uris)
        results.write_scores(stem, decision, _merged(tables, entries, "rows"))


def _read(read: Callable[[str], pa.Table], names: Sequence[str]) -> list[pa.Table]:
    with ThreadPoolExecutor(_READERS) as readers:
        return list(readers.map(read, names))


def _stems(entries: Sequence[Entry], count: str) -> list[str]:
    return sorted({each.stem for each in entries if getattr(each, count)})


def _specs(tables: Iterable[pa.Table]) -> dict[str, ModelSpec]:
    return {sha: spec for table in tables for sha, spec in model_specs(table).items()}


def _merged(tables: Sequence[pa.Table], entries: Sequence[Entry], count: str) -> pa.Table | None:
    """The rows of these media, one file after the other, if they are as many as the entries say."""
    expected = {each.uri: getattr(each, count) for each in entries if getattr(each, count)}
    if not expected:
        return None
    by_stem = {stem: [each.uri for each in entries if each.stem == stem] for stem in _stems(entries, count)}
    kept = [_only(table, uris) for table, uris in zip(tables, by_stem.values(), strict=True)]
    merged = pa.concat_tables([table.replace_schema_metadata(None) for table in kept], promote_options="default")
    found = {each["values"]: each["counts"] for each in pc.value_counts(merged["media_uri"]).to_pylist()}
    wrong = sorted(uri for uri in expected.keys() | found.keys() if expected.get(uri) != found.get(uri))
    if wrong:
        raise InputError(
            f"{wrong[0]} has {found.get(wrong[0], 0)} rows in its files, {expected.get(wrong[0], 0)} by its commit; "
            "nothing was merged: `seraph housekeeping --deep` says what is damaged"
        )
    return merged


def _only(table: pa.Table, uris: Sequence[str]) -> pa.Table:
    return table.filter(pc.is_in(table["media_uri"], value_set=pa.array(uris, pa.string())))


def _just_after(committed: "pd.Series[str]") -> str:
    newest = max(datetime.fromisoformat(each) for each in committed)
    return (newest + timedelta(microseconds=1)).astimezone(UTC).isoformat(timespec="microseconds")
