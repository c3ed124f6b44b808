"""What Ray makes of the shares of GPUs: who sees which, and that all find a place. On GPUs that are only declared.

In a process of its own: Ray reads its settings once, and the workers must not inherit those of this one.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from infra.settings import child_environment

DRIVER = """
import json, os, sys, threading
from pathlib import Path

import numpy as np
import ray

from actors.contract import Language, Medium, ModelSpec, Reading, Span
from actors.options import Resources, Route
from actors.pool import Cast, Pool
from actors.road import PoolOptions
from actors.sizing import derive
from actors.workers import Scored
from infra.cluster import _worker_environment
from infra.settings import StoreAccess

class Worker:
    def __init__(self, *arguments, **options):
        self.both = threading.Barrier(2)
    def ready(self):
        pass
    def sees(self):
        return os.environ.get("CUDA_VISIBLE_DEVICES")
    def logits(self, route, pieces, *signals):
        self.both.wait(timeout=30)  # in vain, where one batch comes after the other
        spec = ModelSpec("m", None, "0", "stub", "categorical", ("a",), 16000, "", "fp32")
        return Scored(np.ones((len(pieces), 1), np.float32), spec, 0.1, "cpu")

folder = Path(sys.argv[1])
ray.init(num_cpus=8, num_gpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False,
         object_store_memory=80_000_000, runtime_env=_worker_environment(str(folder), True, None))
sizes = derive(Resources(), cpus=8, gpus=2, routes=1)
# The worst order: every detector comes before any scorer.
order = [("reader", sizes.reader), *[("listener", sizes.listener)] * 2, *[("scorer", sizes.scorer)] * 2]
actors = [(kind, ray.remote(Worker).options(**needs).remote()) for kind, needs in order]
seen = [(kind, ray.get(actor.sees.remote(), timeout=60)) for kind, actor in actors]
del actors

resources = Resources(max_workers=1, batch_seconds=2)
options = PoolOptions(StoreAccess(), {"en": Route(model="m")}, {"en": "id"}, resources=resources)
reading = Reading(Medium("s3://b/a", "e", 1), 4.0, tuple(Span(float(i), i + 1.0) for i in range(4)))
language = Language("en", 0.9, 0.9, "en")
with Pool(options, derive(resources, cpus=8, gpus=2, routes=1), Cast(Worker, Worker, Worker)) as pool:
    (result,) = pool.score_signals([(reading, np.zeros(64000, np.float32), language)])
(folder / "found.json").write_text(json.dumps({"seen": seen, "rows": len(result.rows)}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each worker sees, and how many segments were scored two batches at once."""
    folder = tmp_path_factory.mktemp("gpus")
    environment = child_environment(without=("RAY_", "SERAPH_", "CUDA_", "COVERAGE_"))
    command = (sys.executable, "-c", DRIVER, str(folder))
    run = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=180)
    assert run.returncode == 0, run.stderr
    known: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return known


@pytest.mark.stack
def test_every_worker_sees_what_it_asked_for_and_detectors_take_no_scorers_place(found: dict[str, Any]) -> None:
    seen = {kind: sorted(ids for each, ids in found["seen"] if each == kind) for kind, _ in found["seen"]}
    assert seen["reader"] == [""]
    assert set(seen["listener"]) <= {"0", "1"}
    assert seen["scorer"] == ["0", "1"]


@pytest.mark.stack
def test_a_worker_on_a_gpu_has_two_batches_of_the_pool_in_hand_at_once(found: dict[str, Any]) -> None:
    assert found["rows"] == 4
