"""A results store whose clock the test turns, what runs leave in it, and everything that a reader can get out of it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, BinaryIO, cast

import pyarrow as pa

from actors.contract import Medium
from infra.errors import ObjectMissing, StoreError
from infra.location import Location
from infra.storage import ObjectInfo, Store, UploadInfo
from tasks.housekeeping import HousekeepingRecord
from tasks.numerics.decision import Decision
from tasks.store import Commit, Entry, ResultsStore
from tasks.tables import Decisions, logits_table, quarantine_table, scores_table
from tasks.texts.tables import TEXTS
from tests.support.records import run_record
from tests.support.results import LABEL_MAP, SPECS, fault, scored, segment

RESULTS = Location("results", "out")
DECISIONS = Decisions("d0", Decision(label_map=LABEL_MAP), {})
START = datetime(2026, 1, 1, 12, tzinfo=UTC)


class HouseStore:
    """Objects in memory with the moment of their writing; after `crash_after` changes, every further one fails."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.now = START
        self.uploads: list[UploadInfo] = []
        self.changes = 0
        self.crash_after: int | None = None

    def copy(self) -> "HouseStore":
        """The same objects at the same moment."""
        other = HouseStore()
        other.objects, other.now, other.uploads = dict(self.objects), self.now, list(self.uploads)
        return other

    def pass_hours(self, hours: float) -> None:
        """Turn the clock."""
        self.now += timedelta(hours=hours)

    def list(self, location: Location) -> Iterator[ObjectInfo]:
        """Stream the objects of a folder."""
        for uri, (data, modified) in sorted(self.objects.items()):
            if uri.startswith(f"{location.uri}/"):
                yield ObjectInfo(uri, Location.parse(uri).key, len(data), str(hash(data)), modified)

    def get_bytes(self, uri: str, *, if_match: str | None = None) -> bytes:
        """The whole object."""
        if uri not in self.objects:
            raise ObjectMissing(uri)
        return self.objects[uri][0]

    @contextmanager
    def fetch(self, uri: str, **_: Any) -> Iterator[BinaryIO]:
        """The whole object, as a file."""
        yield BytesIO(self.get_bytes(uri))

    def exists(self, uri: str) -> bool:
        """Whether there is such an object."""
        return uri in self.objects

    def put_bytes(self, uri: str, data: bytes, content_type: str = "") -> None:
        """Write an object."""
        self._change()
        self.objects[uri] = (data, self.now)

    def delete(self, uris: Iterable[str]) -> None:
        """Delete objects."""
        for uri in uris:
            self._change()
            self.objects.pop(uri, None)

    def list_uploads(self, location: Location) -> Iterator[UploadInfo]:
        """Stream the unfinished uploads of a folder."""
        return (each for each in list(self.uploads) if each.uri.startswith(f"{location.uri}/"))

    def abort_upload(self, upload: UploadInfo) -> None:
        """Give one up."""
        self._change()
        self.uploads.remove(upload)

    def _change(self) -> None:
        if self.crash_after is not None and self.changes >= self.crash_after:
            raise StoreError("the test has pulled the plug")
        self.changes += 1


def as_store(store: HouseStore) -> Store:
    """For what is typed by the real one."""
    return cast(Store, store)


def opened(store: HouseStore, fingerprint: str = "f0") -> ResultsStore:
    """The results of a configuration, as a run opens them."""
    return ResultsStore(as_store(store), RESULTS, fingerprint, index_every=5)


def commit(
    store: HouseStore,
    name: str,
    media: Sequence[Medium],
    *,
    route: str = "r1",
    faults: bool = False,
    texts: bool = False,
    decisions: Sequence[str] = ("d0",),
    fingerprint: str = "f0",
) -> Commit:
    """Score media, two rows each (with `faults` one, and a fault), at the moment of the store's clock."""
    results = opened(store, fingerprint)
    found = [scored(each, *([segment(each, 0)] if faults else ())) for each in media]
    logits = logits_table(found, SPECS)
    problems = [fault(each, number=1) for each in media] if faults else []
    rows = 1 if faults else 2
    entries = [
        Entry(uri=each.uri, etag=each.etag, outcome="scored", rows=rows, faults=2 - rows, routes={"en": route})
        for each in media
    ]
    made = results.commit(
        name, f"run-{name}", entries, {"logits": logits, "quarantine": quarantine_table(problems, "r")}
    )
    stem = made.media[0].stem
    for decision in decisions:
        results.write_scores(stem, decision, scores_table(logits, DECISIONS, f"run-{name}"))
    if texts:
        results.write_texts(stem, "t0", _texts(logits))
    return at_the_clock(store, results, made)


