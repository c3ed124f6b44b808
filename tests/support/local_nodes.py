"""Several Ray nodes on one machine by `ray.cluster_utils`, where network namespaces (nodes.py) are not allowed.

They can be added and killed, but share the network: none can be cut off.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ray.cluster_utils import Cluster

from infra.settings import child_environment
from tests.support.drive_pool import MACHINE
from tests.support.nodes import Host

_QUICK = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 4,
    "enable_worker_prestart": False,
}


class LocalNodes:
    """Nodes of one cluster. The first is the head, and drivers are started beside it."""

    can_be_cut = False

    def __init__(self) -> None:
        self._cluster = Cluster()
        self._nodes: dict[str, Any] = {}
        self._started = 0

    @property
    def address(self) -> str:
        """Of the cluster."""
        return str(self._cluster.address)

    def start(self, *cpus: int) -> list[Host]:
        """Start nodes with so many CPUs each. The first of all is the head."""
        return [self._start(number) for number in cpus]

    def run(
        self,
        host: Host,
        command: Sequence[str],
        *,
        cwd: Path,
        stderr: IO[bytes],
        stdout: IO[bytes] | int,
        stdin: int = subprocess.DEVNULL,
    ) -> "subprocess.Popen[bytes]":
        """Start a command on this machine, in a session of its own."""
        environment = child_environment(without=("RAY_", "SERAPH_", "COVERAGE_"))
        return subprocess.Popen(
            command, env=environment, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )

    def kill(self, host: Host) -> None:
        """End a node at once."""
        self._cluster.remove_node(self._nodes.pop(host.name), allow_graceful=False)

    def cut(self, host: Host) -> None:
        """Cannot be done here."""
        raise NotImplementedError

    join = cut

    def close(self) -> None:
        """End them all."""
        self._cluster.shutdown()

    def _start(self, cpus: int) -> Host:
        head: dict[str, Any] = {} if self._started else {"include_dashboard": False, "_system_config": _QUICK}
        self._started += 1
        name = f"node-{self._started}"
        self._nodes[name] = self._cluster.add_node(
            num_cpus=cpus, object_store_memory=100_000_000, env_vars={MACHINE: name}, **head
        )
        return Host(name, "127.0.0.1", Path())


@contextmanager
def local_nodes() -> Iterator[LocalNodes]:
    """Nodes that are gone again at the end."""
    made = LocalNodes()
    try:
        yield made
    finally:
        made.close()
