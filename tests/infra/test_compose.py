"""infra/compose.yaml, as far as it can be told without Docker: its shape, its references, its doors, its commands."""

import re
import stat
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from tests.support.commands import check_command

INFRA = Path(__file__).parents[2] / "infra"
TEXT = (INFRA / "compose.yaml").read_text(encoding="utf-8")


class Strict(BaseModel):
    """A part of the Compose specification: the fields that are used here. Any other name is a mistake."""

    model_config = ConfigDict(extra="forbid")


class Build(Strict):
    context: str
    dockerfile: str
    target: str


class Secret(Strict):
    source: str
    target: str


class Healthcheck(Strict):
    test: list[str]
    interval: str = Field(pattern=r"^\d+s$")
    timeout: str = Field(pattern=r"^\d+s$")
    retries: int
    start_period: str | None = Field(None, pattern=r"^\d+s$")


class Condition(Strict):
    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


class Device(Strict):
    driver: str
    count: int | Literal["all"]
    capabilities: list[str]


class Service(Strict):
    image: str
    build: Build | None = None
    command: list[str]
    entrypoint: list[str] | None = None
    environment: dict[str, str] = {}
    secrets: list[str | Secret] = []
    volumes: list[str] = []
    ports: list[str] = []
    networks: list[str] = ["default"]
    depends_on: dict[str, Condition] = {}
    healthcheck: Healthcheck | None = None
    profiles: list[str] = []
    deploy: dict[Literal["resources"], dict[Literal["reservations"], dict[Literal["devices"], list[Device]]]] = {}
    restart: Literal["no", "unless-stopped"]
    init: bool
    cap_drop: list[str]
    security_opt: list[str]
    shm_size: str | None = Field(None, pattern=r"^\d+gb$")
    stop_grace_period: str | None = Field(None, pattern=r"^\d+s$")
    user: str | None = None


class Compose(Strict):
    name: str
    services: dict[str, Service]
    networks: dict[str, dict[Literal["internal"], bool]]
    volumes: dict[str, None]
    secrets: dict[str, dict[Literal["file"], str]]


def _read() -> Compose:
    document: dict[str, Any] = yaml.safe_load(TEXT)
    services = document["services"]
    for service in services.values():
        # Whoever says nothing runs the image's own command.
        service.setdefault("command", [] if "entrypoint" in service else ["postgres"])
    return Compose.model_validate({name: value for name, value in document.items() if not name.startswith("x-")})


COMPOSE = _read()
SERVICES = pytest.mark.parametrize("service", COMPOSE.services.values(), ids=COMPOSE.services)


def test_it_has_the_services_that_an_archive_needs() -> None:
    expected = {"minio", "buckets", "postgres", "prefect", "ray-head", "ray-worker", "ray-gpu-worker", "runner"}
    assert COMPOSE.services.keys() == expected


@SERVICES
def test_what_a_service_refers_to_is_there(service: Service) -> None:
    secrets = {each if isinstance(each, str) else each.source for each in service.secrets}
    volumes = {each.split(":")[0] for each in service.volumes if not each.startswith("$")}
    assert secrets <= COMPOSE.secrets.keys()
    assert volumes <= COMPOSE.volumes.keys()
    assert set(service.networks) <= {*COMPOSE.networks, "default"}
    assert service.depends_on.keys() <= COMPOSE.services.keys()
    for name, needed in service.depends_on.items():
        assert needed.condition != "service_healthy" or COMPOSE.services[name].healthcheck


@SERVICES
def test_files_of_secrets_that_are_named_are_given(service: Service) -> None:
    given = {each if isinstance(each, str) else each.target for each in service.secrets}
    told = re.findall(r"/run/secrets/(\w+)", str([service.environment, service.command]))
    assert set(told) <= given


@SERVICES
def test_hosts_that_are_named_are_services_that_it_can_reach(service: Service) -> None:
    text = str([service.environment, service.command])
    named = set(re.findall(r"(?:https?://|@|address=|'RAY_ADDRESS': ')([a-z][a-z-]*):\d+", text))
    named |= {value for name, value in service.environment.items() if name.endswith("_DATABASE_HOST")}
    assert named <= COMPOSE.services.keys()
    assert all(set(COMPOSE.services[name].networks) & set(service.networks) for name in named)


@SERVICES
def test_nothing_is_published_beyond_this_machine(service: Service) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service.ports)


@SERVICES
def test_no_service_can_gain_rights(service: Service) -> None:
    assert service.cap_drop == ["ALL"]
    assert service.security_opt == ["no-new-privileges:true"]


@SERVICES
def test_images_have_a_version(service: Service) -> None:
    assert re.fullmatch(r"[a-z./]+:[\w.-]*\d[\w.-]*", service.image)


def test_minio_is_not_looked_for_where_it_is_gone() -> None:
    # Docker Hub has had no `minio/minio` since September 2026.
    assert {name for name, each in COMPOSE.services.items() if "minio/" in each.image} == {"minio", "buckets"}
    assert all(COMPOSE.services[name].image.startswith("quay.io/minio/minio:") for name in ("minio", "buckets"))


