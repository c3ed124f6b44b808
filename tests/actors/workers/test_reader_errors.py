"""Errors of the program or of a library while a medium is read: no fault of the medium, so none that is final."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest

from actors.contract import Medium, Reason, Rejection
from actors.options import ReadOptions, SegmentOptions
from actors.workers import Reader
from infra.settings import StoreAccess


class StoreOfAnotherVersion:
    """A store whose library has changed under it."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @contextmanager
    def fetch(self, uri: str, *, if_match: str) -> Iterator[BinaryIO]:
        raise self._error
        yield


@pytest.mark.parametrize(
    "error",
    [
        TypeError("open() got an unexpected keyword argument 'metadata_errors'"),
        AttributeError("module 'av' has no attribute 'open'"),
        ImportError("libavformat.so.62: cannot open shared object file"),
    ],
)
def test_a_library_of_another_version_leaves_the_media_to_a_later_run(error: Exception) -> None:
    reader = Reader(StoreAccess("http://127.0.0.1:9", "key", "secret"), ReadOptions(), SegmentOptions(method="windows"))
    reader._store = StoreOfAnotherVersion(error)  # type: ignore[assignment]

    rejection, signal = reader.read(Medium("s3://media/a.wav", "e1", 1))

    assert isinstance(rejection, Rejection)
    assert rejection.reason is Reason.WORKER_DIED
    assert rejection.reason.transient
    assert rejection.detail == f"{type(error).__name__}: {error}"
    assert signal.shape == (0,)
