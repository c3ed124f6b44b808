"""Where a Whisper checkpoint lies, and its hash. Loads nothing: a planner asks this, and needs no torch for a path."""

import hashlib
from functools import lru_cache
from pathlib import Path

from infra.errors import CheckpointError, ConfigError, WeightsAbsentError

_CACHE = Path.home() / ".cache" / "whisper"
"""openai-whisper's own cache."""


def find_detector(model: str, folder: Path | None = None) -> tuple[Path, str]:
    """Find a Whisper checkpoint on this machine. The network is never asked.

    Args:
        model: A name that openai-whisper knows (`tiny`, `base`, …), or the path of a .pt in its format.
        folder: Where named checkpoints lie; default: openai-whisper's own cache, ~/.cache/whisper.

    Returns:
        Its file, and the SHA-256 of the file's bytes.

    Raises:
        ConfigError: openai-whisper knows no such name, and it is no path.
        WeightsAbsentError: The checkpoint is not on this machine.
        CheckpointError: Its bytes are not those that openai-whisper publishes under the name.
    """
    path, expected = _located(model, folder or _CACHE)
    stat = path.stat()
    found = _sha256(path, stat.st_size, stat.st_mtime_ns)
    if expected not in (None, found):
        raise CheckpointError(f"{path} is damaged: its SHA-256 is {found}, not {expected}. {_remedy(model)}")
    return path, found


def is_detector(name: str) -> bool:
    """Whether openai-whisper publishes a model under this name. A hub id (owner/name) is none."""
    if "/" in name:
        return False
    import whisper

    return name in whisper._MODELS


def fetch_detector(name: str, folder: Path | None = None) -> tuple[Path, str]:
    """Find a named Whisper checkpoint, or download it from where openai-whisper publishes it; see `find_detector`.

    Raises:
        WeightsAbsentError: It is not here, and cannot be fetched.
    """
    import whisper

    folder = folder or _CACHE
    try:
        return find_detector(name, folder)
    except WeightsAbsentError:
        folder.mkdir(parents=True, exist_ok=True)
    try:
        whisper._download(whisper._MODELS[name], str(folder), in_memory=False)
    except (OSError, RuntimeError) as error:
        raise WeightsAbsentError(
            f"Whisper {name!r} could not be fetched ({error}); put {name}.pt into {folder} by hand, or go online"
        ) from error
    return find_detector(name, folder)


def _located(model: str, folder: Path) -> tuple[Path, str | None]:
    """The checkpoint's file, and for a name the SHA-256 that openai-whisper publishes (it is part of the address)."""
    path = Path(model)
    if path.is_file():
        return path, None
    import whisper

    addresses: dict[str, str] = whisper._MODELS
    if model in addresses:
        sha256, name = addresses[model].split("/")[-2:]
        path = folder / name
        if path.is_file():
            return path, sha256
    elif path.suffix != ".pt" and len(path.parts) == 1:
        known = ", ".join(name for name in addresses if not name.endswith(".en"))
        raise ConfigError(f"no Whisper model is called {model!r}. Known: {known}; or give the path of a .pt file.")
    raise WeightsAbsentError(f"Whisper {model!r} is not on this machine (looked for {path}). {_remedy(model)}")


@lru_cache(maxsize=16)
def _sha256(path: Path, _size: int, _modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remedy(model: str) -> str:
    return f"Fetch it with `seraph models pull {model}`, or try the bundled toys: `--config demo`."
