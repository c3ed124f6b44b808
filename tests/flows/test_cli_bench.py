"""`seraph bench`: its subjects and what is wrong with a command line, before anything is started."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli_bench import app
from infra.errors import UsageError
from tasks.bench.page import keep
from tests.support.benchmarks import pipeline_result

RUNNER = CliRunner()


def fault(*arguments: str) -> str:
    """What is wrong with a command line."""
    error = RUNNER.invoke(app, arguments).exception
    assert isinstance(error, UsageError), error
    return str(error)


def test_every_subject_has_a_line_in_the_help() -> None:
    shown = RUNNER.invoke(app, ["--help"]).output
    for subject in ("pipeline", "batches", "ray-data", "nodes", "growth", "planning", "page"):
        assert subject in shown


def test_an_option_before_the_subject_is_refused_because_nobody_would_hear_it() -> None:
    assert "seraph bench pipeline --preset" in fault("--preset", "large", "pipeline")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("growth", "--segments", "many"), "many"),
        (("growth", "--segments", "10,0"), "1 or more"),
        (("pipeline", "--batch-sizes", "1;2"), "1;2"),
        (("pipeline", "--preset", "huge"), "huge"),
        (("batches", "--seconds", "30,x"), "30,x"),
        (("batches", "--preset", "huge"), "huge"),
        (("nodes", "--worker", "lazy"), "lazy"),
        (("--precision", "int8"), "int8"),
    ],
)
def test_a_wrong_value_is_named_before_anything_starts(arguments: tuple[str, ...], told: str) -> None:
    assert told in fault(*arguments)


def test_the_page_of_a_folder_is_written_into_it(tmp_path: Path) -> None:
    keep(pipeline_result(), tmp_path)
    done = RUNNER.invoke(app, ["page", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    assert "2.50 ×" in (tmp_path / "index.html").read_text(encoding="utf-8")
