"""infra/on-ray-node.sh, with programs that stand in for `ray` and `wget`: what ends with what, and what it says."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "infra" / "on-ray-node.sh"
LONG_S = 20
WAIT = f"sleep {LONG_S} >/dev/null & wait"
"""A signal is answered at once, but the sleep goes on: it must not hold the output open, and is killed by hand."""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs: a node that is up at once and stays, and says when it is ended."""
    _write(tmp_path / "ray", f"echo ray $*; trap 'echo node ends; kill $!; exit 0' TERM; touch $0.up; {WAIT}")
    _write(tmp_path / "wget", f"until [ -e {tmp_path}/ray.up ]; do sleep 0.02; done")
    return tmp_path


def test_it_joins_without_cpus_and_ends_as_the_command_does(programs: Path) -> None:
    done = _run(programs, "sh", "-c", "echo done; exit 7")
    lines = done.stdout.splitlines()
    assert done.returncode == 7
    assert lines[0].startswith("ray start --address=head:6379 --block --num-cpus=0 ")
    assert lines[1:] == ["done", "node ends"]


def test_the_command_ends_where_its_node_does(programs: Path) -> None:
    _write(programs / "ray", "touch $0.up; until [ -e $0.enough ]; do sleep 0.02; done; exit 3")
    done = _run(programs, "sh", "-c", f"trap 'echo told; kill $!' TERM; touch {programs}/ray.enough; {WAIT}")
    assert (done.returncode, done.stdout) == (3, "told\n")


def test_a_node_that_never_comes_up_is_an_error_and_nothing_is_started(programs: Path) -> None:
    _write(programs / "ray", "exit 1")
    _write(programs / "wget", "exit 4")
    done = _run(programs, "echo", "started")
    assert (done.returncode, done.stdout) == (1, "")


def test_told_to_end_it_ends_the_command_before_the_node(programs: Path) -> None:
    with subprocess.Popen(
        [SCRIPT, "sh", "-c", f"trap 'sleep 0.2; echo command ends; kill $!; exit 0' TERM; echo up; {WAIT}"],
        env=_environment(programs), stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        while process.stdout.readline() != "up\n":
            pass
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert (process.returncode, rest) == (143, "command ends\nnode ends\n")


def _run(programs: Path, *command: str) -> subprocess.CompletedProcess[str]:
    started = time.monotonic()
    done = subprocess.run(
        [SCRIPT, *command], env=_environment(programs), capture_output=True, text=True, timeout=LONG_S
    )
    assert time.monotonic() - started < LONG_S / 2
    return done


def _environment(programs: Path) -> dict[str, str]:
    return {"PATH": f"{programs}:{os.environ['PATH']}", "RAY_ADDRESS": "head:6379"}


def _write(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
