"""What a re-evaluation says is to be done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.reevaluation.recommend import recommend
from tests.support.reevaluations import against, row, tuned

CURRENT = row("current", kind="system")


def kinds(*others, current=CURRENT, tuning=None, promoted=None) -> list[str]:
    return [each.kind for each in recommend(current, others, tuning or tuned(), promoted)]


def test_all_stays_where_nothing_speaks_for_a_change() -> None:
    rivals = (row("tied", against=against(0.0, "tied")), row("worse", against=against(-0.2, "worse")))
    assert kinds(*rivals) == ["keep"]


def test_a_tuning_that_holds_is_to_be_promoted_and_comes_before_a_better_rival() -> None:
    rival = row("large", against=against(0.1, "better"))
    found = recommend(CURRENT, (rival,), tuned("adopt"), None)
    assert [each.kind for each in found] == ["promote", "look"]
    assert found[0].tuning_id == "20260304T115500-fedcba"
    assert "10.0 points" in found[1].text
    assert found[1].model == "large"


def test_what_was_promoted_already_is_said_and_not_asked_for() -> None:
    assert kinds(tuning=tuned("adopt"), promoted="ab" * 8) == ["promoted"]


@pytest.mark.parametrize("why", ["noise", "languages", "text"])
def test_a_tuning_that_cannot_replace_what_is_current_is_to_be_looked_at(why: str) -> None:
    (found,) = recommend(CURRENT, (), tuned("adopt", usable=False, unusable_why=why), None)
    assert found.kind == "look"
    assert found.text != found.text_ko


def test_of_two_better_rivals_the_best_comes_first() -> None:
    rivals = (row("good", against=against(0.1, "better")), row("best", against=against(0.2, "better")))
    assert [each.model for each in recommend(CURRENT, rivals, tuned(), None)] == ["best", "good"]


def test_of_open_questions_the_nearest_to_its_answer_is_named() -> None:
    rivals = (
        row("far", against=against(0.02, labels_to_decide=5000)),
        row("near", against=against(0.04, labels_to_decide=300)),
        row("behind", against=against(-0.04, labels_to_decide=10)),
    )
    (found,) = recommend(CURRENT, rivals, tuned("undecided", gain=0.01, labels_to_decide=900), None)
    assert (found.kind, found.labels, found.model) == ("label-more", 300, "near")


def test_more_labels_may_be_worth_it_for_the_tuning_alone() -> None:
    (found,) = recommend(CURRENT, (), tuned("undecided", gain=0.01, labels_to_decide=900), None)
    assert (found.kind, found.labels, found.model) == ("label-more", 900, None)


def test_an_undecided_tuning_that_loses_calls_for_nothing() -> None:
    assert kinds(tuning=tuned("undecided", gain=-0.01, labels_to_decide=900)) == ["keep"]


def test_a_current_configuration_that_was_not_measured_comes_before_everything() -> None:
    broken = row("current", kind="system", status="failed", reason="weights are absent", accuracy=None)
    (found,) = recommend(broken, (row("large"),), tuned("adopt"), None)
    assert found.kind == "repair"
    assert "weights are absent" in found.text


@pytest.mark.parametrize("flag", ["near_uniform", "constant"])
def test_a_current_configuration_that_says_nothing_is_to_be_repaired_and_who_is_better_may_replace_it(
    flag: str,
) -> None:
    current, rival = row("current", flags=("demo_model", flag)), row("large", against=against(0.3, "better"))
    assert kinds(rival, current=current, tuning=tuned("adopt")) == ["repair", "look"]


_rivals = st.lists(
    st.builds(
        lambda n, verdict, difference, more: row(f"m{n}", against=against(difference, verdict, labels_to_decide=more)),
        st.integers(0, 9),
        st.sampled_from(("better", "worse", "tied", "undecided")),
        st.floats(-1, 1),
        st.none() | st.integers(0, 9000),
    ),
    max_size=4,
)
_tunings = st.builds(
    lambda verdict, gain, more, usable: tuned(
        verdict, gain=gain, labels_to_decide=more, usable=usable, unusable_why=None if usable else "text"
    ),
    st.sampled_from(("adopt", "keep-default", "undecided")),
    st.floats(-1, 1),
    st.none() | st.integers(0, 9000),
    st.booleans(),
)


@given(_rivals, _tunings)
def test_there_is_always_something_to_do_and_promotion_only_on_adopt(rivals, tuning) -> None:
    found = recommend(CURRENT, rivals, tuning, None)
    assert found
    assert all(each.text and each.text_ko for each in found)
    promotes = any(each.kind == "promote" for each in found)
    assert promotes == (tuning.verdict == "adopt" and tuning.usable)
    better = {each.model for each in rivals if each.against.verdict == "better"}
    assert {each.model for each in found if each.kind == "look" and each.model} == better
    assert not (len(found) > 1 and any(each.kind in ("keep", "label-more", "repair") for each in found))
