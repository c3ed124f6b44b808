"""The report's section on texts: there where they were asked for, in both languages, with what went wrong."""

from typing import Any

from tasks.records.run import TextCounts
from tasks.report import ENTRY, Summary, build_pages
from tests.support.records import model_spec, run_record
from tests.support.tables import quarantine

EMPTY = Summary.fold([])
READER = model_spec(source="models/<text>", licence="cc-by-nc-4.0", modality="text")


def page(**counts: Any) -> str:
    text = TextCounts(id="t1", **counts) if counts else None
    return build_pages(run_record(text=text), EMPTY, quarantine())[ENTRY]


def test_without_texts_there_is_no_section() -> None:
    assert 'id="texts"' not in page()


def test_the_section_says_how_many_from_where_and_what_failed() -> None:
    said = page(
        segments=900, sources={"sidecar": 800, "whisper": 100}, without=120, waiting=20, failed=3,
        reasons={"sidecar: <b>.srt is damaged": 3}, models={"en": READER},
    )  # fmt: skip
    section = said[said.index('id="texts"') : said.index('id="quarantine"')]
    rows = [
        *("Segments with a text", "900", "from subtitles beside the medium", "800", "transcribed by Whisper", "100"),
        *("Segments without a text", "120", "Segments whose texts are still to be read", "20"),
        *("Segments where something went wrong", "models/&lt;text&gt;", "sidecar: &lt;b&gt;.srt is damaged"),
    ]
    assert all(row in section for row in rows)
    assert "텍스트가 있는 구간" in section
    assert "Whisper가 받아씀" in section


def test_counts_of_nothing_are_left_out() -> None:
    said = page(segments=5, sources={"labels": 5})
    assert "Segments without a text" not in said
    assert "What went wrong" not in said


def test_a_problem_with_all_texts_is_a_banner_that_says_what_still_stands() -> None:
    said = page(problems=("no weights in <models/text>.",), waiting=9)
    assert "Texts could not be found or read: no weights in &lt;models/text&gt;." in said
    assert "by the audio alone" in said


def test_the_licence_of_a_text_model_counts_like_any_other() -> None:
    assert "Licensed for non-commercial use only: models/&lt;text&gt;" in page(segments=1, models={"en": READER})


def test_scores_with_text_that_fail_the_checks_are_a_banner() -> None:
    said = page(segments=9, unsound=("shard ab: <read_nothing> fails.", "shard cd: the same."))
    assert "Scores with text fail the data checks in 2 of the shards. Audio alone decides these" in said
    assert "shard ab: &lt;read_nothing&gt; fails." in said
    assert "샤드 2개에서 텍스트를 더한 점수가" in said
