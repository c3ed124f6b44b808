"""The environment, read in one place: where the services are and where local state lies.

Nothing else in Seraph reads environment variables. What a *run* does (models, segmentation, decisions) is configuration
and belongs to tasks/config/scoring.py.
"""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "False",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""No process that Seraph starts reports to anybody."""

HEARTBEAT_S = 30
"""How often a flow run gives a sign of life, in seconds: the least that Prefect allows."""

_AWS_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN")


@dataclass(frozen=True)
class StoreAccess:
    """How to reach one S3-compatible store.

    Attributes:
        endpoint_url: Base address, or None for AWS itself.
        access_key, secret_key, session_token: Credentials; None leaves it to boto3's own chain (profile, role, …).
        region: Region name.
    """

    endpoint_url: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str = "us-east-1"


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes:
        home: Folder of the local stack's state (`SERAPH_HOME`, default `.seraph`).
        prefect_api_url: A Prefect server to use instead of a local one, or None.
        ray_address: A Ray cluster to use instead of a local one, or None.
        store: An object store to use instead of a local one, or None.
        hub_offline: Whether Hugging Face's hub must not be asked (`HF_HUB_OFFLINE`).
        cache: Folder of this machine for copies of what lies in a store (`SERAPH_CACHE`, default `~/.cache/seraph`).
    """

    home: Path
    prefect_api_url: str | None = None
    ray_address: str | None = None
    store: StoreAccess | None = None
    hub_offline: bool = False
    cache: Path = Path("~/.cache/seraph")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings from `environment` (default: the process's own)."""
        env = os.environ if environment is None else environment
        return cls(
            home=Path(env.get("SERAPH_HOME") or ".seraph").absolute(),
            prefect_api_url=env.get("PREFECT_API_URL") or None,
            ray_address=env.get("RAY_ADDRESS") or None,
            store=_store_access(env),
            hub_offline=env.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"},
            cache=Path(
                env.get("SERAPH_CACHE") or Path(env.get("XDG_CACHE_HOME") or "~/.cache") / "seraph"
            ).expanduser(),
        )


def child_environment(*, without: tuple[str, ...] = (), **extra: str) -> dict[str, str]:
    """The environment for a process that Seraph starts: this one's, telemetry off, no proxy on the way to this machine.

    Args:
        without: Prefixes of variables that must not reach the child, because they would reconfigure it.
        **extra: Variables that it gets besides.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(without)}
    return {**inherited, **TELEMETRY_OFF, "NO_PROXY": _no_proxy(), "no_proxy": _no_proxy(), **extra}


def export(**variables: str | None) -> None:
    """Set variables of this process, or remove them (None): for libraries that are configured in no other way."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def bypass_proxies() -> None:
    """Reach services on this machine directly, even where HTTP_PROXY is set."""
    export(NO_PROXY=_no_proxy(), no_proxy=_no_proxy())


def is_ray_job() -> bool:
    """Whether `ray job submit` started this process."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def ray_job_folder() -> str | None:
    """The working directory that such a job was given (`--working-dir`), if any."""
    job: dict[str, Any] = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR") or "{}")
    folder = (job.get("runtime_env") or {}).get("working_dir")
    return None if folder is None else str(folder)


def prefect_auth() -> str | None:
    """`user:password` of the Prefect API, or None: what clients send, and what a server that we start asks for."""
    return os.environ.get("PREFECT_API_AUTH_STRING") or os.environ.get("PREFECT_SERVER_API_AUTH_STRING") or None


def basic_auth(auth: str | None) -> dict[str, str]:
    """The HTTP header that shows `user:password`; none without one."""
    return {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"} if auth else {}


def webhook_secret() -> str | None:
    """What a hook must show to the webhook receiver (`SERAPH_WEBHOOK_SECRET`), or None."""
    return os.environ.get("SERAPH_WEBHOOK_SECRET") or None


def ray_uses_tls() -> bool:
    """Whether Ray is told to speak TLS (`RAY_USE_TLS`)."""
    return os.environ.get("RAY_USE_TLS", "0").lower() in {"1", "true"}


def _no_proxy() -> str:
    present = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    hosts = [host for host in present.split(",") if host]
    return ",".join([*hosts, *(host for host in ("127.0.0.1", "localhost") if host not in hosts)])


def _store_access(env: Mapping[str, str]) -> StoreAccess | None:
    if not any(env.get(name) for name in _AWS_VARIABLES):
        return None
    return StoreAccess(
        endpoint_url=env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or None,
        access_key=env.get("AWS_ACCESS_KEY_ID") or None,
        secret_key=env.get("AWS_SECRET_ACCESS_KEY") or None,
        session_token=env.get("AWS_SESSION_TOKEN") or None,
        region=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1",
    )