@SERVICES
def test_whatever_goes_on_running_is_asked_how_it_is(service: Service) -> None:
    assert (service.healthcheck is None) == (service.restart == "no")


@SERVICES
def test_commands_are_those_of_the_programs_in_the_image(service: Service) -> None:
    if service.build is not None:
        check_command(service.command[1:] if service.command[0] == "on-ray-node" else service.command)


RAY_NODES = ["ray-head", "ray-worker", "ray-gpu-worker", "runner"]


@pytest.mark.parametrize("name", RAY_NODES)
def test_the_signals_of_a_node_fit_into_its_shared_memory(name: str) -> None:
    service = COMPOSE.services[name]
    script = (INFRA / "on-ray-node.sh").read_text(encoding="utf-8")
    text = script if service.command[0] == "on-ray-node" else " ".join(service.command)
    (said,) = re.findall(r"--object-store-memory=(\d+)", text)
    assert service.shm_size is not None
    assert int(said) <= int(service.shm_size.removesuffix("gb")) * 1024**3


@pytest.mark.parametrize("name", RAY_NODES)
def test_models_that_were_fetched_are_there_for_every_node_and_stay(name: str) -> None:
    assert {"home:/var/lib/seraph", "cache:/home/seraph/.cache"} <= set(COMPOSE.services[name].volumes)
    assert {"home", "cache"} <= COMPOSE.volumes.keys()


def test_only_what_drives_runs_has_the_password_of_prefect() -> None:
    told = {name for name, each in COMPOSE.services.items() for secret in each.secrets
            if isinstance(secret, Secret) and secret.target == "PREFECT_API_AUTH_STRING"}  # fmt: skip
    assert told == {"runner"}


def test_no_secret_has_a_default_or_stands_in_the_file() -> None:
    assert all(re.match(r"\$\{SERAPH_SECRETS:\?[^}]+\}/", each["file"]) for each in COMPOSE.secrets.values())
    secret = re.compile(r"KEY|PASSWORD|TOKEN|AUTH_STRING|SECRET")
    told = [(name, value) for each in COMPOSE.services.values() for name, value in each.environment.items()]
    assert [pair for pair in told if secret.search(pair[0]) and not pair[1].startswith("/run/secrets/")] == []
    assert ":-" not in TEXT


def test_prefect_asks_for_a_password_and_ray_for_a_token() -> None:
    targets = {each.target for each in COMPOSE.services["prefect"].secrets if isinstance(each, Secret)}
    assert "PREFECT_SERVER_API_AUTH_STRING" in targets
    for name in RAY_NODES:
        environment = COMPOSE.services[name].environment
        assert environment["RAY_AUTH_MODE"] == "token"
        assert environment["RAY_AUTH_TOKEN_PATH"] == "/run/secrets/ray_token"


def test_the_database_is_reached_by_the_prefect_server_only() -> None:
    assert COMPOSE.networks["database"] == {"internal": True}
    assert {name for name, each in COMPOSE.services.items() if "database" in each.networks} == {"postgres", "prefect"}


def test_every_build_target_is_a_stage_of_the_dockerfile() -> None:
    dockerfile = (INFRA / "Dockerfile").read_text(encoding="utf-8")
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, re.MULTILINE))
    targets = {each.build.target for each in COMPOSE.services.values() if each.build}
    assert targets == {"cpu", "cuda"}
    assert targets <= stages


@pytest.fixture
def entrypoint(tmp_path: Path) -> Path:
    """The image's entry point, with the secrets in a folder of the test's."""
    copy = tmp_path / "entrypoint.sh"
    text = (INFRA / "entrypoint.sh").read_text(encoding="utf-8")
    copy.write_text(text.replace("/run/secrets", str(tmp_path / "secrets")), encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    return copy


def test_secrets_in_files_become_variables_unless_they_are_set(entrypoint: Path) -> None:
    secrets = entrypoint.parent / "secrets"
    for name, text in {"A_KEY": "it's $HOME\n", "GIVEN": "file", "ray_token": "t", "ODD-NAME": "x"}.items():
        (secrets / name).write_text(text, encoding="utf-8")
    printed = subprocess.run(
        ["/bin/sh", entrypoint, "/usr/bin/env"],
        env={"GIVEN": "environment"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert "A_KEY=it's $HOME" in printed
    assert "GIVEN=environment" in printed
    assert not any(line.startswith(("ray_token", "ODD")) for line in printed)


def test_without_secrets_the_command_is_started_all_the_same(entrypoint: Path) -> None:
    said = subprocess.run(["/bin/sh", entrypoint, "echo", "a b"], capture_output=True, text=True, check=True)
    assert (said.stdout, said.stderr) == ("a b\n", "")
    assert (INFRA / "entrypoint.sh").stat().st_mode & stat.S_IXUSR
