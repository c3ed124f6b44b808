"""Local folders as buckets of the local object store: served in place, never copied.

A bucket is a link to the folder. Where the folder's own links lead in circles, or the stack's home lies inside it, a
listing would not end; the bucket is then a real folder of links to everything except those.
"""

import hashlib
import os
import re
import shutil
import time
import unicodedata
from pathlib import Path

from infra.errors import InputError
from infra.location import Location
from infra.parts import LISTING_CACHE_S, ObjectServer, private_folder
from infra.processes import hang_up, is_alive
from infra.settings import Settings
from infra.state import State, credentials, lock
from infra.storage import Store

_SLUG_LETTERS = 30
_SHOW_S = 5.0
_POLL_S = 0.05


def serve_folder(settings: Settings, folder: Path) -> Location:
    """Make a folder, or one file of it, readable through the local object store.

    Call it again to see what was added since at the top of a folder that holds circular links.

    Returns:
        Its location, the same one whenever the same folder is given.

    Raises:
        InputError: There is no such folder or file.
    """
    try:
        place = folder.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{folder} cannot be read ({type(error).__name__}): expected a folder with media") from error
    if not place.is_dir():
        return serve_folder(settings, place.parent).join(place.name)
    bucket = _bucket_name(place)
    with lock(settings.home, lambda _: None):
        changed = _link(place, settings.home.resolve(), private_folder(settings.home / "s3") / bucket)
    if changed:
        _show(settings, bucket)
    return Location(bucket)


def _bucket_name(folder: Path) -> str:
    ascii_name = unicodedata.normalize("NFKD", folder.name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name)[:_SLUG_LETTERS].strip("-")
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    return f"media-{slug}-{digest}" if slug else f"media-{digest}"


def _show(settings: Settings, bucket: str) -> None:
    """Wait until the object store, where it runs, sees a bucket as it is now: it remembers listings for a while."""
    running = State(settings.home).parts().get("s3")
    if running is None:
        return
    hang_up(running.process)  # rclone forgets its listings at this signal
    keys = credentials(settings.home)
    access = ObjectServer(settings.home, keys.access_key, keys.secret_key).access(running.ports.main)
    store, deadline = Store(access), time.monotonic() + _SHOW_S
    if bucket in store.buckets():
        time.sleep(LISTING_CACHE_S + _POLL_S)
    while is_alive(running.process) and bucket not in store.buckets() and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _link(folder: Path, home: Path, bucket: Path) -> bool:
    """Whether anything changed."""
    hidden = _hidden(folder, home)
    if not hidden and bucket.is_symlink():
        return False
    fresh = bucket.parent.with_name(f"{bucket.name}.new")
    _remove(fresh)
    if hidden:
        _mirror(folder, fresh, hidden, {parent for path in hidden for parent in path.parents})
    else:
        fresh.symlink_to(folder)
    if bucket.exists() and _links(fresh) == _links(bucket):
        _remove(fresh)
        return False
    _remove(bucket)
    fresh.rename(bucket)
    return True


def _hidden(folder: Path, home: Path) -> frozenset[Path]:
    """Folders below `folder` that must not be served: the stack's home, and links to what is served already."""
    seen: set[Path] = set()
    hidden: set[Path] = set()
    roots = [folder]
    for root in roots:  # grows while it is walked
        for here, names, _ in os.walk(root):
            path, real = Path(here), Path(here).resolve()
            if real in seen or real == home or (real != folder and folder.is_relative_to(real)):
                hidden.add(path)
                names.clear()
                continue
            seen.add(real)
            roots.extend(path / name for name in sorted(names) if (path / name).is_symlink())
    return frozenset(hidden)


def _mirror(source: Path, target: Path, hidden: frozenset[Path], opened: set[Path]) -> None:
    target.mkdir()
    for path in source.iterdir():
        if path in hidden:
            continue
        if path in opened:
            _mirror(path, target / path.name, hidden, opened)
        else:
            (target / path.name).symlink_to(path)


def _links(tree: Path) -> dict[str, str]:
    """Every link of a bucket, by its path in it, and what it points to."""
    if tree.is_symlink():
        return {"": str(tree.readlink())}
    links = (Path(here) / name for here, folders, files in os.walk(tree) for name in (*folders, *files))
    return {str(link.relative_to(tree)): str(link.readlink()) for link in links if link.is_symlink()}


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)  # does not follow the links inside
