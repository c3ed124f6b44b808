"""infra/parts.py: what the local Prefect server is told when it is started."""

import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from prefect.settings.models.server.events import ServerEventsSettings

from infra.parts import HOST, Ports, PrefectServer
from tests.support.guarded import guarded

AUTH = ("PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PrefectServer:
    for name in AUTH:
        monkeypatch.delenv(name, raising=False)
    return PrefectServer(tmp_path)


def test_it_listens_on_this_machine_only(server: PrefectServer) -> None:
    command = server.launch(Ports(4200, 4200), server.folder()).command
    assert command[command.index("--host") + 1] == HOST == "127.0.0.1"


def test_started_again_it_is_where_it_was(server: PrefectServer) -> None:
    free = PrefectServer(server.home / "other").ports().main
    elsewhere = 20_000 + free % 10_000
    server.launch(Ports(elsewhere, elsewhere), server.folder())
    assert server.ports() == Ports(elsewhere, elsewhere)


@pytest.mark.parametrize("nonsense", ["", "x", "0", "70000"])
def test_where_it_was_cannot_be_read_it_takes_any_port(server: PrefectServer, nonsense: str) -> None:
    (server.folder() / "port").write_text(nonsense)
    assert 0 < server.ports().main < 65_536


def test_the_slots_that_runs_hold_outlive_it(server: PrefectServer) -> None:
    environment = server.launch(Ports(1, 1), server.folder()).environment
    assert environment["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"].endswith(".filesystem")


def test_what_it_waits_for_outlives_a_night_without_it(server: PrefectServer) -> None:
    told = server.launch(Ports(1, 1), server.folder()).environment["PREFECT_SERVER_EVENTS_EXPIRED_BUCKET_BUFFER"]
    read = ServerEventsSettings.model_validate({"expired_bucket_buffer": told})
    assert read.expired_bucket_buffer >= timedelta(days=1)


@pytest.mark.parametrize("name", AUTH)
def test_it_asks_for_the_password_that_the_environment_names(
    name: str, server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "admin:secret")
    launch = server.launch(Ports(1, 1), server.folder())
    assert launch.environment["PREFECT_SERVER_API_AUTH_STRING"] == "admin:secret"
    assert "secret" not in " ".join(launch.command)


def test_it_makes_up_a_password_which_stays_the_same_and_is_for_nobody_else_to_read(server: PrefectServer) -> None:
    assert server.auth is None
    told = [server.launch(Ports(1, 1), server.folder()).environment["PREFECT_SERVER_API_AUTH_STRING"] for _ in "ab"]
    assert told == [server.auth] * 2
    assert re.fullmatch("seraph:[0-9a-f]{40}", told[0])
    assert stat.S_IMODE(server.password.stat().st_mode) == 0o600


def test_the_password_of_the_environment_is_remembered_for_those_who_do_not_have_it(
    server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(AUTH[0], "admin:secret")
    server.launch(Ports(1, 1), server.folder())
    monkeypatch.delenv(AUTH[0])
    assert server.auth == "admin:secret"


def test_another_server_on_its_port_is_not_taken_for_it(server: PrefectServer) -> None:
    server.launch(Ports(1, 1), server.folder())
    with guarded(f"{server.auth}") as mine, guarded("admin:secret") as another:
        assert server.healthy(Ports(mine, mine))
        assert not server.healthy(Ports(another, another))
