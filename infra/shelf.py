"""A shelf: files by name under one place, in an object store or in a plain folder.

For what must also be kept where no store runs: an evaluation of recorded scores needs no service at all. The local
store's buckets are folders, so what is put into one of them as a file is in the store when it runs.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from infra.errors import ObjectMissing, StoreError
from infra.location import Location
from infra.storage import Store


class Shelf(Protocol):
    """Files by name; a name may have slashes."""

    def put(self, name: str, data: bytes, content_type: str = "application/octet-stream") -> str:
        """Write a file, whole or not at all, and return its address."""
        ...

    def get(self, name: str) -> bytes:
        """A file's bytes. Raises ObjectMissing where there is none."""
        ...

    def names(self, folder: str = "") -> Iterator[str]:
        """The names of all files under a folder, in order."""
        ...

    def address(self, name: str) -> str:
        """Where a file lies, as a user may open it."""
        ...


class StoreShelf:
    """A shelf in an object store."""

    def __init__(self, store: Store, place: Location) -> None:
        self._store, self._place = store, place

    def put(self, name: str, data: bytes, content_type: str = "application/octet-stream") -> str:
        """See `Shelf`."""
        self._store.put_bytes(self.address(name), data, content_type)
        return self.address(name)

    def get(self, name: str) -> bytes:
        """See `Shelf`."""
        return self._store.get_bytes(self.address(name))

    def names(self, folder: str = "") -> Iterator[str]:
        """See `Shelf`."""
        top = f"{self._place.key}/" if self._place.key else ""
        yield from (each.key.removeprefix(top) for each in self._store.list(self._place.join(folder)))

    def address(self, name: str) -> str:
        """See `Shelf`: an s3:// URI."""
        return self._place.join(name).uri


class FolderShelf:
    """A shelf in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, data: bytes, content_type: str = "application/octet-stream") -> str:  # noqa: ARG002
        """See `Shelf`; a folder keeps no content types."""
        path = self._folder / name
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(data)
            beside.replace(path)
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}; choose another place for the results") from error
        return str(path)

    def get(self, name: str) -> bytes:
        """See `Shelf`."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError as error:
            raise ObjectMissing(f"there is no {self._folder / name}") from error
        except OSError as error:
            raise StoreError(f"cannot read {self._folder / name}: {error.strerror}") from error

    def names(self, folder: str = "") -> Iterator[str]:
        """See `Shelf`."""
        found = (path for path in (self._folder / folder).rglob("*") if path.is_file() and path.name[0] != ".")
        return iter(sorted(path.relative_to(self._folder).as_posix() for path in found))

    def address(self, name: str) -> str:
        """See `Shelf`: a path."""
        return str(self._folder / name)
