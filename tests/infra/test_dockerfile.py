"""infra/Dockerfile, as far as it can be told without Docker: who runs, what gets in, which versions."""

import re
from pathlib import Path

import prefect.settings
import pytest

from infra.settings import TELEMETRY_OFF

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "infra" / "Dockerfile").read_text(encoding="utf-8")
STAGES = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", TEXT, re.MULTILINE | re.DOTALL))
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_an_image_runs_as_nobody_in_particular_through_the_entry_point(target: str) -> None:
    assert "\nUSER 10001:10001\n" in STAGES[target]
    assert 'ENTRYPOINT ["entrypoint"]' in STAGES[target]
    assert "USER root" not in TEXT


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_what_is_run_comes_from_the_build_of_the_same_kind(target: str) -> None:
    assert f"COPY --from=build-{target} /opt/seraph /opt/seraph" in STAGES[target]
    assert "pip install" not in STAGES[target]


@pytest.mark.parametrize("target", ["cpu", "cuda"])
@pytest.mark.parametrize("program", ["entrypoint", "on-ray-node"])
def test_scripts_that_commands_name_are_in_the_image(target: str, program: str) -> None:
    assert f"COPY --chmod=0555 infra/{program}.sh /usr/local/bin/{program}\n" in STAGES[target]


def test_folders_that_volumes_lie_on_belong_to_who_runs() -> None:
    # A new volume takes over the owner of the folder that it covers.
    made = re.findall(r"install --directory --owner=10001 --group=10001 --mode=0700 (.+)", STAGES["base"])
    assert made == ["/var/lib/seraph /home/seraph/.cache"]


def test_every_stage_that_is_named_comes_before() -> None:
    seen: list[str] = []
    for source, name in re.findall(r"^FROM (\S+) AS (\S+)$", TEXT, re.MULTILINE):
        assert source in (*seen, "${PYTHON_IMAGE}")
        seen.append(name)


def test_versions_are_those_of_the_lock() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.12\.\d+-slim-\w+$", TEXT, re.MULTILINE)
    assert "PIP_CONSTRAINT=/opt/seraph/app/constraints.txt" in STAGES["build"]
    assert not re.search(r"pip install [^\n]*(-U|--upgrade|--no-constraint|==)", TEXT)


def test_telemetry_is_off() -> None:
    assert all(f"{name}={value}" in STAGES["base"] for name, value in TELEMETRY_OFF.items())


def test_variables_for_prefect_and_ray_are_settings_that_they_know() -> None:
    files = [ROOT / "infra" / "compose.yaml", *(ROOT / "infra" / "kubernetes").rglob("*.yaml")]
    text = TEXT + "".join(path.read_text(encoding="utf-8") for path in files)
    named = set(re.findall(r"\bPREFECT_[A-Z_]+\b", text))
    assert len(named) > 8
    assert [name for name in sorted(named) if not hasattr(prefect.settings, name)] == []
    # Ray reads these two itself; see infra/parts.py.
    assert set(re.findall(r"\bRAY_AUTH_[A-Z_]+\b", text)) <= {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}


def test_only_what_the_image_is_made_of_gets_into_the_build() -> None:
    assert IGNORED[1] == "*"
    wanted = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    assert all((ROOT / name).exists() for name in wanted)
    assert {"pyproject.toml", "constraints.txt", "actors", "flows", "infra", "tasks"} <= wanted
    assert not wanted & {".git", ".venv", ".seraph", "tests"}


def test_what_is_copied_by_name_is_there() -> None:
    copied = re.findall(r"^COPY (?:--chmod=\d+ )?(?!--from)(.+) \S+$", TEXT, re.MULTILINE)
    assert all((ROOT / name).exists() for each in copied for name in each.split())
