"""flows/cli_operate.py: what `seraph deploy` and `seraph serve` are asked. What they do, test_recovery.py shows."""

from pathlib import Path

import pytest

from flows.cli_operate import _operations, deploy, serve
from infra.errors import ConfigError, UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "archive.yaml"
    path.write_text("media: s3://archive/2026\nresults: s3://scores\nlabels: {uri: s3://labels/in, minimum: 3}\n")
    return path


def test_options_go_over_the_file(file: Path) -> None:
    found = _operations(file, "s3://archive/2027", None)
    assert found is not None
    assert (found.media, found.results) == ("s3://archive/2027", "s3://scores")
    assert found.labels is not None
    assert found.labels.minimum == 3


def test_the_media_alone_are_enough() -> None:
    found = _operations(None, "s3://archive/2026", None)
    assert found is not None
    assert (found.media, found.results, found.labels) == ("s3://archive/2026", "s3://results", None)


def test_there_is_nothing_to_deploy_without_media() -> None:
    with pytest.raises(UsageError, match="--config FILE is needed, or --media"):
        deploy()


@pytest.mark.parametrize("command", [deploy, serve])
def test_results_alone_name_no_archive(command: object) -> None:
    assert callable(command)
    with pytest.raises(UsageError, match="name the media"):
        command(results="s3://scores")


def test_options_are_checked_as_the_file_is(file: Path) -> None:
    with pytest.raises(ConfigError, match="results store itself"):
        _operations(file, None, "s3://labels/in")


def test_without_a_file_and_media_only_what_is_asked_for_is_served() -> None:
    assert _operations(None, None, None) is None
