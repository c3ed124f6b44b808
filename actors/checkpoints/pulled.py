"""What `seraph models pull` leaves beside the files it fetched (`seraph.json`), and where pulled folders are found.

Owns the record, its check against the files, and the places below `SERAPH_HOME`. Fetches nothing (pull.py).
"""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actors.checkpoints.document import MAX_BYTES
from actors.checkpoints.files import file_sha256, weight_files
from infra.errors import CheckpointError

RECORD = "seraph.json"

_SHA256 = r"^[0-9a-f]{64}$"
_COMMIT = r"^[0-9a-f]{40}([0-9a-f]{24})?$"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileRecord(_Frozen):
    """One file as it is: its name, size in bytes and SHA-256."""

    name: str = Field(pattern=r"^[^/\\\\]+$")
    size: int = Field(ge=0)
    sha256: str = Field(pattern=_SHA256)


class PullRecord(_Frozen):
    """Where a folder's files came from.

    Attributes:
        source: Hub id.
        revision: The commit.
        asked: Revision that was asked for (commit, tag or branch); None: the main branch of that day.
        pulled: When, UTC.
        licence: As the model card says, else as the catalogue knows, else None.
        files: What lies in the folder.
        converted: What was fetched and is not kept, because `files` holds the same tensors as safetensors.
    """

    version: Literal[1] = 1
    source: str
    revision: str = Field(pattern=_COMMIT)
    asked: str | None = None
    pulled: datetime
    licence: str | None = None
    files: tuple[FileRecord, ...]
    converted: tuple[FileRecord, ...] = ()


def record_file(path: Path) -> FileRecord:
    """Describe a file."""
    return FileRecord(name=path.name, size=path.stat().st_size, sha256=file_sha256(path))


def read_record(folder: Path) -> PullRecord | None:
    """The record of a folder; None where there is none.

    Raises:
        CheckpointError: There is one, and it is damaged.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.stat().st_size} bytes")
        return PullRecord.model_validate_json(path.read_bytes())
    except (ValueError, OSError) as error:  # a ValidationError is a ValueError
        raise CheckpointError(f"{path} is damaged ({_summary(error)[:200]}). {_remedy(folder)}") from error


def check_pulled(folder: Path) -> PullRecord | None:
    """Check the files of a pulled folder against its record. Files that do not change are hashed once a process.

    Raises:
        CheckpointError: A file is gone, has other bytes than were pulled, or a weight file came later; names it.
    """
    record = read_record(folder)
    if record is None:
        return None
    for file in record.files:
        path = folder / file.name
        if not path.is_file():
            raise CheckpointError(f"{path} is gone, though {RECORD} lists it. {_remedy(folder, record)}")
        if path.stat().st_size != file.size or file_sha256(path) != file.sha256:
            raise CheckpointError(
                f"{path} is not what was pulled: it had {file.size} bytes with SHA-256 {file.sha256}, and has "
                f"{path.stat().st_size} with {file_sha256(path)}. {_remedy(folder, record)}"
            )
    later = {path.name for path in weight_files(folder)} - {file.name for file in record.files}
    if later:
        raise CheckpointError(f"{folder / min(later)} was not pulled with the rest. {_remedy(folder, record)}")
    return record


def models_folder(home: Path, source: str) -> Path:
    """Where pulls of a hub id lie, one folder for each commit."""
    return home / "models" / source


def find_pulled(home: Path, source: str, revision: str | None = None) -> Path | None:
    """The pulled folder of a hub id: of a commit, or the newest that was pulled for a tag, a branch or anything.

    Raises:
        CheckpointError: A record there is damaged.
    """
    place = models_folder(home, source)
    folders = sorted(path for path in place.iterdir() if not path.name.startswith(".")) if place.is_dir() else []
    records = [(record.pulled, path, record) for path in folders if (record := read_record(path)) is not None]
    fitting = [each for each in records if revision in (None, each[2].revision, each[2].asked)]
    return max(fitting, key=lambda each: each[:2])[1] if fitting else None


def _summary(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _remedy(folder: Path, record: PullRecord | None = None) -> str:
    again = f"seraph models pull {record.source} --revision {record.revision}" if record else "seraph models pull"
    return f"Remove {folder} and pull it again (`{again}`); or remove {RECORD} to make the folder your own."
