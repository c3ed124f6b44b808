"""infra/settings.py: what the environment says."""

from pathlib import Path

import pytest

from infra.settings import Settings, StoreAccess, child_environment, export


def test_an_empty_environment_names_no_service_and_a_home_here() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings(home=Path(".seraph").absolute(), cache=Path("~/.cache/seraph").expanduser())


def test_a_relative_home_is_made_absolute() -> None:
    assert Settings.from_environment({"SERAPH_HOME": "내 자료/seraph"}).home == Path.cwd() / "내 자료/seraph"


def test_empty_variables_count_as_absent() -> None:
    settings = Settings.from_environment({"PREFECT_API_URL": "", "RAY_ADDRESS": "", "AWS_ENDPOINT_URL": ""})
    assert (settings.prefect_api_url, settings.ray_address, settings.store) == (None, None, None)


def test_an_endpoint_for_s3_alone_goes_before_the_one_for_all_of_aws() -> None:
    names = {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_S3": "http://s3", "AWS_DEFAULT_REGION": "eu-west-3"}
    assert Settings.from_environment(names).store == StoreAccess("http://s3", region="eu-west-3")


def test_a_profile_alone_means_a_store_elsewhere_with_botos_own_credentials() -> None:
    store = Settings.from_environment({"AWS_PROFILE": "archive"}).store
    assert store is not None
    assert (store.access_key, store.secret_key) == (None, None)


def test_the_secret_is_not_in_the_words_for_a_store() -> None:
    access = StoreAccess("http://s3", "AKEY", "the-secret", "the-session-token")
    assert "the-secret" not in repr(access)
    assert "the-session-token" not in repr(access)


@pytest.mark.parametrize(("word", "offline"), [("1", True), ("TRUE", True), ("0", False), ("", False)])
def test_the_hub_is_offline_where_the_variable_says_so(word: str, offline: bool) -> None:
    assert Settings.from_environment({"HF_HUB_OFFLINE": word}).hub_offline is offline


def test_a_child_gets_no_telemetry_no_proxy_to_itself_and_none_of_what_is_kept_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RCLONE_VERBOSE", "2")
    monkeypatch.setenv("RCLONED", "a sheep")
    monkeypatch.setenv("NO_PROXY", "example.org")
    child = child_environment(without=("RCLONE_",), EXTRA="한")
    assert "RCLONE_VERBOSE" not in child
    assert child["RCLONED"] == "a sheep"
    assert child["NO_PROXY"] == "example.org,127.0.0.1,localhost"
    assert (child["DO_NOT_TRACK"], child["RAY_USAGE_STATS_ENABLED"], child["EXTRA"]) == ("1", "0", "한")


def test_exporting_none_removes_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERAPH_TEST", "here")
    export(SERAPH_TEST=None)
    assert "SERAPH_TEST" not in child_environment()
