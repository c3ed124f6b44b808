"""Unfinished uploads on a real S3 server: they are told, and can be given up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.storage import UploadInfo

pytestmark = pytest.mark.stack


def test_an_unfinished_upload_is_listed_under_its_folder_and_can_be_given_up(local_store: Any) -> None:
    access, bucket = local_store.access, local_store.bucket
    client = boto3.client(
        "s3", endpoint_url=access.endpoint_url, aws_access_key_id=access.access_key, region_name="us-east-1",
        aws_secret_access_key=access.secret_key, config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip
    key = "out/logits/한 파일.parquet"
    begun = client.create_multipart_upload(Bucket=bucket.bucket, Key=key)["UploadId"]
    client.close()
    (found,) = local_store.store.list_uploads(bucket.join("out"))
    assert (found.uri, found.id) == (bucket.join(key).uri, begun)
    assert abs(found.begun - datetime.now(UTC)) < timedelta(minutes=5)
    assert list(local_store.store.list_uploads(bucket.join("ou"))) == []
    local_store.store.abort_upload(found)
    assert list(local_store.store.list_uploads(bucket)) == []


def test_an_upload_that_is_gone_already_is_no_error(local_store: Any) -> None:
    gone = UploadInfo(local_store.bucket.join("x").uri, "1", datetime.now(UTC))
    local_store.store.abort_upload(gone)
