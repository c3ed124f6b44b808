"""infra/storage.py where the store misbehaves: a hand-written server in its place."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.errors import StoreError
from infra.location import Location
from infra.settings import StoreAccess
from infra.storage import Patience, Store

IMPATIENT = Patience(attempts=3, backoff_s=0.01, connect_timeout_s=1, read_timeout_s=1)
BODY = b"0123456789"


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler, int], None]) -> Iterator[tuple[Store, list[str]]]:
    """A store whose n-th GET is answered by `answer(request, n)`, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            answer(self, len(asked))

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Store(StoreAccess(f"http://127.0.0.1:{http.server_port}", "key", "secret"), patience=IMPATIENT), asked
        finally:
            http.shutdown()
            thread.join()


def send(request: BaseHTTPRequestHandler, body: bytes, *, length: int | None = None, status: int = 200) -> None:
    request.send_response(status)
    request.send_header("ETag", '"tag"')
    request.send_header("Content-Length", str(len(body) if length is None else length))
    request.send_header("Connection", "close")
    request.end_headers()
    request.wfile.write(body)
    request.close_connection = True


def test_a_body_that_breaks_off_is_fetched_again_and_leaves_nothing_of_itself() -> None:
    def short_once(request: BaseHTTPRequestHandler, number: int) -> None:
        # The first try is longer than the whole second answer: the object was replaced by a shorter one meanwhile.
        send(request, b"X" * 15 if number == 1 else BODY, length=20 if number == 1 else None)

    with server(short_once) as (store, asked):
        assert store.get_bytes("s3://bucket/a.wav") == BODY
        assert len(asked) == 2


def test_a_body_that_always_breaks_off_is_an_error_after_so_many_attempts() -> None:
    with server(lambda request, _: send(request, b"XX", length=10)) as (store, asked):
        with pytest.raises(StoreError, match=r"s3://bucket/a\.wav broke off 3 times"):
            store.get_bytes("s3://bucket/a.wav")
        assert len(asked) == 3


def test_a_server_error_is_tried_again() -> None:
    def busy_once(request: BaseHTTPRequestHandler, number: int) -> None:
        send(request, b"" if number == 1 else BODY, status=503 if number == 1 else 200)

    with server(busy_once) as (store, _):
        assert store.get_bytes("s3://bucket/a.wav") == BODY


def test_folder_markers_are_not_listed_but_empty_files_are() -> None:
    listing = b"".join(
        b"<Contents><Key>%s</Key><Size>%d</Size><ETag>&quot;t&quot;</ETag>"
        b"<LastModified>2026-01-01T00:00:00Z</LastModified></Contents>" % entry
        for entry in ((b"media/", 0), (b"media/empty.wav", 0), (b"media/a.wav", 3))
    )
    page = b"<ListBucketResult><IsTruncated>false</IsTruncated>%s</ListBucketResult>" % listing
    with server(lambda request, _: send(request, page)) as (store, _):
        assert [found.key for found in store.list(Location("bucket", "media/"))] == ["media/empty.wav", "media/a.wav"]


def test_an_endpoint_that_nobody_serves_is_named_with_what_to_do_and_without_its_password() -> None:
    access = StoreAccess("http://user:hunter2@127.0.0.1:9", "key", "the-secret")
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:9: .*check AWS_ENDPOINT_URL") as caught:
        Store(access, patience=IMPATIENT).buckets()
    assert "hunter2" not in str(caught.value)
    assert "the-secret" not in str(caught.value)


def test_an_endpoint_that_is_no_address_is_an_error_of_the_store() -> None:
    with pytest.raises(StoreError, match="expected AWS_ENDPOINT_URL like"):
        Store(StoreAccess("not an address", "key", "secret"))


def test_a_proxy_does_not_stand_between_us_and_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with server(lambda request, _: send(request, BODY)) as (store, _):
        assert store.get_bytes("s3://bucket/a.wav") == BODY
