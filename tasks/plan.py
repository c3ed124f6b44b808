"""What a run has to do: list the media, subtract what is committed, cut the rest into shards. Reads no media."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import pandas as pd

from actors.contract import Medium, Span
from infra.storage import ObjectInfo
from tasks.config.scoring import MediaOptions
from tasks.labels import LabelledSpans
from tasks.records.parts import Snapshot
from tasks.store import Entry, Ledger, shard_id

# Bytes of one second, roughly, by suffix: only used to cut shards of about equal length.
_BYTES_PER_SECOND = {
    "wav": 96_000, "aif": 96_000, "aiff": 96_000, "flac": 60_000, "mp3": 20_000, "m4a": 16_000, "aac": 16_000,
    "ogg": 12_000, "oga": 12_000, "opus": 8_000, "wma": 16_000, "amr": 1_600, "mka": 24_000, "spx": 3_000,
    "wv": 60_000, "tta": 60_000, "w64": 96_000, "caf": 96_000, "au": 64_000, "ac3": 24_000, "eac3": 24_000,
    "dts": 96_000,
}  # fmt: skip
_VIDEO_BYTES_PER_SECOND = 250_000


@dataclass(frozen=True)
class Listing:
    """The objects under a prefix.

    Attributes:
        media: Columns etag and size (bytes), indexed by uri, sorted by uri.
        other: Objects that are no media, counted by suffix (`""` where there is none).
    """

    media: pd.DataFrame
    other: Mapping[str, int]


@dataclass(frozen=True)
class Shard:
    """What Prefect schedules: about an hour of audio.

    Attributes:
        attempts: How often each medium was tried, this time too.
        before: What is committed of media that are tried again.
    """

    id: str
    media: tuple[Medium, ...]
    attempts: tuple[int, ...]
    before: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        shards: What is to be scored.
        skipped: Media that are committed under the present configuration.
        removed: Tombstones of media that are gone from the listing.
        revived: Entries of media that had gone, and came back unchanged.
        other: Objects under the prefix that are no media, by suffix.
        given: The segments of a label file by uri, where it gives them.
        unfit: Names in that file that fit no medium, or several: one line each.
        snapshot: The media of the listing, all of them.
    """

    shards: tuple[Shard, ...]
    skipped: int
    removed: tuple[Entry, ...]
    revived: tuple[Entry, ...]
    other: Mapping[str, int]
    given: Mapping[str, tuple[Span, ...]] | None = None
    unfit: tuple[str, ...] = ()
    snapshot: Snapshot | None = None

    @property
    def media(self) -> int:
        """Media to score."""
        return sum(len(shard.media) for shard in self.shards)


def list_media(objects: Iterable[ObjectInfo], suffixes: Iterable[str]) -> Listing:
    """Sort the objects of a listing into media and others, by suffix."""
    wanted = frozenset(suffixes)
    other: Counter[str] = Counter()
    media = pd.DataFrame(_media_rows(objects, wanted, other), columns=["uri", "etag", "size"])
    media = media.astype({"uri": "str", "etag": "str", "size": "int64"})
    return Listing(media.drop_duplicates("uri").set_index("uri").sort_index(), dict(sorted(other.items())))


