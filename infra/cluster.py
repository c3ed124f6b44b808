"""The way to Ray: connect, disconnect, and what the cluster has. Who works there is decided in actors/pool.py."""

import logging
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.errors import RayError
from infra.parts import ray_variables
from infra.services import Services
from infra.settings import TELEMETRY_OFF, Settings, export, is_ray_job, ray_job_folder, ray_uses_tls

_log = logging.getLogger(__name__)

_PROBE_S = 5.0
_GROUP = "ray.io/node-group"
"""Ray's own label of a node that was made after a type of a configuration, and not by hand."""

_EMPTY_SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


@dataclass(frozen=True)
class ClusterResources:
    """What the cluster has in all, free or not."""

    cpus: float
    gpus: float
    nodes: int


@dataclass(frozen=True)
class Node:
    """One node, with all it has, free or not. `group`: of the nodes that an autoscaler adds, or KubeRay; else None."""

    id: str
    cpus: float
    gpus: float
    group: str | None = None


@dataclass(frozen=True)
class Room:
    """The living nodes, and those of them that are large enough for what was asked."""

    nodes: tuple[Node, ...]
    fitting: tuple[Node, ...]

    @property
    def fits(self) -> bool:
        """Whether there is such a node."""
        return bool(self.fitting)

    def __str__(self) -> str:
        cpus, gpus = sum(node.cpus for node in self.nodes), sum(node.gpus for node in self.nodes)
        return f"it has {cpus:g} CPUs and {gpus:g} GPUs in all, on {len(self.nodes)} nodes"


def connect(services: Services, *, namespace: str | None = None, hub_offline: bool | None = None) -> None:
    """Make this process a driver of the cluster. Connected already to the same one, it does nothing.

    Args:
        services: Where Ray is, and the local one's token.
        namespace: Ray's namespace for named actors; None: one of its own.
        hub_offline: Whether workers must not ask Hugging Face's hub; None: as this process may (`HF_HUB_OFFLINE`).

    Raises:
        RayError: Nothing answers at the address, or it refuses.
    """
    _prepare(services)
    settings = Settings.from_environment()
    offline = settings.hub_offline if hub_offline is None else hub_offline
    import ray

    if ray.is_initialized():
        return
    _probe(services.ray_address)
    with tempfile.TemporaryDirectory(prefix="seraph-") as empty:
        try:
            ray.init(
                address=services.ray_address,
                namespace=namespace,
                runtime_env=_worker_environment(empty, offline, settings.home if services.ray_token else None),
                log_to_driver=False,
                configure_logging=False,
                include_dashboard=False,
            )
            _keep_from_stdout()
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise RayError(
                f"the Ray cluster at {services.ray_address} refused ({type(error).__name__}: {_first_line(error)}); "
                "expected one of this Ray version, with the token in RAY_AUTH_TOKEN where it asks for one: "
                "check RAY_ADDRESS, or unset it to use a local Ray"
            ) from error


def disconnect() -> None:
    """End the driver: its actors and objects go. Not connected, it does nothing."""
    import ray

    ray.shutdown()


def resources() -> ClusterResources:
    """What the connected cluster has."""
    import ray

    total: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    alive = sum(1 for node in nodes if node["Alive"])
    return ClusterResources(float(total.get("CPU", 0)), float(total.get("GPU", 0)), alive)


def awake(needs: Mapping[str, float], within_s: float) -> ClusterResources:
    """What the connected cluster has. One that has nothing yet is asked for a first node, and waited for.

    Args:
        needs: What the node must be able to hold (`num_cpus`, `num_gpus`): an autoscaler chooses its type by that.
        within_s: How long it may take to come.

    Raises:
        RayError: None came.
    """
    import ray

    have = resources()
    if have.cpus >= 1 or have.gpus >= 1:
        return have
    wanted: Any = ray.remote(_nothing).options(**needs, max_retries=-1)
    asked = wanted.remote()
    try:
        ray.get(asked, timeout=within_s)
    except ray.exceptions.GetTimeoutError as error:
        # What nobody waits for any more must not bring a node. (Never where it has just been done: Ray 2.60 ends a
        # process that cancels a task between its answer and its bookkeeping.)
        ray.cancel(asked)
        raise RayError(
            f"the Ray cluster has no CPUs and no GPUs, and no node for {shown(needs)} came within {within_s:g} s; "
            "ask for less in `resources`, or raise `ready_s` where nodes are still to come"
        ) from error
    return resources()


