"""flows/deployments.py: what is registered, and that prefect.yaml says the same."""

import importlib
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from prefect.cli.deploy._config import _load_deploy_configs_and_actions
from prefect.cli.deploy._schedules import _schedule_config_to_deployment_schedule
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from rich.console import Console

from flows import catch_up
from flows.deployments import HOUSEKEEPING, NIGHTLY, ON_DEMAND, ON_LABELS, TAG, WATCH, deployments
from tasks.config.operations import Alarms, Operations

ROOT = Path(__file__).parents[2]
FILE: dict[str, Any] = {"media": "s3://archive/2026", "results": "s3://scores", "labels": {"uri": "s3://labels/in"}}

DEFAULT_ALARMS = Alarms().model_dump(mode="json")


def registered(**changes: Any) -> dict[str, RunnerDeployment]:
    return {each.full_name: each for each in deployments(Operations.model_validate({**FILE, **changes}))}


def test_an_archive_has_five_deployments() -> None:
    assert set(registered()) == {NIGHTLY, ON_DEMAND, WATCH, ON_LABELS, HOUSEKEEPING}


def test_without_label_files_nothing_watches_and_nothing_re_evaluates() -> None:
    assert set(registered(labels=None)) == {NIGHTLY, ON_DEMAND, HOUSEKEEPING}


def test_without_an_archive_only_what_is_asked_for_runs() -> None:
    (only,) = deployments(None)
    assert (only.full_name, only.parameters, only.schedules) == (ON_DEMAND, {}, [])


def test_every_entrypoint_is_a_flow_that_takes_the_parameters_and_clears_what_was_missed() -> None:
    for deployment in registered().values():
        module, _, name = str(deployment.entrypoint).rpartition(".")
        flow = getattr(importlib.import_module(module), name)
        assert flow.name == deployment.flow_name
        assert list(flow.validate_parameters(deployment.parameters)) == ["request"]
        assert catch_up.catch_up_once in flow.on_running_hooks


def test_the_night_is_meant_in_its_time_zone() -> None:
    nightly = registered(nightly={"cron": "30 1 * * 1-5", "timezone": "Asia/Seoul"})[NIGHTLY]
    (schedule,) = nightly.schedules or []
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("30 1 * * 1-5", "Asia/Seoul")


def test_the_run_that_others_are_compared_with_is_kept() -> None:
    run = "20260101T000000-abcdef"
    assert registered(alarms={"reference": run})[HOUSEKEEPING].parameters["request"]["keep"] == [run]
    assert registered()[HOUSEKEEPING].parameters["request"]["keep"] == []


def test_registering_the_same_interval_later_is_the_same_schedule() -> None:
    first, later = (registered()[WATCH].schedules for _ in range(2))
    assert first == later


def test_a_second_night_is_cancelled_and_a_second_re_evaluation_waits() -> None:
    collisions = {
        name: (each.concurrency_limit, each.concurrency_options and each.concurrency_options.collision_strategy)
        for name, each in registered().items()
    }
    assert collisions == {
        NIGHTLY: (1, ConcurrencyLimitStrategy.CANCEL_NEW),
        ON_DEMAND: (None, None),
        WATCH: (1, ConcurrencyLimitStrategy.CANCEL_NEW),
        ON_LABELS: (1, ConcurrencyLimitStrategy.ENQUEUE),
        HOUSEKEEPING: (1, ConcurrencyLimitStrategy.CANCEL_NEW),
    }


def test_a_label_word_that_is_left_out_stays_left_out() -> None:
    found = registered(labels={"uri": "s3://labels/in", "aliases": {"mixed": None}})
    assert found[ON_LABELS].parameters["request"]["aliases"] == {"mixed": None}


def test_a_configuration_in_a_file_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert registered(config="mine.yaml")[NIGHTLY].parameters["request"]["config"] == str(tmp_path / "mine.yaml")
    assert registered(config="superb")[NIGHTLY].parameters["request"]["config"] == "superb"


def test_a_work_pool_is_told_to_give_signs_of_life() -> None:
    nightly = registered(work_pool="gpu", job_variables={"image": "seraph:1", "env": {"HF_HUB_OFFLINE": "1"}})[NIGHTLY]
    assert nightly.work_pool_name == "gpu"
    assert nightly.job_variables == {
        "image": "seraph:1",
        "env": {"HF_HUB_OFFLINE": "1", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"},
    }


# -- prefect.yaml ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def in_file() -> list[dict[str, Any]]:
    said = StringIO()
    found, actions = _load_deploy_configs_and_actions(ROOT / "prefect.yaml", console=Console(file=said))
    assert said.getvalue() == "", "Prefect skips what it does not understand"
    assert actions["pull"] == []
    return found


@pytest.mark.parametrize("pool", ["process", "docker", "kubernetes"])
def test_prefect_yaml_says_what_the_code_says(pool: str, in_file: list[dict[str, Any]]) -> None:
    suffix = "" if pool == "process" else f"-{pool}"
    mine = [each for each in in_file if each["work_pool"]["name"] == f"seraph-{pool}"]
    code = {each.name: each for each in deployments(Operations.model_validate(FILE))}
    assert {each["name"].removesuffix(suffix) for each in mine} == set(code)
    for each in mine:
        same = code[each["name"].removesuffix(suffix)]
        assert each["name"].endswith(suffix)
        assert each["entrypoint"] == same.entrypoint
        assert each["description"] == same.description
        assert each["tags"] == same.tags
        assert schedules(each) == [(one.slug, one.schedule) for one in same.schedules or []]
        options = same.concurrency_options
        assert limits(each.get("concurrency_limit")) == (
            same.concurrency_limit,
            options and options.collision_strategy.value,
        )
        assert filled(each["parameters"]) == said(same)
        env = each["work_pool"]["job_variables"]["env"]
        assert env == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}


def test_prefect_yaml_starts_a_re_evaluation_by_the_event(in_file: list[dict[str, Any]]) -> None:
    starting = [each for each in in_file if each.get("triggers")]
    assert [each["name"].partition("-docker")[0].partition("-kubernetes")[0] for each in starting] == ["on-labels"] * 3
    assert {trigger["expect"][0] for each in starting for trigger in each["triggers"]} == {"seraph.labels.updated"}


def schedules(each: dict[str, Any]) -> list[tuple[Any, Any]]:
    found = [_schedule_config_to_deployment_schedule(one) for one in each.get("schedules") or []]
    return [(one["slug"], one["schedule"]) for one in found]


def limits(limit: dict[str, Any] | None) -> tuple[Any, Any]:
    return (None, None) if limit is None else (limit["limit"], limit["collision_strategy"])


def filled(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters with the variables that the file names replaced by the archive of these tests."""
    values = {"MEDIA": FILE["media"], "RESULTS": FILE["results"], "LABELS": FILE["labels"]["uri"]}
    variables = {f"{{{{ $SERAPH_{name} }}}}": value for name, value in values.items()}
    return {"request": {key: variables.get(str(value), value) for key, value in parameters["request"].items()}}


def said(deployment: RunnerDeployment) -> dict[str, Any]:
    """The parameters, but for alarms: left out, they are as they are by default."""
    request: dict[str, Any] = deployment.model_dump(mode="json")["parameters"]["request"]
    assert request.pop("alarms", DEFAULT_ALARMS) == DEFAULT_ALARMS
    return {"request": request}


def test_all_that_is_registered_can_be_found_again() -> None:
    assert all(TAG in each.tags for each in registered().values())
