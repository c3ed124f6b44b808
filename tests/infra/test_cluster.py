"""infra/cluster.py: the way to Ray. Drivers run in processes of their own: Ray reads its settings once per process."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from infra import cluster
from infra.errors import RayError
from infra.services import Services
from infra.settings import StoreAccess
from infra.stack import Stack

pytestmark = pytest.mark.slow

DRIVER = """
import json, sys
from pathlib import Path
if sys.argv[3] == "late":
    import ray
from infra import cluster
from infra.services import Services
from infra.settings import StoreAccess

cluster.connect(Services(StoreAccess(), None, "", sys.argv[1], ray_token=Path(sys.argv[2])), hub_offline=True)
cluster.connect(Services(StoreAccess(), None, "", sys.argv[1], ray_token=Path(sys.argv[2])))

import ray

@ray.remote
def worker():
    import importlib.util, os
    import actors.contract, infra.storage
    names = ("HF_HUB_OFFLINE", "TOKENIZERS_PARALLELISM", "DO_NOT_TRACK", "GX_ANALYTICS_ENABLED", "CUDA_VISIBLE_DEVICES")
    return {"hub": importlib.util.find_spec("datasets") is not None, **{name: os.environ.get(name) for name in names}}

print("to be kept from the driver's own output")
found = cluster.resources()
fits = [cluster.room({"num_cpus": cpus, "num_gpus": 0}).fits for cpus in (1, found.cpus, found.cpus + 1)]
assert cluster.awake({"num_cpus": 1}, 1) == found, "where there is something, nothing is waited for"
answer = {"worker": ray.get(worker.remote()), "cpus": found.cpus, "nodes": found.nodes, "fits": fits}
cluster.disconnect()
cluster.disconnect()
Path(sys.argv[4]).write_text(json.dumps(answer))
"""


def services(address: str, token: Path | None = None) -> Services:
    return Services(StoreAccess(), None, "", address, ray_token=token)


def drive(
    stack: Stack, folder: Path, token: Path, moment: str = "early", job: dict[str, object] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the driver in `folder`, which holds a folder named like Hugging Face's package."""
    (folder / "datasets").mkdir(exist_ok=True)
    arguments = (stack.services.ray_address, str(token), moment, str(folder / "answer.json"))
    command = (sys.executable, "-W", "error", "-c", DRIVER, *arguments)
    # As Ray's job manager does it; the rest of a job's life is Ray's own.
    told = {} if job is None else {"RAY_JOB_CONFIG_JSON_ENV_VAR": json.dumps({"runtime_env": job, "metadata": {}})}
    environment = os.environ | told
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.stack
@pytest.mark.parametrize("moment", ["early", "late"])
def test_a_driver_connects_with_the_token_whether_or_not_ray_was_imported_before(
    stack: Stack, tmp_path: Path, moment: str
) -> None:
    token = stack.services.ray_token
    assert token is not None
    run = drive(stack, tmp_path, token, moment)
    assert run.returncode == 0, run.stderr
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert answer["cpus"] == os.cpu_count()
    assert answer["nodes"] == 1
    assert answer["fits"] == [True, True, False]
    assert answer["worker"] == {
        "hub": False,
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "False",
        "CUDA_VISIBLE_DEVICES": "",
    }
    assert run.stderr == ""


@pytest.mark.stack
def test_in_a_submitted_job_our_variables_come_before_the_jobs_own_and_its_folder_is_no_import_path(
    stack: Stack, tmp_path: Path
) -> None:
    token = stack.services.ray_token
    assert token is not None
    run = drive(stack, tmp_path, token, job={"env_vars": {"DO_NOT_TRACK": "0", "CUDA_VISIBLE_DEVICES": "7"}})
    assert run.returncode == 0, run.stderr
    worker = json.loads((tmp_path / "answer.json").read_text())["worker"]
    assert (worker["DO_NOT_TRACK"], worker["hub"]) == ("1", False)


@pytest.mark.stack
def test_a_driver_with_another_token_is_refused_in_words(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0" * 40)
    run = drive(stack, tmp_path, tmp_path / "token")
    assert run.returncode == 1
    assert f"RayError: the Ray cluster at {stack.services.ray_address} refused" in run.stderr
    assert not (tmp_path / "answer.json").exists()


def test_an_address_that_nobody_serves_is_named_at_once_with_what_to_do() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    before = time.monotonic()
    with pytest.raises(RayError, match=f"no Ray cluster answers at {address} .*check RAY_ADDRESS"):
        cluster.connect(services(address))
    assert time.monotonic() - before < 10


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_something_else_that_accepts_connections_is_not_taken_for_ray(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        answering = threading.Thread(target=lambda: _answer(other, greeting))
        answering.start()
        with pytest.raises(RayError, match="check RAY_ADDRESS"):
            cluster.connect(services(f"127.0.0.1:{other.getsockname()[1]}"))
        answering.join()


def _answer(server: socket.socket, greeting: bytes) -> None:
    connection, _ = server.accept()
    with connection, suppress(ConnectionError):
        connection.sendall(greeting)
        while connection.recv(1024):  # until the other side gives up
            pass


def test_what_a_cluster_has_is_told_in_words() -> None:
    large, small = cluster.Node("a", 8, 1), cluster.Node("b", 4, 0)
    assert str(cluster.Room((large, small), (large,))) == "it has 12 CPUs and 1 GPUs in all, on 2 nodes"
    assert cluster.Room((large, small), (large,)).fits
    assert not cluster.Room((large, small), ()).fits
    assert cluster.shown({"num_cpus": 0.5, "num_gpus": 0}) == "0.5 CPUs and 0 GPUs"


@pytest.mark.parametrize("address", ["127.0.0.1:port", "ray://head:70000"])
def test_what_is_no_address_is_refused_by_name(address: str) -> None:
    with pytest.raises(RayError, match="expected HOST:PORT"):
        cluster.connect(services(address))
