"""The local stack: an S3 server, a Prefect server and Ray on this machine, brought up, looked at and taken down.

Owns when a part is started or stopped. How each is started stands in infra/parts.py, what is remembered in
infra/state.py. A part that the environment names (PREFECT_API_URL, RAY_ADDRESS, the AWS variables) is never started.
"""

import shutil
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from infra import processes
from infra.errors import PrefectError, RayError, ServiceError, StoreError
from infra.parts import HOST, ObjectServer, Part, Ports, PrefectServer, RayHead
from infra.services import Services
from infra.settings import Settings, StoreAccess, prefect_auth
from infra.state import Running, Say, State, credentials, ensure_token, lock
from infra.store_words import shown

Need = Literal["s3", "prefect", "ray", "folders"]
"""What a command needs. `folders`: the local object store, wherever the results go, to serve local folders."""

ALL: frozenset[Need] = frozenset({"s3", "prefect", "ray"})

_LAUNCHES = 3
_SECOND_THOUGHTS_S = 10.0
"""How long a part that lives but does not answer may take to come round, before it is started anew."""
_POLL_S = 0.1
_ERRORS: dict[str, type[ServiceError]] = {"s3": StoreError, "prefect": PrefectError, "ray": RayError}


def _silent(_: str) -> None: ...


@dataclass(frozen=True)
class Stack:
    """The services after `up`, and the names of the parts that it had to start."""

    services: Services
    started: tuple[str, ...]


@dataclass(frozen=True)
class PartStatus:
    """One part as it is now. `elsewhere`: the environment names another; `unhealthy`: it lives but does not answer."""

    name: str
    label: str
    state: Literal["running", "unhealthy", "stopped", "elsewhere"]
    address: str | None = None
    pid: int | None = None
    log: str | None = None


@dataclass(frozen=True)
class StackStatus:
    """All parts, in the order s3, prefect, ray."""

    parts: tuple[PartStatus, ...]


def up(settings: Settings, say: Say, *, need: Iterable[Need] = ALL) -> Stack:
    """Start what is needed, is not named by the environment and does not run yet. Twice is once.

    Raises:
        StoreError, PrefectError, RayError: A part did not start; with the end of its log.
    """
    names = _local(settings, frozenset(need))
    if not names:
        return Stack(_services(settings, {}), ())
    state = State(settings.home)
    with lock(settings.home, say):
        parts = [part for part in _parts(settings) if part.name in names]
        with ThreadPoolExecutor(len(parts)) as pool:
            started = list(pool.map(lambda part: _bring_up(part, state, say), parts))
        services = _services(settings, {name: run for name, run in state.parts().items() if name in names})
    return Stack(services, tuple(part.name for part, fresh in zip(parts, started, strict=True) if fresh))


def ensure(settings: Settings, *, need: Iterable[Need] = ALL, say: Say = _silent) -> Services:
    """The services that a command needs, brought up where they must be. Says what it starts, and nothing else."""
    return up(settings, say, need=need).services


def status(settings: Settings) -> StackStatus:
    """How every part is, now. Starts and changes nothing."""
    state = State(settings.home)
    known = state.parts()
    elsewhere = _elsewhere(settings)
    return StackStatus(
        tuple(
            PartStatus(part.name, part.label, "elsewhere", address=elsewhere[part.name])
            if part.name in elsewhere and part.name not in known
            else _status(part, known.get(part.name), state)
            for part in _parts(settings)
        )
    )


def down(settings: Settings, say: Say) -> None:
    """Stop what `up` started, and nothing else. Data, credentials and logs stay."""
    state = State(settings.home)
    if not state.parts():
        say("the local stack is not running")
        return
    with lock(settings.home, say):
        parts = [part for part in _parts(settings) if part.name in state.parts()]
        with ThreadPoolExecutor(len(parts) or 1) as pool:
            list(pool.map(lambda part: _take_down(part, state, say), parts))


