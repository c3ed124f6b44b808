"""The report of a tuning as text; how a browser shows it is test_tuning_in_browser.py."""

import base64
import hashlib
import re

import pytest

from tasks.evaluation.result_model import Interval
from tasks.report.tuning import build_tuning_page
from tasks.tuning.result import Tuning
from tests.support.html import Outline, text_of
from tests.support.tunings import adopted_tuning, empty_tuning, hostile_tuning, large_tuning, tuning

RECORDS = {
    "undecided": tuning(),
    "adopted": adopted_tuning(),
    "empty": empty_tuning(),
    "hostile": hostile_tuning(),
    "large": large_tuning(),
}
_SECTIONS = [
    "real", "luck", "figures", "parameters", "languages", "fusion", "calibration", "labels", "config", "reproduce",
]  # fmt: skip


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The page of each record."""
    return {name: build_tuning_page(each) for name, each in RECORDS.items()}


@pytest.fixture(scope="module")
def page(pages: dict[str, str]) -> str:
    """The page of a tuning that is undecided."""
    return pages["undecided"]


@pytest.mark.parametrize("name", RECORDS)
def test_every_page_is_sound_html_without_handlers_inline_styles_or_sources(pages: dict[str, str], name: str) -> None:
    outline = Outline(pages[name])
    assert outline.open == []
    names = {name for _, name, _ in outline.attributes}
    assert not {name for name in names if name.startswith("on") or name in {"style", "src"}}
    assert outline.tags["script"] == 1


@pytest.mark.parametrize("name", RECORDS)
def test_no_figure_is_nan_none_or_infinite(pages: dict[str, str], name: str) -> None:
    assert not re.search(r"\b(nan|NaN|None|inf)\b", text_of(pages[name]))
    assert not re.search(r'="[^"]*\b(nan|None|inf)\b', pages[name])


def test_the_page_allows_its_own_style_and_script_and_nothing_else(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy[1]
    assert policy[1].startswith("default-src &#39;none&#39;")
    assert "media-src" not in policy[1]


def test_the_sections_stand_in_the_order_in_which_they_are_read(page: str) -> None:
    assert re.findall(r'<section id="(\w+)">', page) == _SECTIONS


def test_the_verdict_is_the_headline_and_its_reason_stands_below_in_both_languages(page: str) -> None:
    header = page.split("<header>")[1].split("</header>")[0]
    for text in (
        "Undecided. Keep the default for now.",
        "아직 알 수 없습니다. 지금은 기본값을 그대로 쓰십시오.",
        tuning().reason,
        tuning().reason_ko,
        "About 3,120 more labels, from more sources of this kind, would decide.",
    ):
        assert text in header


def test_warnings_come_before_every_section_the_grave_ones_first() -> None:
    page = build_tuning_page(tuning(flags=("few_sources", "audio_near_uniform"), sources=3))
    before = page.split("<section", 1)[0]
    assert before.index("The audio model says almost nothing") < before.index("Only 3 sources")
    assert before.count('class="banner grave"') == 1


def test_hostile_names_and_texts_stay_text(pages: dict[str, str]) -> None:
    page = pages["hostile"]
    assert page.count("<script") == 1
    assert not re.search(r"<(img|iframe|object|embed)|<svg onload", page)
    assert "\u202e" not in page
    assert "safe⟨U+202E⟩gpj.exe" in page
    assert "{{ 7 * 7 }}" in page


def test_the_band_of_optimism_reaches_from_the_held_out_to_the_apparent_score() -> None:
    page = build_tuning_page(_on_a_round_axis())
    row = page.split('<tr class="nested">')[1].split("</tr>")[0]
    assert '<rect class="lost" x="40.00%" width="50.00%"' in row
    assert '<rect class="reach" x="20.00%" width="60.00%"' in row
    assert '<circle cx="40.00%"' in row
    assert page.split('<tr class="default">')[1].count('<line class="zero" x1="30.00%"') >= 1


def test_the_cross_entropy_runs_backwards_so_that_better_is_to_the_right() -> None:
    page = build_tuning_page(tuning(objective="cross_entropy"))
    assert "Lower is better" in page
    dots = [
        float(re.findall(r'<circle cx="([\d.]+)%', page.split(f'<tr class="{row}">')[1])[0])
        for row in ("nested", "default", "apparent")
    ]
    assert dots == sorted(dots)


def test_the_observed_gain_is_marked_among_those_of_luck(page: str) -> None:
    drawing = page.split('<svg class="histogram"')[1].split("</svg>")[0]
    mark = re.search(r'class="observed" x1="([\d.]+)%"', drawing)
    assert mark is not None
    assert float(mark[1]) == pytest.approx(100 * (0.097 + 0.05) / 0.25, abs=0.01)
    counts = [int(each) for each in re.findall(r"<title>(\d+)</title>", drawing)]
    assert sum(counts) == len(tuning().luck.gains)


def test_every_figure_has_a_row_with_three_decimals_and_the_interval_of_its_gain(page: str) -> None:
    table = page.split('<table class="tuned">')[1].split("</table>")[0]
    rows = table.split("<tr>")[2:]
    assert len(rows) == 5
    assert "searched for" in rows[0]
    assert "<td>0.493</td><td>0.590</td><td>0.497</td><td>+0.004<small>[−0.076, +0.084]</small></td>" in rows[0]
    assert "<td>−0.027<small>[−0.107, +0.053]</small></td>" in rows[-1]


def test_a_parameter_shows_its_choice_its_folds_and_why_it_cannot_matter(page: str) -> None:
    table = page.split('<table class="chosen">')[1].split("</table>")[0]
    rows = dict(re.findall(r"<code>(\w+)</code>(.*?)</tr>", table, flags=re.DOTALL))
    assert "1 → <b>0.8</b>" in rows["neutral_suppression"]
    assert "9 of 12" in rows["neutral_suppression"]
    assert "cannot matter here: every label means an emotion of its own" in rows["audio_temperature"]
    assert "보정에만 영향을 줌" in rows["audio_temperature"]
    assert '<b class="same">1</b>' in rows["audio_temperature"]


def test_each_varied_parameter_has_a_panel_and_the_most_influential_is_first(page: str) -> None:
    titles = re.findall(r'<figcaption><bdi><span lang="en">([^<]*)', page)
    assert titles == ["Weight of audio against text", "Suppression of neutral", "Weight of sad", "Audio temperature"]
    assert page.count('<circle class="chosen default"') == 1


def test_the_surface_outlines_the_choice_and_the_default_and_is_strongest_at_the_best(page: str) -> None:
    table = page.split('<table class="surface">')[1].split("</table>")[0]
    assert re.findall(r'<td class="(\w+) right">([\d.]+)', table) == [("s10", "0.590")]
    assert re.findall(r'<td class="\w+ before">([\d.]+)', table) == ["0.502"]
    assert 'class="s0"' in table


def test_a_grid_of_hundreds_of_values_is_thinned_and_keeps_the_choice(pages: dict[str, str]) -> None:
    table = pages["large"].split('<table class="surface">')[1].split("</table>")[0]
    assert table.count("<td") <= 13 * 13
    assert table.count(' right"') == 1
    assert "Not every value is shown." in pages["large"]
    assert len(pages["large"]) < 300_000


def test_what_was_not_all_tried_is_said_with_the_curves_the_map_and_above_all(page: str) -> None:
    partial = build_tuning_page(tuning(exhaustive=False))
    for words in ("each value may reach more than was found", "stay as they were chosen", "too large to try every"):
        assert words in partial
        assert words not in page


def test_the_file_of_aliases_that_the_command_names_is_there_to_be_copied(page: str) -> None:
    told = build_tuning_page(tuning(settings={"aliases": {"glad": "happy"}}))
    assert "--aliases aliases.yaml" in told
    assert "glad: happy" in told
    assert "aliases.yaml" not in page


def test_a_language_shows_which_parameters_it_takes_and_why(page: str) -> None:
    table = page.split('<table class="languages">')[1].split("</table>")[0]
    korean = table.split("<tr>")[3]
    assert "its own" in korean
    assert "Suppression of neutral 0.9" in korean
    assert "쓸모 있는 이득이 남지 않습니다. 이득 -0.012 [-0.092, +0.012], 모두 0.02 미만." in korean


def test_the_ways_to_use_text_are_answered_in_a_sentence_and_end_with_the_choice_among_them(page: str) -> None:
    section = page.split('<section id="fusion">')[1].split("</section>")[0]
    assert "Text helps: macro F1 rises by 37.2 points [29.2, 45.2] over the audio alone." in section
    assert section.count("<tr>") == 6
    assert "Choosing among them, held out" in section.split('<tr class="last">')[1]
    assert "Best on these labels" in next(row for row in section.split("<tr>") if "Text alone" in row)


def test_the_calibration_is_drawn_before_and_after(page: str) -> None:
    section = page.split('<section id="calibration">')[1].split("</section>")[0]
    assert section.count('<svg class="reliability"') == 2
    assert "surer than it is right: the temperature of maximum likelihood is 1.820" in section
    assert "falls from 1.304 to 1.187" in section


def test_only_an_adopted_configuration_is_promoted_without_force(pages: dict[str, str]) -> None:
    assert "seraph promote 20260102T030405-abcdef</pre>" in pages["adopted"]
    assert "seraph promote 20260102T030405-abcdef --force</pre>" in pages["undecided"]
    assert "seraph promote refuses it" in pages["undecided"]


def test_nothing_is_to_be_promoted_where_all_is_at_the_default(pages: dict[str, str]) -> None:
    assert "All parameters are at their default: there is nothing to change." in pages["empty"]
    assert "seraph promote" not in pages["empty"]


def test_undefined_figures_are_a_dash_with_the_reason_in_both_languages(pages: dict[str, str]) -> None:
    table = pages["empty"].split('<table class="tuned">')[1].split("</table>")[0]
    assert table.count('<abbr title="there are no labelled segments · 레이블이 있는 구간이 없음">–</abbr>') == 20
    assert "Held out: UAR" in text_of(pages["empty"])


def test_a_gain_without_an_interval_says_why() -> None:
    bare = {key: each.model_copy(update={"ci": None, "probability": None}) for key, each in tuning().gains.items()}
    page = build_tuning_page(tuning(gains=bare, sources=1))
    table = page.split('<table class="tuned">')[1].split("</table>")[0]
    assert table.count('<small><abbr title="all segments are from one source: nothing can be said') == 5
    assert "each block of time answered for by a choice made without it" in page


def test_without_text_languages_and_calibration_their_sections_are_left_out() -> None:
    page = build_tuning_page(tuning(fusion=None, languages=(), calibration=None))
    sections = re.findall(r'<section id="(\w+)">', page)
    assert [each for each in _SECTIONS if each not in sections] == ["languages", "fusion", "calibration"]


def _on_a_round_axis() -> Tuning:
    """Default 0.53, apparent 0.59, held out 0.54 with an interval of 0.52 to 0.58: the axis runs from 0.50 to 0.60."""
    base = tuning()
    gain = base.gains["macro_f1_present"].model_copy(
        update={"value": 0.01, "ci": Interval(low=-0.01, high=0.05, method="t")}
    )
    return tuning(
        default=base.default.model_copy(update={"macro_f1_present": 0.53}),
        apparent=base.apparent.model_copy(update={"macro_f1_present": 0.59}),
        nested=base.nested.model_copy(update={"macro_f1_present": 0.54}),
        gains={**base.gains, "macro_f1_present": gain},
    )
