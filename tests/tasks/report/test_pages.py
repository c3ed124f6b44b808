"""The pages as text; how a browser shows them is test_page_in_browser.py."""

import base64
import hashlib
import re
import time
from html.parser import HTMLParser

import pytest

from actors.contract import TAXONOMY
from tasks.records.run import MediaCounts, Validation
from tasks.report import ENTRY, Summary, build_pages
from tasks.report.summary import MAX_LINKED_PAGES
from tests.support.records import run_record
from tests.support.tables import corpus, quarantine, score_row, scores

pytestmark = pytest.mark.slow

ROOT = "s3://media/shows/"
EMPTY = Summary.fold([])
_VOID = {"meta", "input", "br"}


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


def _media(count: int, segments: int = 20) -> Summary:
    return Summary.fold(corpus([f"{ROOT}episode {n:05}.mp4" for n in range(count)], segments=segments))


@pytest.mark.parametrize("count", [0, 1, 60])
def test_every_page_is_sound_html_without_handlers_or_inline_styles(count: int) -> None:
    faults = quarantine((ROOT + "<b>.mp4", "empty"))
    for page in build_pages(run_record(), _media(count), faults).values():
        outline = _Outline(page)
        assert outline.open == []
        assert not {name for name in outline.attributes if name.startswith("on") or name in {"style", "src"}}


def test_a_page_allows_its_own_style_and_script_and_nothing_else() -> None:
    page = build_pages(run_record(), EMPTY, quarantine())[ENTRY]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1]
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy[1]
    assert "unsafe" not in policy[1]


def test_sixty_media_are_small_and_quick() -> None:
    summary = _media(60, segments=60)
    start = time.monotonic()
    pages = build_pages(run_record(), summary, quarantine())
    assert time.monotonic() - start < 10
    assert list(pages) == [ENTRY, "timelines-002.html"]
    assert sum(len(page.encode()) for page in pages.values()) < 1_500_000


def test_feature_films_do_not_swell_the_report() -> None:
    pages = build_pages(run_record(), _media(50, segments=1500), quarantine())
    assert len(pages[ENTRY].encode()) < 1_500_000


def test_a_large_corpus_has_a_bounded_number_of_pages_and_says_what_is_left_out() -> None:
    pages = build_pages(run_record(), _media(1234, segments=1), quarantine())
    assert len(pages) == 1 + MAX_LINKED_PAGES
    assert "Timelines of 734 more media are left out" in pages[ENTRY]
    assert "seraph export" in pages[ENTRY]
    assert all(page.count('<article class="medium">') == 50 for page in pages.values())


def test_undefined_figures_are_a_dash_with_the_reason_and_never_nan() -> None:
    record = run_record(realtime_factor=None, segments=0, models={}, whisper={}, stages={}, media=MediaCounts())
    page = build_pages(record, EMPTY, quarantine())[ENTRY]
    assert "nothing is scored yet" in page
    assert "this run scored nothing new" in page
    undecided = Summary.fold([scores(score_row(emotion=None))])
    page += build_pages(record, undecided, quarantine())[ENTRY]
    assert "no segment has an emotion" in page
    text = re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|NaN|None|inf)\b", text)


def test_the_page_says_what_failed_and_what_was_quarantined_and_why() -> None:
    record = run_record(validation=Validation(success=False, failed=("shard 12: sums to one",), warnings=("neutral",)))
    page = build_pages(record, EMPTY, quarantine((ROOT + "b.mp4", "no_audio_track")))[ENTRY]
    for text in ("shard 12: sums to one", "It has no audio track.", "b.mp4", "moov atom not found"):
        assert text in page
    assert "All data checks passed" not in page


def test_the_page_names_models_configuration_and_the_limits_of_scores() -> None:
    page = build_pages(run_record(), _media(1), quarantine())[ENTRY]
    for text in ("superb/wav2vec2-large-superb-er", "abababababab", "apache-2.0", "not stated", "neu, hap, ang, sad"):
        assert text in page
    assert "routes:\n  en: superb/wav2vec2-large-superb-er" in page
    assert "Art. 5(1)(f)" in page
    assert "제5조 제1항 (f)호" in page


def test_every_emotion_is_in_the_table_by_language() -> None:
    page = build_pages(run_record(), _media(6), quarantine())[ENTRY]
    table = page.split('<div class="wide"><table>')[1].split("</table>")[0]
    assert all(emotion in table for emotion in TAXONOMY)
    assert [name in table for name in ("English", "Korean", "All")] == [True] * 3
