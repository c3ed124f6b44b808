"""`seraph housekeeping` in this process, and the flow on the real stack."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.cli_housekeeping import show_housekeeping
from infra.stack import Stack
from infra.storage import Store
from tasks.housekeeping import HousekeepingRecord, Limits
from tasks.housekeeping.plan import make_plan
from tests.support.house import RESULTS, HouseStore, as_store, commit, housekeeping_record
from tests.support.prefect import prefect_client, prefect_environment
from tests.support.results import medium


def _record(store: HouseStore, **changes: Any) -> HousekeepingRecord:
    plan = make_plan(as_store(store), RESULTS, Limits(store.now))
    return housekeeping_record(**{"faults": plan.faults, **changes})


def test_a_fault_is_shown_with_its_media_and_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    store = HouseStore()
    commit(store, "c1", [medium()])
    store.objects = {uri: each for uri, each in store.objects.items() if "/logits/" not in uri}
    show_housekeeping(_record(store, totals=({"reason": "old run", "files": 3, "size": 2_500_000},)))
    shown = capsys.readouterr().out
    assert "is not there (1 media, the first s3://media/a.wav)" in shown
    assert "seraph score" in shown
    assert "2.5" in shown
    assert "To do it: --apply" in shown


def test_a_store_without_faults_is_said_to_be_whole(capsys: pytest.CaptureFixture[str]) -> None:
    show_housekeeping(_record(HouseStore(), reopened=2), verify=True)
    shown = capsys.readouterr().out
    assert "The store holds what its records say." in shown
    assert "2 media are marked" in shown
    assert "--apply" not in shown


@pytest.mark.stack
def test_the_command_prints_one_document_and_exits_with_4_where_rows_are_lost(local_store: Any) -> None:
    access = local_store.access
    environment = {
        "SERAPH_HOME": str(local_store.settings.home), "AWS_ENDPOINT_URL": access.endpoint_url,
        "AWS_ACCESS_KEY_ID": access.access_key, "AWS_SECRET_ACCESS_KEY": access.secret_key,
    }  # fmt: skip
    place = local_store.bucket.join("out")
    orphan = place.join("logits/config=f0/shard=x.0.parquet").uri
    local_store.store.put_bytes(orphan, b"orphan")
    arguments = ["housekeeping", "--results", place.uri, "--json", "--grace-hours", "1"]
    whole = CliRunner().invoke(app, arguments, env=environment)
    assert (whole.exit_code, json.loads(whole.stdout)["removals"]) == (0, [])  # it is too young
    local_store.store.put_bytes(place.join("configs/current.yaml").uri, b"{")
    broken = CliRunner().invoke(app, [*arguments, "--verify"], env=environment)
    assert broken.exit_code == 4
    assert [each["kind"] for each in json.loads(broken.stdout)["faults"]] == ["current"]


_FLOW = """
from flows.housekeeping import HousekeepingRequest, housekeeping
print(housekeeping(HousekeepingRequest(results="s3://housekept/out"))["output"])
"""


@pytest.mark.stack
def test_the_flow_stores_its_record_and_shows_it_in_prefect(stack: Stack) -> None:
    services = stack.services
    assert services.local_root is not None
    store = Store(services.store)
    store.ensure_bucket("housekept")
    # In a process of its own: Prefect leaves connections open in this one.
    said = subprocess.run(
        [sys.executable, "-c", _FLOW], check=True, capture_output=True, text=True, cwd=services.local_root.parent,
        env={**os.environ, "SERAPH_HOME": str(services.local_root.parent), **prefect_environment(services)},
    ).stdout  # fmt: skip
    record = HousekeepingRecord.model_validate_json(store.get_bytes(said.split()[-1]))
    assert (record.applied, record.faults) == (False, ())
    with prefect_client(services) as api:
        shown = api.get("artifacts/housekeeping/latest")
    assert record.housekeeping_id in shown.json()["data"]
