"""Label files in a store of memory, snapshots without files, and moments, for the tests of tasks/watch."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.watch.request import WatchLabelsRequest
from tasks.watch.snapshot import LabelFile, Said, Snapshot, hash_of_aliases
from tests.support.stores import MemoryStore

LABELS = "s3://labels/incoming"
RESULTS = "s3://results"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def lines(*labels: tuple[str, float, str | None], **beside: Any) -> bytes:
    """JSON lines of (media, start, label), a second and a half each; `beside` stands on every line."""
    rows = [
        {"video": media, "start": start, "end": start + 1.5, "label": label, **beside} for media, start, label in labels
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def some(n: int, label: str = "sad", first: int = 0) -> list[tuple[str, float, str | None]]:
    """n labels, of three media in turn."""
    return [(f"m{row % 3}.wav", float(4 * row), label) for row in range(first, first + n)]


class CountingStore(MemoryStore):
    """Label files by name; notes which are read."""

    def __init__(self, **files: bytes) -> None:
        super().__init__()
        self.read: list[str] = []
        for name, data in files.items():
            self.drop(name.replace("_", "."), data)

    def drop(self, name: str, data: bytes) -> None:
        """Put a label file there."""
        self.put_bytes(f"{LABELS}/{name}", data)

    def get_bytes(self, uri: str, *, if_match: str | None = None) -> bytes:
        """The whole object."""
        self.read.append(uri.removeprefix(f"{LABELS}/"))
        return super().get_bytes(uri, if_match=if_match)


def said(media: str = "a.wav", start_ms: int = 0, emotion: str = "sad", rater: str | None = None, **more: Any) -> Said:
    """One label of a second."""
    return Said(media, start_ms, start_ms + 1000, rater, emotion, **more)


def snapshot(*files: Sequence[Said]) -> Snapshot:
    """A snapshot of files that say so; their names are in the order given."""
    return Snapshot(
        labels=LABELS,
        aliases=hash_of_aliases({}),
        files=tuple(
            LabelFile(uri=f"{LABELS}/{number:03d}.jsonl", etag="e", size=1, rows=tuple(rows))
            for number, rows in enumerate(files)
        ),
    )


def watching(**changes: Any) -> WatchLabelsRequest:
    """What is watched, for two minutes of quiet and ten labels."""
    return WatchLabelsRequest(**{"labels": LABELS, "results": RESULTS, "settle_s": 120, "minimum": 10, **changes})
