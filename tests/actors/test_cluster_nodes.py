"""The pool on several machines (network namespaces): they come, die, and lose their network; the table is the same."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest
from pydantic import TypeAdapter

from tests.support.drive_pool import Job, Row, Seen
from tests.support.nodes import Host, Hosts, hosts, why_not

pytestmark = pytest.mark.stack

MEDIA = 40
SEGMENTS = 120
PATIENCE_S = 90.0
ROOT = Path(__file__).parents[2]


class Driver:
    """A run of the pool, as it goes on."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process, self._log = process, log

    def wait(self, there: Callable[[Seen], bool]) -> Seen:
        """Read what the driver says, until that is so."""
        deadline = time.monotonic() + PATIENCE_S
        assert self._process.stdout is not None
        for line in self._process.stdout:
            seen = TypeAdapter(Seen).validate_json(line)
            if there(seen):
                return seen
            assert time.monotonic() < deadline, seen
        raise AssertionError(f"the driver ended before that: {self._log.read_text()[-3000:]}")

    def next_round(self) -> None:
        """Let a whole round go by."""
        begun = self.wait(lambda seen: True).rounds
        self.wait(lambda seen: seen.rounds > begun + 1)

    def finish(self) -> Seen:
        """End after this round; what came of all."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self.wait(lambda seen: bool(seen.tables))


class Machines:
    """A head that holds the driver, a reader and the detector; and workers with a place for one scorer each."""

    def __init__(self, network: Hosts, folder: Path) -> None:
        self._network, self._log = network, folder / "driver.log"
        (self._head,) = network.start(1)
        self.workers: list[Host] = []

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
    def cut(self, host: Host) -> Iterator[None]:
        """Cut a machine off. Ray takes it for dead soon, and its node ends when it hears of that."""
        self._network.cut(host)
        yield
        self._network.join(host)
        self.workers.remove(host)

    @contextmanager
    def driver(self, *, most: int) -> Iterator[Driver]:
        """A run with so many scorers at most, under way."""
        job = Job(self._network.address, 1 + len(self.workers), MEDIA, most)
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


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """A head and two workers; a test may leave more or fewer."""
    if reason := why_not():
        pytest.skip(reason)
    with hosts() as network:
        found = Machines(network, tmp_path_factory.mktemp("drivers"))
        found.have(2)
        yield found


@pytest.fixture(scope="module")
def undisturbed(machines: Machines) -> tuple[Row, ...]:
    """The table when nothing happens."""
    with machines.driver(most=2) as driver:
        seen = driver.finish()
    (table,) = seen.tables
    assert (len(table), seen.rejected, seen.lost) == (SEGMENTS, (), 0)
    return table


def test_a_machine_that_joins_gets_work(machines: Machines, undisturbed: tuple[Row, ...]) -> None:
    with machines.driver(most=3) as driver:
        joined = machines.have(3)[2]
        driver.wait(lambda seen: joined.address in seen.devices)
        seen = driver.finish()
    assert (seen.tables, seen.rejected, seen.lost) == ((undisturbed,), (), 0)


def test_a_machine_that_dies_costs_a_retry_elsewhere(machines: Machines, undisturbed: tuple[Row, ...]) -> None:
    lost = machines.have(3)[0]
    with machines.driver(most=3) as driver:
        driver.wait(lambda seen: lost.address in seen.devices)
        machines.kill(lost)
        driver.wait(lambda seen: seen.lost_with_nodes >= 1)
        seen = driver.finish()
    assert (seen.tables, seen.rejected) == ((undisturbed,), ())


def test_half_of_the_machines_may_go_at_once(machines: Machines, undisturbed: tuple[Row, ...]) -> None:
    lost = machines.have(4)[:2]
    with machines.driver(most=4) as driver:
        driver.wait(lambda seen: {host.address for host in machines.workers} <= {*seen.devices})
        machines.kill(*lost)
        driver.wait(lambda seen: seen.lost_with_nodes >= 2)
        seen = driver.finish()
    assert (seen.tables, seen.rejected) == ((undisturbed,), ())


def test_a_network_that_is_cut_for_20_s_changes_nothing(machines: Machines, undisturbed: tuple[Row, ...]) -> None:
    lost = machines.have(2)[1]
    with machines.driver(most=2) as driver:
        driver.wait(lambda seen: lost.address in seen.devices)
        with machines.cut(lost):
            time.sleep(20)
        driver.next_round()
        seen = driver.finish()
    assert (seen.tables, seen.rejected) == ((undisturbed,), ())
    assert seen.lost_with_nodes >= 1
