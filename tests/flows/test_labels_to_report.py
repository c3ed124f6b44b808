"""Label files dropped into a bucket become one report, on a real server: deployed, watched, told, re-evaluated.

The clock does not start the watch here (its schedule is tested with the deployments): it is asked to look.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import yaml

from infra.location import Location
from infra.stack import Stack
from infra.storage import Store
from tasks.watch.request import resource_of
from tests.support.demo import audio_only
from tests.support.prefect import prefect_client
from tests.support.seraph import COMMAND, DEMO

pytestmark = pytest.mark.stack

NEVER = {"cron": "0 0 29 2 *"}
SETTLE_S = 2
ENGLISH = str(DEMO / "checkpoints" / "en-emotion")
ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
LINES = [json.loads(line) for line in (DEMO / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
T = TypeVar("T")
LABELLED = [line for line in LINES if line["video"].startswith("en/utterances/")][:10]


class Archive:
    """Ten labelled utterances in a bucket, a place for label files, and the server that looks after both."""

    def __init__(self, store: Store, api: httpx.Client, bucket: str) -> None:
        self.media, self.labels, self.results = (f"s3://{bucket}/{each}" for each in ("media", "labels", "results"))
        self._store, self._api, self._resource = store, api, resource_of(self.labels, self.results)
        store.ensure_bucket(bucket)
        for line in LABELLED:
            store.put_file(f"{self.media}/{line['video']}", DEMO / "media" / line["video"])

    def drop(self, name: str, *lines: dict[str, Any]) -> None:
        """Put a label file into the bucket."""
        self._store.put_bytes(f"{self.labels}/{name}", "".join(json.dumps(line) + "\n" for line in lines).encode())

    def look(self) -> None:
        """Have the watch look once."""
        asked = self._api.post(f"deployments/{self._deployment('watch-labels/every')}/create_flow_run", json={})
        run = asked.raise_for_status().json()["id"]
        assert until(lambda: ended(self._api.get(f"flow_runs/{run}").raise_for_status().json())) == "COMPLETED"

    def tell_again(self) -> None:
        """The event once more, as a watch sends it that died before it could note that it had told."""
        event = {
            "occurred": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}Z",
            "event": "seraph.labels.updated",
            "resource": {"prefect.resource.id": self._resource},
            "id": f"00000000-0000-4000-8000-{os.getpid():012x}",
        }
        self._api.post("events", json=[event]).raise_for_status()

    def told(self) -> int:
        """How many events the server has had about these labels."""
        about = {"event": {"name": ["seraph.labels.updated"]}, "resource": {"id": [self._resource]}}
        return int(self._api.post("events/filter", json={"filter": about}).raise_for_status().json()["total"])

    def wait_for_reevaluations(self, n: int) -> None:
        """Wait until so many are over; all of them must have gone well."""
        until(lambda: sum(each in ENDS for each in self.reevaluations()) >= n or None)
        assert self.reevaluations() == ["COMPLETED"] * n

    def reevaluations(self) -> list[str]:
        """The states of all runs of `reevaluate/on-labels`, the first first."""
        asked = {"deployments": {"id": {"any_": [self._deployment("reevaluate/on-labels")]}}, "sort": "START_TIME_ASC"}
        return [each["state_type"] for each in self._api.post("flow_runs/filter", json=asked).raise_for_status().json()]

    def stored(self, folder: str, name: str) -> list[str]:
        """Addresses of the files of that name."""
        listed = self._store.list(Location.parse(f"{self.results}/{folder}"))
        return [each.uri for each in listed if each.uri.endswith(f"/{name}")]

    def record(self) -> dict[str, Any]:
        """The one re-evaluation that is stored."""
        (uri,) = self.stored("reevaluations", "reevaluation.json")
        return dict(json.loads(self._store.get_bytes(uri)))

    def _deployment(self, name: str) -> str:
        return str(until(lambda: found(self._api.get(f"deployments/name/{name}")))["id"])


@pytest.fixture
def archive(stack: Stack, tmp_path: Path) -> Iterator[Archive]:
    """The archive, deployed and served."""
    home = stack.services.local_root
    assert home is not None
    with prefect_client(stack.services) as api:
        archive = Archive(Store(stack.services.store), api, f"relabelled-{os.getpid()}")
        operations = tmp_path / "operations.yaml"
        operations.write_text(yaml.safe_dump({
            "media": archive.media, "results": archive.results, "nightly": NEVER,
            "config": audio_only(tmp_path, routes={"en": {"model": ENGLISH}}, decision={}),
            "labels": {"uri": archive.labels, "every_s": 366 * 86400, "settle_s": SETTLE_S, "minimum": 2},
            "reevaluate": {"models": [str(tmp_path / "no-such-model")]}, "housekeeping": {"schedule": NEVER},
        }))  # fmt: skip
        try:
            with serving(home.parent, operations):
                yield archive
        finally:
            forget(api)


def test_a_burst_of_label_files_becomes_one_report_and_the_same_labels_again_become_nothing(archive: Archive) -> None:
    for number in range(10):
        archive.drop(f"{number}.jsonl", LABELLED[number])
    archive.look()
    assert archive.reevaluations() == [], "the burst has not settled"
    time.sleep(SETTLE_S)
    archive.look()
    archive.wait_for_reevaluations(1)
    report = archive.record()
    assert (report["labels"]["said"], report["labels"]["added"], report["n"]) == (10, 10, 10)
    assert [(each["model"], each["status"]) for each in report["candidates"][:2]] == [
        (report["current"], "ok"), (report["settings"]["models"][0], "refused"),
    ]  # fmt: skip
    assert report["tuning"]["tuning_id"]
    assert report["recommendation"][0]["text"]
    assert len(archive.stored("reevaluations", "report.html")) == 1

    archive.drop("0.jsonl", LABELLED[0])
    archive.drop("all.jsonl", *LABELLED)
    archive.look()
    archive.tell_again()
    archive.wait_for_reevaluations(2)
    assert archive.told() == 2, "by the watch once, and by the test"
    assert archive.record() == report
    assert len(archive.stored("evaluations", "evaluation.json")) == 1
    assert len(archive.stored("tunings", "tuning.json")) == 1


@contextmanager
def serving(home: Path, operations: Path) -> Iterator[None]:
    """`seraph serve`; its output goes into a file, so that it never waits for a reader."""
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    environment |= {"SERAPH_HOME": str(home), "HF_HUB_OFFLINE": "1", "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    with operations.with_suffix(".log").open("w") as log:
        process = subprocess.Popen(
            [COMMAND, "serve", "--config", str(operations)], env=environment, cwd=operations.parent, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def forget(api: httpx.Client) -> None:
    """Take what was registered off the server, which other tests use too."""
    automations = api.post("automations/filter", json={}).raise_for_status().json()
    deployments = api.post("deployments/filter", json={}).raise_for_status().json()
    paths = [f"automations/{each['id']}" for each in automations if each["name"].startswith("seraph")]
    paths += [f"deployments/{each['id']}" for each in deployments if "seraph" in each["tags"]]
    for path in paths:
        # A busy server says 503: its database is locked for a moment.
        until(lambda path=path: api.delete(path).status_code in {204, 404} or None)


def found(response: httpx.Response) -> dict[str, Any] | None:
    return dict(response.json()) if response.status_code == 200 else None


def ended(run: dict[str, Any]) -> str | None:
    return run["state_type"] if run["state_type"] in ENDS else None


def until(ask: Callable[[], T | None], seconds: float = 300) -> T:
    deadline = time.monotonic() + seconds
    while (answer := ask()) is None:
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.5)
    return answer
