"""Where a Whisper checkpoint is found, and what is said when it is not."""

import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import whisper

from actors.detector_file import fetch_detector, find_detector, is_detector
from actors.weights import detector_here
from infra.errors import CheckpointError, ConfigError, WeightsAbsentError


def test_a_path_is_taken_as_it_is_with_the_hash_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "own.pt"
    file.write_bytes(b"weights")
    assert find_detector(str(file)) == (file, hashlib.sha256(b"weights").hexdigest())


def test_changed_bytes_have_another_hash(tmp_path: Path) -> None:
    file = tmp_path / "own.pt"
    file.write_bytes(b"weights")
    before = find_detector(str(file))
    file.write_bytes(b"other weights")
    assert find_detector(str(file)) != before


def test_a_named_model_that_is_not_here_is_told_of_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(WeightsAbsentError, match="seraph models pull tiny"):
        find_detector("tiny", tmp_path)


def test_a_named_model_with_other_bytes_than_published_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny.pt").write_bytes(b"not what was published")
    with pytest.raises(CheckpointError, match="damaged"):
        find_detector("tiny", tmp_path)


def test_a_name_that_nobody_publishes_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="huge"):
        find_detector("huge", tmp_path)


def test_names_and_hub_ids_are_told_apart() -> None:
    assert is_detector("base")
    assert not is_detector("openai/whisper-base")
    assert not is_detector("nobody")


# openai-whisper leaves the file that it has read to the garbage collector.
leaves_open = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@dataclass
class Publisher:
    """A server that publishes a model called `toy`, slowly, and counts how often it was asked."""

    content: bytes = b"weights of a toy"
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    there = Publisher()
    sha256 = hashlib.sha256(there.content).hexdigest()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(there.content)))
            self.end_headers()
            self.wfile.write(there.content[:5])
            time.sleep(0.1)
            self.wfile.write(there.content[5:])

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    # The table of addresses is openai-whisper's; its download is the real one.
    monkeypatch.setitem(whisper._MODELS, "toy", f"http://127.0.0.1:{server.server_port}/{sha256}/toy.pt")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield there
    server.shutdown()
    thread.join()
    server.server_close()


@leaves_open
def test_many_who_fetch_a_model_at_once_have_it_after_one_download(publisher: Publisher, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: fetch_detector("toy", tmp_path), range(4)))
    assert found == {(tmp_path / "toy.pt", hashlib.sha256(publisher.content).hexdigest())}
    assert len(publisher.asked) == 1


@leaves_open
def test_a_damaged_file_is_fetched_anew(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "toy.pt").write_bytes(b"half of it")
    path, _ = fetch_detector("toy", tmp_path)
    assert path.read_bytes() == publisher.content


@leaves_open
def test_of_a_download_that_is_not_what_was_published_nothing_is_left(publisher: Publisher, tmp_path: Path) -> None:
    publisher.content = publisher.content[::-1]
    with pytest.raises(WeightsAbsentError, match="could not be fetched"):
        fetch_detector("toy", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["toy.lock"]


@pytest.mark.stack
def test_a_file_in_a_store_is_copied_to_a_node_once_and_another_in_its_place_as_well(
    local_store: Any, tmp_path: Path
) -> None:
    place, cache = local_store.bucket.join("models/own.pt").uri, tmp_path / "cache"
    local_store.store.put_bytes(place, b"weights")
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: find_detector(place, access=local_store.access, cache=cache), range(4)))
    ((path, sha256),) = found
    assert (path.read_bytes(), sha256) == (b"weights", hashlib.sha256(b"weights").hexdigest())
    local_store.store.put_bytes(place, b"other weights")
    assert find_detector(place, access=local_store.access, cache=cache)[0].read_bytes() == b"other weights"
    assert len(list((cache / "detectors").glob("*.pt"))) == 2


@pytest.mark.stack
def test_a_place_in_a_store_without_a_file_is_told_of(local_store: Any, tmp_path: Path) -> None:
    with pytest.raises(WeightsAbsentError, match=r"nothing\.pt is no object"):
        find_detector(local_store.bucket.join("nothing.pt").uri, access=local_store.access, cache=tmp_path)


def test_what_lies_in_no_store_is_left_as_it_is_named() -> None:
    assert [detector_here(name, None) for name in ("base", "/models/own.pt")] == ["base", "/models/own.pt"]