def make_plan(
    listing: Listing, ledger: Ledger, *, fingerprint: str, routes: Mapping[str, str], options: MediaOptions
) -> Plan:
    """Subtract from the listing what the ledger holds, and cut the rest into shards.

    Args:
        listing: The media as they are.
        ledger: The entries of media under the same prefix.
        fingerprint: The present configuration's.
        routes: Its route identities: a medium heard by another model than the present one is scored again.
        options: Shard sizes and the bound on attempts.
    """
    joined = listing.media.join(ledger.entries.rename(columns={"etag": "etag_known"}))
    same = joined["etag"] == joined["etag_known"]
    current = same & joined["routes"].isin(_current(routes, joined["routes"]))
    gone = joined["outcome"] == "removed"
    again = joined["transient"].eq(True) & (joined["attempts"] < options.attempts)
    done = current & ~gone & ~again
    revived = current & gone & ~again
    todo = joined[~done & ~revived]
    attempts = (todo["attempts"].where(same & again, 0).fillna(0) + 1).astype(int)
    media = [
        (Medium(str(uri), str(etag), int(size)), int(attempt))
        for uri, etag, size, attempt in zip(todo.index, todo["etag"], todo["size"], attempts, strict=True)
    ]
    retried = {str(uri): ledger.entry(str(uri)) for uri in joined.index[current & again & ~gone]}
    present = ledger.entries["outcome"] != "removed"
    absent = ledger.entries.index[present & ~ledger.entries.index.isin(listing.media.index)]
    return Plan(
        shards=tuple(_with_entries(shard, retried) for shard in _cut(media, fingerprint, routes, options)),
        skipped=int(done.sum() + revived.sum()),
        removed=tuple(_tombstone(ledger.entry(str(uri))) for uri in absent),
        revived=tuple(_revived(ledger.entry(str(uri))) for uri in joined.index[revived]),
        other=listing.other,
        snapshot=snapshot_of(listing),
    )


def snapshot_of(listing: Listing) -> Snapshot:
    """Name what was found by its content, as far as a listing knows it."""
    digest = hashlib.sha256()
    for uri, etag in zip(listing.media.index, listing.media["etag"], strict=True):
        digest.update(json.dumps([uri, etag]).encode())
    return Snapshot(sha256=digest.hexdigest(), media=len(listing.media), bytes=int(listing.media["size"].sum()))


def with_labels(plan: Plan, labels: LabelledSpans, listing: Listing) -> Plan:
    """Take the segments from a label file. Every listed medium has a say in what its names mean, not only new ones."""
    match = labels.match(listing.media.index)
    unfit = [each.told() for each in match.unmatched] + [each.told() for each in match.ambiguous]
    return replace(plan, given=labels.fitted(match), unfit=tuple(unfit))


def _media_rows(
    objects: Iterable[ObjectInfo], wanted: frozenset[str], other: Counter[str]
) -> Iterator[tuple[str, str, int]]:
    for each in objects:
        suffix = _suffix(each.key)
        if suffix in wanted and not PurePosixPath(each.key).name.startswith("._"):  # macOS's notes beside a file
            yield each.uri, each.etag, each.size
        else:
            other[suffix] += 1


def _current(routes: Mapping[str, str], stored: "pd.Series[str]") -> list[str]:
    """The distinct routes texts of which every model is still the one for its route."""
    return [
        text
        for text in stored.dropna().unique()
        if all(routes.get(key) == identity for key, identity in json.loads(text).items())
    ]


def _cut(
    media: Iterable[tuple[Medium, int]], fingerprint: str, routes: Mapping[str, str], options: MediaOptions
) -> Iterator[Shard]:
    limit = options.shard_hours * 3600
    shard: list[tuple[Medium, int]] = []
    seconds = 0.0
    for medium, attempt in media:
        length = _estimated_seconds(medium)
        if shard and (seconds + length > limit or len(shard) >= options.shard_media):
            yield _shard(shard, fingerprint, routes)
            shard, seconds = [], 0.0
        shard.append((medium, attempt))
        seconds += length
    if shard:
        yield _shard(shard, fingerprint, routes)


def _with_entries(shard: Shard, retried: Mapping[str, Entry]) -> Shard:
    return replace(shard, before=tuple(retried[each.uri] for each in shard.media if each.uri in retried))


def _shard(media: list[tuple[Medium, int]], fingerprint: str, routes: Mapping[str, str]) -> Shard:
    return Shard(
        shard_id(fingerprint, routes, [(medium.uri, medium.etag, attempt) for medium, attempt in media]),
        tuple(each for each, _ in media),
        tuple(attempt for _, attempt in media),
    )


def _estimated_seconds(medium: Medium) -> float:
    return medium.size / _BYTES_PER_SECOND.get(_suffix(medium.uri), _VIDEO_BYTES_PER_SECOND)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower().removeprefix(".")


def _tombstone(entry: Entry) -> Entry:
    return entry.model_copy(update={"outcome": "removed", "before": entry.outcome})


def _revived(entry: Entry) -> Entry:
    return entry.model_copy(update={"outcome": entry.before, "before": None})
