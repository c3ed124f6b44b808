"""Label files in a store → a snapshot. What has not changed since the last one is not read again.

Owns which objects are label files, and what of a line counts. The formats are tasks/labels'.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Protocol

from actors.contract import TAXONOMY
from infra.errors import InputError, ObjectChanged, ObjectMissing
from infra.location import Location
from infra.storage import ObjectInfo
from tasks.hashes import short_hash
from tasks.labels import MAX_PROBLEMS_SHARE, Problem
from tasks.labels.problems import LineFault, ProblemKind
from tasks.labels.ratings import MAX_RATERS
from tasks.labels.rows import Row, label_of, milliseconds, read_rows, text_of
from tasks.labels.text import check_size
from tasks.labels.words import LabelWords
from tasks.watch.snapshot import Key, LabelFile, Said, Snapshot, hash_of_aliases

SUFFIXES = frozenset({".csv", ".json", ".jsonl", ".ndjson", ".parquet", ".tsv"})
"""Of label files, lower case; other objects under the prefix are left alone."""

_OURS = re.compile(r"labels/[0-9a-f]{16}/")
"""Where snapshots lie in a results store (archive.py): they are no label files, should somebody watch that place."""


class LabelStore(Protocol):
    """What is needed of `infra.storage.Store`."""

    def list(self, location: Location) -> Iterator[ObjectInfo]:
        """Stream the objects of a folder."""
        ...

    def get_bytes(self, uri: str, *, if_match: str | None = None) -> bytes:
        """The whole object."""
        ...


def take_snapshot(
    store: LabelStore, labels: str, aliases: Mapping[str, str | None], known: Snapshot | None = None
) -> Snapshot:
    """Read the label files under a prefix. One that cannot be read is named, and takes nothing from the others.

    Args:
        store: Where they lie.
        labels: `s3://bucket/prefix`, or one file.
        aliases: Further label words.
        known: An earlier snapshot of the same place.

    Raises:
        StoreError: The store cannot be reached.
        ConfigError: An alias for something outside the taxonomy.
    """
    words, name = LabelWords(aliases), hash_of_aliases(aliases)
    fits = known is not None and (known.labels, known.aliases) == (labels, name)
    before = {each.uri: each for each in known.files} if known and fits else {}
    listed = sorted((each for each in store.list(Location.parse(labels)) if _is_label_file(each)), key=lambda o: o.uri)
    files = tuple(_file(store, each, words, before.get(each.uri)) for each in listed)
    return Snapshot(labels=labels, aliases=name, files=files)


def _is_label_file(found: ObjectInfo) -> bool:
    return PurePosixPath(found.key).suffix.lower() in SUFFIXES and not _OURS.search(found.key)


def _file(store: LabelStore, found: ObjectInfo, words: LabelWords, before: LabelFile | None) -> LabelFile:
    if before and found.etag and (before.etag, before.size) == (found.etag, found.size):
        return before
    try:
        check_size(found.size, found.uri)
        rows, unusable = _rows(store.get_bytes(found.uri, if_match=found.etag or None), found.uri, words)
    except (ObjectMissing, ObjectChanged):
        # The next look finds it as it is then.
        problem = "it was replaced or removed while it was read"
        return LabelFile(uri=found.uri, etag="", size=found.size, rows=before.rows if before else (), problem=problem)
    except InputError as error:
        return LabelFile(uri=found.uri, etag=found.etag, size=found.size, problem=str(error))
    return LabelFile(uri=found.uri, etag=found.etag, size=found.size, rows=rows, unusable=unusable)


def _rows(data: bytes, name: str, words: LabelWords) -> tuple[tuple[Said, ...], int]:
    """What a file says, and how many of its lines cannot be used: as an evaluation reads it (tasks/labels/reading.py).

    Raises:
        InputError: It cannot be read, or too many of its lines cannot.
    """
    said: dict[Key, Said | None] = {}
    lines = broken = outside = 0
    for row in read_rows(data, name):
        lines += 1
        try:
            each = None if isinstance(row, Problem) else _said(row, words)
            broken += isinstance(row, Problem)
        except LineFault as fault:
            outside += fault.kind is ProblemKind.LABEL_OUTSIDE
            broken += fault.kind is not ProblemKind.LABEL_OUTSIDE
            continue
        if each is not None:
            broken += _contradicts(said, each)
    if broken > MAX_PROBLEMS_SHARE * lines:
        raise InputError(f"{broken} of {lines} lines cannot be used, {MAX_PROBLEMS_SHARE:.0%} may be: correct the file")
    if len({rater for *_, rater in said}) > MAX_RATERS:
        raise InputError(f"it names more than {MAX_RATERS:,} raters: `rater` must hold a word for each person")
    return tuple(each for each in said.values() if each is not None), broken + outside


def _contradicts(said: dict[Key, Said | None], each: Said) -> int:
    """Note it, and count lines that contradict each other: none of them counts, whichever came first."""
    earlier = said.setdefault(each.key, each)
    if earlier is None:
        return 1
    if earlier.emotion == each.emotion:
        return 0
    said[each.key] = None
    return 2


def _said(row: Row, words: LabelWords) -> Said | None:
    code = words.code(label_of(row.values))
    if code is None:
        return None
    speaker, language, text, rater = (
        text_of(row.values, column) for column in ("speaker", "language", "text", "rater")
    )
    place = (row.media, milliseconds(row.start_s), milliseconds(row.end_s))
    return Said(*place, rater, TAXONOMY[code], *map(_short, (speaker, language, text)))


def _short(value: str | None) -> str | None:
    return None if value is None else short_hash(value)[:8]
