"""The page of a survey as text; how a browser shows it is test_page_in_browser.py."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from tasks.evaluation.unlabelled import Scored, Survey, survey
from tasks.report.unlabelled import build_survey_page
from tests.support.surveys import hostile, three
from tests.support.tables import corpus, score_row, scores

_VOID = {"meta", "input", "br"}
EMPTY = Scored("empty", list, {})
UNDECIDED = Scored("undecided", lambda: [scores(score_row(emotion=None))], {})


class _Outline(HTMLParser):
    """Tags that are not closed in order, and all attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _ in attrs}
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def found() -> Survey:
    return three()


@pytest.fixture(scope="module")
def page(found: Survey) -> str:
    return build_survey_page(found)


@pytest.mark.parametrize("corpora", [[EMPTY], [UNDECIDED], [EMPTY, UNDECIDED]])
def test_a_survey_of_nothing_is_a_sound_page(corpora: list[Scored]) -> None:
    outline = _Outline(build_survey_page(survey(corpora, seed=0)))
    assert outline.open == []


def test_the_page_is_sound_html_without_handlers_or_inline_styles(page: str) -> None:
    for text in (page, build_survey_page(hostile())):
        outline = _Outline(text)
        assert outline.open == []
        assert not {name for name in outline.attributes if name.startswith("on") or name in {"style", "src", "href"}}


def test_the_page_allows_its_own_style_and_script_and_nothing_else(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy[1]
    assert "unsafe" not in policy[1]


def test_what_may_not_be_concluded_and_the_lights_come_before_any_figure(page: str) -> None:
    places = [page.index(each) for each in ("None of this is accuracy", 'class="lights"', "<table")]
    assert places == sorted(places)


def test_every_light_stands_in_the_page_with_its_level_in_words(found: Survey, page: str) -> None:
    body = page.split("</header>")[1]
    for level, word in (("red", "Red"), ("amber", "Amber"), ("grey", "Grey"), ("green", "Green")):
        count = sum(light.level == level for light in found.lights)
        assert body.count(f'<li class="{level}">') == count
        assert body.count(f'<b><span lang="en">{word}</span>') == count
    assert body.count("models/random says 0.010 nats a segment") == 1


def test_the_page_never_speaks_of_an_accuracy(page: str) -> None:
    text = re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert re.findall(r"[^.]*\baccura\w+[^.]*", text) == re.findall(r"[^.]*None of this is accuracy[^.]*", text)
    assert len(re.findall("accura", text)) == 1


def test_undefined_figures_are_a_dash_and_never_nan() -> None:
    pages = "".join(build_survey_page(survey(each, seed=0)) for each in ([EMPTY], [UNDECIDED, EMPTY]))
    text = re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", pages, flags=re.DOTALL)
    assert not re.search(r"\b(nan|NaN|inf)\b|None(?! of this)", text)
    assert "–" in text
    assert "no segment in common" in text


def test_disagreements_name_the_medium_the_time_and_who_said_what(found: Survey, page: str) -> None:
    widest = found.disagreements[0]
    row = page.split('<table class="places">')[1].split("</tr>")[1]
    assert widest.media_uri.rsplit("/", 1)[-1] in row
    assert f"{widest.width:.2f}" in row
    assert all(name in row for name in widest.said)


def test_the_shares_of_every_language_and_of_the_reference_are_drawn(page: str) -> None:
    table = page.split('<table class="shares">')[1].split("</table>")[0]
    for text in ("All segments", "English", "Korean", "Reference 20260101T000000-abcdef"):
        assert text in table


def test_a_single_configuration_has_no_part_about_agreement() -> None:
    one = Scored("one", lambda: corpus(["s3://media/a.wav"]), {})
    text = build_survey_page(survey([one], seed=0))
    assert 'id="together"' not in text
    assert "there is only one configuration" in text


def test_a_page_stays_small(page: str) -> None:
    assert len(page.encode()) < 150_000
