"""infra/storage.py against a real S3 server."""

import hashlib
import pickle
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.errors import ObjectChanged, ObjectMissing, StoreError
from infra.location import Location
from infra.storage import Patience, Store

pytestmark = pytest.mark.stack

MIB = 2**20
HOSTILE = [
    "plain.wav",
    "with space.wav",
    "한국어/드라마 1화.mp4",
    "a+b%20c%.wav",
    "#1?x=1&y=2;z.wav",
    "quote'\"`.wav",
    "<script>alert(1)</script>.mp3",
    "e\u0301 and \u00e9.wav",
    "emoji-🎙.ogg",
    "back\\slash.wav",
]


@pytest.mark.parametrize("key", HOSTILE)
def test_any_key_is_written_listed_fetched_and_deleted_under_its_own_name(local_store: Any, key: str) -> None:
    store, uri = local_store.store, local_store.bucket.join(key).uri
    store.put_bytes(uri, key.encode())
    assert [found.uri for found in store.list(local_store.bucket)] == [uri]
    with store.fetch(uri) as file:
        assert file.read() == key.encode()
    store.delete([uri])
    assert not store.exists(uri)


def test_a_listing_says_size_etag_and_time(local_store: Any) -> None:
    local_store.store.put_bytes(local_store.bucket.join("a.wav").uri, b"abc")
    (found,) = local_store.store.list(local_store.bucket)
    assert (found.key, found.size, found.etag) == ("a.wav", 3, hashlib.md5(b"abc").hexdigest())
    assert found.modified.tzinfo is not None


def test_a_listing_goes_on_beyond_a_thousand_objects(local_store: Any) -> None:
    folder = local_store.services.local_root / local_store.bucket.bucket
    for number in range(1205):
        (folder / f"{number:04}.wav").write_bytes(b"x")
    listed = [found.key for found in local_store.store.list(local_store.bucket)]
    assert sorted(listed) == [f"{number:04}.wav" for number in range(1205)]


@pytest.mark.parametrize("prefix", ["p", "p/"])
def test_a_prefix_is_a_folder_and_not_the_beginning_of_a_name(local_store: Any, prefix: str) -> None:
    for key in ("p/a.wav", "p/q/b.wav", "pq/c.wav", "p-2.wav"):
        local_store.store.put_bytes(local_store.bucket.join(key).uri, b"x")
    listed = local_store.store.list(Location(local_store.bucket.bucket, prefix))
    assert sorted(found.key for found in listed) == ["p/a.wav", "p/q/b.wav"]


def test_a_prefix_may_be_one_object(local_store: Any) -> None:
    for key in ("p.wav", "p.wav.txt", "p.wave/a.wav"):
        local_store.store.put_bytes(local_store.bucket.join(key).uri, b"x")
    assert [found.key for found in local_store.store.list(local_store.bucket.join("p.wav"))] == ["p.wav"]


def test_an_etag_is_the_same_at_every_listing_and_another_for_other_bytes(local_store: Any) -> None:
    uri = local_store.bucket.join("a.wav").uri

    def etag() -> str:
        return next(iter(local_store.store.list(local_store.bucket))).etag  # type: ignore[no-any-return]

    local_store.store.put_bytes(uri, b"one")
    first, again = etag(), etag()
    local_store.store.put_bytes(uri, b"two")
    assert first == again != etag()


@pytest.mark.parametrize("memory_limit", [10, 10 * MIB])
def test_a_fetched_file_is_whole_and_seekable_in_memory_and_on_disk(local_store: Any, memory_limit: int) -> None:
    uri, data = local_store.bucket.join("a.wav").uri, bytes(range(256)) * 16_000
    local_store.store.put_bytes(uri, data)
    with local_store.store.fetch(uri, memory_limit=memory_limit) as file:
        assert (file._rolled, file.seekable(), file.tell()) == (memory_limit == 10, True, 0)
        assert file.read() == data
        file.seek(-1, 2)
        assert file.read() == b"\xff"
    assert file.closed


def test_an_empty_object_is_fetched_as_an_empty_file(local_store: Any) -> None:
    uri = local_store.bucket.join("empty.wav").uri
    local_store.store.put_bytes(uri, b"")
    with local_store.store.fetch(uri) as file:
        assert file.read() == b""


