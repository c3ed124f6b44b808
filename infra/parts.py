"""The three parts of the local stack: how each is started, and how to tell that it works. infra/stack.py owns when.

All listen on 127.0.0.1 only. Secrets reach them through the environment or a file of mode 0600, never a command line.
"""

import http.client
import os
import secrets
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infra.errors import StoreError
from infra.processes import free_port
from infra.settings import HEARTBEAT_S, StoreAccess, basic_auth, child_environment, prefect_auth
from infra.storage import Patience, Store

HOST = "127.0.0.1"

LISTING_CACHE_S = 1
"""How long the object server may remember a listing: longer is faster on many pages, shorter sees new files sooner."""

_PORT_FILE = "port"
"""In the Prefect server's folder: where it listened last."""

_OUTAGE = "P7D"
"""How long this machine may be away, and runs that died with it are still found."""

_SOCKET_PATH_LIMIT = 107
"""Bytes in the path of a Unix socket, at most (unix(7))."""
_RAY_SOCKET = "/seraph-12345678/ray/session_2026-01-01_00-00-00_000000_1234567890/sockets/plasma_store"


@dataclass(frozen=True)
class Ports:
    """Where a part listens: `main` for its users, `health` for the health check, `other` for what else it needs."""

    main: int
    health: int
    other: int = 0


@dataclass(frozen=True)
class Launch:
    """A command to start, with its environment and the folder that it may write to."""

    command: tuple[str, ...]
    environment: dict[str, str]
    folder: Path


