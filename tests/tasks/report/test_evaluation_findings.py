"""What a reader is told before the figures."""

from tasks.evaluation.result import Dataset, Evaluation
from tasks.report.evaluation.candidates import in_order
from tasks.report.evaluation.figures import candidate_names
from tasks.report.evaluation.findings import MAX_OPEN, banners, cautions, settling
from tests.support.evaluations import empty_evaluation, evaluation, failed_models


def _flagged(*flags: str) -> Evaluation:
    base = evaluation(("good", "bad"))
    return base.model_copy(
        update={"models": (base.models[0], base.models[1].model_copy(update={"flags": flags})), "dataset": _clean(base)}
    )


def _clean(record: Evaluation) -> Dataset:
    return record.dataset.model_copy(update={"problems": (), "problem_count": 0})


def _settling(record: Evaluation) -> list[str]:
    return [each.en for each in settling(record, candidate_names(in_order(record)))]


def test_a_candidate_that_says_nothing_is_named_in_a_grave_banner_above_the_others() -> None:
    found = banners(_flagged("non_commercial", "near_uniform"))
    assert [(each.grave, "bad" in each.text.en, "good" in each.text.en) for each in found] == [
        (True, True, False),
        (False, True, False),
    ]
    assert found[0].text.en.startswith("Says almost nothing: bad.")


def test_each_flag_that_matters_has_a_banner() -> None:
    flags = ("demo_model", "near_uniform", "constant", "one_class", "incomplete", "mapped_from_dimensions")
    assert len(banners(_flagged(*flags, "non_commercial"))) == 7
    assert banners(_flagged()) == []


def test_problems_of_the_labels_are_announced() -> None:
    assert [each.text.en for each in banners(evaluation())] == ["The labels have one problem. It is listed below."]


def test_a_small_set_is_said_to_be_small_and_a_large_one_is_not() -> None:
    assert "31 segments are few" in cautions(evaluation())[0].en
    assert "±18 percentage points" in cautions(evaluation())[0].en
    assert cautions(evaluation(("one",), n=300)) == []


def test_the_evaluations_own_notes_are_shown_in_both_languages() -> None:
    record = evaluation(("one",), n=300, notes=("All from one source.", "New."), notes_ko=("모두 한 미디어입니다.",))
    assert [(each.en, each.ko) for each in cautions(record)] == [
        ("All from one source.", "모두 한 미디어입니다."),
        ("New.", "New."),
    ]


def test_no_segments_are_no_small_set() -> None:
    assert [each.en for each in cautions(empty_evaluation())] == [
        "No labelled segment could be used, so nothing was measured."
    ]


def test_what_would_settle_is_listed_from_the_nearest_and_bounded() -> None:
    said = _settling(evaluation(tuple("abcdefgh"), n=100))
    labels = [int(each.split("about ")[1].split(" ")[0]) for each in said if "about" in each]
    assert len(labels) == MAX_OPEN
    assert labels == sorted(labels)
    assert any("more pairs are open" in each for each in said)


def test_pairs_that_no_number_of_labels_decides_are_counted_by_their_reason() -> None:
    why = {"labels_to_decide": "one source only: more labels of it decide nothing about others"}
    base = evaluation()
    pairs = [
        each.model_copy(update={"verdict": "undecided", "labels_to_decide": None, "undefined": why})
        for each in base.comparisons
    ]
    said = _settling(base.model_copy(update={"comparisons": tuple(pairs)}))
    assert said[0] == f"For 3 pairs the number of labels is not known: {why['labels_to_decide']}."


def test_few_sources_rare_emotions_and_a_single_rater_are_open_questions() -> None:
    said = " ".join(_settling(evaluation(comparisons=())))
    assert "Labels from more media" in said
    assert "fear" in said
    assert "A second person" in said


def test_candidates_come_by_place_then_baselines_then_those_without_figures() -> None:
    base = evaluation(("a", "b"))
    ranking = tuple(each.model_copy(update={"models": ("b",)}) for each in base.ranking)
    record = base.model_copy(update={"models": failed_models() + base.models, "ranking": ranking})
    assert [each.model for each in in_order(record)] == ["b", "a", "majority", "label_prior", "broken", "absent"]


def test_the_builder_of_these_records_counts_every_label() -> None:
    record = evaluation(n=50)
    assert sum(record.dataset.counts.values()) == record.dataset.n == 50
    assert all(sum(map(sum, each.confusion)) == 50 for each in record.models if each.confusion)
