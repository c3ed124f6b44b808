"""Whether the store holds what the records say: commits' files, runs' outputs, the current configuration, the index.

Without `deep` it looks at listings only; with it, every needed file is read, hashed and counted. Whatever is wrong is a
`Fault`, with the media that it concerns and what to do. `reopen` is what is done about lost rows: a new commit says
that these media are to be tried again, and the next run scores them.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import BinaryIO

import pandas as pd
import pyarrow.parquet as pq

from infra.errors import ConfigError
from infra.shelf import StoreShelf
from infra.storage import Store
from tasks.housekeeping.compaction import stem_of
from tasks.housekeeping.inventory import Inventory, Limits, TableFile
from tasks.housekeeping.retention import RunSketch
from tasks.housekeeping.shards import Shards, needed_stems
from tasks.ledger import Entry, frame_of, newest, shard_id
from tasks.promotion.current import Promotions
from tasks.records.parts import Record

_MOST_MEDIA = 20
_PIECE = 2**20
_COUNTED = {"logits": "rows", "quarantine": "faults"}
_SAME = ["uri", "etag", "outcome", "rows", "faults"]

RESCORE = "`seraph housekeeping --verify --apply` marks these media, and the next `seraph score` hears them again"


class Fault(Record):
    """Something that the records say, and the store does not hold.

    Attributes:
        kind: `lost` (rows of current media), `lost_earlier` (of media that were scored anew since), `unreadable`,
            `index`, `run`, `current`.
        what: In words, with the file.
        media: The first few of `media_count` media that it concerns.
        remedy: What to do.
    """

    kind: str
    what: str
    remedy: str
    media: tuple[str, ...] = ()
    media_count: int = 0
    fingerprint: str | None = None
    stem: str | None = None


def verify_shards(
    store: Store, shards: Shards, files: Iterable[TableFile], limits: Limits, *, deep: bool = False
) -> list[Fault]:
    """Look for the files of a configuration's commits, and for an index that says something else.

    Args:
        store: To read from, with `deep`.
        shards: What the commits say.
        files: Of its tables, as they are listed.
        limits: What is younger than the grace period may be under way, and is not held against the index.
        deep: Whether to read, hash and count them.
    """
    found = {(each.table, each.stem): each for each in files if each.table in _COUNTED}
    hashes = {stem_of(commit.id, commit.sha256): commit.sha256 for commit, _ in shards.commits} if deep else {}
    faults = []
    for (table, stem), entries in _expected(shards).items():
        file = found.get((table, stem))
        # A shard that was committed behind the listing is there all the same.
        if file is None or not file.found.size:
            problem = None if store.exists(shards.results.table_uri(table, stem)) and file is None else "is not there"
        else:
            problem = _problem(store, file, hashes.get(stem, {}).get(table), entries) if deep else None
        if problem:
            faults.append(_lost(shards, table, stem, entries, problem))
    return [*faults, *_index_faults(shards, limits)]


def verify_runs(inventory: Inventory, kept: Iterable[RunSketch]) -> Iterator[Fault]:
    """Look for the reports and the scores of the runs whose records stand."""
    scored = {(each.fingerprint, each.name) for each in inventory.tables if each.table == "scores"}
    for run in kept:
        names = {each.uri.rsplit("/", 1)[-1] for each in inventory.runs[run.run_id]}
        if "report.html" not in names:
            yield Fault(kind="run", what=f"run {run.run_id} has no report.html", remedy="score again for a new report")
        if run.corpus.get("segments") and (run.fingerprint, run.decision) not in scored:
            what = f"run {run.run_id} names scores of the decision {run.decision}, and there are none"
            remedy = "`seraph score` or `seraph export` makes them again from stored logits, without a model"
            yield Fault(kind="run", what=what, remedy=remedy, fingerprint=run.fingerprint)


def verify_current(store: Store, inventory: Inventory) -> Iterator[Fault]:
    """Look for the configuration that is current, and whether its bytes are those that were promoted."""
    promotions = Promotions(StoreShelf(store, inventory.location))
    try:
        standing = promotions.current()
        if standing is not None:
            promotions.config(standing.hash)
    except ConfigError as error:
        yield Fault(kind="current", what=str(error), remedy="`seraph promote` a configuration, or --rollback")


def reopen(shards: Shards, faults: Iterable[Fault], run_id: str) -> int:
    """Mark the media whose rows are lost, so that the next run scores them again.

    Returns:
        How many media.
    """
    stems = {each.stem for each in faults if each.kind == "lost" and each.fingerprint == shards.results.fingerprint}
    rows = shards.ledger.entries
    entries = [_again(shards.ledger.entry(str(uri))) for uri in rows.index[rows["stem"].isin(stems)]]
    if entries:
        name = shard_id(shards.results.fingerprint, {}, [(each.uri, each.etag, run_id) for each in entries])
        shards.results.commit(name, run_id, entries)
    return len(entries)


def _expected(shards: Shards) -> dict[tuple[str, str], pd.DataFrame]:
    """By table and stem, the entries that say it has rows."""
    every = frame_of([commit for commit, _ in shards.commits])
    entries = pd.concat([shards.ledger.entries.reset_index(), every])
    # What only a reader of earlier commits may still ask for is no loss to anybody who begins now.
    needed = entries[entries["stem"].isin(needed_stems(entries))].drop_duplicates(["uri", "stem"])
    return {
        (table, str(stem)): group
        for table, count in _COUNTED.items()
        for stem, group in needed[needed[count] > 0].groupby("stem")
    }


def _problem(store: Store, file: TableFile, expected: str | None, entries: pd.DataFrame) -> str | None:
    """What is wrong with the contents of a file. `expected`: its sha256, None where its own commit was written over."""
    with store.fetch(file.found.uri) as content:
        sha256 = _sha256(content)
        if expected not in (None, sha256):
            return f"has other bytes than were committed (sha256 {sha256[:16]}…, not {expected[:16]}…)"
        content.seek(0)
        found = Counter(pq.read_table(content, columns=["media_uri"])["media_uri"].to_pylist())
    counts = zip(entries["uri"], entries[_COUNTED[file.table]], strict=True)
    wrong = [(uri, count) for uri, count in counts if found.get(uri, 0) != count]
    return f"has {found.get(wrong[0][0], 0)} rows of {wrong[0][0]}, not {wrong[0][1]}" if wrong else None


def _sha256(content: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := content.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _lost(shards: Shards, table: str, stem: str, entries: pd.DataFrame, problem: str) -> Fault:
    current = shards.ledger.entries
    standing = sorted(uri for uri in entries["uri"] if uri in current.index and current.loc[uri, "stem"] == stem)
    remedy = RESCORE if standing else "nothing, unless an earlier configuration is surveyed: then score with it again"
    return Fault(
        kind="lost" if standing else "lost_earlier",
        what=f"{shards.results.table_uri(table, stem)} {problem}",
        remedy=remedy,
        media=tuple(standing[:_MOST_MEDIA]),
        media_count=len(standing),
        fingerprint=shards.results.fingerprint,
        stem=stem,
    )


def _index_faults(shards: Shards, limits: Limits) -> Iterator[Fault]:
    """An index is read instead of the commits that it covers: it must say the same."""
    said = shards.ledger.entries.reset_index()
    true = newest(frame_of([commit for commit, _ in shards.commits]))
    both = said[_SAME].merge(true[_SAME], how="outer", indicator=True)
    times = pd.concat([said, true])[["uri", "committed"]].itertuples(index=False)
    fresh = {uri for uri, committed in times if datetime.fromisoformat(committed) >= limits.settled}
    wrong = sorted(set(both[both["_merge"] != "both"]["uri"]) - fresh)
    if wrong:
        yield Fault(
            kind="index",
            what=f"{shards.results.folder_uri('index')} says something else than the commits",
            remedy="remove the files of that folder: the next run reads all commits, and writes a new index",
            media=tuple(wrong[:_MOST_MEDIA]),
            media_count=len(wrong),
            fingerprint=shards.results.fingerprint,
        )


def _again(entry: Entry) -> Entry:
    """A medium as if it had failed for a passing reason, and was never tried: the next run takes it."""
    gone = entry.outcome == "removed"
    outcome = {"outcome": "removed", "before": "quarantined"} if gone else {"outcome": "quarantined"}
    return entry.model_copy(update={**outcome, "transient": True, "attempts": 0, "rows": 0, "faults": 0, "stem": ""})
