"""Several machines on one: network namespaces joined by a bridge, with a Ray node in each. Linux, as root.

Owns hosts that can be added, killed and cut off, and takes all of it down again, whatever happened. What runs on them
is the tests' business. They share a kernel and its files; their networks are apart, so Ray takes them for machines.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.parts import ray_variables
from infra.settings import child_environment
from tests.support.drive_pool import MACHINE

_SUBNET = "10.213.{net}.{host}"
_PORT = 6379
_READY_S = 60.0

_QUICK = {
    # A dead node is seen within seconds: by default it takes half a minute.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "4",
    "RAY_enable_worker_prestart": "0",
    "OMP_NUM_THREADS": "1",
}


def why_not() -> str | None:
    """Why there can be no namespaces here, or None where there can."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        return "network namespaces need Linux, root and iproute2"
    name = f"seraph-{os.getpid()}-try"
    try:
        _ip("netns", "add", name)
    except subprocess.CalledProcessError as error:
        return f"network namespaces are not allowed here: {error.stderr.strip()}"
    _ip("netns", "del", name)
    return None


@dataclass
class Host:
    """One machine: a namespace, its address, and the Ray node in it."""

    name: str
    address: str
    folder: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)


class Hosts:
    """Machines on one bridge. The first is the head, and drivers run there.

    Args:
        folder: Short: sockets lie below it.
    """

    can_be_cut = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bridge = f"srph{os.getpid() % 100_000}"
        self._net = os.getpid() % 250 + 1
        self._made: list[Host] = []
        token = folder / "token"
        token.write_text("7" * 40)
        token.chmod(0o600)
        self.environment = child_environment(
            without=("RAY_", "SERAPH_", "COVERAGE_"),
            **ray_variables(token) | {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"},
            **_QUICK,
        )

    @property
    def address(self) -> str:
        """Of the cluster."""
        return f"{self._made[0].address}:{_PORT}"

    def start(self, *cpus: int) -> list[Host]:
        """Start machines with so many CPUs each, all at once. The first of all is the head; drivers wait for it."""
        hosts = [self._machine() for _ in cpus]
        for host, number in zip(hosts, cpus, strict=True):
            self._start_ray(host, number)
            if host is self._made[0]:
                _wait_until_open(host)
        return hosts

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
        """Start a command on a machine, in a session of its own."""
        words = ["ip", "netns", "exec", host.name, *command]
        environment = self.environment | {MACHINE: host.name}
        return subprocess.Popen(
            words, env=environment, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )

    def kill(self, host: Host) -> None:
        """End everything that runs on a machine at once, as a power failure does."""
        _kill_all(host.name)
        if host.process:
            host.process.wait()

    def cut(self, host: Host) -> None:
        """Pull its network cable."""
        _ip("link", "set", f"{_cable(host)}", "down")

    def join(self, host: Host) -> None:
        """Plug it in again."""
        _ip("link", "set", f"{_cable(host)}", "up")

    def close(self) -> None:
        """Take everything down. What is gone already is no error."""
        for host in self._made:
            _kill_all(host.name)
            if host.process:
                host.process.wait()
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "del", host.name)
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", self._bridge)

    def _machine(self) -> Host:
        if not self._made:
            _ip("link", "add", self._bridge, "type", "bridge")
            _ip("addr", "add", f"{_SUBNET.format(net=self._net, host=254)}/24", "dev", self._bridge)
            _ip("link", "set", self._bridge, "up")
        number = len(self._made) + 1
        host = Host(f"{self._bridge}-{number}", _SUBNET.format(net=self._net, host=number), self._folder / f"n{number}")
        host.folder.mkdir()
        self._made.append(host)
        _ip("netns", "add", host.name)
        inner = f"eth{number}"
        _ip("link", "add", _cable(host), "type", "veth", "peer", "name", inner, "netns", host.name)
        _ip("link", "set", _cable(host), "master", self._bridge, "up")
        _ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", inner)
        for each in ("lo", inner):
            _ip("-n", host.name, "link", "set", each, "up")
        return host

    def _start_ray(self, host: Host, cpus: int) -> None:
        head = host is self._made[0]
        where = ("--head", f"--port={_PORT}") if head else (f"--address={self.address}",)
        ray = shutil.which("ray", path=str(Path(sys.executable).parent)) or "ray"
        command = (
            *(ray, "start", *where, "--block", f"--node-ip-address={host.address}", f"--num-cpus={cpus}"),
            *(f"--temp-dir={host.folder}", "--object-store-memory=100000000", "--disable-usage-stats"),
            *("--include-dashboard=false",) * head,
        )
        log = (host.folder / "ray.log").open("wb")
        with log:
            host.process = self.run(host, command, stdout=log, stderr=log, cwd=host.folder)


@contextmanager
def hosts() -> Iterator[Hosts]:
    """Machines that are gone again at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sn-", dir="/tmp"))
    made = Hosts(folder)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_open(host: Host) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            socket.create_connection((host.address, _PORT), timeout=1).close()
        except OSError as error:
            if time.monotonic() > deadline or (host.process and host.process.poll() is not None):
                raise AssertionError(f"no head: {(host.folder / 'ray.log').read_text()[-2000:]}") from error
            time.sleep(0.1)
        else:
            return


def _cable(host: Host) -> str:
    return host.name.replace("-", "v")


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
    return done.stdout


def _kill_all(namespace: str) -> None:
    """Kill what runs in a namespace, until nothing does: children may be born meanwhile."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            pids = [int(pid) for pid in _ip("netns", "pids", namespace).split()]
        except subprocess.CalledProcessError:
            return
        if not pids:
            return
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
