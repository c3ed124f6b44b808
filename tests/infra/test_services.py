"""infra/services.py: which store holds what, and whether Prefect lets us in."""

import os
from pathlib import Path

import pytest

from infra.errors import PrefectError, UsageError
from infra.services import Services
from infra.settings import TELEMETRY_OFF, StoreAccess
from tests.support.guarded import guarded

OURS, THEIRS = StoreAccess("http://127.0.0.1:9000"), StoreAccess("http://s3.example.org")
SERVED = "media-dramas-0123abcd"


def services(root: Path, *, store: StoreAccess = THEIRS) -> Services:
    (root / SERVED).mkdir()
    return Services(store, OURS, "http://127.0.0.1:4200/api", "127.0.0.1:6379", local_root=root)


def test_a_folder_served_here_is_read_here_and_all_else_where_the_results_are(tmp_path: Path) -> None:
    both = services(tmp_path)
    assert both.access_for(f"s3://{SERVED}/a.wav") == OURS
    assert both.access_for("s3://archive/a.wav") == THEIRS


def test_a_bucket_elsewhere_that_is_only_named_like_a_served_folder_is_read_there(tmp_path: Path) -> None:
    assert services(tmp_path).access_for("s3://media-dramas-ffffffff/a.wav") == THEIRS


def test_a_bucket_elsewhere_with_the_name_of_a_local_bucket_is_read_there(tmp_path: Path) -> None:
    both = services(tmp_path)
    (tmp_path / "seraph").mkdir()
    assert both.access_for("s3://seraph/runs") == THEIRS


def test_what_is_no_uri_of_a_store_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        services(tmp_path).access_for("/home/media")


def test_only_what_lies_in_the_local_store_has_a_file_on_this_machine(tmp_path: Path) -> None:
    both = services(tmp_path)
    assert both.local_path(f"s3://{SERVED}/한 국.wav") == tmp_path / SERVED / "한 국.wav"
    assert both.local_path("s3://archive/report.html") is None


def test_results_in_the_local_store_have_a_file_on_this_machine(tmp_path: Path) -> None:
    local = services(tmp_path, store=OURS)
    assert local.local_path("s3://seraph/runs/1/report.html") == tmp_path / "seraph/runs/1/report.html"


# -- Prefect's door ----------------------------------------------------------------------------------------------------


def prefect(port: int, auth: str | None) -> Services:
    return Services(OURS, OURS, f"http://127.0.0.1:{port}/api", "", prefect_auth=auth)


def test_a_server_with_a_password_lets_us_in_with_it() -> None:
    with guarded("admin:secret") as port:
        prefect(port, "admin:secret").check_prefect()


@pytest.mark.parametrize("wrong", [None, "admin:guessed"])
def test_a_server_that_refuses_is_one_line_and_exit_5(wrong: str | None) -> None:
    with (
        guarded("admin:secret") as port,
        pytest.raises(PrefectError, match=r"refuses \(401\).*PREFECT_API_AUTH_STRING") as caught,
    ):
        prefect(port, wrong).check_prefect()
    assert caught.value.exit_code == 5
    assert "guessed" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_runs_give_signs_of_life_and_carry_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")
    for name in (*server, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "NO_PROXY", "no_proxy", *TELEMETRY_OFF):
        monkeypatch.setenv(name, "another's")  # so that what is exported is undone after the test
    prefect(4200, "admin:secret").export()
    assert os.environ["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    assert [os.environ[name] for name in server] == ["http://127.0.0.1:4200/api", "admin:secret"]
    assert "secret" not in repr(prefect(4200, "admin:secret"))
