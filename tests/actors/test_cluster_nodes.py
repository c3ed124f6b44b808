"""The pool on several machines: they come, die, and lose their network; the table is the same.

Machines are network namespaces where these are allowed; else nodes of `ray.cluster_utils`, which cannot be cut off.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from subprocess import PIPE

import pytest
from pydantic import TypeAdapter

from tests.support.drive_pool import Driver, Job
from tests.support.local_nodes import LocalNodes, local_nodes
from tests.support.nodes import Host, Hosts, hosts, why_not

pytestmark = pytest.mark.stack

MEDIA = 40
SEGMENTS = 120
ROOT = Path(__file__).parents[2]


class Machines:
    """A head that holds the driver, a reader and the detector; and workers with a place for one scorer each."""

    def __init__(self, network: Hosts | LocalNodes, folder: Path) -> None:
        self._network, self._log = network, folder / "driver.log"
        (self._head,) = network.start(1)
        self.workers: list[Host] = []
        self.can_be_cut = network.can_be_cut

    def have(self, number: int) -> list[Host]:
        """Start workers until there are so many."""
        self.workers += self._network.start(*(3,) * (number - len(self.workers)))
        return self.workers

    def kill(self, *lost: Host) -> None:
        """As a power failure does, all at once."""
        for host in lost:
            self._network.kill(host)
            self.workers.remove(host)

    @contextmanager
    def cut(self, host: Host, seconds: float) -> Iterator[None]:
        """Cut a machine off for so long. Ray takes it for dead soon, and its node ends when it hears of that."""
        until = time.monotonic() + seconds
        self._network.cut(host)
        self.workers.remove(host)
        yield
        time.sleep(max(0.0, until - time.monotonic()))
        self._network.join(host)

    @contextmanager
    def driver(self) -> Iterator[Driver]:
        """A run that sets no bounds, under way."""
        job = Job(self._network.address, 1 + len(self.workers), MEDIA, workers=None)
        words = (sys.executable, "-m", "tests.support.drive_pool", TypeAdapter(Job).dump_json(job).decode())
        with (
            self._log.open("wb") as log,
            self._network.run(self._head, words, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=log) as process,
        ):
            try:
                driver = Driver(process, self._log)
                driver.wait(lambda seen: seen.segments > 0)
                yield driver
            finally:
                process.kill()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    """A head and two workers."""
    with local_nodes() if why_not() else hosts() as network:
        found = Machines(network, tmp_path)
        found.have(2)
        yield found


# One test, as each start of a cluster and of a driver takes longer than what happens to them.
def test_machines_may_join_die_and_be_cut_off_for_20_s_and_the_table_stays_the_same(machines: Machines) -> None:
    with machines.driver() as driver:
        driver.wait(lambda seen: seen.rounds >= 1)  # the table when nothing happens

        joined = machines.have(4)[2:]
        driver.wait(lambda seen: {host.name for host in joined} <= {*seen.devices})
        assert driver.last.lost == 0

        machines.kill(machines.workers[0])
        driver.wait(lambda seen: seen.lost_with_nodes >= 1)

        with machines.cut(machines.workers[0], 20) if machines.can_be_cut else nullcontext():
            machines.have(4)
            if machines.can_be_cut:
                driver.wait(lambda seen: seen.lost_with_nodes >= 2)
            driver.wait(lambda seen: {host.name for host in machines.workers} <= {*seen.devices})

        before = driver.last.lost_with_nodes
        machines.kill(*machines.workers[:2])
        driver.wait(lambda seen: seen.lost_with_nodes >= before + 2)
        seen = driver.finish()  # and the round that this befell
    (table,) = seen.tables
    assert (len(table), seen.rejected, seen.warnings) == (SEGMENTS, (), ())
