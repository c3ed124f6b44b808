"""Where a Whisper checkpoint lies, and its hash. Loads nothing: a planner asks this, and needs no torch for a path.

Each node has a file once, whole or not at all: whoever comes first fetches it, and the others wait.
"""

import hashlib
import shutil
from functools import lru_cache
from pathlib import Path

from infra.errors import CheckpointError, ConfigError, WeightsAbsentError
from infra.location import SCHEME, Location
from infra.locks import alone
from infra.settings import Settings, StoreAccess
from infra.storage import ObjectInfo, Store

_CACHE = Path.home() / ".cache" / "whisper"
"""openai-whisper's own cache."""


def find_detector(
    model: str, folder: Path | None = None, *, access: StoreAccess | None = None, cache: Path | None = None
) -> tuple[Path, str]:
    """Find a Whisper checkpoint on this machine, or in a store. No other network is asked.

    Args:
        model: A name that openai-whisper knows (`tiny`, `base`, …), or a path or `s3://…` of a .pt in its format.
        folder: Where named checkpoints lie; default: openai-whisper's own cache, ~/.cache/whisper.
        access: The store; None: the one that the environment names.
        cache: Where copies from a store lie on this node; None follows the environment (`SERAPH_CACHE`).

    Returns:
        Its file, and the SHA-256 of the file's bytes.

    Raises:
        ConfigError: openai-whisper knows no such name, and it is no path.
        WeightsAbsentError: The checkpoint is not on this machine, or not in the store.
        CheckpointError: Its bytes are not those that openai-whisper publishes under the name; or no store is named.
        StoreError: The store cannot be reached, or refuses.
    """
    if model.startswith(SCHEME):
        model = str(_copied(model, access, cache))
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
        WeightsAbsentError: It is not here whole, and cannot be fetched.
    """
    folder = folder or _CACHE
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / f"{name}.lock"):
        try:
            return find_detector(name, folder)
        except CheckpointError:  # it is absent, or damaged
            _download(name, folder)
        return find_detector(name, folder)


def _download(name: str, folder: Path) -> None:
    """Whisper's own download writes in place, where others would see the half of a file."""
    import whisper

    part = folder / f"{name}.part"
    shutil.rmtree(part, ignore_errors=True)  # of one that was killed: the lock is ours
    try:
        fetched = Path(str(whisper._download(whisper._MODELS[name], str(part), in_memory=False)))
        fetched.replace(folder / fetched.name)
    except (OSError, RuntimeError) as error:
        raise WeightsAbsentError(
            f"Whisper {name!r} could not be fetched ({error}); put {name}.pt into {folder} by hand, or go online"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _copied(source: str, access: StoreAccess | None, cache: Path | None) -> Path:
    """This node's copy of a file in a store, as it is there now."""
    settings = Settings.from_environment()
    access = access or settings.store
    if access is None:
        raise CheckpointError(
            f"{source} lies in a store, and the AWS_ variables name none: set them, or name a local file"
        )
    store = Store(access)
    there = next((each for each in store.list(Location.parse(source)) if each.uri == source), None)
    if there is None:
        raise WeightsAbsentError(f"{source} is no object: expected a Whisper checkpoint (.pt) there")
    version = hashlib.sha256(f"{there.uri} {there.etag} {there.size}".encode()).hexdigest()[:32]
    path = (cache or settings.cache) / "detectors" / f"{version}.pt"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone(path.with_suffix(".lock")):
            if not path.is_file():
                _fetch(store, there, path)
    return path


def _fetch(store: Store, there: ObjectInfo, path: Path) -> None:
    part = path.with_suffix(".part")
    try:
        with store.fetch(there.uri, if_match=there.etag) as file, part.open("wb") as here:
            shutil.copyfileobj(file, here, 1 << 20)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


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
