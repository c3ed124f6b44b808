"""What the hub answers, or fails to answer, to its own client: told in words, with what to do."""

from pathlib import Path

import pytest

from actors.checkpoints.hub import Hub
from infra.errors import CheckpointError, WeightsAbsentError
from tests.support.checkpoints import write_stock
from tests.support.hub import FakeHub

FIRST = "1" * 40
SOURCE = "somebody/model"


@pytest.mark.parametrize("revision", [None, "no-such-tag"])
def test_what_the_hub_does_not_have_is_an_error_that_names_it(hub: FakeHub, tmp_path: Path, revision: str) -> None:
    if revision:
        hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)

    with pytest.raises(WeightsAbsentError, match=SOURCE) as caught:
        Hub(hub.url).resolve(SOURCE, revision)

    assert revision is None or revision in str(caught.value)


def test_a_hub_that_does_not_answer_is_an_error_with_what_to_do() -> None:
    with pytest.raises(WeightsAbsentError, match="copy a folder"):
        Hub("http://127.0.0.1:9").resolve(SOURCE)


@pytest.mark.parametrize("answer", [b"<html>Log in</html>", b"[]", b"{}", b'{"id": "somebody/model", "siblings": 3}'])
def test_an_answer_that_is_none_of_a_hub_is_an_error_with_what_to_do(hub: FakeHub, answer: bytes) -> None:
    hub.instead = answer

    with pytest.raises(WeightsAbsentError, match=r"somebody/model.*copy a folder"):
        Hub(hub.url).resolve(SOURCE)


def test_a_commit_that_is_none_is_refused_because_a_folder_would_be_named_by_it(hub: FakeHub, tmp_path: Path) -> None:
    hub.add(SOURCE, write_stock(tmp_path / "published"), sha="../../../elsewhere")

    with pytest.raises(WeightsAbsentError, match="elsewhere"):
        Hub(hub.url).resolve(SOURCE)


def test_a_repository_without_weights_is_told_by_what_it_has(hub: FakeHub, tmp_path: Path) -> None:
    published = tmp_path / "published"
    published.mkdir()
    (published / "model.onnx").write_text("x")
    hub.add(SOURCE, published, sha=FIRST)

    with pytest.raises(CheckpointError, match=r"no weights.*model\.onnx"):
        Hub(hub.url).resolve(SOURCE)
