"""What runs by itself on a real server: registered twice, nights that were missed, and what is killed in the middle."""

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
from tests.support.prefect import prefect_client
from tests.support.seraph import COMMAND, Seraph

pytestmark = pytest.mark.stack

NIGHTLY = "score-corpus/nightly"
MEDIA = 6
QUICK = {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}


@dataclass(frozen=True)
class Archive:
    """A stack of its own, which may be killed, and the command on it."""

    settings: Settings
    stack: Stack
    seraph: Seraph

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the server; where all cores are busy its database may be, too (503), and it is asked again."""
        with prefect_client(self.stack.services) as api:
            answer = until(lambda: _unless_busy(api.request(method, path, json=body)))
        return answer.raise_for_status().json()

    def nights(self, *states: str) -> list[dict[str, Any]]:
        """The nightly runs in these states, in the order in which they were due."""
        body = {
            "deployments": {"name": {"any_": ["nightly"]}},
            "flow_runs": {"state": {"type": {"any_": states}}},
            "sort": "EXPECTED_START_TIME_ASC",
        }
        found: list[dict[str, Any]] = self.ask("POST", "flow_runs/filter", body)
        return found

    def pid(self, part: str) -> int:
        return State(self.settings.home).parts()[part].process.pid

    def committed(self) -> int:
        return len(list((self.settings.home / "s3" / "nights").glob("commits/*/*.json")))


def _unless_busy(answer: httpx.Response) -> httpx.Response | None:
    return None if answer.status_code == 503 else answer


@pytest.fixture
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Media of one shard each, and nothing scored."""
    home = tmp_path_factory.mktemp("archive") / "home"
    settings = Settings.from_environment({"SERAPH_HOME": str(home)})
    try:
        stack = local_stack.up(settings, print)
        store = Store(stack.services.store)
        store.ensure_bucket("archive")
        for file in utterances("en")[:MEDIA]:
            store.put_file(f"s3://archive/media/{file.name}", file)
        yield Archive(settings, stack, Seraph(home, QUICK))
    finally:
        local_stack.down(settings, print)
        shutil.rmtree(home, ignore_errors=True)


def operations(file: Path, **more: Any) -> Path:
    """The file of the archive: a run without a sign of life for 45 s, the least that there is, is dead."""
    document = {
        "media": "s3://archive/media",
        "results": "s3://nights",
        "config": str(file.parent / "config-0.yaml"),
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
    until(lambda: "running what is due" in log.read_text() or process.poll() is not None)
    assert process.poll() is None, log.read_text()
    return Serving(process, log)


def until(ask: Callable[[], Any], seconds: float = 180) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return answer


def test_missed_nights_become_one_run_which_outlives_its_worker_and_its_server(
    archive: Archive, tmp_path: Path
) -> None:
    audio_only(tmp_path, media={"shard_media": 1})
    file = operations(tmp_path / "archive.yaml", labels={"uri": "s3://labels/in", "every_s": 86_400})
    first = archive.seraph.json("deploy", "--config", str(file))["registered"]
    assert {each["change"] for each in first} == {"created"}
    due = miss_three(archive)
    serving = serve(archive, operations(file, nightly={"cron": "30 3 * * *"}))
    said = [line.split()[:3] for line in serving.log.read_text().splitlines()]
    assert ["updated", "deployment", NIGHTLY] in said, "its schedule is another"
    assert ["removed", "deployment", "watch-labels/every"] in said, "no label files are named any more"
    until(lambda: archive.committed())
    (night,) = archive.nights("RUNNING")
    serving.end(signal.SIGKILL)
    assert archive.committed() < MEDIA, "the worker was killed too late to show anything"

    serving = serve(archive, file)
    try:
        # While the run's silence lasts.
        again = archive.seraph.json("deploy", "--config", str(file))["registered"]
        assert {each["change"] for each in again} == {"unchanged"}
        assert {each["id"] for each in again} <= {each["id"] for each in first}, "updated in its place"
        assert_that_the_door_is_shut(archive, file)
        until(lambda: archive.ask("GET", f"flow_runs/{night['id']}")["run_count"] == 2)
        assert done(archive, night["id"]) is None, "the server was killed too late to show anything"
        os.killpg(archive.pid("prefect"), signal.SIGKILL)
        up_again = local_stack.up(archive.settings, print)
        assert up_again.services == archive.stack.services, "whoever talked with it finds it"
        run = until(lambda: done(archive, night["id"]))
    finally:
        serving.end(signal.SIGTERM)
    assert (run["state_type"], run["run_count"]) == ("COMPLETED", 2)
    assert serving.process.returncode == 0
    ended = {each["id"]: each["state_type"] for each in archive.nights("COMPLETED", "CANCELLED", "FAILED", "CRASHED")}
    assert sorted(ended[each] for each in due) == ["CANCELLED", "CANCELLED", "COMPLETED"]
    table = archive.seraph.table("s3://archive/media", "s3://nights", str(tmp_path / "config-0.yaml"))
    assert table["segment_id"].is_unique
    assert table["media_uri"].nunique() == MEDIA, "no row is lost"


def assert_that_the_door_is_shut(archive: Archive, file: Path) -> None:
    """Without the server's password nothing is done, and one line says what is needed."""
    url = {"PREFECT_API_URL": archive.stack.services.prefect_api_url}
    stranger = Seraph(archive.seraph.home, {**QUICK, **url})
    score = ["score", "--media", "s3://archive/media", "--results", "s3://nights", "--config", "demo"]
    for command in (["deploy", "--config", str(file)], ["serve", "--config", str(file)], score):
        said = stranger.run(*command, expect=5).stderr
        assert "refuses (401): set PREFECT_API_AUTH_STRING" in " ".join(said.split())
        assert "Traceback" not in said


def miss_three(archive: Archive) -> set[str]:
    """Move the next nights, as the server's scheduler has set them, into the past: their ids."""
    nights = until(lambda: runs if len(runs := archive.nights("SCHEDULED")) >= 3 else None)[:3]
    assert all(night["auto_scheduled"] for night in nights)
    for night, days in zip(nights, (3, 2, 1), strict=True):
        tell_of_first_state(archive, night)
        when = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": when}}
        archive.ask("POST", f"flow_runs/{night['id']}/set_state", {"state": state, "force": True})
    return {night["id"] for night in nights}


def tell_of_first_state(archive: Archive, run: dict[str, Any]) -> None:
    """The server tells of no state that its scheduler sets, and keeps what follows one within 5 minutes for 15 minutes.

    Nights are set days before they are due; here only seconds.
    """
    event = {
        "id": run["state_id"],
        "occurred": datetime.now(UTC).isoformat(),
        "event": "prefect.flow-run.Scheduled",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run['id']}"},
    }
    with prefect_client(archive.stack.services) as api:
        api.post("events", json=[event]).raise_for_status()


def done(archive: Archive, run: str) -> dict[str, Any] | None:
    answer: dict[str, Any] = archive.ask("GET", f"flow_runs/{run}")
    return answer if answer["state_type"] in {"COMPLETED", "FAILED", "CANCELLED"} else None