def test_an_object_replaced_since_the_listing_is_told_apart(local_store: Any) -> None:
    uri = local_store.bucket.join("a.wav").uri
    local_store.store.put_bytes(uri, b"one")
    (listed,) = local_store.store.list(local_store.bucket)
    assert local_store.store.get_bytes(uri, if_match=listed.etag) == b"one"
    local_store.store.put_bytes(uri, b"two")
    with pytest.raises(ObjectChanged, match=f"{uri} was replaced"):
        local_store.store.get_bytes(uri, if_match=listed.etag)


def test_a_missing_object_is_told_apart_from_a_missing_bucket(local_store: Any) -> None:
    with pytest.raises(ObjectMissing, match="no such object"):
        local_store.store.get_bytes(local_store.bucket.join("none.wav").uri)
    with pytest.raises(StoreError, match="no bucket 'test-none'") as caught:
        list(local_store.store.list(Location("test-none")))
    assert not isinstance(caught.value, ObjectMissing)


def test_a_large_file_goes_up_in_parts_and_comes_back_the_same(local_store: Any, tmp_path: Path) -> None:
    path, uri = tmp_path / "큰 파일.wav", local_store.bucket.join("큰 파일.wav").uri
    path.write_bytes(bytes(range(256)) * (70 * MIB // 256))
    local_store.store.put_file(uri, path, "audio/wav")
    with local_store.store.fetch(uri, memory_limit=MIB) as file:
        assert hashlib.file_digest(file, "sha256").digest() == hashlib.sha256(path.read_bytes()).digest()


def test_deleting_what_is_gone_is_no_error(local_store: Any) -> None:
    local_store.store.delete([local_store.bucket.join("none.wav").uri])


def test_a_signed_address_is_readable_without_credentials(local_store: Any) -> None:
    uri = local_store.bucket.join("한 글+.html").uri
    local_store.store.put_bytes(uri, b"report", "text/html")
    signed = local_store.store.presign(uri, 60)
    with urllib.request.urlopen(signed, timeout=10) as answer:
        assert answer.read() == b"report"
    for forged in (signed.partition("?")[0], signed.replace("Signature=", "Signature=0")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(forged, timeout=10)
        refused.value.close()
        assert refused.value.code in {400, 403}


def test_a_wrong_secret_is_refused_and_no_secret_is_told(local_store: Any) -> None:
    wrong = replace(local_store.access, secret_key="the-wrong-secret")
    with pytest.raises(StoreError, match="check AWS_ACCESS_KEY_ID") as caught:
        Store(wrong).buckets()
    assert str(local_store.access.endpoint_url).removeprefix("http://") in str(caught.value)
    assert "the-wrong-secret" not in str(caught.value)
    assert str(local_store.access.secret_key) not in str(caught.value)


def test_a_store_pickles_as_its_access(local_store: Any) -> None:
    uri = local_store.bucket.join("a.wav").uri
    local_store.store.put_bytes(uri, b"x")
    patience = Patience(attempts=2)
    twin = pickle.loads(pickle.dumps(Store(local_store.access, patience=patience)))
    assert (twin.get_bytes(uri), twin._patience) == (b"x", patience)


def test_a_process_that_is_sent_a_store_twice_connects_once(local_store: Any) -> None:
    sent = pickle.dumps(local_store.store)
    assert pickle.loads(sent) is pickle.loads(sent)
    other = Store(replace(local_store.access, secret_key="another"))
    assert pickle.loads(pickle.dumps(other)) is not pickle.loads(sent)


def test_one_store_serves_many_threads(local_store: Any) -> None:
    uris = [local_store.bucket.join(f"{number}.bin").uri for number in range(60)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda uri: local_store.store.put_bytes(uri, uri.encode()), uris))
        assert list(pool.map(local_store.store.get_bytes, uris)) == [uri.encode() for uri in uris]


def test_ensuring_a_bucket_twice_keeps_what_is_in_it(local_store: Any) -> None:
    uri = local_store.bucket.join("a.wav").uri
    local_store.store.put_bytes(uri, b"x")
    local_store.store.ensure_bucket(local_store.bucket.bucket)
    assert local_store.store.exists(uri)
