"""The pool on a cluster that begins at none: Ray's autoscaler adds nodes for pending actors, and takes them away."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tests.support.autoscaled import Autoscaled, autoscaled
from tests.support.drive_pool import Driver, Job

pytestmark = pytest.mark.stack

MEDIA, SEGMENTS = 40, 120
ROOT = Path(__file__).parents[2]


@contextmanager
def driver(cluster: Autoscaled, log: Path, workers: int | None) -> Iterator[Driver]:
    """A run with so many scorers at most, of which each node holds one."""
    job = Job(cluster.address, 1, MEDIA, workers, idle_s=1.0)
    words = (sys.executable, "-m", "tests.support.drive_pool", TypeAdapter(Job).dump_json(job).decode())
    with log.open("wb") as stderr, cluster.run(*words, cwd=ROOT, stderr=stderr) as process:
        try:
            yield Driver(process, log)
        finally:
            process.kill()


# One test, as the start of a cluster takes longer than what happens to it.
def test_nodes_come_for_workers_that_wait_and_go_when_they_are_idle_with_and_without_a_bound(tmp_path: Path) -> None:
    with autoscaled(cpus=3, most=5) as cluster:
        with driver(cluster, tmp_path / "bounded.log", workers=5) as run:
            run.wait(lambda seen: seen.nodes >= 5)  # one more may come; on a busy machine a node may be slow to start
            run.tell("rest")
            run.wait(lambda seen: seen.nodes < 5)  # one worker of each kind stays: three nodes at most are in use
            run.tell("work")
            bounded = run.finish()
        with driver(cluster, tmp_path / "unset.log", workers=None) as run:
            run.wait(lambda seen: len(seen.devices) >= 3)
            unset = run.finish()
    (table,) = {*bounded.tables, *unset.tables}
    assert (len(table), bounded.rejected, unset.rejected) == (SEGMENTS, (), ())
    assert (bounded.lost, unset.lost, bounded.warnings, unset.warnings) == (0, 0, (), ())
