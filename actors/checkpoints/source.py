"""Where a checkpoint's files lie: a local folder as it is, or a snapshot of a hub repository.

Owns the meaning of `source` and what is said when nothing is there. Reads no file's content.
"""

import difflib
import re
from pathlib import Path

from actors.checkpoints.catalogue import entry_of
from actors.checkpoints.files import weight_files
from infra.errors import CheckpointError, WeightsAbsentError
from infra.settings import Settings

FILES = ("*.json", "*.safetensors", "*.bin", "*.txt", "*.yaml", "*.ckpt", "README.md")
"""What is fetched of a repository: weights and configuration, no code. README.md carries the licence."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_TIMEOUT_S = 10.0


def locate(source: str, revision: str | None = None, *, network: bool | None = None) -> Path:
    """Find the folder of a checkpoint, fetching it from the hub where that is allowed and needed.

    Args:
        source: A local folder, or a hub id (`owner/name`).
        revision: Commit, tag or branch of a hub repository; None is its main branch as last fetched.
        network: Whether the hub may be asked; None follows the environment (`HF_HUB_OFFLINE`).

    Raises:
        CheckpointError: The source is a folder that does not exist, or a checkpoint known to be of no use.
        WeightsAbsentError: The weights are not here, and could not be fetched.
    """
    folder = Path(source).expanduser()
    if source and folder.is_dir():
        return folder.resolve()
    if not _HUB_ID.fullmatch(source) or folder.exists():
        raise CheckpointError(f"{_no_folder(source, folder)} A source is a folder or a hub id such as owner/name.")
    known = entry_of(source)
    if known is not None and known.status == "refused":
        raise CheckpointError(f"{source} cannot score emotions: {known.note}")
    allowed = not Settings.from_environment().hub_offline if network is None else network
    return _snapshot(source, revision, allowed)


def resolved_revision(folder: Path) -> str | None:
    """The commit that a folder of the hub's cache holds (`…/snapshots/<commit>`); None for any other folder."""
    return folder.name if folder.parent.name == "snapshots" else None


def _snapshot(source: str, revision: str | None, network: bool) -> Path:
    from huggingface_hub import constants, snapshot_download  # only hub ids need it
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    reason = "the network is not to be used (HF_HUB_OFFLINE)"
    for local in (True, False) if network else (True,):
        try:
            path = Path(
                snapshot_download(
                    source,
                    revision=revision,
                    local_files_only=local,
                    allow_patterns=list(FILES),
                    etag_timeout=_TIMEOUT_S,
                )
            )
            if not local or weight_files(path):  # the cache may hold a snapshot without its weights
                return path
        except HFValidationError as error:
            raise CheckpointError(f"{source!r} is neither a folder nor a hub id (owner/name): {error}") from error
        except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
            reason = str(error).splitlines()[0][:200] if not local else reason
    raise _absent(source, revision, str(constants.HF_HUB_CACHE), reason)


def _absent(source: str, revision: str | None, cache: str, reason: str) -> WeightsAbsentError:
    at = f" at revision {revision}" if revision else ""
    folder = Path(source)
    note = f" {_no_folder(source, folder)}" if folder.parent.is_dir() else ""
    return WeightsAbsentError(
        f"The weights of {source}{at} are not on this machine: looked in {cache}, and the hub did not give them "
        f"({reason}).{note} Fetch them once with `seraph models pull {source}`, then run again; "
        f"or try Seraph with its bundled toy models: `--config demo`."
    )


def _no_folder(source: str, folder: Path) -> str:
    if folder.is_file():
        return f"{source} is a file, expected the folder of a checkpoint."
    beside = [each.name for each in folder.parent.iterdir() if each.is_dir()] if folder.parent.is_dir() else []
    near = difflib.get_close_matches(folder.name, beside, n=1)
    hint = f" Did you mean {folder.parent / near[0]}?" if near else ""
    return f"There is no folder {source}.{hint}"
