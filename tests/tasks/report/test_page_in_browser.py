"""The report as a browser shows it: no network, no errors, nothing of a hostile name executed, both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.report import Summary, build_pages
from tests.support.browser import Page, chromium, find_chromium
from tests.support.records import run_record
from tests.support.tables import corpus, quarantine

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine (apt-get install chromium)"),
]

HOSTILE = [
    "<script>document.title='owned'</script>.mp4",
    "\"><img src=x onerror=document.title='owned'>.wav",
    "'></title><svg onload=document.title='owned'>.wav",
    "javascript:document.title='owned'",
    "{{ 7 * 7 }}.mp3",
    "safe\u202egpj.exe.wav",
    "가" * 300 + ".mp4",
    "https://example.com/x.mp4",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of 5 hostile and 75 plain media, on disk."""
    folder = tmp_path_factory.mktemp("report")
    root = "s3://media/shows/"
    names = [root + name for name in [*HOSTILE, *(f"episode {n:03}.mp4" for n in range(75))]]
    faults = quarantine(*((root + name, "not_media") for name in HOSTILE), detail=HOSTILE[0])
    record = run_record(config={"note": HOSTILE[0]}, workers={HOSTILE[1]: HOSTILE[2]}, whisper={"model": HOSTILE[1]})
    for name, text in build_pages(record, Summary.fold(corpus(names)), faults).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with chromium(tmp_path / "profile") as page:
        yield page


def _shown(page: Page, selector: str) -> str:
    return str(page.evaluate(f"document.querySelector({selector!r}).innerText"))


@pytest.mark.parametrize("name", ["report.html", "timelines-002.html"])
def test_a_page_loads_without_complaint_and_asks_the_network_for_nothing(page: Page, folder: Path, name: str) -> None:
    page.open(folder / name)
    assert page.complaints == []
    assert page.requests == [(folder / name).as_uri()]


def test_hostile_names_are_shown_and_not_executed(page: Page, folder: Path) -> None:
    page.open(folder / "report.html")
    assert page.evaluate("document.title") == "Emotion in speech: run 20260101T000000-abcdef"
    assert page.evaluate("document.querySelectorAll('script, img, iframe, object, embed').length") == 1
    text = str(page.evaluate("document.body.textContent"))
    for name in HOSTILE[:5]:
        assert name in text
    assert "safe⟨U+202E⟩gpj.exe.wav" in text
    assert "\u202e" not in text


def test_every_link_leads_to_a_page_of_this_report(page: Page, folder: Path) -> None:
    page.open(folder / "report.html")
    targets = page.evaluate("[...document.querySelectorAll('[href], [src]')].map((each) => each.getAttribute('href'))")
    assert {target.split("#")[0] for target in targets} == {"timelines-002.html"}
    assert (folder / "timelines-002.html").is_file()


def test_at_most_fifty_timelines_stand_in_a_page(page: Page, folder: Path) -> None:
    page.open(folder / "report.html")
    assert page.evaluate("document.querySelectorAll('.medium').length") == 50
    page.open(folder / "timelines-002.html")
    assert page.evaluate("document.querySelectorAll('.medium').length") == 33


def test_the_readers_language_is_chosen_and_can_be_changed(page: Page, folder: Path) -> None:
    page.open(folder / "report.html", language="ko-KR")
    assert _shown(page, "h1") == "미디어 60개 중 52개 분석, 말소리\xa0없음\xa04개, 격리\xa04개."
    assert page.evaluate("document.title") == "음성 감정 분석: 실행 20260101T000000-abcdef"
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.evaluate("document.getElementById('show-en').click()")
    assert _shown(page, "h1") == "52 of 60 media scored, 4\xa0without speech, 4\xa0quarantined."


@pytest.mark.parametrize(("language", "word"), [("en-US", " · neutral · "), ("ko-KR", " · 중립 · ")])
def test_tooltips_name_the_emotion_in_the_readers_language(page: Page, folder: Path, language: str, word: str) -> None:
    page.open(folder / "report.html", language=language)
    assert word in page.evaluate("document.querySelector('.track rect.e0 title').textContent")


def test_no_page_is_wider_than_a_telephone(page: Page, folder: Path) -> None:
    page.send("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
    page.open(folder / "report.html", language="ko-KR")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts_english_shows_and_the_switch_still_works(page: Page, folder: Path) -> None:
    page.send("Emulation.setScriptExecutionDisabled", value=True)
    page.open(folder / "report.html", language="ko-KR")
    assert _shown(page, "h1").startswith("52 of 60")
    page.evaluate("document.getElementById('show-ko').checked = true")
    assert _shown(page, "h1").startswith("미디어 60개")
