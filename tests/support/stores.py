"""Object stores for tests: one in memory, and the real one with somebody watching, or standing in the way."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

from infra.errors import ObjectMissing, StoreError
from infra.location import Location
from infra.storage import ObjectInfo, Store


class MemoryStore:
    """The part of `infra.storage.Store` that the results store needs, for tests that are about something else."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def list(self, location: Location) -> Iterator[ObjectInfo]:
        """Stream the objects of a folder."""
        for uri, data in sorted(self.objects.items()):
            if uri.startswith(f"{location.uri}/"):
                yield info(uri, len(data), hashlib.md5(data).hexdigest())

    def get_bytes(self, uri: str, *, if_match: str | None = None) -> bytes:
        """The whole object."""
        if uri not in self.objects:
            raise ObjectMissing(uri)
        return self.objects[uri]

    def put_bytes(self, uri: str, data: bytes, content_type: str = "") -> None:
        """Write an object."""
        self.objects[uri] = data


def info(uri: str, size: int = 1000, etag: str = "e1") -> ObjectInfo:
    """An object as a listing has it."""
    return ObjectInfo(uri, Location.parse(uri).key, size, etag, datetime.now(UTC))


class WatchedStore(Store):
    """The real store; notes what is read and written, and refuses to write where `refuse` is part of the uri."""

    def __init__(self, store: Store, refuse: str | None = None) -> None:
        super().__init__(store.access)
        self.written: list[str] = []
        self.read: list[str] = []
        self._refuse = refuse

    def put_bytes(self, uri: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Write an object, or refuse to."""
        if self._refuse is not None and self._refuse in uri:
            raise StoreError(f"{uri} was refused by the test")
        super().put_bytes(uri, data, content_type)
        self.written.append(uri)

    def get_bytes(self, uri: str, *, if_match: str | None = None) -> bytes:
        """Read an object."""
        self.read.append(uri)
        return super().get_bytes(uri, if_match=if_match)
