"""infra/stack.py: up, status, down. Most tests use the S3 server alone, which is up in a tenth of a second."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra import stack as local_stack
from infra.errors import StoreError
from infra.parts import Ports
from infra.processes import Process
from infra.settings import Settings, StoreAccess
from infra.stack import Stack
from infra.state import Running, State, credentials
from infra.storage import Store

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "홈 home")


@pytest.fixture
def said(settings: Settings) -> "Said":
    """What the stack says; whatever it started is stopped after the test."""
    return Said()


class Said(list[str]):
    def __call__(self, words: str) -> None:
        self.append(words)


@pytest.fixture(autouse=True)
def _nothing_left(settings: Settings) -> object:
    yield
    local_stack.down(settings, lambda _: None)


def up(settings: Settings, said: Said) -> Stack:
    return local_stack.up(settings, said, need={"s3"})


def state_of(settings: Settings, name: str) -> str:
    return next(part.state for part in local_stack.status(settings).parts if part.name == name)


def pid_of(settings: Settings) -> int:
    return State(settings.home).parts()["s3"].process.pid


@pytest.mark.stack
def test_up_starts_and_says_so_status_sees_it_and_down_ends_it(settings: Settings, said: Said) -> None:
    stack = up(settings, said)
    assert stack.started == ("s3",)
    assert len(said) == 1
    assert "object store" in said[0]
    assert Store(stack.services.store).buckets() == ()
    assert (state_of(settings, "s3"), state_of(settings, "ray")) == ("running", "stopped")
    local_stack.down(settings, said)
    assert said[1:] == ["stopped the object store"]
    assert state_of(settings, "s3") == "stopped"


@pytest.mark.stack
def test_up_twice_starts_nothing_twice_and_is_silent(settings: Settings, said: Said) -> None:
    first = up(settings, said)
    before = pid_of(settings)
    said.clear()
    second = up(settings, said)
    assert (second.started, second.services, pid_of(settings), said) == ((), first.services, before, [])


@pytest.mark.stack
def test_several_ups_at_once_start_one_server(settings: Settings, said: Said) -> None:
    script = (
        "import sys; from pathlib import Path; from infra import stack; from infra.settings import Settings\n"
        "print(len(stack.up(Settings(home=Path(sys.argv[1])), lambda _: None, need={'s3'}).started))"
    )
    command = (sys.executable, "-c", script, str(settings.home))
    with ThreadPoolExecutor(3) as pool:
        runs = pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=True), range(3))
        assert sorted(run.stdout.strip() for run in runs) == ["0", "0", "1"]


@pytest.mark.stack
def test_data_and_credentials_outlive_down_and_up(settings: Settings, said: Said) -> None:
    store = Store(up(settings, said).services.store)
    store.ensure_bucket("bucket")
    store.put_bytes("s3://bucket/a.wav", b"x")
    local_stack.down(settings, said)
    assert Store(up(settings, said).services.store).get_bytes("s3://bucket/a.wav") == b"x"


@pytest.mark.stack
def test_another_port_is_used_where_the_usual_one_is_taken(settings: Settings, said: Said) -> None:
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 9000))
            taken.listen()
        except OSError:
            pass  # somebody else has it: as good
        stack = up(settings, said)
    assert not str(stack.services.store.endpoint_url).endswith(":9000")
    assert Store(stack.services.store).buckets() == ()


@pytest.mark.stack
@linux_only
def test_a_part_that_was_killed_is_started_again(settings: Settings, said: Said) -> None:
    up(settings, said)
    before = pid_of(settings)
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while state_of(settings, "s3") != "stopped" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert state_of(settings, "s3") == "stopped"
    stack = up(settings, said)
    assert (stack.started, pid_of(settings) != before) == (("s3",), True)
    assert "has died" in said[1]
    assert Store(stack.services.store).buckets() == ()


@pytest.mark.stack
def test_a_part_that_hangs_is_unhealthy_and_is_started_again(settings: Settings, said: Said) -> None:
    up(settings, said)
    before = pid_of(settings)
    os.kill(before, signal.SIGSTOP)
    assert state_of(settings, "s3") == "unhealthy"
    assert up(settings, said).started == ("s3",)
    assert pid_of(settings) != before


def test_down_spares_a_stranger_who_got_the_pid(settings: Settings, said: Said) -> None:
    stranger = subprocess.Popen(("sleep", "60"), start_new_session=True)
    try:
        settings.home.mkdir()
        known = Running(process=Process(stranger.pid, "1@boot"), ports=Ports(1, 1), folder=settings.home)
        State(settings.home).record("s3", known)
        assert state_of(settings, "s3") == "stopped"
        local_stack.down(settings, said)
        assert said == ["the object store was not running any more"]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_down_and_status_before_the_first_up_say_so_and_leave_nothing_behind(settings: Settings, said: Said) -> None:
    local_stack.down(settings, said)
    assert said == ["the local stack is not running"]
    assert {part.state for part in local_stack.status(settings).parts} == {"stopped"}
    assert not settings.home.exists()


def test_where_the_environment_names_every_service_nothing_is_started(tmp_path: Path, said: Said) -> None:
    store = StoreAccess("http://s3.example.org", "key", "secret")
    elsewhere = Settings(tmp_path / "home", "http://prefect.example.org/api", "ray.example.org:6379", store)
    services = local_stack.ensure(elsewhere, say=said)
    assert (services.store, services.local_store, services.ray_token) == (store, None, None)
    assert (services.prefect_api_url, services.ray_address) == (elsewhere.prefect_api_url, elsewhere.ray_address)
    assert said == []
    assert not elsewhere.home.exists()
    assert {part.state for part in local_stack.status(elsewhere).parts} == {"elsewhere"}


@pytest.mark.stack
def test_a_local_folder_needs_the_local_store_though_results_go_elsewhere(settings: Settings, said: Said) -> None:
    store = StoreAccess("http://s3.example.org", "key", "secret")
    services = local_stack.ensure(Settings(settings.home, store=store), need={"s3", "folders"}, say=said)
    assert services.store == store
    assert services.local_store is not None
    assert Store(services.local_store).buckets() == ()


@pytest.mark.stack
def test_a_part_that_cannot_start_is_an_error_with_the_end_of_its_log(settings: Settings, said: Said) -> None:
    settings.home.mkdir()
    (settings.home / "s3").mkdir()
    # rclone refuses a key without a secret.
    (settings.home / "credentials.json").write_text('{"access_key": "A,B", "secret_key": "C"}')
    with pytest.raises(StoreError, match=r"(?s)ended at once.*logs/s3\.log.*auth") as caught:
        up(settings, said)
    assert "seraph up" in str(caught.value)
    assert State(settings.home).parts() == {}


@pytest.mark.stack
def test_one_part_that_fails_does_not_forget_the_others(settings: Settings, said: Said) -> None:
    (settings.home / "prefect").parent.mkdir()
    (settings.home / "prefect").write_text("a file where a folder must be")
    with pytest.raises(OSError, match="prefect"):
        local_stack.up(settings, said, need={"s3", "prefect"})
    assert state_of(settings, "s3") == "running"


@pytest.mark.stack
def test_the_whole_stack_is_up_and_its_home_is_private(stack: Stack) -> None:
    root = stack.services.local_root
    assert root is not None
    settings = Settings(root.parent)
    assert {part.state for part in local_stack.status(settings).parts} == {"running"}
    for path in (root.parent, *root.parent.iterdir(), *(root.parent / "logs").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE(State(root.parent).parts()["ray"].folder.stat().st_mode) == 0o700


@pytest.mark.stack
@linux_only
def test_no_secret_stands_on_a_command_line_or_in_a_log(stack: Stack) -> None:
    root = stack.services.local_root
    assert root is not None
    assert stack.services.ray_token is not None
    assert stack.services.prefect_auth is not None
    _, _, password = stack.services.prefect_auth.partition(":")
    secrets = [credentials(root.parent).secret_key, stack.services.ray_token.read_text(), password]
    lines = b"".join(_read(path) for path in Path("/proc").glob("[0-9]*/cmdline"))
    logs = b"".join(path.read_bytes() for path in (root.parent / "logs").iterdir())
    ray_logs = (State(root.parent).parts()["ray"].folder / "ray/session_latest/logs").rglob("*")
    logs += b"".join(_read(path) for path in ray_logs if path.is_file())
    assert b"serve\0s3" in lines
    assert b"Ray runtime started" in logs
    assert [secret for secret in secrets if secret.encode() in lines + logs] == []


@pytest.mark.stack
@linux_only
def test_the_stack_listens_on_this_machine_only(stack: Stack) -> None:
    root = stack.services.local_root
    assert root is not None
    leaders = {run.process.pid for run in State(root.parent).parts().values()}
    inodes = {inode for pid in _pids_of(leaders) for inode in _sockets(pid)}
    addresses = {address for address, inode in _listening() if inode in inodes}
    assert len(addresses) > 3
    # 127.0.0.1 as /proc/net/tcp writes it, and mapped into IPv6 as tcp6 does.
    assert {address.rpartition(":")[0] for address in addresses} <= {"0100007F", "0000000000000000FFFF00000100007F"}


@pytest.mark.stack
@linux_only
def test_down_ends_every_process_of_ray_and_removes_its_folder(settings: Settings, said: Said) -> None:
    local_stack.up(settings, said, need={"ray"})
    ray = State(settings.home).parts()["ray"]
    members = _pids_of({ray.process.pid})
    assert len(members) > 4
    local_stack.down(settings, said)
    assert [pid for pid in members if _session(pid) == ray.process.pid] == []
    assert not ray.folder.exists()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _session(pid: int) -> int | None:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
    return int(fields[3]) if fields and fields[0] != b"Z" else None


def _pids_of(sessions: set[int]) -> list[int]:
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if _session(pid) in sessions]


def _sockets(pid: int) -> list[str]:
    links = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(path.readlink()))
        except OSError:
            continue
    return [link[8:-1] for link in links if link.startswith("socket:[")]


def _listening() -> list[tuple[str, str]]:
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [(row[1], row[9]) for row in rows if row[3] == "0A"]