def mark(store: HouseStore, name: str, entries: Sequence[Entry], fingerprint: str = "f0") -> Commit:
    """Commit entries that have their files already: tombstones, media that came back."""
    results = opened(store, fingerprint)
    return at_the_clock(store, results, results.commit(name, f"run-{name}", entries))


def at_the_clock(store: HouseStore, results: ResultsStore, made: Commit) -> Commit:
    """The commit as if it had been made at the moment of the store's clock."""
    moved = made.model_copy(update={"committed": store.now.isoformat()})
    store.put_bytes(f"{results.folder_uri('commits')}/{made.id}.json", moved.model_dump_json().encode())
    store.pass_hours(0.001)
    return moved


def write_run(store: HouseStore, run_id: str, **changes: Any) -> None:
    """A finished run's files."""
    record = run_record(run_id=run_id, results_uri=RESULTS.uri, **changes)
    folder = RESULTS.join("runs", run_id)
    store.put_bytes(folder.join("validation", "c1.json").uri, b"{}")
    store.put_bytes(folder.join("report.html").uri, b"<html>")
    store.put_bytes(folder.join("run.json").uri, record.model_dump_json().encode())


def readable(store: HouseStore, fingerprint: str = "f0") -> dict[str, Any]:
    """All that readers get: the ledger, the tables under every name, what earlier routes made. No stems, no times."""
    results = opened(store, fingerprint)
    ledger = results.ledger(compact=False)
    kept = ["etag", "outcome", "before", "rows", "faults", "routes", "transient", "attempts", "duration_s"]
    said = {
        "ledger": sorted(map(tuple, ledger.entries[kept].reset_index().to_numpy().tolist())),
        "scores": _rows(_scores(results, ledger)),
        "quarantine": _rows(results.current_quarantine(ledger)),
        "texts": _rows(results.current_texts(ledger, "t0")),
    }
    for route in ("r1", "r2"):
        said[route] = _rows(_scores(results, results.ledger_of({"en": route})))
    gone = ledger.entries[(ledger.entries["outcome"] == "removed") & (ledger.entries["rows"] > 0)]
    said["gone"] = _rows(_of(results.logits(str(stem)), set(group.index)) for stem, group in gone.groupby("stem"))
    return said


def others(store: HouseStore) -> dict[str, bytes]:
    """Every object that housekeeping must never touch."""
    own = ("logits", "quarantine", "texts", "scores", "commits", "index", "runs", "housekeeping")
    return {
        uri: data
        for uri, (data, _) in store.objects.items()
        if not uri.startswith(tuple(f"{RESULTS.uri}/{name}/" for name in own))
    }


def _scores(results: ResultsStore, ledger: Any) -> Iterator[pa.Table]:
    """As every reader does: what has no scores is decided first, here without writing."""
    there = results.scored_stems("d0")
    for stem, group in ledger.current.groupby("stem"):
        logits = results.logits(str(stem))
        again = scores_table(logits, DECISIONS, "again")
        if str(stem) in there:
            only = ledger.entries[ledger.entries["stem"] == stem]
            stored = pa.concat_tables(results.current_scores(type(ledger)(only), "d0"))
            assert stored.drop_columns(["run_id"]).equals(_of(again, set(group.index)).drop_columns(["run_id"]))
        yield _of(again, set(group.index))


def _of(table: pa.Table, uris: set[str]) -> pa.Table:
    return table.filter(pa.array([uri in uris for uri in table["media_uri"].to_pylist()]))


def _rows(tables: Iterable[pa.Table]) -> list[str]:
    return sorted(str({**row, "run_id": ""}) for table in tables for row in table.to_pylist())


def _texts(logits: pa.Table) -> pa.Table:
    rows = [
        {"media_uri": uri, "media_etag": etag, "segment_id": name, "language": "en", "text": "well", "flags": []}
        for uri, etag, name in zip(*(logits[key].to_pylist() for key in TEXTS.names[:3]), strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=TEXTS)


def housekeeping_record(**changes: Any) -> HousekeepingRecord:
    """A record of housekeeping that found nothing, with some values changed."""
    values = {
        "housekeeping_id": "20260101T000000-abcdef", "started": "", "finished": "", "results_uri": RESULTS.uri,
        "code_version": "0", "keep_days": 90, "grace_hours": 48, "deep": False, "applied": False,
    }  # fmt: skip
    return HousekeepingRecord.model_validate(values | changes)
