"""An object store in memory, for tests that are about something else than storing. The real one: `local_store`."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

from infra.errors import ObjectMissing
from infra.location import Location
from infra.storage import ObjectInfo


class MemoryStore:
    """The part of `infra.storage.Store` that the results store needs."""

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
