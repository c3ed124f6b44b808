"""Where something lies in an object store: `s3://bucket/key`. Names only; infra/storage.py goes there."""

import re
from dataclasses import dataclass
from pathlib import Path

from infra.errors import UsageError

SCHEME = "s3://"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]|[A-Za-z0-9][A-Za-z0-9._\-]{1,253}[A-Za-z0-9]")
"""S3's rule for bucket names today, and the looser one of old buckets and other stores."""


@dataclass(frozen=True, order=True)
class Location:
    """A bucket, and a key or a folder in it. Keys are not quoted: what stands in the URI is the key, to the letter."""

    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, uri: str) -> "Location":
        """Read `s3://bucket` or `s3://bucket/key`.

        Raises:
            UsageError: It is something else.
        """
        bucket, _, key = uri.removeprefix(SCHEME).partition("/")
        if not uri.startswith(SCHEME) or not _BUCKET.fullmatch(bucket):
            raise UsageError(f"{uri!r} is no place in a store: expected s3://BUCKET or s3://BUCKET/PREFIX")
        return cls(bucket, key)

    @property
    def uri(self) -> str:
        """As `parse` reads it."""
        return f"{SCHEME}{self.bucket}/{self.key}" if self.key else f"{SCHEME}{self.bucket}"

    def join(self, *parts: str) -> "Location":
        """The location of `parts` under this one, one slash between each."""
        names = [name.strip("/") for name in (self.key, *parts)]
        return Location(self.bucket, "/".join(name for name in names if name))

    def __str__(self) -> str:
        return self.uri


def short_path(path: str | Path) -> str:
    """A path as a reader wants it: from the working directory on where it lies below that, else as it is."""
    place = Path(path)
    return str(place.relative_to(Path.cwd())) if place.is_relative_to(Path.cwd()) else str(path)
