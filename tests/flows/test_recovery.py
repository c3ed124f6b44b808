"""What runs by itself on a real server: nights that were missed, and what is killed in the middle."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from infra import stack as local_stack
from infra.settings import Settings
from infra.stack import Stack
from infra.state import State
from infra.storage import Store
from tests.support.demo import audio_only, utterances
from tests.support.seraph import COMMAND, Seraph

pytestmark = pytest.mark.stack

NIGHTLY = "score-corpus/nightly"
MEDIA = 6


@dataclass(frozen=True)
class Archive:
    """A stack of its own, which may be killed, and the command on it."""

    settings: Settings
    stack: Stack
    seraph: Seraph

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the server; where all cores are busy its database may be, too (503), and it is asked again."""
        url = f"{self.stack.services.prefect_api_url}/{path}"
        answer = until(lambda: _unless_busy(httpx.request(method, url, json=body, timeout=60)))
        return answer.raise_for_status().json()

    def runs(self, deployment: str, *states: str) -> list[dict[str, Any]]:
        """The runs of a deployment in these states, in the order in which they were due."""
        name = deployment.partition("/")[2]
        body = {
            "deployments": {"name": {"any_": [name]}},
            "flow_runs": {"state": {"type": {"any_": states}}} if states else None,
            "sort": "EXPECTED_START_TIME_ASC",
        }
        found: list[dict[str, Any]] = self.ask("POST", "flow_runs/filter", body)
        return found

    def pid(self, part: str) -> int:
        return State(self.settings.home).parts()[part].process.pid


