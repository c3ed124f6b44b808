"""A cluster that grows by itself, on one machine: a head without CPUs, and Ray's own autoscaler (the second, as KubeRay
has it by default), whose provider starts nodes beside it where KubeRay's would start pods.

Ray's wheel leaves out the defaults of that provider, and `ray.cluster_utils.AutoscalingCluster`, which would use them,
ends every Ray of the machine first. So the head is started here, on a port of its own and with a token.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE
from typing import IO

import psutil

from infra.parts import ray_variables
from infra.settings import child_environment
from tests.support.drive_pool import MACHINE

_HEAD, _HEAD_TYPE = "f" * 51 + "00000", "ray.head.default"
"""What the provider takes for the head's name and type."""

_NO_COMMANDS = (
    *("initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands"),
    *("head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files"),
)
"""What an autoscaler may run on a new machine; its configuration must say that there is none."""

_READY_S = 60.0
_IDLE_MINUTES = 0.05


class Autoscaled:
    """Such a cluster.

    Args:
        folder: Short: sockets lie below it.
        cpus, most: Of a node, and how many nodes there may be beside the head.
    """

    def __init__(self, folder: Path, *, cpus: int, most: int) -> None:
        self._folder = folder
        self.address = f"127.0.0.1:{_free_port()}"
        token = folder / "token"
        token.write_text("7" * 40)
        token.chmod(0o600)
        self._environment = child_environment(without=("RAY_", "SERAPH_", "COVERAGE_"), **ray_variables(token))
        self._environment.pop(MACHINE, None)
        (folder / "autoscaler.json").write_text(json.dumps(_configuration(self.address, cpus, most)))
        self._head = self._start()

    def run(self, *words: str, cwd: Path, stderr: IO[bytes]) -> "subprocess.Popen[bytes]":
        """Start a driver that hears and is heard."""
        return subprocess.Popen(words, env=self._environment, cwd=cwd, stdin=PIPE, stdout=PIPE, stderr=stderr)

    def close(self) -> None:
        """End all that was started: the head, and what its autoscaler started, are one session."""
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, psutil.Error):
                if os.getsid(process.pid) == self._head.pid:
                    process.send_signal(signal.SIGKILL)
        self._head.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        ray = shutil.which("ray", path=str(Path(sys.executable).parent)) or "ray"
        command = (
            *(ray, "start", "--head", "--block", "--num-cpus=0", f"--port={self.address.partition(':')[2]}"),
            *("--node-ip-address=127.0.0.1", f"--temp-dir={self._folder / 'ray'}", "--include-dashboard=false"),
            *("--object-store-memory=100000000", "--dashboard-agent-listen-port=0", "--disable-usage-stats"),
            f"--autoscaling-config={self._folder / 'autoscaler.json'}",
        )
        second = {"RAY_enable_autoscaler_v2": "1", "RAY_CLOUD_INSTANCE_ID": _HEAD, "RAY_FAKE_CLUSTER": "1"}
        second["RAY_NODE_TYPE_NAME"] = _HEAD_TYPE  # KubeRay tells every pod its group; here all nodes read this one
        quick = {"AUTOSCALER_UPDATE_INTERVAL_S": "1", "RAY_enable_worker_prestart": "0", "OMP_NUM_THREADS": "1"}
        environment = self._environment | second | quick
        with (self._folder / "ray.log").open("wb") as log:
            head = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        self._wait_until_open(head)
        return head

    def _wait_until_open(self, head: "subprocess.Popen[bytes]") -> None:
        host, _, port = self.address.partition(":")
        deadline = time.monotonic() + _READY_S
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
            except OSError as error:
                if time.monotonic() > deadline or head.poll() is not None:
                    raise AssertionError(f"no head: {(self._folder / 'ray.log').read_text()[-2000:]}") from error
                time.sleep(0.1)
            else:
                return


@contextmanager
def autoscaled(*, cpus: int, most: int) -> Iterator[Autoscaled]:
    """A cluster that is gone again at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sa-", dir="/tmp"))
    made = Autoscaled(folder, cpus=cpus, most=most)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


def _configuration(address: str, cpus: int, most: int) -> dict[str, object]:
    provider = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
    node = {"CPU": cpus, "object_store_memory": 100_000_000}
    return {
        "cluster_name": "test",
        "max_workers": most,
        "idle_timeout_minutes": _IDLE_MINUTES,
        "provider": {
            "type": "external", "module": provider, "gcs_address": address, "head_node_id": _HEAD,
            "launch_multiple": True, "disable_node_updaters": True, "disable_launch_config_check": True,
        },
        "head_node_type": _HEAD_TYPE,
        "available_node_types": {
            _HEAD_TYPE: {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": {"resources": node, "node_config": {}, "min_workers": 0, "max_workers": most},
        },
        "auth": {},
        **{name: [] for name in _NO_COMMANDS},
    }  # fmt: skip


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
