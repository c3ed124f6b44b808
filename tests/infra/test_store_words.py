"""infra/store_words.py: which error a refusal becomes, what it tells, and what it never tells."""

import pytest

from infra.errors import ObjectMissing, StoreError
from infra.location import Location
from infra.settings import StoreAccess
from infra.store_words import refused, shown, unreachable

PLACE = Location("archive", "2026/a.wav")
HERE = StoreAccess(endpoint_url="https://store.example:9000", region="eu")


@pytest.mark.parametrize(
    ("code", "kind", "remedy"),
    [
        ("NoSuchBucket", StoreError, "there is no bucket 'archive'; create it or name another one"),
        ("NoSuchKey", ObjectMissing, "there is no such object"),
        ("404", ObjectMissing, "there is no such object"),
        ("AccessDenied", StoreError, "check AWS_ACCESS_KEY_ID"),
        ("SlowDown", StoreError, "the store answered SlowDown; see its log"),
    ],
)
def test_a_refusal_names_the_act_the_place_and_the_remedy(code: str, kind: type[StoreError], remedy: str) -> None:
    error = refused("read", PLACE, HERE, code)

    assert type(error) is kind
    assert str(error).startswith("cannot read s3://archive/2026/a.wav at https://store.example:9000: ")
    assert remedy in str(error)


def test_a_store_without_an_answer_is_told_by_the_kind_of_error_and_not_by_its_words() -> None:
    error = unreachable("list the buckets of", None, HERE, TimeoutError("key=secret"))

    assert str(error).startswith("cannot list the buckets of the store at https://store.example:9000: TimeoutError; ")
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (None, "AWS S3 (eu)"),
        ("https://user:secret@store.example", "https://store.example"),
        ("user:secret@store.example", "store.example"),
    ],
)
def test_an_endpoint_is_shown_without_what_somebody_put_into_it(endpoint: str | None, words: str) -> None:
    assert shown(StoreAccess(endpoint_url=endpoint, region="eu")) == words
