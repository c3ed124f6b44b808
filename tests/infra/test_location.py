"""infra/location.py: names of places in a store."""

import pytest

from infra.errors import UsageError
from infra.location import Location


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/a/b.wav", "s3://my.bucket/한국 100%/#1?+'\".wav"])
def test_a_uri_survives_the_round_trip_to_the_letter(uri: str) -> None:
    assert Location.parse(uri).uri == uri


@pytest.mark.parametrize(
    "uri", ["", "bucket/a", "s3://", "s3:///a", "S3://bucket/a", "s3://b ucket/a", "https://bucket/a"]
)
def test_what_is_no_uri_of_a_store_is_refused_by_name(uri: str) -> None:
    with pytest.raises(UsageError, match="expected s3://BUCKET"):
        Location.parse(uri)


@pytest.mark.parametrize("prefix", ["s3://bucket/p", "s3://bucket/p/"])
def test_joining_leaves_one_slash_between_parts(prefix: str) -> None:
    assert Location.parse(prefix).join("a/", "/b.wav").uri == "s3://bucket/p/a/b.wav"


def test_joining_to_a_bare_bucket_starts_the_key() -> None:
    assert Location("bucket").join("a").uri == "s3://bucket/a"
