"""The tuning's report as a browser shows it: no network, no errors, both languages, and no wider than the screen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.report.tuning import build_tuning_page
from tests.support.browser import Page, chromium, find_chromium
from tests.support.tunings import empty_tuning, hostile_tuning, large_tuning, tuning

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine (apt-get install chromium)"),
]

_RECORDS = {"usual": tuning(), "hostile": hostile_tuning(), "empty": empty_tuning(), "large": large_tuning()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of each record."""
    folder = tmp_path_factory.mktemp("튜닝 report")
    for name, record in _RECORDS.items():
        (folder / f"{name}.html").write_text(build_tuning_page(record), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


def _fresh(page: Page, path: Path, language: str = "en-US") -> Page:
    page.requests.clear()
    page.complaints.clear()
    page.open(path, language=language)
    return page


@pytest.mark.parametrize("name", _RECORDS)
def test_a_page_loads_without_complaint_and_asks_the_network_for_nothing(page: Page, folder: Path, name: str) -> None:
    path = folder / f"{name}.html"
    _fresh(page, path)
    assert page.complaints == []
    assert page.requests == [path.as_uri()]
    assert page.evaluate("document.querySelectorAll('script, img, iframe, object, embed').length") == 1
    assert page.evaluate("document.title") != "owned"


@pytest.mark.parametrize(("language", "headline"), [("en-US", "Undecided."), ("ko-KR", "아직 알 수 없습니다.")])
def test_the_readers_language_shows(page: Page, folder: Path, language: str, headline: str) -> None:
    _fresh(page, folder / "usual.html", language)
    page.evaluate("localStorage.clear()")
    assert page.evaluate("document.querySelector('h1').innerText").startswith(headline)


@pytest.mark.parametrize("name", _RECORDS)
def test_no_page_is_wider_than_a_telephone(page: Page, folder: Path, name: str) -> None:
    page.send("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
    _fresh(page, folder / f"{name}.html", "ko-KR")
    width = page.evaluate("document.documentElement.scrollWidth")
    page.send("Emulation.clearDeviceMetricsOverride")
    assert width <= 360


def test_on_a_telephone_the_picture_of_the_optimism_needs_no_scrolling(page: Page, folder: Path) -> None:
    page.send("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
    _fresh(page, folder / "usual.html")
    edges = page.evaluate("[...document.querySelectorAll('.reality svg')].map((e) => e.getBoundingClientRect().right)")
    page.send("Emulation.clearDeviceMetricsOverride")
    assert len(edges) == 4
    assert max(edges) <= 360


def test_the_observed_gain_is_drawn_where_its_axis_says(page: Page, folder: Path) -> None:
    _fresh(page, folder / "usual.html")
    middle = "(e => (r => r.left + r.width / 2)(e.getBoundingClientRect()))"
    at = page.evaluate(f"{middle}(document.querySelector('.luck .observed'))")
    labels = page.evaluate(
        f"[...document.querySelectorAll('.luck .axis text')].map((e) => [e.textContent, {middle}(e)])"
    )
    places = {float(text.replace("−", "-")): x for text, x in labels}
    expected = places[0.05] + (places[0.1] - places[0.05]) * (0.097 - 0.05) / 0.05
    assert at == pytest.approx(expected, abs=2)
