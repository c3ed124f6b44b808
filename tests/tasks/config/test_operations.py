"""tasks/config/operations.py: what the file of an archive may say."""

from pathlib import Path

import pytest

from infra.errors import ConfigError
from tasks.config.operations import Operations, Schedule, load_operations


def written(folder: Path, text: str) -> Path:
    file = folder / "archive.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_media_are_all_that_a_file_must_name(tmp_path: Path) -> None:
    found = load_operations(written(tmp_path, "media: s3://archive/2026\n"))
    assert (found.results, found.config, found.nightly) == ("s3://results", "current", Schedule(cron="0 2 * * *"))
    assert found.labels is None
    assert not found.reevaluate.promote
    assert not found.housekeeping.apply


@pytest.mark.parametrize("line", ["0 2 * * *", "*/15 0-6,22 1,15 * 1-5", "59 23 31 12 7", "0 0 */2 * *"])
def test_a_cron_line_is_five_fields(line: str) -> None:
    assert Schedule(cron=line).cron == line


@pytest.mark.parametrize(
    "line", ["", "0 2 * *", "0 2 * * * *", "60 2 * * *", "0 24 * * *", "0 2 0 * *", "0 2 * 13 *", "0 2 * * 8",
             "@daily", "0 2 * * sun", "*/0 2 * * *", "0 2 * * 1-", "0, 2 * * *"]
)  # fmt: skip
def test_what_is_no_cron_line_is_named_with_an_example(line: str, tmp_path: Path) -> None:
    file = written(tmp_path, f"media: s3://archive/2026\nnightly: {{cron: {line!r}}}\n")
    with pytest.raises(ConfigError, match=r"nightly\.cron.*no cron line.*0 2 \* \* \*"):
        load_operations(file)


def test_every_line_that_is_taken_is_one_to_prefect() -> None:
    from prefect.client.schemas.schedules import CronSchedule

    for line in ("*/15 0-6,22 1,15 * 1-5", "59 23 31 12 7", "0-59/5 * * * 0"):
        assert CronSchedule(cron=Schedule(cron=line).cron).cron == line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("media: s3://archive/2026\nnightly: {cron: '0 2 * * *', timezone: Seoul}", "nightly.timezone.*Asia/Seoul"),
        ("media: s3://archive/2026\nnigthly: {}", "nigthly"),
        ("results: s3://scores", "media"),
        ("media: [", "no YAML"),
        ("media: s3://archive/2026\nresults: s3://scores/\nlabels: {uri: s3://scores}", "results store itself"),
        ("media: s3://archive/2026\njob_variables: {image: seraph}", "work_pool"),
        ("media: s3://archive/2026\nrecovery: {dead_after_s: 10}", "recovery.dead_after_s"),
        ("media: s3://archive/2026\nhousekeeping: {schedule: {cron: nightly}}", "housekeeping.schedule.cron"),
    ],
)
def test_what_is_wrong_is_named(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        load_operations(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*absent\.yaml"):
        load_operations(tmp_path / "absent.yaml")


def test_reading_it_does_not_import_prefect() -> None:
    """Prefect reads where its server is when it is imported: that must come later."""
    import subprocess
    import sys

    code = "import sys; from tasks.config.operations import Operations; Operations(media='s3://archive/a'); "
    done = subprocess.run([sys.executable, "-c", code + "sys.exit('prefect' in sys.modules)"], check=False)
    assert done.returncode == 0
    assert Operations(media="s3://archive/a").media == "s3://archive/a"
