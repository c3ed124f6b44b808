"""Processes that outlive the one which started them: start, recognise, stop; free ports. Knows no service by name.

A pid alone names nobody: it may have been given to another process since. A process is therefore recognised by its pid
and the moment it started, and nothing is signalled that is not recognised.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "SERAPH_PART"
"""Variable in the environment of everything we start: it tells orphans of a dead leader from strangers."""

_PROC = Path("/proc")
_POLL_S = 0.05
_LOG_LIMIT_BYTES = 5 * 2**20

_children: dict[int, "subprocess.Popen[bytes]"] = {}
"""Our own children, kept to be reaped when they end: an unreaped one would look alive."""


@dataclass(frozen=True)
class Process:
    """A process, recognisable later. `started` is an opaque word: the moment it started, on this boot."""

    pid: int
    started: str


def start(command: Sequence[str], *, log: Path, environment: Mapping[str, str], cwd: Path) -> Process:
    """Start `command` in its own session: neither our end nor Ctrl-C reaches it. It appends to `log`, mode 0600."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".old.log"))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            env={**environment, MARK: str(log)},
            cwd=cwd,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    _children[child.pid] = child
    return Process(child.pid, _started(child.pid) or "")


def is_alive(process: Process) -> bool:
    """Whether this very process still runs."""
    _reap(process.pid)
    return bool(process.started) and _started(process.pid) == process.started


def stop(process: Process, *, log: Path, grace_s: float) -> bool:
    """End a process and everything in its session: politely, and after `grace_s` seconds for good.

    Args:
        process: As `start` returned it.
        log: As it was started with: orphans of a leader that died before are recognised by it.
        grace_s: Seconds for its own clean-up; 0 kills at once.

    Returns:
        Whether anything of it was still running.
    """
    members = _session(process, log)
    if not members:
        return False
    if grace_s and is_alive(process):
        _signal(process.pid, signal.SIGTERM)
        _wait(process, grace_s)
    deadline = time.monotonic() + 10
    while (members := _session(process, log)) and time.monotonic() < deadline:
        for pid in members:
            _signal(pid, signal.SIGKILL)
        time.sleep(_POLL_S)
    return True


def hang_up(process: Process) -> None:
    """Send the signal by which servers are told to look at the world anew."""
    if is_alive(process):
        _signal(process.pid, signal.SIGHUP)


def free_port(preferred: int = 0) -> int:
    """`preferred` where nothing listens there at 127.0.0.1, else any free port. Another may take it before its use."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) or "(its log is empty)"


def _wait(process: Process, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _session(process: Process, log: Path) -> list[int]:
    """Pids of the session that `process` leads or led, living ones only."""
    leads = is_alive(process)
    if sys.platform != "linux":
        return _group(process.pid) if leads else []
    members = [pid for pid in _pids() if _stat(pid)[:2] == (process.pid, True)]
    # Without its leader the session's number may have been given to a stranger.
    return members if leads else [pid for pid in members if _is_marked(pid, log)]


def _group(leader: int) -> list[int]:
    answer = subprocess.run(["ps", "-A", "-o", "pid=,pgid="], capture_output=True, text=True, check=False)
    pairs = (line.split() for line in answer.stdout.splitlines())
    return [int(pid) for pid, group in pairs if int(group) == leader]


def _is_marked(pid: int, log: Path) -> bool:
    try:
        return f"{MARK}={log}".encode() in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> tuple[int, bool, str]:
    """Session, whether it runs (a zombie does not), and start in clock ticks, from /proc/PID/stat (see proc(5))."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0, False, ""
    return int(fields[3]), fields[0] not in "ZX", fields[19]


def _started(pid: int) -> str | None:
    if sys.platform != "linux":
        return _started_portable(pid)
    _, runs, ticks = _stat(pid)
    # Ticks count from the boot: after another boot the same pid may have the same ticks.
    return f"{ticks}@{(_PROC / 'sys/kernel/random/boot_id').read_text().strip()}" if runs else None


def _started_portable(pid: int) -> str | None:
    answer = subprocess.run(
        ["ps", "-o", "lstart=,stat=", "-p", str(pid)], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    words = answer.stdout.split()
    return " ".join(words[:-1]) if words and not words[-1].startswith("Z") else None
