"""The flow as a deployment, run by a real Prefect server's runner."""

import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from infra.location import Location
from infra.stack import Stack
from infra.storage import Store
from tests.support.demo import utterances

pytestmark = pytest.mark.stack


def test_a_deployment_scores_when_the_server_is_asked_to(stack: Stack) -> None:
    services = stack.services
    assert services.local_root is not None
    home = services.local_root.parent
    media = Store(services.store)
    media.ensure_bucket("deployed")
    for file in utterances("en")[:2]:
        media.put_file(f"s3://deployed/media/{file.name}", file)
    environment = {**os.environ, "PREFECT_API_URL": services.prefect_api_url, "SERAPH_HOME": str(home)}
    runner = subprocess.Popen(
        [sys.executable, "-m", "flows.deployments"], env=environment, cwd=home, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=services.prefect_api_url + "/", timeout=30) as api:
            deployment = until(lambda: found(api.get("deployments/name/score-corpus/on-demand")))
            request = {"media": "s3://deployed/media", "results": "s3://deployed/results", "config": "demo"}
            asked = api.post(
                f"deployments/{deployment['id']}/create_flow_run", json={"parameters": {"request": request}}
            )
            run_id = asked.raise_for_status().json()["id"]
            state = until(lambda: ended(api.get(f"flow_runs/{run_id}").raise_for_status().json()))
        assert state == "COMPLETED"
    finally:
        os.killpg(runner.pid, signal.SIGTERM)
        runner.communicate(timeout=60)
    stored = [each.key for each in media.list(Location.parse("s3://deployed/results/runs"))]
    assert sum(key.endswith("run.json") for key in stored) == 1
    assert sum(key.endswith("report.html") for key in stored) == 1


def found(response: httpx.Response) -> dict | None:
    return response.json() if response.status_code == 200 else None


def ended(run: dict) -> str | None:
    return run["state_type"] if run["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None


def until(ask, seconds: float = 180):
    deadline = time.monotonic() + seconds
    while (answer := ask()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return answer
