"""What many tests stand on: a real S3 server of their own, and a whole local stack. Both in temporary homes."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import hypothesis
import pytest

from infra import stack as local_stack
from infra.location import Location
from infra.services import Services
from infra.settings import Settings, StoreAccess
from infra.storage import Store

# The same cases in every run: what fails for one fails for all. Nothing is kept between runs.
hypothesis.settings.register_profile("same", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("same")

_numbers = itertools.count(1)


@dataclass(frozen=True)
class LocalStore:
    """A store on a real S3 server, and a bucket that no other test has."""

    settings: Settings
    services: Services
    access: StoreAccess
    store: Store
    bucket: Location


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    """One S3 server for the whole session, started by the code of the stack."""
    settings = _settings(tmp_path_factory.mktemp("s3 홈"))
    services = local_stack.up(settings, _silent, need={"s3"}).services
    yield LocalStore(settings, services, services.store, Store(services.store), Location("test"))
    local_stack.down(settings, _silent)


@pytest.fixture
def local_store(s3_server: LocalStore) -> LocalStore:
    """A fresh bucket on the session's S3 server."""
    bucket = Location(f"test-{os.getpid()}-{next(_numbers)}")
    s3_server.store.ensure_bucket(bucket.bucket)
    return replace(s3_server, bucket=bucket)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local_stack.Stack]:
    """S3, Prefect and Ray, up in a temporary home; the home is the parent of `services.local_root`."""
    settings = _settings(tmp_path_factory.mktemp("stack"))
    yield local_stack.up(settings, _silent)
    local_stack.down(settings, _silent)


def _settings(home: Path) -> Settings:
    return Settings.from_environment({"SERAPH_HOME": str(home / "home")})


def _silent(_: str) -> None: ...