class Part(Protocol):
    """One part of the local stack. Ready within `patience_s`, and gets `grace_s` to end (0: killed at once)."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def patience_s(self) -> float: ...
    @property
    def grace_s(self) -> float: ...

    def ports(self) -> Ports:
        """Its usual ports where they are free, else any."""
        ...

    def folder(self) -> Path:
        """Its folder, created."""
        ...

    def launch(self, ports: Ports, folder: Path) -> Launch:
        """How to start it."""
        ...

    def healthy(self, ports: Ports) -> bool:
        """Whether it answers as it should, now."""
        ...


@dataclass(frozen=True)
class ObjectServer:
    """`rclone serve s3` over `home/s3`: every entry there is a bucket."""

    home: Path
    access_key: str
    secret_key: str
    name: str = "s3"
    label: str = "object store"
    patience_s: float = 20
    grace_s: float = 3

    def ports(self) -> Ports:
        port = free_port(9000)
        return Ports(port, port)

    def folder(self) -> Path:
        return private_folder(self.home / "s3")

    def access(self, port: int) -> StoreAccess:
        """How to reach it."""
        return StoreAccess(f"http://{HOST}:{port}", self.access_key, self.secret_key)

    def launch(self, ports: Ports, folder: Path) -> Launch:
        options = (
            *("--addr", f"{HOST}:{ports.main}"),
            # Files come and go beside the server; a listing must not be older than this.
            *("--dir-cache-time", f"{LISTING_CACHE_S}s"),
            # A bucket may be a link to a folder of the user's.
            "--copy-links",
            # A key of 1,024 bytes, quoted, and a signature beside it.
            *("--max-header-bytes", "16384"),
            # Of all the configuration files of the machine, none.
            *("--config", ""),
        )
        # RCLONE_VERBOSE and its like would reconfigure it, or write the secret into its log.
        environment = child_environment(
            without=("RCLONE_", "AWS_"), RCLONE_AUTH_KEY=f'"{self.access_key},{self.secret_key}"'
        )
        return Launch((_script("rclone"), "serve", "s3", *options, str(folder)), environment, folder)

    def healthy(self, ports: Ports) -> bool:
        patience = Patience(attempts=1, connect_timeout_s=1, read_timeout_s=2)
        try:
            Store(self.access(ports.main), patience=patience).buckets()
        except StoreError:
            return False
        return True


@dataclass(frozen=True)
class PrefectServer:
    """A Prefect server on SQLite in `home/prefect`. Started again, it is where it was: runs may be talking to it.

    It asks for a password: of the environment if that names one, else of its own making, the same at every start.
    """

    home: Path
    name: str = "prefect"
    label: str = "Prefect server"
    patience_s: float = 240
    grace_s: float = 10

    @property
    def password(self) -> Path:
        """File that holds `user:password` as it was started with last."""
        return self.home / "prefect-password"

    @property
    def auth(self) -> str | None:
        """`user:password`, or None where it was never started."""
        return self.password.read_text() if self.password.is_file() else None

    def ports(self) -> Ports:
        port = free_port(_remembered(self.home / "prefect" / _PORT_FILE) or 4200)
        return Ports(port, port)

    def folder(self) -> Path:
        return private_folder(self.home / "prefect")

    def launch(self, ports: Ports, folder: Path) -> Launch:
        command = (sys.executable, "-P", "-m", "prefect", "server", "start", "--host", HOST, "--port", str(ports.main))
        (folder / _PORT_FILE).write_text(str(ports.main))
        auth = prefect_auth() or self.auth or f"seraph:{new_secret()}"
        write_private(self.password, auth)
        environment = child_environment(
            without=("PREFECT_",),
            PREFECT_HOME=str(folder),
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY=str(HEARTBEAT_S),
            # In memory, the slots that runs hold are forgotten with the server: it would end those that go on.
            PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE="prefect.server.concurrency.lease_storage.filesystem",
            # What it waits for (a sign of life) it forgets a minute after the time for it: of runs that died with the
            # machine it would know nothing after a longer outage.
            PREFECT_SERVER_EVENTS_EXPIRED_BUCKET_BUFFER=_OUTAGE,
            NO_COLOR="1",
            PREFECT_SERVER_API_AUTH_STRING=auth,
        )
        return Launch(command, environment, folder)

    def healthy(self, ports: Ports) -> bool:
        # With the password, which its health is told without: another server that has taken the port does not know it.
        return _answers(ports.health, "/api/admin/version", '"', basic_auth(self.auth))


@dataclass(frozen=True)
class RayHead:
    """A Ray head with a token: whoever reaches its port could otherwise run code here."""

    home: Path
    name: str = "ray"
    label: str = "Ray cluster"
    # Long for an idle machine (5 s); with every core busy it was seen to take more than a minute.
    patience_s: float = 240
    # Nothing in it outlives it, and its own way out takes four seconds.
    grace_s: float = 0

    @property
    def token(self) -> Path:
        """File that holds the token."""
        return self.home / "ray-token"

    def ports(self) -> Ports:
        return Ports(main=free_port(6379), health=free_port(), other=free_port())

    def folder(self) -> Path:
        root = tempfile.gettempdir()
        fits = len(f"{root}{_RAY_SOCKET}".encode()) <= _SOCKET_PATH_LIMIT
        # mkdtemp gives 0700. Ray opens its own folder to everybody, so that one lies inside.
        return Path(tempfile.mkdtemp(prefix="seraph-", dir=root if fits else "/tmp"))  # noqa: S108 - short by need

    def launch(self, ports: Ports, folder: Path) -> Launch:
        options = (
            *("--node-ip-address", HOST),
            *("--port", str(ports.main)),
            *("--ray-client-server-port", str(ports.other)),
            *("--dashboard-agent-listen-port", str(ports.health)),
            *("--include-dashboard", "false"),
            *("--include-log-monitor", "false"),
            *("--temp-dir", str(folder / "ray")),
            *("--log-style", "record"),
            *("--log-color", "false"),
            "--disable-usage-stats",
        )
        environment = child_environment(without=("RAY_ADDRESS", "RAY_AUTH_", "RAY_JOB_"), **ray_variables(self.token))
        return Launch((_script("ray"), "start", "--head", "--block", *options), environment, folder)

    def healthy(self, ports: Ports) -> bool:
        # The node's agent asks both the raylet and the GCS: sounder than an open port, and no import of ray.
        return _answers(ports.health, "/api/healthz", "gcs: success")


def ray_variables(token: Path) -> dict[str, str]:
    """What a process must have in its environment, before it imports ray, to talk with the local Ray."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        # Ray replaces 127.0.0.1 by the machine's outer address and listens there, unless it takes itself to be on a
        # platform without clusters (ray._private.services.get_node_ip_address).
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # An actor that asks for no GPU sees none. Unset, it sees them all (or, by version, Ray warns).
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    }


def private_folder(folder: Path) -> Path:
    """The folder, created where it is missing, for nobody else to read."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, for nobody else to read, from its first byte on."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def new_secret() -> str:
    """40 hex digits. rclone refuses access keys shorter than AWS's own, and commas are its separator."""
    return secrets.token_hex(20)


def _remembered(file: Path) -> int | None:
    text = file.read_text().strip() if file.is_file() else ""
    return int(text) if text.isdecimal() and 0 < int(text) < 65536 else None


def _script(name: str) -> str:
    """A program of our own environment, wherever PATH points."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or name


def _answers(port: int, path: str, expected: str, headers: dict[str, str] | None = None) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status == 200 and expected in answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
