"""The object store: list, fetch, put, delete. The only file that knows boto3.

Owns the client's configuration, the retries of a broken download, and which of boto3's errors are caught; the words
for them are store_words.py's part. What lies where in the store is decided elsewhere (tasks/), and infra/location.py
reads the URIs.
"""

import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from infra.errors import ObjectChanged, ObjectMissing, StoreError
from infra.location import Location
from infra.settings import StoreAccess
from infra.store_words import refused, shown, unreachable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

__all__ = ["ObjectChanged", "ObjectInfo", "ObjectMissing", "Patience", "Store", "UploadInfo"]

_MIB = 2**20
_PIECE_BYTES = _MIB
_BROKEN_OFF = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)
_TRANSFER = TransferConfig(multipart_threshold=64 * _MIB, multipart_chunksize=16 * _MIB, max_concurrency=4)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class ObjectInfo:
    """One object, as a listing knows it. `etag` is an opaque word, without quotes; empty where the store has none."""

    uri: str
    key: str
    size: int
    etag: str
    modified: datetime


@dataclass(frozen=True)
class UploadInfo:
    """An upload in parts that was begun and neither finished nor given up. `id` is the store's own word."""

    uri: str
    id: str
    begun: datetime


@dataclass(frozen=True)
class Patience:
    """How long to insist. Attempts count the first one; the wait between them doubles from `backoff_s`."""

    attempts: int = 5
    backoff_s: float = 0.2
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 60.0


