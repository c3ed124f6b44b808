"""The exit status of a run that is done, and what a person reads of why."""

import pytest
import typer

from flows import terminal
from flows.cli import exit_by
from tasks.plan import Plan
from tasks.records.run import MediaCounts, Validation
from tests.support.records import run_record


def test_too_much_in_quarantine_is_status_4_and_the_reason_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left:
        exit_by(run_record(media=MediaCounts(planned=1, quarantined=1, skipped=38)), max_quarantined=0.1)

    told = capsys.readouterr()
    assert left.value.exit_code == 4
    assert (told.out, " ".join(told.err.split())) == (
        "",
        "exit status 4: 1 of 1 media of this run are in quarantine; --max-quarantined allows 10.0%",
    )


def test_failed_checks_are_status_4_whatever_is_in_quarantine() -> None:
    record = run_record(media=MediaCounts(planned=1, scored=1), validation=Validation(success=False, failed=("x",)))

    with pytest.raises(typer.Exit) as left:
        exit_by(record, max_quarantined=1.0)

    assert left.value.exit_code == 4


def test_what_the_limit_allows_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    exit_by(run_record(media=MediaCounts(planned=10, scored=9, quarantined=1)), max_quarantined=0.1)
    exit_by(run_record(media=MediaCounts(skipped=38)), max_quarantined=0.0)

    assert capsys.readouterr() == ("", "")


def test_a_place_without_media_is_told_apart_from_one_where_all_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    def shown(**media: object) -> str:
        terminal.show_run(run_record(media=MediaCounts.model_validate(media)))
        return " ".join(capsys.readouterr().out.split())

    assert "no media under s3://media/shows: nothing is there" in shown()
    assert "no media under s3://media/shows: there are others (2 .srt); `media.suffixes`" in shown(other={"srt": 2})
    assert "no media under" not in shown(skipped=60)


def test_a_dry_run_over_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = Plan(shards=(), skipped=0, removed=(), revived=(), other={"": 1})

    terminal.show_plan(nothing, "s3://media/shwos")

    assert "no media under s3://media/shwos: there are others (1 without suffix)" in " ".join(
        capsys.readouterr().out.split()
    )