def _unless_busy(answer: httpx.Response) -> httpx.Response | None:
    return None if answer.status_code == 503 else answer


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Media of one shard each, and nothing scored."""
    home = tmp_path_factory.mktemp("archive") / "home"
    settings = Settings.from_environment({"SERAPH_HOME": str(home)})
    stack = local_stack.up(settings, print)
    store = Store(stack.services.store)
    store.ensure_bucket("archive")
    for file in utterances("en")[:MEDIA]:
        store.put_file(f"s3://archive/media/{file.name}", file)
    quick = {"PREFECT_RUNNER_POLL_FREQUENCY": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    yield Archive(settings, stack, Seraph(home, quick))
    local_stack.down(settings, print)
    shutil.rmtree(home, ignore_errors=True)


def operations(results: str, folder: Path, **more: Any) -> Path:
    """The file of the archive: a run without a sign of life for 45 s, the least that there is, is dead."""
    config = audio_only(folder, media={"shard_media": 1})
    file = folder / "archive.yaml"
    document = {
        "media": "s3://archive/media",
        "results": f"s3://{results}",
        "config": config,
        "nightly": {"cron": "0 2 * * *", "timezone": "Asia/Seoul"},
        "recovery": {"dead_after_s": 45},
        **more,
    }
    file.write_text(yaml.safe_dump(document))
    return file


@dataclass(frozen=True)
class Serving:
    """`seraph serve` at work; its output is in a file, so that it never waits for a reader."""

    process: "subprocess.Popen[str]"
    log: Path

    def end(self, number: int) -> None:
        """Send a signal to it and all its runs, and wait for it."""
        os.killpg(self.process.pid, number)
        self.process.wait(60)


def serve(archive: Archive, file: Path) -> Serving:
    log = file.with_suffix(f".{time.monotonic_ns()}.log")
    with log.open("w") as out:
        process = subprocess.Popen(
            [COMMAND, "serve", "--config", str(file)],
            env=archive.seraph._environment(), cwd=file.parent, stdout=out, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
    until(lambda: "running what is due" in log.read_text())
    return Serving(process, log)


def until(ask: Callable[[], Any], seconds: float = 180) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return answer


def was_due(archive: Archive, run: dict[str, Any], ago: timedelta) -> None:
    """Move a night into the past."""
    when = (datetime.now(UTC) - ago).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": when}}
    archive.ask("POST", f"flow_runs/{run['id']}/set_state", {"state": state, "force": True})


def test_three_missed_nights_are_caught_up_by_one_run(archive: Archive, tmp_path: Path) -> None:
    file = operations("nights", tmp_path, labels={"uri": "s3://labels/in", "every_s": 86_400})
    first = archive.seraph.json("deploy", "--config", str(file))["registered"]
    again = archive.seraph.json("deploy", "--config", str(file))["registered"]
    assert {each["change"] for each in first} == {"created"}
    assert {each["change"] for each in again} == {"unchanged"}
    assert [each["id"] for each in again] == [each["id"] for each in first]

    nights = until(lambda: runs if len(runs := archive.runs(NIGHTLY, "SCHEDULED")) >= 3 else None)[:3]
    assert all(night["auto_scheduled"] for night in nights)
    for night, days in zip(nights, (3, 2, 1), strict=True):
        was_due(archive, night, timedelta(days=days))
    serving = serve(archive, file)
    try:
        due = {night["id"] for night in nights}
        ended = until(lambda: ends if due <= (ends := ended_nights(archive)).keys() else None)
    finally:
        serving.end(signal.SIGTERM)
    assert sorted(ended[night] for night in due) == ["CANCELLED", "CANCELLED", "COMPLETED"]
    assert serving.process.returncode == 0
    assert_whole(archive, "nights", tmp_path)


def ended_nights(archive: Archive) -> dict[str, str]:
    return {run["id"]: run["state_type"] for run in archive.runs(NIGHTLY, "COMPLETED", "CANCELLED", "FAILED")}


def test_a_run_whose_worker_is_killed_is_found_dead_and_completes(archive: Archive, tmp_path: Path) -> None:
    file = operations("worker", tmp_path)
    serving = serve(archive, file)
    said = [line.split() for line in serving.log.read_text().splitlines()]
    assert ["removed", "deployment", "watch-labels/every"] in said, "the file no longer names label files"
    night = begun(archive, "worker")
    serving.end(signal.SIGKILL)
    assert committed(archive, "worker") < MEDIA, "it was killed too late to show anything"
    serving = serve(archive, file)
    try:
        run = until(lambda: done(archive, night))
    finally:
        serving.end(signal.SIGTERM)
    assert (run["state_type"], run["run_count"]) == ("COMPLETED", 2)
    assert_whole(archive, "worker", tmp_path)


def test_a_run_whose_server_is_killed_and_comes_back_completes(archive: Archive, tmp_path: Path) -> None:
    serving = serve(archive, operations("server", tmp_path))
    try:
        night = begun(archive, "server")
        os.killpg(archive.pid("prefect"), signal.SIGKILL)
        again = local_stack.up(archive.settings, print)
        assert again.services.prefect_api_url == archive.stack.services.prefect_api_url
        run = until(lambda: done(archive, night))
    finally:
        serving.end(signal.SIGTERM)
    assert run["state_type"] == "COMPLETED"
    assert_whole(archive, "server", tmp_path)


def begun(archive: Archive, results: str) -> str:
    """Ask for a night, and wait for its first shard; its id."""
    deployment = archive.ask("GET", f"deployments/name/{NIGHTLY}")
    asked = archive.ask("POST", f"deployments/{deployment['id']}/create_flow_run", {})
    until(lambda: committed(archive, results))
    return str(asked["id"])


def committed(archive: Archive, results: str) -> int:
    return len(list((archive.settings.home / "s3" / results).glob("commits/*/*.json")))


def assert_whole(archive: Archive, results: str, folder: Path) -> None:
    """All media are there, and no row is lost or doubled."""
    table = archive.seraph.table("s3://archive/media", f"s3://{results}", str(next(folder.glob("config-*"))))
    assert table["segment_id"].is_unique
    assert table["media_uri"].nunique() == MEDIA


def done(archive: Archive, run: str) -> dict[str, Any] | None:
    answer: dict[str, Any] = archive.ask("GET", f"flow_runs/{run}")
    return answer if answer["state_type"] in {"COMPLETED", "FAILED", "CANCELLED"} else None
