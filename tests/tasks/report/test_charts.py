"""The charts, as SVG in both languages."""

import re
from xml.etree import ElementTree as ET

import pytest

from tasks.report import charts
from tasks.report.palette import COLOURS
from tasks.report.summary import Summary
from tests.support.tables import corpus, score_row, scores

SUMMARY = Summary.fold(corpus([f"s3://m/{n}.wav" for n in range(6)], segments=30))
HOSTILE = Summary.fold([scores(score_row(language='<script>alert("1")</script>\' &'), score_row())])


@pytest.mark.parametrize("draw", [charts.emotions_by_language, charts.language_confidence, charts.segment_lengths])
@pytest.mark.parametrize("summary", [SUMMARY, HOSTILE])
def test_a_chart_is_sound_xml_in_each_language_and_fetches_nothing(draw, summary) -> None:  # type: ignore[no-untyped-def]
    markup = str(draw(summary))
    both = ET.fromstring(f"<both>{markup}</both>")
    assert [each.get("lang") for each in both] == ["en", "ko"]
    assert all(each.get("aria-label") for each in both)
    assert not re.search(r"<script|<image|<foreignObject|href=|url\(|style=|\son\w+=", markup)


def test_emotions_have_their_own_colours() -> None:
    markup = str(charts.emotions_by_language(SUMMARY))
    assert all(colour in markup for colour in COLOURS[:7])


def test_words_of_a_chart_are_in_its_language_and_in_the_pages_font() -> None:
    markup = str(charts.segment_lengths(SUMMARY))
    english, korean = markup.split('lang="ko"')
    assert "15 or more" in english
    assert "15 이상" in korean
    assert "font-family" not in markup


def test_colours_of_ink_follow_the_page() -> None:
    assert 'fill="currentColor"' in str(charts.language_confidence(SUMMARY))
