"""Where a checkpoint's files lie: a local folder as it is, a pulled folder, or a snapshot of a hub repository.

Owns the meaning of `source` and what is said when nothing is there. Reads no file's content but a pull's record.
"""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from actors.checkpoints.catalogue import entry_of
from actors.checkpoints.files import weight_files
from actors.checkpoints.hub import Hub, cached_snapshot
from actors.checkpoints.pulled import check_pulled, find_pulled, read_record
from actors.checkpoints.stored import is_stored, local_copy
from infra.errors import CheckpointError, WeightsAbsentError
from infra.settings import Settings

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True)
class Origin:
    """Where a checkpoint comes from, wherever it lies now.

    Attributes:
        source: Hub id, for a folder that was pulled; else as the user named it.
        revision: The commit; None for a folder that no pull made.
    """

    source: str
    revision: str | None


def locate(source: str, revision: str | None = None, *, network: bool | None = None) -> Path:
    """Find the folder of a checkpoint: what was pulled, the hub's cache, the hub where that is allowed.

    Args:
        source: A local folder, a hub id (`owner/name`), or `s3://bucket/prefix` of a pulled folder.
        revision: Commit, tag or branch of a hub repository; None is the newest pull, else the main branch as last
            fetched. Of a folder that was pulled it must be the commit that the folder holds, or what was asked for.
        network: Whether the hub may be asked; None follows the environment (`HF_HUB_OFFLINE`).

    Raises:
        CheckpointError: The source is a folder that does not exist, or a checkpoint known to be of no use.
        WeightsAbsentError: The weights are not here, and could not be fetched.
    """
    folder = Path(source).expanduser()
    if source and folder.is_dir():
        return _checked_folder(folder.resolve(), revision)
    if is_stored(source):
        return _checked_folder(local_copy(source), revision)
    check_hub_id(source)
    refuse_known(source)
    settings = Settings.from_environment()
    pulled = find_pulled(settings.home, source, revision)
    if pulled is not None:
        return pulled
    return _snapshot(source, revision, not settings.hub_offline if network is None else network)


def origin_of(source: str, folder: Path) -> Origin:
    """Where the files of a folder come from; those of a pulled folder are checked against its record.

    Raises:
        CheckpointError: A file of a pulled folder is not what was pulled.
    """
    record = None if _is_snapshot(folder) else check_pulled(folder)
    if record is not None:
        return Origin(record.source, record.revision)
    return Origin(source, resolved_revision(folder))


def resolved_revision(folder: Path) -> str | None:
    """The commit that a folder of the hub's cache (`…/snapshots/<commit>`) or a pulled one holds, or None."""
    if _is_snapshot(folder):
        return folder.name
    record = read_record(folder)
    return record.revision if record else None


def check_hub_id(source: str) -> None:
    """Raise CheckpointError unless `source` is spelled like a hub id, and no file or folder has that name."""
    folder = Path(source).expanduser()
    if not _HUB_ID.fullmatch(source) or folder.exists():
        raise CheckpointError(f"{_no_folder(source, folder)} A source is a folder or a hub id such as owner/name.")


def refuse_known(source: str) -> None:
    """Raise CheckpointError for a hub id that the catalogue knows to be of no use, or that no family reads yet."""
    known = entry_of(source)
    if known is not None and known.status in ("refused", "planned"):
        raise CheckpointError(f"{source} cannot score emotions{' yet' * (known.status == 'planned')}: {known.note}")


def _is_snapshot(folder: Path) -> bool:
    return folder.parent.name == "snapshots"


def _checked_folder(folder: Path, revision: str | None) -> Path:
    record = read_record(folder) if revision else None
    if record is not None and revision not in (record.revision, record.asked):
        raise CheckpointError(
            f"{folder} holds {record.source} at commit {record.revision}, not at {revision}. Pull that one "
            f"(`seraph models pull {record.source} --revision {revision}`), or ask for what is there."
        )
    return folder


def _snapshot(source: str, revision: str | None, network: bool) -> Path:
    cached = cached_snapshot(source, revision)
    if cached is not None and weight_files(cached):  # the cache may hold a snapshot without its weights
        return cached
    if not network:
        raise _absent(source, revision, "the network is not to be used (HF_HUB_OFFLINE)")
    try:
        hub = Hub()
        return hub.fetch(hub.resolve(source, revision), asked=revision)
    except WeightsAbsentError as error:
        raise _absent(source, revision, str(error.__cause__ or error).partition("\n")[0][:200]) from error


def _absent(source: str, revision: str | None, reason: str) -> WeightsAbsentError:
    from huggingface_hub import constants  # only hub ids need it

    cache = constants.HF_HUB_CACHE
    at = f" at revision {revision}" if revision else ""
    folder = Path(source)
    note = f" {_no_folder(source, folder)}" if folder.parent.is_dir() else ""
    pulls = Settings.from_environment().home / "models"
    return WeightsAbsentError(
        f"The weights of {source}{at} are not on this machine: looked in {pulls} and {cache}, and the hub did not give "
        f"them ({reason}).{note} Fetch them once with `seraph models pull {source}`, then run again; "
        f"or try Seraph with its bundled toy models: `--config demo`."
    )


def _no_folder(source: str, folder: Path) -> str:
    if folder.is_file():
        return f"{source} is a file, expected the folder of a checkpoint."
    beside = [each.name for each in folder.parent.iterdir() if each.is_dir()] if folder.parent.is_dir() else []
    near = difflib.get_close_matches(folder.name, beside, n=1)
    hint = f" Did you mean {folder.parent / near[0]}?" if near else ""
    return f"There is no folder {source}.{hint}"
