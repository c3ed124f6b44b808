"""Folders as `seraph models pull` leaves them."""

from datetime import UTC, datetime
from pathlib import Path

from actors.checkpoints.pulled import RECORD, PullRecord, record_file
from tests.support.checkpoints import SUPERB, write_stock


def write_pulled(
    folder: Path,
    *,
    source: str = "somebody/model",
    sha: str = "0123456789abcdef0123456789abcdef01234567",
    asked: str | None = None,
    day: int = 1,
    labels: tuple[str, ...] = SUPERB,
) -> Path:
    """Write a small checkpoint with a record that fits it; `day` of January 2026 is when it was pulled."""
    write_stock(folder, labels=labels)
    record = PullRecord(
        source=source,
        revision=sha,
        asked=asked,
        pulled=datetime(2026, 1, day, tzinfo=UTC),
        files=tuple(record_file(path) for path in sorted(folder.iterdir())),
    )
    (folder / RECORD).write_text(record.model_dump_json())
    return folder
