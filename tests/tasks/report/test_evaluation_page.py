"""The report of an evaluation as text; how a browser shows it is test_evaluation_in_browser.py."""

import base64
import hashlib
import re
import time
from pathlib import Path

import pytest

from tasks.evaluation.result import Evaluation, Rank, Raters, SetProblem
from tasks.evaluation.result_model import Bin
from tasks.report.evaluation import build_evaluation_page
from tasks.report.evaluation.worst import MAX_WORST
from tests.support.evaluations import empty_evaluation, evaluation, failed_models, hostile_evaluation, router
from tests.support.html import Outline, text_of

SEVEN = tuple(f"family/candidate-{n}" for n in range(7))


@pytest.fixture(scope="module")
def page() -> str:
    """The page of three candidates on 31 segments, without media."""
    return build_evaluation_page(evaluation(), {})


@pytest.mark.parametrize("record", [evaluation(), empty_evaluation(), hostile_evaluation()], ids=lambda each: "")
def test_every_page_is_sound_html_without_handlers_inline_styles_or_sources(record: Evaluation) -> None:
    outline = Outline(build_evaluation_page(record, {}))
    assert outline.open == []
    names = {name for _, name, _ in outline.attributes}
    assert not {name for name in names if name.startswith("on") or name in {"style", "src"}}
    assert outline.tags["script"] == 1


@pytest.mark.parametrize("record", [evaluation(), empty_evaluation(), hostile_evaluation()], ids=lambda each: "")
def test_no_figure_is_nan_none_or_infinite(record: Evaluation) -> None:
    page = build_evaluation_page(record, {})
    assert not re.search(r"\b(nan|NaN|None|inf)\b", text_of(page))
    assert not re.search(r'="[^"]*\b(nan|None|inf)\b', page)


