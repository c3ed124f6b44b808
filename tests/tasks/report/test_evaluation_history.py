"""The history of evaluations, and the short table in Markdown."""

import re

from tasks.evaluation.result import Evaluation
from tasks.report.evaluation import build_leaderboard, markdown_evaluation
from tasks.report.evaluation.history import SHOWN, what_changed
from tests.support.evaluations import HOSTILE, evaluation, failed_models, hostile_evaluation
from tests.support.html import Outline, text_of


def _at(day: int, *models: str, n: int = 31, sha256: str = "ab" * 32) -> Evaluation:
    base = evaluation(models or ("superb", "korean"), n=n)
    name = f"2026-01-{day:02}T03:04:05+00:00"
    dataset = base.dataset.model_copy(update={"sha256": sha256})
    return base.model_copy(update={"evaluation_id": f"e{day}", "created": name, "dataset": dataset})


def test_each_set_of_labels_has_a_section_of_its_own_newest_first() -> None:
    page = build_leaderboard([_at(1, n=25, sha256="old"), _at(3, n=40, sha256="new"), _at(2, n=25, sha256="old")])
    titles = re.findall(r'<h2><bdi><span lang="en">([^<]*)', page)
    assert titles == ["simpson.jsonl: 40 segments", "simpson.jsonl: 25 segments"]
    assert Outline(page).open == []


def test_links_lead_to_each_report_beside_the_page() -> None:
    page = build_leaderboard([_at(1), _at(2)])
    links = [value for tag, name, value in Outline(page).attributes if (tag, name) == ("a", "href")]
    assert links[:2] == ["e2/report.html", "e1/report.html"]
    assert set(links) == {"e1/report.html", "e2/report.html"}


def test_a_candidate_is_followed_over_time_with_its_interval() -> None:
    page = build_leaderboard([_at(1), _at(2)])
    section = page.split("<bdi>korean</bdi></th></tr>")[1].split("</tbody>")[0]
    assert re.findall(r'href="(e\d)/', section) == ["e2", "e1"]
    assert len(re.findall(r"<small>\[0\.\d{3}, 0\.\d{3}\]</small>", section)) == 4
    assert section.count("<circle") == 2


def test_baselines_are_lines_and_no_candidates() -> None:
    page = build_leaderboard([_at(1)])
    assert "<bdi>majority</bdi>" not in page
    assert 'class="majority"' in page


def test_what_changed_names_new_labels_and_models() -> None:
    older, newer = _at(1, "superb", "old", n=25, sha256="x"), _at(2, "superb", "new", n=31)
    assert [each.en for each in what_changed(newer, older)] == [
        "6 more labelled segments than before.",
        "New: new.",
        "No longer here: old.",
    ]


def test_what_changed_names_labels_that_were_corrected_and_other_weights() -> None:
    older, newer = _at(1, "superb"), _at(2, "superb", sha256="corrected")
    retrained = newer.models[0].model_copy(update={"weights_sha256": "ef" * 32})
    changed = newer.model_copy(update={"models": (retrained, *newer.models[1:])})
    assert [each.en for each in what_changed(changed, older)] == ["The labels changed.", "Other weights: superb."]


def test_a_first_and_an_unchanged_evaluation_say_so() -> None:
    assert [each.en for each in what_changed(_at(1), None)] == ["First evaluation of these labels."]
    assert [each.en for each in what_changed(_at(2), _at(1))] == ["Same labels and candidates as before."]


def test_candidates_without_figures_keep_their_reason_in_the_history() -> None:
    base = _at(1)
    page = build_leaderboard([base.model_copy(update={"models": base.models + failed_models()})])
    assert "refused: the head has 5 outputs" in page
    assert not re.search(r"\b(nan|NaN|None)\b", text_of(page))


def test_many_evaluations_are_folded_away() -> None:
    page = build_leaderboard([_at(day, "superb") for day in range(1, 15)])
    assert f"Show {14 - SHOWN} older evaluations" in page


def test_hostile_names_stay_text_in_the_history_and_its_links() -> None:
    page = build_leaderboard([hostile_evaluation()])
    assert page.count("<script") == 1
    assert "<img" not in page
    assert all(value.endswith("/report.html") for tag, name, value in Outline(page).attributes if name == "href")


def test_no_evaluations_are_said_to_be_none() -> None:
    assert "No evaluation is stored yet." in build_leaderboard([])


def test_markdown_has_a_row_for_each_candidate_and_the_reason_of_those_without_figures() -> None:
    base = evaluation(("superb",))
    text = markdown_evaluation(base.model_copy(update={"models": base.models + failed_models()}))
    assert text.startswith("**31 segments cannot tell the candidates apart.**\n\n구간 31개로는")
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 5
    assert re.search(r"\| superb \| 0\.\d{3} \\\[0\.\d{3}, 0\.\d{3}\\\] \|", rows[0])
    assert "refused: the head has 5 outputs" in rows[3]
    assert "(<s3://results/r.html>)" in text


def test_markdown_shows_hostile_names_as_they_are() -> None:
    text = markdown_evaluation(hostile_evaluation())
    assert "<script" not in text.replace("(<", "")
    assert "<img" not in text
    assert all(
        line.count(" | ") == 5 for line in text.splitlines() if line.startswith("| ") and HOSTILE[4][:2] not in line
    )