class Store:
    """An S3-compatible store. Safe to share between threads; pickles as its access, without open connections."""

    def __init__(self, access: StoreAccess, *, patience: Patience | None = None, max_connections: int = 32) -> None:
        self.access = access
        self._patience = patience or Patience()
        self._max_connections = max_connections
        self._client = _client(access, self._patience, max_connections)

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (self.access, self._patience, self._max_connections)

    def list(self, location: Location) -> Iterator[ObjectInfo]:
        """Stream the objects of a folder, or the one object that `location` names. Folder markers are left out.

        Raises:
            StoreError: The store cannot be reached, refuses, or has no such bucket.
        """
        folder = location.key.rstrip("/")
        if folder and folder == location.key:
            # The key itself sorts before every longer one, so this asks for one object and not for `folder-2/…`.
            yield from (found for found in self._pages(location.bucket, folder, limit=1) if found.key == folder)
        yield from self._pages(location.bucket, f"{folder}/" if folder else "")

    @contextmanager
    def fetch(self, uri: str, *, memory_limit: int = 64 * _MIB, if_match: str | None = None) -> Iterator[BinaryIO]:
        """Download an object, whole, into a seekable file that lives as long as the context.

        Args:
            uri: `s3://bucket/key`.
            memory_limit: Bytes to hold in memory; beyond, the file moves to the disk.
            if_match: The etag of the listing; another one means that the object was replaced since.

        Raises:
            ObjectMissing, ObjectChanged: See their docstrings.
            StoreError: The store cannot be reached, or the body kept breaking off.
        """
        with tempfile.SpooledTemporaryFile(max_size=memory_limit) as file:
            whole = cast(BinaryIO, file)
            self._download(Location.parse(uri), whole, if_match)
            whole.seek(0)
            yield whole

    def get_bytes(self, uri: str, *, if_match: str | None = None) -> bytes:
        """The whole object, in memory. Raises as `fetch` does."""
        file = BytesIO()
        self._download(Location.parse(uri), file, if_match)
        return file.getvalue()

    def put_bytes(self, uri: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Write an object, whole or not at all."""
        place = Location.parse(uri)
        with self._translated("write", place):
            self._client.put_object(Bucket=place.bucket, Key=place.key, Body=data, ContentType=content_type)

    def put_file(self, uri: str, path: Path, content_type: str = "application/octet-stream") -> None:
        """Write a file of any size, whole or not at all; large ones in parts."""
        place = Location.parse(uri)
        with self._translated("write", place):
            self._client.upload_file(
                str(path), place.bucket, place.key, ExtraArgs={"ContentType": content_type}, Config=_TRANSFER
            )

    def exists(self, uri: str) -> bool:
        """Whether there is such an object."""
        place = Location.parse(uri)
        try:
            with self._translated("look up", place):
                self._client.head_object(Bucket=place.bucket, Key=place.key)
        except ObjectMissing:
            return False
        return True

    def delete(self, uris: Iterable[str]) -> None:
        """Delete objects; those that are gone already are no error."""
        # One by one: stores differ in the checksum that they ask of a bulk delete.
        for place in map(Location.parse, uris):
            with self._translated("delete", place):
                self._client.delete_object(Bucket=place.bucket, Key=place.key)

    def list_uploads(self, location: Location) -> Iterator[UploadInfo]:
        """Stream the unfinished uploads of a folder. Some stores do not say, and refuse with a StoreError."""
        with self._translated("list the unfinished uploads of", location):
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=location.bucket, Prefix=f"{location.key.rstrip('/')}/".lstrip("/")):
                for each in page.get("Uploads", []):
                    yield UploadInfo(Location(location.bucket, each["Key"]).uri, each["UploadId"], each["Initiated"])

    def abort_upload(self, upload: UploadInfo) -> None:
        """Give an unfinished upload up, and free its parts; one that is gone already is no error."""
        place = Location.parse(upload.uri)
        with suppress(ObjectMissing), self._translated("give up an upload of", place):
            self._client.abort_multipart_upload(Bucket=place.bucket, Key=place.key, UploadId=upload.id)

    def presign(self, uri: str, expires_s: int = 3600) -> str:
        """An address that reads the object without credentials for `expires_s` seconds."""
        place = Location.parse(uri)
        with self._translated("sign an address of", place):
            return self._client.generate_presigned_url(
                "get_object", Params={"Bucket": place.bucket, "Key": place.key}, ExpiresIn=expires_s
            )

    def ensure_bucket(self, bucket: str) -> None:
        """Create the bucket unless it is there."""
        place = Location(bucket)
        try:
            with self._translated("look up", place):
                self._client.head_bucket(Bucket=bucket)
        except ObjectMissing:
            with self._translated("create", place):
                self._client.create_bucket(Bucket=bucket)

    def buckets(self) -> tuple[str, ...]:
        """Names of the buckets. The cheapest question whose answer proves that the credentials are right."""
        with self._translated("list the buckets of", None):
            return tuple(bucket["Name"] for bucket in self._client.list_buckets().get("Buckets", []))

    def _pages(self, bucket: str, prefix: str, limit: int | None = None) -> Iterator[ObjectInfo]:
        with self._translated("list", Location(bucket, prefix)):
            paginator = self._client.get_paginator("list_objects_v2")
            bound = {"MaxItems": limit, "PageSize": limit} if limit else {}
            for page in paginator.paginate(Bucket=bucket, Prefix=prefix, PaginationConfig=bound):  # type: ignore[arg-type]
                yield from (_info(bucket, found) for found in page.get("Contents", []) if not _is_marker(found))

    def _download(self, place: Location, file: BinaryIO, if_match: str | None) -> None:
        for attempt in range(self._patience.attempts):
            try:
                return self._stream(place, file, if_match)
            except _BROKEN_OFF as error:
                last = error
                time.sleep(self._patience.backoff_s * 2**attempt)
        raise StoreError(
            f"{place} broke off {self._patience.attempts} times on its way from {shown(self.access)} "
            f"({type(last).__name__}): look at the connection and at the store's log, then run again"
        ) from last

    def _stream(self, place: Location, file: BinaryIO, if_match: str | None) -> None:
        with self._translated("read", place, streaming=True):
            answer = self._client.get_object(Bucket=place.bucket, Key=place.key)
            found = answer.get("ETag", "").strip('"')
            if if_match and found != if_match:
                answer["Body"].close()
                raise ObjectChanged(
                    f"{place} was replaced since it was listed (etag {found}, not {if_match}): run again"
                )
            file.seek(0)
            file.truncate()
            with closing(answer["Body"]) as body:
                # botocore raises IncompleteReadError where the body ends before its Content-Length.
                for piece in body.iter_chunks(_PIECE_BYTES):
                    file.write(piece)

    @contextmanager
    def _translated(self, action: str, place: Location | None, *, streaming: bool = False) -> Iterator[None]:
        try:
            yield
        except _BROKEN_OFF as error:
            if streaming:
                raise  # _download tries again
            raise unreachable(action, place, self.access, error) from error
        except ClientError as error:
            raise refused(action, place, self.access, _code(error)) from error
        except (BotoCoreError, Boto3Error) as error:
            if isinstance(error.__context__, ClientError):  # upload_file wraps what the store said
                raise refused(action, place, self.access, _code(error.__context__)) from error
            raise unreachable(action, place, self.access, error) from error


@lru_cache(maxsize=8)
def _arrived(access: StoreAccess, patience: Patience, max_connections: int) -> Store:
    """The store that a pickled one stands for: one in a process, whose client took 60 ms and stays connected."""
    return Store(access, patience=patience, max_connections=max_connections)


def _client(access: StoreAccess, patience: Patience, max_connections: int) -> "S3Client":
    config = Config(
        s3={"addressing_style": "path"},
        signature_version="s3v4",
        # Newer checksums by default are refused or mangled by several S3-compatible stores.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        connect_timeout=patience.connect_timeout_s,
        read_timeout=patience.read_timeout_s,
        max_pool_connections=max_connections,
        tcp_keepalive=True,
        # A proxy cannot reach this machine's own loopback.
        proxies={} if urlsplit(access.endpoint_url or "").hostname in _LOOPBACK else None,
    )
    try:
        # A session of its own: the default one is not safe to build clients from in several threads.
        return boto3.session.Session().client(
            "s3",
            endpoint_url=access.endpoint_url,
            aws_access_key_id=access.access_key,
            aws_secret_access_key=access.secret_key,
            aws_session_token=access.session_token,
            region_name=access.region,
            config=config,
        )
    except (BotoCoreError, ValueError) as error:
        raise StoreError(
            f"no client for {shown(access)}: {type(error).__name__}; expected AWS_ENDPOINT_URL like https://HOST:PORT "
            "and either both keys or a profile that exists"
        ) from error


def _is_marker(found: "ObjectTypeDef") -> bool:
    return found["Key"].endswith("/") and found["Size"] == 0


def _info(bucket: str, found: "ObjectTypeDef") -> ObjectInfo:
    key = found["Key"]
    uri = Location(bucket, key).uri
    return ObjectInfo(uri, key, found["Size"], found.get("ETag", "").strip('"'), found["LastModified"])


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