def test_the_page_allows_its_own_style_and_script_and_no_media_where_none_are_at_hand(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy[1]
    assert policy[1].startswith("default-src &#39;none&#39;")
    assert "media-src" not in policy[1]
    assert "unsafe" not in policy[1]


def test_the_verdict_is_the_headline_in_both_languages(page: str) -> None:
    headline = page.split("<h1", 1)[1].split("</h1>")[0]
    assert "31 segments cannot tell the candidates apart." in headline
    assert "구간 31개로는 후보들의 우열을 가릴 수 없습니다." in headline


def test_hostile_names_and_texts_stay_text() -> None:
    page = build_evaluation_page(hostile_evaluation(), {})
    assert page.count("<script") == 1
    assert not re.search(r"<(img|iframe|object|embed)|<svg onload", page)
    assert "\u202e" not in page
    assert "safe⟨U+202E⟩gpj.exe" in page
    assert "{{ 7 * 7 }}" in page
    assert "javascript:" not in "".join(value for _, name, value in Outline(page).attributes if name == "href")


def test_ties_are_said_to_be_ties() -> None:
    ranks = (Rank(rank=1, models=("superb",)), Rank(rank=2, models=("korean", "large")))
    table = build_evaluation_page(evaluation(ranking=ranks), {}).split('<table class="candidates">')[1]
    assert table.count("2, shared") == 2
    assert table.count("공동 2위") == 2
    assert "1, shared" not in table


def test_refused_and_failed_candidates_are_rows_with_their_reason() -> None:
    base = evaluation()
    page = build_evaluation_page(base.model_copy(update={"models": base.models + failed_models()}), {})
    rows = [row for row in page.split("<tr>") if 'class="reason"' in row]
    assert [name in row for name, row in zip(("broken", "absent"), rows, strict=True)] == [True, True]
    assert "the head has 5 outputs, 8 labels were declared" in rows[0]
    assert "no reason was given" in rows[1]


def test_the_dot_the_whisker_and_the_baselines_stand_where_the_figures_say() -> None:
    base = evaluation(("one",))
    model = base.models[0].model_copy(update={"accuracy": 0.5, "accuracy_ci_grouped": (0.25, 0.875)})
    page = build_evaluation_page(base.model_copy(update={"models": (model, *base.models[1:])}), {})
    drawing = page.split('<td class="drawn">')[1].split("</td>")[0]
    majority = next(each.accuracy for each in base.models if each.model == "majority")
    assert '<circle cx="50.00%"' in drawing
    assert 'x="25.00%" width="62.50%"' in drawing
    assert majority is not None
    assert f'class="majority" x1="{100 * majority:.2f}%"' in drawing


def test_the_confusion_matrix_shows_counts_row_shares_and_undecided() -> None:
    base = evaluation(("one",))
    confusion = ((3, 0, 0, 0, 0, 0, 0, 1), *[(0,) * 8] * 6)
    model = base.models[0].model_copy(update={"confusion": confusion})
    page = build_evaluation_page(base.model_copy(update={"models": (model,)}), {})
    row = page.split('<table class="confusion">')[1].split("</tr>")[1]
    assert '<td class="s8 right">3<small>75.0%</small></td>' in row
    assert '<td class="s2">1<small>25.0%</small></td><td>4</td>' in row


def test_a_pair_that_cannot_be_told_apart_says_so_and_what_would_decide(page: str) -> None:
    row = next(row for row in page.split("<tr>") if 'class="meaning undecided"' in row)
    assert "31 segments cannot tell these two apart." in row
    assert re.search(r"About \d+ more labels would decide\.", row)
    assert "<td>&lt;0.001</td>" in row


def test_the_matrix_mirrors_each_pair(page: str) -> None:
    matrix = page.split('<table class="square">')[1].split("</table>")[0]
    better = re.findall(r'<td class="better">\+([\d.]+) <small>▲', matrix)
    worse = re.findall(r'<td class="worse">−([\d.]+) <small>▼', matrix)
    assert better
    assert sorted(better) == sorted(worse)


def test_undefined_figures_are_a_dash_with_the_reason_in_both_languages() -> None:
    page = build_evaluation_page(empty_evaluation(), {})
    assert '<abbr title="there are no labelled segments · 레이블이 있는 구간이 없음">–</abbr>' in page
    assert "No labelled segment could be used, so nothing was measured." in page


def test_intervals_stand_with_their_method_and_simulated_coverage(page: str) -> None:
    row = next(row for row in page.split("<tr>") if "Wilson at the effective n, by source" in row)
    assert "95.3%" in row
    assert "worst case of 400 simulated sets of 31 segments, 3 sources" in row
    assert "구간 31개를 400번 시뮬레이션한 최악의 경우, 미디어 3개" in row


def test_the_router_the_raters_and_the_agreement_are_shown() -> None:
    raters = Raters(
        raters=3, segments=31, alpha=0.612, ceiling=None, undefined={"ceiling": "no segment has two ratings"}
    )
    record = evaluation(router=(router("default", ("superb", "korean")),), raters=raters)
    page = build_evaluation_page(record, {})
    for text in ("Configuration default", "● 0.700", "Misrouting cost 0.050.", "alpha is 0.612", "κ 0.310"):
        assert text in page
    assert "no segment has two ratings" in page


def test_at_most_fifty_worst_segments_are_listed() -> None:
    base = evaluation(n=60)
    record = base.model_copy(update={"worst": base.worst * 2})
    assert build_evaluation_page(record, {}).count("I never said that") == MAX_WORST


def test_only_segments_whose_file_is_at_hand_can_be_played() -> None:
    media = {"s3://media/episode 1.wav": Path("/films/에피소드 #1.wav")}
    page = build_evaluation_page(evaluation(), media)
    links = [value for tag, name, value in Outline(page).attributes if (tag, name) == ("a", "href")]
    assert len(links) == sum("episode 1" in each.media for each in evaluation().worst)
    assert links[0] == "file:///films/%EC%97%90%ED%94%BC%EC%86%8C%EB%93%9C%20%231.wav#t=4.200,6.700"
    assert "; media-src file:" in page
    assert "<video" in page


def test_without_media_at_hand_there_is_no_player(page: str) -> None:
    assert "<video" not in page
    assert 'class="play"' not in page


def test_problems_stand_with_file_and_line_and_many_are_folded_away() -> None:
    problems = tuple(SetProblem(file="/a/b/set.csv", line=n, kind="overlap", text=f"no. {n}!") for n in range(1, 201))
    base = evaluation()
    dataset = base.dataset.model_copy(update={"problems": problems, "problem_count": 250})
    page = build_evaluation_page(base.model_copy(update={"dataset": dataset}), {})
    shown, folded = page.split('id="problems"')[1].split("<details>")[:2]
    assert "<td><bdi>set.csv</bdi></td><td>20</td>" in shown
    assert ("no. 20!" in shown, "no. 21!" in shown, "no. 200!" in folded) == (True, False, True)
    assert "50 more are not listed." in page


def test_everything_needed_to_do_it_again_is_there() -> None:
    asked = {"labels": ["my labels.csv"], "models": ["a", "b"], "media": "s3://m/x", "config": {"name": "superb"}}
    page = build_evaluation_page(evaluation(settings=asked), {})
    command = "seraph evaluate --labels &#39;my labels.csv&#39; --models a b --media s3://m/x --config superb --seed 17"
    for text in (f"<pre>{command}</pre>", "cd" * 32, "ab" * 32, "0.1.0", "0123456789abcdef", "s3://results/p"):
        assert text in page


def test_a_command_for_recorded_scores_names_the_modality_and_the_weight() -> None:
    asked = {"labels": ["x.jsonl"], "models": [], "recorded": True, "modality": "fused", "audio_weight": 0.65}
    page = build_evaluation_page(evaluation(settings=asked, seed=0), {})
    assert "<pre>seraph evaluate --labels x.jsonl --recorded --modality fused --audio-weight 0.65</pre>" in page


def test_a_candidate_without_interval_says_why() -> None:
    base = evaluation(("one",))
    why = {"uar_ci": "all segments are from one source: nothing can be said about other sources"}
    model = base.models[0].model_copy(update={"uar_ci": None, "undefined": why})
    page = build_evaluation_page(base.model_copy(update={"models": (model,)}), {})
    assert f'<abbr title="{why["uar_ci"]} · 모든 구간이 한 미디어에서 나와' in page


def test_seven_candidates_are_small_and_quick() -> None:
    record = evaluation(SEVEN)
    start = time.perf_counter()
    page = build_evaluation_page(record, {})
    assert time.perf_counter() - start < 3
    assert len(page.encode()) < 1_000_000


def test_the_details_of_many_candidates_are_folded_away_but_there() -> None:
    page = build_evaluation_page(evaluation(SEVEN), {})
    assert page.count('<details class="candidate" open>') == 2
    assert page.count('<details class="candidate"') == len(SEVEN)
    assert "Show all 21 pairs" in page


def test_the_reliability_diagram_draws_each_bin_and_numbers_those_that_have_room() -> None:
    base = evaluation(("one",))
    bins = tuple(Bin(n=n, confidence=c, accuracy=a) for n, c, a in ((4, 0.25, 0.5), (9, 0.75, 0.5), (2, 0.8, 1.0)))
    model = base.models[0].model_copy(update={"reliability": bins})
    page = build_evaluation_page(base.model_copy(update={"models": (model,)}), {})
    drawing = page.split('<svg class="reliability"')[1].split("</svg>")[0]
    assert '<circle cx="50.0" cy="100.0"' in drawing
    assert drawing.count("<circle") == 3
    assert re.findall(r'class="n"[^>]*>(\d*)<', drawing) == ["4", "", ""]
    assert "<td>9</td><td>0.750</td><td>0.500</td>" in page
