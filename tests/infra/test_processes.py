"""infra/processes.py: start, recognise and stop. The processes are short Python and shell ones."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from infra import processes
from infra.processes import Process

NAP = (sys.executable, "-c", "import time; time.sleep(60)")
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def start(tmp_path: Path, command: tuple[str, ...]) -> Process:
    return processes.start(command, log=tmp_path / "it.log", environment=dict(os.environ), cwd=tmp_path)


def stop(tmp_path: Path, process: Process, grace_s: float = 5) -> bool:
    return processes.stop(process, log=tmp_path / "it.log", grace_s=grace_s)


def wait_for(tmp_path: Path, words: str) -> str:
    deadline = time.monotonic() + 10
    while words not in processes.tail(tmp_path / "it.log") and time.monotonic() < deadline:
        time.sleep(0.02)
    return processes.tail(tmp_path / "it.log")


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_started_process_leads_a_session_of_its_own_and_stops_when_told(tmp_path: Path) -> None:
    process = start(tmp_path, NAP)
    assert processes.is_alive(process)
    assert os.getsid(process.pid) == process.pid
    assert stop(tmp_path, process)
    assert not processes.is_alive(process)
    assert not stop(tmp_path, process)


def test_its_log_is_for_nobody_else_to_read(tmp_path: Path) -> None:
    process = start(tmp_path, (sys.executable, "-c", "print('한국어')"))
    assert "한국어" in wait_for(tmp_path, "한국어")
    assert stat.S_IMODE((tmp_path / "it.log").stat().st_mode) == 0o600
    stop(tmp_path, process)


def test_a_process_that_ended_is_not_alive_though_nobody_waited_for_it(tmp_path: Path) -> None:
    process = start(tmp_path, (sys.executable, "-c", ""))
    deadline = time.monotonic() + 10
    while processes.is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not processes.is_alive(process)


def test_one_that_ignores_the_polite_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    process = start(tmp_path, (sys.executable, "-c", STUBBORN))
    wait_for(tmp_path, "up")
    assert stop(tmp_path, process, grace_s=0.3)
    assert not processes.is_alive(process)


@pytest.mark.skipif(sys.platform != "linux", reason="sessions are read from /proc")
def test_grandchildren_end_too_even_in_process_groups_of_their_own(tmp_path: Path) -> None:
    nested = "import os, subprocess, sys, time; p = subprocess.Popen(['sleep', '60'], process_group=0)\n"
    process = start(tmp_path, (sys.executable, "-c", nested + "print('pid', p.pid, flush=True); time.sleep(60)"))
    grandchild = int(wait_for(tmp_path, "pid").split()[1])
    assert stop(tmp_path, process)
    assert not runs(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="sessions are read from /proc")
def test_orphans_of_a_leader_that_was_killed_end_too(tmp_path: Path) -> None:
    nested = "import subprocess, time; p = subprocess.Popen(['sleep', '60'])\n"
    process = start(tmp_path, (sys.executable, "-c", nested + "print('pid', p.pid, flush=True); time.sleep(60)"))
    orphan = int(wait_for(tmp_path, "pid").split()[1])
    os.kill(process.pid, signal.SIGKILL)
    assert stop(tmp_path, process)
    assert not runs(orphan)


def test_a_stranger_with_the_pid_is_neither_taken_for_it_nor_signalled(tmp_path: Path) -> None:
    stranger = subprocess.Popen(NAP, start_new_session=True)
    try:
        for started in ("12345@another-boot", ""):
            known = Process(stranger.pid, started)
            assert not processes.is_alive(known)
            assert not stop(tmp_path, known, grace_s=0)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="sessions are read from /proc")
def test_a_strangers_orphans_under_a_recycled_session_survive(tmp_path: Path) -> None:
    leader = subprocess.Popen(
        ("sh", "-c", "sleep 60 & echo $!"), start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    assert leader.stdout is not None
    orphan = int(leader.stdout.readline())
    leader.wait()
    leader.stdout.close()
    assert not stop(tmp_path, Process(leader.pid, "12345@this-boot"), grace_s=0)
    assert runs(orphan)
    os.kill(orphan, signal.SIGKILL)


def test_the_start_of_another_boot_does_not_count(tmp_path: Path) -> None:
    process = start(tmp_path, NAP)
    ticks = process.started.partition("@")[0]
    assert not processes.is_alive(replace(process, started=f"{ticks}@another-boot"))
    stop(tmp_path, process, grace_s=0)


def test_the_preferred_port_is_given_where_it_is_free_and_another_where_it_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.listen()
        assert processes.free_port(port) != port
    assert processes.free_port(port) == port


def test_a_long_log_makes_room_and_is_kept_once(tmp_path: Path) -> None:
    (tmp_path / "it.log").write_bytes(b"x" * 6 * 2**20)
    process = start(tmp_path, (sys.executable, "-c", "print('new')"))
    assert wait_for(tmp_path, "new") == "new"
    assert (tmp_path / "it.old.log").stat().st_size == 6 * 2**20
    stop(tmp_path, process, grace_s=0)


def test_the_tail_of_a_log_that_is_not_there_says_so(tmp_path: Path) -> None:
    assert processes.tail(tmp_path / "none.log") == "(no log)"
