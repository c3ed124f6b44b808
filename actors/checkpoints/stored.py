"""Pulled models that lie in an object store (`s3://bucket/prefix`), copied to each node once.

A cluster's nodes share no folder, and a hub need not be reached from them. Owns the copy: whole or not at all, under a
lock, checked against the record that `seraph models pull` made. Uploading is anybody's tool's business.
"""

import hashlib
import shutil
from pathlib import Path

from actors.checkpoints.pulled import RECORD, check_pulled, read_record
from infra.errors import CheckpointError, ObjectMissing
from infra.location import SCHEME, Location
from infra.locks import alone
from infra.settings import Settings, StoreAccess
from infra.storage import Store


def is_stored(source: str) -> bool:
    """Whether a source is a place in an object store."""
    return source.startswith(SCHEME)


def local_copy(source: str, access: StoreAccess | None = None, cache: Path | None = None) -> Path:
    """The folder on this node that holds a stored model, fetched by whoever asks first; the others wait for it.

    Args:
        source: `s3://bucket/prefix` of a folder that `seraph models pull` made.
        access: The store; None: the one that the environment names.
        cache: Where copies lie on this node; None follows the environment (`SERAPH_CACHE`).

    Raises:
        CheckpointError: No store is named, no pulled model lies there, or its files are not those of its record.
        StoreError: The store cannot be reached, or refuses.
    """
    settings = Settings.from_environment()
    access = access or settings.store
    if access is None:
        raise CheckpointError(
            f"{source} lies in a store, and the AWS_ variables name none: set them, or name a local folder or a hub id."
        )
    store, place = Store(access), Location.parse(source)
    record = _record(store, place)
    folder = (cache or settings.cache) / "models" / hashlib.sha256(record).hexdigest()[:32]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with alone(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _fetch(store, place, record, folder)
    return folder


def _record(store: Store, place: Location) -> bytes:
    try:
        return store.get_bytes(place.join(RECORD).uri)
    except ObjectMissing as error:
        raise CheckpointError(
            f"{place} holds no pulled model: expected {RECORD} there. Pull it (`seraph models pull`), and copy the "
            "whole folder to that place."
        ) from error


def _fetch(store: Store, place: Location, record: bytes, folder: Path) -> None:
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)  # of one that was killed: the lock is ours
    part.mkdir()
    try:
        (part / RECORD).write_bytes(record)
        found = read_record(part)
        assert found is not None, "it was written just now"
        for file in found.files:
            _download(store, place.join(file.name), part / file.name)
        check_pulled(part)
        part.rename(folder)
    except CheckpointError as error:
        raise CheckpointError(f"{place} is no whole pulled model; copy it there again. {error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)  # of what went wrong; else it has its name by now


def _download(store: Store, place: Location, path: Path) -> None:
    try:
        with store.fetch(place.uri) as file, path.open("wb") as here:
            shutil.copyfileobj(file, here, 1 << 20)
    except ObjectMissing as error:
        raise CheckpointError(f"{place} is missing.") from error