def _bring_up(part: Part, state: State, say: Say) -> bool:
    """Whether it had to be started."""
    known = state.parts().get(part.name)
    if known and _recovers(part, known):
        return False
    if known:
        say(f"the {part.label} has died or does not answer: starting it again")
        _clear(part, known, state)
    for _ in range(_LAUNCHES):
        running = _launch(part, state, say)
        if _wait_until_healthy(part, running, part.patience_s):
            return True
        timed_out = processes.is_alive(running.process)
        _clear(part, running, state)
        if timed_out:
            break  # only a part that ended by itself may have lost its port to another
    log = state.log(part.name)
    fault = f"does not answer after {part.patience_s:.0f} s" if timed_out else f"ended at once, {_LAUNCHES} times"
    raise _ERRORS[part.name](
        f"the {part.label} {fault} on {HOST}:{running.ports.main}; expected it to serve. "
        f"Put right what the end of {log} says, and run `seraph up`:\n{processes.tail(log)}"
    )


def _recovers(part: Part, known: Running) -> bool:
    # A part that another seraph has just launched may still be on its way.
    return _wait_until_healthy(part, known, _SECOND_THOUGHTS_S)


def _launch(part: Part, state: State, say: Say) -> Running:
    ports, folder = part.ports(), part.folder()
    launch = part.launch(ports, folder)
    say(f"starting the {part.label} on {HOST}:{ports.main}")
    process = processes.start(
        launch.command, log=state.log(part.name), environment=launch.environment, cwd=launch.folder
    )
    running = Running(process=process, ports=ports, folder=folder)
    state.record(part.name, running)
    return running


def _wait_until_healthy(part: Part, running: Running, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while processes.is_alive(running.process) and time.monotonic() < deadline:
        if part.healthy(running.ports):
            return True
        time.sleep(_POLL_S)
    return False


def _take_down(part: Part, state: State, say: Say) -> None:
    known = state.parts()[part.name]
    was_running = _clear(part, known, state)
    say(f"stopped the {part.label}" if was_running else f"the {part.label} was not running any more")


def _clear(part: Part, known: Running, state: State) -> bool:
    was_running = processes.stop(known.process, log=state.log(part.name), grace_s=part.grace_s)
    if part.name == "ray" and known.folder.name.startswith("seraph-"):
        shutil.rmtree(known.folder, ignore_errors=True)
    state.record(part.name, None)
    return was_running


def _status(part: Part, known: Running | None, state: State) -> PartStatus:
    if known is None or not processes.is_alive(known.process):
        return PartStatus(part.name, part.label, "stopped")
    return PartStatus(
        part.name,
        part.label,
        "running" if part.healthy(known.ports) else "unhealthy",
        address=f"{HOST}:{known.ports.main}",
        pid=known.process.pid,
        log=str(state.log(part.name)),
    )


def _elsewhere(settings: Settings) -> dict[str, str]:
    named = {
        "s3": shown(settings.store) if settings.store else None,
        "prefect": settings.prefect_api_url,
        "ray": settings.ray_address,
    }
    return {name: address for name, address in named.items() if address}


def _local(settings: Settings, need: frozenset[Need]) -> frozenset[str]:
    asked = {str(name) for name in need if name != "folders"} - _elsewhere(settings).keys()
    return frozenset(asked | ({"s3"} if "folders" in need else set()))


def _parts(settings: Settings) -> Sequence[Part]:
    home = settings.home
    if not home.exists():  # `status` before the first `up` must not leave a folder behind
        return ObjectServer(home, "", ""), PrefectServer(home), RayHead(home)
    keys, ray = credentials(home), RayHead(home)
    ensure_token(ray.token)
    return ObjectServer(home, keys.access_key, keys.secret_key), PrefectServer(home), ray


def _services(settings: Settings, running: dict[str, Running]) -> Services:
    ports = {name: run.ports for name, run in running.items()}
    local = _local_access(settings, ports.get("s3"))
    return Services(
        store=settings.store or local or StoreAccess(),
        local_store=local,
        prefect_api_url=settings.prefect_api_url or _address(ports.get("prefect"), "http://{}/api"),
        ray_address=settings.ray_address or _address(ports.get("ray"), "{}"),
        ray_token=RayHead(settings.home).token if "ray" in ports else None,
        local_root=settings.home / "s3" if local else None,
        prefect_auth=prefect_auth() if settings.prefect_api_url else PrefectServer(settings.home).auth,
    )


def _local_access(settings: Settings, ports: Ports | None) -> StoreAccess | None:
    if ports is None:
        return None
    keys = credentials(settings.home)
    return ObjectServer(settings.home, keys.access_key, keys.secret_key).access(ports.main)


def _address(ports: Ports | None, template: str) -> str:
    return template.format(f"{HOST}:{ports.main}") if ports else ""
