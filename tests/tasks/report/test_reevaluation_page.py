"""The report of a re-evaluation as text."""

import base64
import hashlib
import re
from typing import Any

import pytest

from tasks.reevaluation.result import Advice, Labels
from tasks.report.reevaluation import build_reevaluation_page, markdown_reevaluation
from tests.support.html import Outline, text_of
from tests.support.reevaluations import against, hostile_reevaluation, labels, reevaluation, row, tuned

RECORDS = {
    "usual": reevaluation(),
    "first": reevaluation(last=None, labels=labels(since=None, added=124), candidates=(row("current"),)),
    "hostile": hostile_reevaluation(),
    "bare": reevaluation(
        candidates=(row("current", status="failed", reason=None, accuracy=None, accuracy_ci=None),),
        labels=labels(counts={}, added_counts={}, shown=(), added=0, changed=0, withdrawn=0),
        tuning=tuned(tuning_id=None, verdict=None, gain=None, gain_ci=None),
    ),
}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: build_reevaluation_page(each) for name, each in RECORDS.items()}


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


def test_the_page_allows_its_own_style_and_script_and_nothing_else(pages: dict[str, str]) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', pages["usual"])
    assert policy is not None
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", pages["usual"], flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy[1]


def test_the_recommendation_stands_first_in_both_languages_and_the_rest_below_it() -> None:
    advice = [Advice(kind="look", text=f"Do {name}.", text_ko=f"{name}을 하십시오.") for name in ("one", "two")]
    header = build_reevaluation_page(reevaluation(recommendation=tuple(advice))).split("</header>")[0]
    assert '<h1><span lang="en">Do one.</span><span lang="ko">one을 하십시오.</span></h1>' in header
    assert "<li>" in header.split("Do two.")[0]


def test_the_pages_of_the_evaluation_and_the_tuning_are_linked_beside_this_one(pages: dict[str, str]) -> None:
    assert 'href="../../evaluations/20260304T115000-aaaaaa/report.html"' in pages["usual"]
    assert 'href="../../tunings/20260304T115500-fedcba/report.html"' in pages["usual"]
    assert "tunings/" not in pages["bare"]


def test_hostile_names_stay_text_and_lead_nowhere(pages: dict[str, str]) -> None:
    page = pages["hostile"]
    assert not re.search(r"<(img|iframe|object|embed)|<svg onload", page)
    assert "\u202e" not in page
    links = [value for _, name, value in Outline(page).attributes if name == "href"]
    assert links
    assert all(re.fullmatch(r"\.\./\.\./(evaluations|tunings)/[\w%.~-]+/report\.html", each) for each in links)


def test_a_rival_shows_its_difference_with_its_interval_and_what_would_decide(pages: dict[str, str]) -> None:
    table = pages["usual"].split('<table class="rivals">')[1].split("</table>")[0]
    rows = table.split("<tr")[2:]
    assert "current" in rows[0]
    assert "+0.030<small>[−0.020, +0.080]</small>" in rows[1]
    assert "about 900 more labels would decide" in rows[1]
    assert "comes along" in rows[2]
    assert "the head has 5 outputs" in rows[3]


def test_the_axis_reaches_as_far_as_the_widest_interval() -> None:
    rivals = (row("current"), row("far", against=against(0.3, "better", reach=0.1)))
    page = build_reevaluation_page(reevaluation(candidates=rivals))
    assert ">+0.40</text>" in page
    assert '<rect class="reach" x="75.00%" width="25.00%"' in page


def test_the_labels_that_came_are_counted_by_emotion_and_the_first_are_listed(pages: dict[str, str]) -> None:
    section = pages["usual"].split('<section id="labels">')[1].split("</section>")[0]
    assert "12 added, 1 changed, 1 withdrawn" in section
    assert "<td>44</td><td>12</td>" in section
    assert "1:05–1:07" in section
    assert "all 124 labels are new" in pages["first"]
    assert "no label was added, changed or withdrawn" in pages["bare"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": labels(problems=("s3://labels/x.csv: empty",))}, "One label file cannot be used"),
        ({"fitted_on": 90}, "tuned on 90 of these segments"),
        ({"candidates": (row("current", flags=("demo_model",)),)}, "A toy model"),
        ({}, "One candidate could not be measured"),
    ],
)
def test_what_must_be_known_first_stands_above_the_tables(changes: dict[str, Any], said: str) -> None:
    before = build_reevaluation_page(reevaluation(**changes)).split("<section", 1)[0]
    assert said in before


def test_a_promotion_that_was_not_made_says_why() -> None:
    page = build_reevaluation_page(reevaluation(not_promoted="Not yet.", not_promoted_ko="아직입니다."))
    assert "Not yet." in page
    assert "아직입니다." in page


def test_the_command_asks_for_the_same(pages: dict[str, str]) -> None:
    command = (
        "seraph reevaluate --labels s3://labels --media s3://media --results s3://results --config current "
        "--models large broken --force"
    )
    assert command in pages["usual"]


def test_the_summary_has_the_recommendation_every_candidate_and_the_report() -> None:
    text = markdown_reevaluation(reevaluation())
    assert text.startswith("**Keep the current one.**")
    assert sum(line.startswith("| ") for line in text.splitlines()) == 1 + 4
    assert "(<s3://results/r.html>)" in text
    assert "<script>" not in markdown_reevaluation(hostile_reevaluation())


def test_labels_without_a_time_before_are_not_listed_one_by_one() -> None:
    first: Labels = labels(since=None)
    assert "no longer stored; all 124 labels" in build_reevaluation_page(reevaluation(labels=first))
    assert '<table class="came">' not in build_reevaluation_page(reevaluation(labels=first))
