"""The page of a survey as a browser shows it: no network, no errors, nothing hostile executed, both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.report.unlabelled import build_survey_page
from tests.support.browser import Page, chromium, find_chromium
from tests.support.surveys import HOSTILE, hostile, three

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine (apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survey")
    for name, found in (("three", three()), ("hostile", hostile())):
        (folder / f"{name}.html").write_text(build_survey_page(found), encoding="utf-8")
    return folder


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with chromium(tmp_path / "profile") as page:
        yield page


@pytest.mark.parametrize("name", ["three", "hostile"])
def test_the_page_loads_without_complaint_and_asks_the_network_for_nothing(page: Page, folder: Path, name: str) -> None:
    page.open(folder / f"{name}.html")
    assert page.complaints == []
    assert page.requests == [(folder / f"{name}.html").as_uri()]


def test_hostile_names_are_shown_and_not_executed(page: Page, folder: Path) -> None:
    page.open(folder / "hostile.html")
    assert "owned" not in page.evaluate("document.title").replace("document.title='owned'", "")
    assert page.evaluate("document.querySelectorAll('script, img, iframe, object, embed, a').length") == 1
    text = str(page.evaluate("document.body.textContent"))
    assert all(name in text for name in HOSTILE[:4])
    assert "\u202e" not in text


@pytest.mark.parametrize(("language", "head"), [("en-US", "Warning lights: "), ("ko-KR", "경고등: ")])
def test_the_reader_sees_one_language_and_the_gravest_light_first(
    page: Page, folder: Path, language: str, head: str
) -> None:
    page.open(folder / "three.html", language=language)
    assert str(page.evaluate("document.querySelector('h1').innerText")).startswith(head)
    first = str(page.evaluate("document.querySelector('.lights li').innerText"))
    assert first.startswith({"en-US": "Red", "ko-KR": "빨강"}[language])


@pytest.mark.parametrize("name", ["three", "hostile"])
def test_no_page_is_wider_than_a_telephone(page: Page, folder: Path, name: str) -> None:
    page.send("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
    page.open(folder / f"{name}.html", language="ko-KR")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
