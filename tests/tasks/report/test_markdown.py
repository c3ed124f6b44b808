"""The summary of a run in Markdown."""

import pytest

from tasks.records.run import Outputs
from tasks.report import markdown_summary
from tasks.report.markdown import escaped
from tests.support.records import run_record


def test_it_says_what_came_of_the_run_in_both_languages_and_where_the_report_is() -> None:
    text = markdown_summary(run_record())
    assert "**52 of 60 media scored, 4\xa0without speech, 4\xa0quarantined.**" in text
    assert "미디어 60개 중 52개 분석" in text
    assert "| Segments scored | 분석한 구간 | 1,040 |" in text
    assert "(<s3://results/runs/r/report.html>)" in text


def test_an_undefined_figure_is_a_dash() -> None:
    assert "| × real time | 실시간 대비 배속 | – |" in markdown_summary(run_record(realtime_factor=None))


@pytest.mark.parametrize("name", ["a|b", "[x](javascript:alert(1))", "<script>", "`code`", "*bold*", "a\n\n# Title"])
def test_a_hostile_address_stays_text(name: str) -> None:
    line = next(line for line in markdown_summary(run_record(media_uri=name)).splitlines() if "| 미디어 |" in line)
    assert line == f"| Media | 미디어 | {escaped(name)} |"
    assert not any(sign in line.replace("\\" + sign, "") for sign in "[]()`*<>#")
    assert line.replace("\\|", "").count("|") == 4


def test_a_link_cannot_be_broken_out_of() -> None:
    places = dict.fromkeys(("scores", "quarantine", "run"), "s3://r/x")
    text = markdown_summary(run_record(outputs=Outputs(report="s3://r/a> <b>)[x](y).html", **places)))
    assert text.splitlines()[-1].endswith("(<s3://r/a%3E%20%3Cb%3E%29%5Bx%5D%28y%29.html>)")
