"""infra/parts.py: what the local Prefect server is told when it is started."""

from pathlib import Path

import pytest

from infra.parts import HOST, Ports, PrefectServer

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


@pytest.mark.parametrize("name", AUTH)
def test_it_asks_for_the_password_that_the_environment_names(
    name: str, server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "admin:secret")
    launch = server.launch(Ports(1, 1), server.folder())
    assert launch.environment["PREFECT_SERVER_API_AUTH_STRING"] == "admin:secret"
    assert "secret" not in " ".join(launch.command)


def test_without_a_password_it_asks_for_none(server: PrefectServer) -> None:
    assert not [name for name in server.launch(Ports(1, 1), server.folder()).environment if "AUTH" in name]
