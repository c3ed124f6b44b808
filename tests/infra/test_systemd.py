"""infra/systemd, as far as it can be told without systemd: what is started, as whom, and with which secrets."""

import configparser
import re
import shlex
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from infra.settings import Settings, prefect_auth
from tests.support.commands import check_command
from tests.support.documents import ROOT, blocks

FOLDER = ROOT / "infra" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
EACH_UNIT = pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)

SOCKET_PATH_LIMIT = 107
RAY_SOCKET = "/seraph-12345678/ray/session_2026-01-01_00-00-00_000000_1234567890/sockets/plasma_store"


def read(path: Path) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None, comment_prefixes="#", delimiters="=")
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(path.read_text(encoding="utf-8"))
    return unit


def read_environment() -> dict[str, str]:
    lines = (FOLDER / "environment").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_there_is_one_for_the_stack_and_one_for_what_is_due() -> None:
    assert {each.name for each in UNITS} == {"seraph.service", "seraph-stack.service"}


@EACH_UNIT
def test_what_is_started_and_stopped_are_commands(path: Path) -> None:
    service = read(path)["Service"]
    commands = [shlex.split(value) for key, value in service.items() if key.startswith("Exec")]
    assert commands
    for program, *arguments in commands:
        assert program == "/opt/seraph/.venv/bin/seraph"
        check_command(["seraph", *arguments])


@EACH_UNIT
def test_it_runs_as_a_user_without_rights_and_holds_no_secret(path: Path) -> None:
    service = read(path)["Service"]
    assert service["User"] == "seraph"
    assert service["NoNewPrivileges"] == "yes"
    assert service["EnvironmentFile"] == "/etc/seraph/environment"
    assert "Environment" not in service


@EACH_UNIT
def test_units_that_it_names_are_there(path: Path) -> None:
    named = " ".join(read(path)["Unit"].values()).split()
    own = [each for each in named if each.startswith("seraph") and each.endswith(".service")]
    assert [each for each in own if not (FOLDER / each).exists()] == []


def test_what_is_due_goes_on_after_a_fault_and_ends_its_runs_itself() -> None:
    unit = read(FOLDER / "seraph.service")
    assert (unit["Service"]["Restart"], unit["Unit"]["StartLimitIntervalSec"]) == ("always", "0")
    assert unit["Service"]["KillMode"] == "mixed"


def test_the_folders_of_the_environment_are_made_by_the_units() -> None:
    environment = read_environment()
    for path in UNITS:
        made = {f"/var/lib/{name}" for name in read(path)["Service"]["StateDirectory"].split()}
        assert {environment["SERAPH_HOME"], environment["TMPDIR"]} <= made
    assert Settings.from_environment(environment).home == Path("/var/lib/seraph")


def test_sockets_of_ray_fit_into_the_temporary_folder() -> None:
    assert len(read_environment()["TMPDIR"] + RAY_SOCKET) <= SOCKET_PATH_LIMIT


def test_the_password_is_not_in_the_file_and_is_asked_for_once_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_environment().keys() == {"SERAPH_HOME", "TMPDIR"}
    (line,) = [
        line for block in blocks(ROOT / "docs" / "operations.md", "sh") for line in block.text.splitlines()
        if line.endswith(">> /etc/seraph/environment")
    ]  # fmt: skip
    name, _, value = shlex.split(line)[1].partition("=")
    monkeypatch.setenv(name, value)
    assert prefect_auth() == value
    assert value.startswith("archive:$(openssl rand -hex ")


def test_the_files_that_the_handbook_installs_are_there() -> None:
    text = "".join(block.text for block in blocks(ROOT / "docs" / "operations.md", "sh"))
    named = re.findall(r"/opt/seraph/(infra/systemd/\S+)", text)
    found = [path for pattern in named for path in ROOT.glob(pattern)]
    assert Counter(found) == Counter(path for path in FOLDER.iterdir())


def test_a_command_as_the_services_run_it_hands_its_words_on(tmp_path: Path) -> None:
    said = tmp_path / "systemd-run"
    said.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    said.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", FOLDER / "seraph-here", "runs", "list", "--results", "s3://a b"],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    words = done.stdout.splitlines()
    program = words.index("/opt/seraph/.venv/bin/seraph")
    assert {"--uid=seraph", "--property=EnvironmentFile=/etc/seraph/environment"} <= set(words[:program])
    assert words[program + 1 :] == ["runs", "list", "--results", "s3://a b"]
