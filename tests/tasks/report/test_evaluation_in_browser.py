"""The evaluation's report as a browser shows it: no network, no errors, both languages, and a player that jumps."""

import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.report.evaluation import build_evaluation_page, build_leaderboard
from tests.support.browser import Page, chromium, find_chromium
from tests.support.evaluations import evaluation, hostile_evaluation

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine (apt-get install chromium)"),
]

_WAIT_S = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with two of three media at hand, one of hostile names, and the history of both."""
    folder = tmp_path_factory.mktemp("평가 report")
    media = {f"s3://media/episode {n}.wav": folder / f"episode {n} #.wav" for n in range(2)}
    for path in media.values():
        _silence(path, seconds=60)
    hostile = hostile_evaluation()
    at_hand = {each.uri: next(iter(media.values())) for each in hostile.worst if each.uri}
    pages = {
        "report.html": build_evaluation_page(evaluation(), media),
        "hostile.html": build_evaluation_page(hostile, at_hand),
        "history.html": build_leaderboard([evaluation(), hostile]),
    }
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


def _silence(path: Path, seconds: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 8000 * seconds))


def _fresh(page: Page, path: Path, language: str = "en-US") -> Page:
    page.requests.clear()
    page.complaints.clear()
    page.open(path, language=language)
    return page


def _eventually(page: Page, script: str) -> Any:
    """The value of a script once it is truthy."""
    deadline = time.monotonic() + _WAIT_S
    while not (value := page.evaluate(script)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


@pytest.mark.parametrize("name", ["report.html", "hostile.html", "history.html"])
def test_a_page_loads_without_complaint_and_asks_the_network_for_nothing(page: Page, folder: Path, name: str) -> None:
    _fresh(page, folder / name)
    assert page.complaints == []
    assert page.requests == [(folder / name).as_uri()]
    assert page.evaluate("document.querySelectorAll('script, img, iframe, object, embed').length") == 1


@pytest.mark.parametrize(("language", "shown", "hidden"), [("en-US", "en", "ko"), ("ko-KR", "ko", "en")])
def test_the_readers_language_shows_and_the_other_does_not(
    page: Page, folder: Path, language: str, shown: str, hidden: str
) -> None:
    _fresh(page, folder / "report.html", language)
    page.evaluate("localStorage.clear()")
    headline = page.evaluate("document.querySelector('h1').innerText")
    assert headline == (evaluation().verdict if shown == "en" else evaluation().verdict_ko)
    assert page.evaluate(f"document.querySelector('h1 [lang={hidden}]').offsetWidth") == 0


def test_the_player_jumps_to_the_segment_of_a_medium_at_hand(page: Page, folder: Path) -> None:
    _fresh(page, folder / "report.html")
    assert page.evaluate("document.querySelector('.player').hidden")
    start = page.evaluate("document.querySelectorAll('a.play')[3].dataset.start")
    page.evaluate("document.querySelectorAll('a.play')[3].click()")
    assert _eventually(page, "document.querySelector('video').readyState > 0")
    assert page.evaluate("document.querySelector('video').currentTime") == pytest.approx(float(start), abs=0.5)
    assert page.evaluate("document.querySelector('.player').hidden") is False
    assert page.complaints == []
    # The browser's own controls are drawn from data: addresses.
    assert all(each.startswith(("file:", "data:")) for each in page.requests)


def test_the_player_stops_at_the_end_of_the_segment(page: Page, folder: Path) -> None:
    _fresh(page, folder / "report.html")
    page.send("Runtime.evaluate", expression="document.querySelector('a.play').click()", userGesture=True)
    end = float(page.evaluate("document.querySelector('a.play').dataset.end"))
    assert _eventually(page, f"(v => v.currentTime >= {end} && v.paused)(document.querySelector('video'))")
    assert page.evaluate("document.querySelector('video').currentTime") < end + 1


def test_only_segments_at_hand_have_a_button(page: Page, folder: Path) -> None:
    _fresh(page, folder / "report.html")
    rows = "[...document.querySelectorAll('.worst tbody tr')]"
    with_button = page.evaluate(f"{rows}.map((row) => !!row.querySelector('a.play'))")
    there = page.evaluate(f"{rows}.map((row) => !row.querySelector('bdi').textContent.includes('episode 2'))")
    assert with_button == there
    assert False in there


def test_without_scripts_the_button_is_a_link_to_the_place_in_the_file(page: Page, folder: Path) -> None:
    page.send("Emulation.setScriptExecutionDisabled", value=True)
    _fresh(page, folder / "report.html")
    href = page.evaluate("document.querySelector('a.play').href")
    page.send("Emulation.setScriptExecutionDisabled", value=False)
    assert href == (folder / "episode 0 #.wav").as_uri() + "#t=0.000,2.500"


@pytest.mark.parametrize("name", ["report.html", "hostile.html", "history.html"])
def test_no_page_is_wider_than_a_telephone(page: Page, folder: Path, name: str) -> None:
    page.send("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
    _fresh(page, folder / name, "ko-KR")
    width = page.evaluate("document.documentElement.scrollWidth")
    page.send("Emulation.clearDeviceMetricsOverride")
    assert width <= 360


def test_printing_unfolds_every_candidate_and_folds_them_again(page: Page, folder: Path) -> None:
    _fresh(page, folder / "report.html")
    folded = "document.querySelectorAll('details:not([open])').length"
    before = page.evaluate(folded)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert (before > 0, page.evaluate(folded)) == (True, 0)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(folded) == before