def room(needs: Mapping[str, float]) -> "Room":
    """What the connected cluster has, and whether one of its nodes could hold `needs` (`num_cpus`, `num_gpus`)."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    alive = [_node(each) for each in nodes if each["Alive"]]
    cpus, gpus = needs.get("num_cpus", 0.0), needs.get("num_gpus", 0.0)
    return Room(tuple(alive), tuple(node for node in alive if node.cpus >= cpus and node.gpus >= gpus))


def on_node(node: Node, work: Callable[..., object], *arguments: object) -> Any:
    """Start a function on a node, or elsewhere where that one is gone, once; a reference to its result."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(node.id, soft=True)
    started: Any = ray.remote(work).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
    return started.remote(*arguments)


def shown(needs: Mapping[str, float]) -> str:
    """Needs in words."""
    return f"{needs.get('num_cpus', 0):g} CPUs and {needs.get('num_gpus', 0):g} GPUs"


def _nothing() -> None:
    """What a first node is asked for."""


def _node(node: Mapping[str, Any]) -> Node:
    return Node(node["NodeID"], _has(node, "CPU"), _has(node, "GPU"), node.get("Labels", {}).get(_GROUP))


def _has(node: Mapping[str, Any], resource: str) -> float:
    return float(node["Resources"].get(resource, 0))


def _keep_from_stdout() -> None:
    """Ray prints to stdout what befalls the nodes: there, a command's one JSON document is expected."""
    from ray._private import worker

    def say(data: Mapping[str, Any], ignore_prefix: bool) -> None:  # noqa: ARG001 - it is given by name
        for message in data["lines"]:
            _log.warning("Ray: %s", " ".join(str(message).split()))

    worker.print_to_stdstream = say


def _prepare(services: Services) -> None:
    """Ray reads these when it is imported; where that has happened, they are set again by hand."""
    export(**TELEMETRY_OFF)
    if services.ray_token is None:
        return
    export(RAY_AUTH_TOKEN=None, **ray_variables(services.ray_token))
    from ray._private import ray_constants
    from ray._raylet import Config  # type: ignore[attr-defined]

    ray_constants.ENABLE_RAY_CLUSTER = False
    Config.initialize("")


def _worker_environment(empty: str, hub_offline: bool, home: Path | None) -> dict[str, Any]:
    """What workers get. `home`: of the local stack; another machine has one of its own."""
    # Ray hides GPUs from those who asked for none only where it is told to: else every reader would see them all, and
    # every detector take the first, which is a scorer's.
    variables = {**TELEMETRY_OFF, "TOKENIZERS_PARALLELISM": "false", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1"}
    if home is not None:  # where pulled models lie; and the local Ray may have been started under other settings
        variables |= {"SERAPH_HOME": str(home), "HF_HUB_OFFLINE": "0"}
    if hub_offline:
        variables["HF_HUB_OFFLINE"] = "1"
    if is_ray_job():
        # Ray would refuse a variable that the job's own environment names as well, telemetry off for instance.
        export(RAY_OVERRIDE_JOB_RUNTIME_ENV="1")
    if ray_job_folder():
        return {"env_vars": variables}
    # Without a working directory of their own, workers get the driver's on sys.path: in a clone of this repository
    # `datasets/` would then pass for Hugging Face's package.
    return {"env_vars": variables, "working_dir": empty}


def _probe(address: str) -> None:
    """Ray itself tries for minutes before it gives up, and then ends the process."""
    host, port = _host_and_port(address)
    if port is None:
        return
    try:
        with socket.create_connection((host, port), timeout=_PROBE_S) as connection:
            if not ray_uses_tls():
                _greet(connection)
    except OSError as error:
        raise RayError(
            f"no Ray cluster answers at {address} ({error}); expected its head node's HOST:PORT: "
            "check RAY_ADDRESS, or unset it to use a local Ray (`seraph up`)"
        ) from error


def _greet(connection: socket.socket) -> None:
    """Expect the first frame of a gRPC server: SETTINGS (RFC 9113, 3.4). Something else may well accept connections."""
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _EMPTY_SETTINGS)
    if connection.recv(9)[3:4] != _EMPTY_SETTINGS[3:4]:
        raise ConnectionError("what answers is not Ray")


def _host_and_port(address: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(address if "://" in address else f"ray://{address}")
        return parts.hostname or "", parts.port
    except ValueError as error:
        raise RayError(f"{address!r} is no address of a Ray cluster: expected HOST:PORT or ray://HOST:PORT") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
