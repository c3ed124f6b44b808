"""infra/state.py: what is remembered, and for whom to read."""

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.errors import ConfigError
from infra.parts import Ports
from infra.processes import Process
from infra.state import Running, State, credentials, ensure_token, lock

RUNNING = Running(process=Process(1, "2@boot"), ports=Ports(3, 4, 5), folder=Path("/tmp/seraph-x"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_recorded_is_read_back_until_it_is_taken_out(tmp_path: Path) -> None:
    State(tmp_path).record("ray", RUNNING)
    assert State(tmp_path).parts() == {"ray": RUNNING}
    State(tmp_path).record("ray", None)
    assert State(tmp_path).parts() == {}


def test_parts_recorded_at_once_are_all_kept(tmp_path: Path) -> None:
    state = State(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: state.record(f"part-{number}", RUNNING), range(40)))
    assert len(state.parts()) == 40


def test_credentials_are_made_once_and_differ_between_homes(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert credentials(tmp_path) == credentials(tmp_path) != credentials(tmp_path / "other")


def test_everything_in_a_home_is_for_nobody_else(tmp_path: Path) -> None:
    home = tmp_path / "홈"
    with lock(home, lambda _: None):
        State(home).record("s3", RUNNING)
        credentials(home)
        ensure_token(home / "ray-token")
    assert {path.name: oct(mode(path)) for path in home.iterdir()} == {
        **dict.fromkeys(("stack.json", "credentials.json", "ray-token", "lock"), "0o600"),
        "logs": "0o700",
    }
    assert mode(home) == 0o700


def test_a_damaged_state_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"parts": {"s3": 7}}')
    with pytest.raises(ConfigError, match="remove the file"):
        State(tmp_path).parts()


def test_a_second_holder_of_the_lock_says_that_it_waits_and_then_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    waiting, entered = threading.Event(), threading.Event()

    def second() -> None:
        with lock(tmp_path, lambda words: (said.append(words), waiting.set())[0]):
            entered.set()

    thread = threading.Thread(target=second)
    with lock(tmp_path, said.append):
        thread.start()
        assert waiting.wait(10)
        assert not entered.is_set()
    thread.join(10)
    assert entered.is_set()
    assert len(said) == 1
