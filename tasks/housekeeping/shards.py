"""What one configuration's commits say, and so which of its files are needed.

A file is needed where its stem stands in the newest entry of a medium (also of one that is gone: it may come back), or
in the newest that some routes made of it (`ResultsStore.ledger_of`), now or at the end of the grace period: a reader
that began since may have read the commits of then. Commits themselves are never removed: they are the history.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from pydantic import ValidationError

from infra.errors import ConfigError
from infra.storage import ObjectInfo, Store
from tasks.housekeeping.inventory import Inventory, Limits
from tasks.ledger import Commit, Ledger, frame_of, newest
from tasks.store import ResultsStore

_READERS = 16


@dataclass(frozen=True, eq=False)
class Shards:
    """One configuration's commits.

    Attributes:
        results: Where they lie.
        ledger: The newest entry of each medium, as a run would read it.
        commits: Every commit, with the moment when it was written.
        needed: The stems whose files somebody may still read.
        named: The stems that any commit names, needed or not.
    """

    results: ResultsStore
    ledger: Ledger
    commits: tuple[tuple[Commit, datetime], ...]
    needed: frozenset[str]
    named: frozenset[str]


def read_shards(store: Store, inventory: Inventory, fingerprint: str, limits: Limits) -> Shards:
    """Read all commits of a configuration.

    Raises:
        ConfigError: A commit cannot be read: nothing may be concluded about the others' files then.
    """
    listed = inventory.commits.get(fingerprint, ())
    with ThreadPoolExecutor(_READERS) as readers:
        commits = tuple(readers.map(lambda each: (_read(store, each), each.modified), listed))
    results = open_results(store, inventory, fingerprint)
    ledger = results.ledger(compact=False)
    old = [commit for commit, written in commits if written < limits.settled]
    # The ledger besides: an index may know an entry whose commit was written over since.
    now = pd.concat([ledger.entries.reset_index(), frame_of([commit for commit, _ in commits])])
    needed = needed_stems(now) | needed_stems(frame_of(old))
    return Shards(results, ledger, commits, needed, frozenset(now["stem"]))


def open_results(store: Store, inventory: Inventory, fingerprint: str) -> ResultsStore:
    """The results store of one configuration."""
    return ResultsStore(store, inventory.location, fingerprint)


def needed_stems(entries: pd.DataFrame) -> frozenset[str]:
    """The stems that a reader of these entries may ask for (columns as `tasks.ledger.frame_of` has them)."""
    standing = newest(entries)
    standing = standing[(standing["rows"] > 0) | (standing["faults"] > 0)]
    scored = entries[(entries["outcome"] == "scored") & (entries["rows"] > 0)]
    by_routes = scored.sort_values(["committed", "commit"], kind="stable").drop_duplicates(
        ["uri", "routes"], keep="last"
    )
    return frozenset({*standing["stem"], *by_routes["stem"]} - {""})


def _read(store: Store, found: ObjectInfo) -> Commit:
    try:
        return Commit.model_validate_json(store.get_bytes(found.uri))
    except ValidationError as error:
        raise ConfigError(
            f"{found.uri} is no commit that this version can read; expected what `seraph score` writes: "
            "put it back, or use the version that wrote it. Nothing of this configuration is tidied until then"
        ) from error
