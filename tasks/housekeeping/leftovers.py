"""Files that nobody needs any more: orphans of killed runs, superseded shards, stale scores, older indexes, uploads.

Scores are made of logits at any time, without a model: those of a decision that no kept run names may go, once nothing
was added to them for as long as runs are kept. Where a kept run reads texts, all decisions of its configuration stay:
its record names only one of the two that it reads.
"""

from collections.abc import Iterator, Mapping

from infra.errors import StoreError
from infra.storage import Store, UploadInfo
from tasks.housekeeping.inventory import OWN_FOLDERS, Inventory, Limits, Removal, TableFile
from tasks.housekeeping.retention import Runs
from tasks.housekeeping.shards import Shards

ORPHAN = "no commit names it"
SUPERSEDED = "superseded by a later commit"
STALE_SCORES = "scores of a decision that no kept run names"
OLD_INDEX = "an index before the last"
UNFINISHED = "unfinished upload"

_INDEXES_KEPT = 2


def unneeded_files(inventory: Inventory, shards: Mapping[str, Shards], limits: Limits) -> Iterator[Removal]:
    """Settled files of shards that no reader can ask for.

    Args:
        inventory: What is there.
        shards: By fingerprint. A configuration that is missing here is left alone.
        limits: How old they must be.
    """
    for each in inventory.tables:
        own = shards.get(each.fingerprint)
        if own is not None and each.stem not in own.needed and each.found.modified < limits.settled:
            yield _removal(each, SUPERSEDED if each.stem in own.named else ORPHAN)


def stale_scores(inventory: Inventory, shards: Mapping[str, Shards], runs: Runs, limits: Limits) -> Iterator[Removal]:
    """Scores under decisions that nobody names, of shards that are needed."""
    if runs.unread:
        return
    named = {(run.fingerprint, run.decision) for run in runs.kept}
    with_texts = {run.fingerprint for run in runs.kept if run.text is not None}
    groups: dict[tuple[str, str | None], list[TableFile]] = {}
    for each in inventory.tables:
        if each.table == "scores" and each.fingerprint in shards and each.fingerprint not in with_texts:
            groups.setdefault((each.fingerprint, each.name), []).append(each)
    for key, files in groups.items():
        if key not in named and max(each.found.modified for each in files) < limits.expired:
            yield from (_removal(each, STALE_SCORES) for each in files if each.stem in shards[key[0]].needed)


def old_indexes(inventory: Inventory, limits: Limits) -> Iterator[Removal]:
    """Indexes behind the newest ones: a reader takes the newest that it finds."""
    for files in inventory.indexes.values():
        for each in files[:-_INDEXES_KEPT]:
            if each.modified < limits.settled:
                yield Removal(uri=each.uri, reason=OLD_INDEX, size=each.size)


def unfinished_uploads(store: Store, inventory: Inventory, limits: Limits) -> tuple[list[UploadInfo], str | None]:
    """Settled uploads of Seraph's own files that were never finished, or why they cannot be listed."""
    found: list[UploadInfo] = []
    try:
        for folder in OWN_FOLDERS:
            found += [
                each for each in store.list_uploads(inventory.location.join(folder)) if each.begun < limits.settled
            ]
    except StoreError as error:
        return [], f"unfinished uploads are not looked for: {error}"
    return found, None


def _removal(file: TableFile, reason: str) -> Removal:
    return Removal(uri=file.found.uri, reason=reason, size=file.found.size)
