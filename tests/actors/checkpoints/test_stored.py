"""actors/checkpoints/stored.py: a pulled model in a real store reaches a node once, whole or not at all."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from actors.checkpoints import identify, is_stored, local_copy
from actors.checkpoints.stored import RECORD
from actors.options import Route
from actors.weights import model_here, prefetch
from actors.workers import Piece, Scorer
from infra.errors import CheckpointError
from tests.support.checkpoints import some_signals
from tests.support.pulled import write_pulled

pytestmark = pytest.mark.stack


@pytest.fixture
def stored(local_store: Any, tmp_path: Path) -> str:
    """A small model, put into the store as a pull left it."""
    folder = write_pulled(tmp_path / "pulled")
    for file in folder.iterdir():
        local_store.store.put_file(local_store.bucket.join("models/small", file.name).uri, file)
    return str(local_store.bucket.join("models/small").uri)


def copies(cache: Path) -> list[Path]:
    return [each for each in (cache / "models").iterdir() if each.is_dir()]


def test_many_who_ask_at_once_get_one_copy_that_can_be_loaded(stored: str, local_store: Any, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: local_copy(stored, local_store.access, cache), range(4)))
    assert list(found) == copies(cache)
    assert identify(str(found.pop())).weights_sha256 == identify(str(tmp_path / "pulled")).weights_sha256


def test_a_copy_is_not_fetched_again_and_another_model_in_its_place_is(
    stored: str, local_store: Any, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    first = local_copy(stored, local_store.access, cache)
    local_store.store.delete([f"{stored}/model.safetensors"])
    assert local_copy(stored, local_store.access, cache) == first
    other = write_pulled(tmp_path / "other", labels=("neu", "hap", "ang"))
    for file in other.iterdir():
        local_store.store.put_file(f"{stored}/{file.name}", file)
    second = local_copy(stored, local_store.access, cache)
    assert second != first
    assert identify(str(second)).weights_sha256 == identify(str(other)).weights_sha256


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("another", "is not what was pulled"),
        ("gone", "model.safetensors is missing"),
        ("record", "expected seraph.json"),
    ],
)
def test_what_is_not_whole_in_the_store_is_refused_and_leaves_nothing(
    stored: str, local_store: Any, tmp_path: Path, damage: str, message: str
) -> None:
    if damage == "another":
        local_store.store.put_bytes(f"{stored}/model.safetensors", b"other weights")
    else:
        local_store.store.delete([f"{stored}/{RECORD if damage == 'record' else 'model.safetensors'}"])
    with pytest.raises(CheckpointError, match=message):
        local_copy(stored, local_store.access, tmp_path / "cache")
    assert not (tmp_path / "cache").exists() or copies(tmp_path / "cache") == []


def test_a_worker_scores_with_a_model_in_a_store(
    stored: str, local_store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERAPH_CACHE", str(tmp_path / "cache"))
    signals = some_signals(seconds=(0.5,))
    scored = Scorer("fp32", 1, None, local_store.access).logits(Route(model=stored), [Piece(0, 0, 8000)], *signals)
    assert scored.spec.source == identify(str(tmp_path / "pulled")).source
    assert copies(tmp_path / "cache")


def test_a_model_is_there_before_it_is_asked_for_and_what_is_wrong_is_left_to_the_worker(
    stored: str, local_store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERAPH_CACHE", str(tmp_path / "cache"))
    prefetch([Route(model=str(tmp_path / "nothing")), Route(model=stored)], local_store.access)
    assert len(copies(tmp_path / "cache")) == 1


def test_without_a_store_in_the_environment_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CheckpointError, match="the AWS_ variables name none"):
        identify("s3://bucket/model")


def test_other_sources_are_left_as_they_are() -> None:
    assert not is_stored("owner/name")
    assert model_here("owner/name", None) == "owner/name"
