"""Candidates against the current configuration, and against themselves at the last time."""

import pandas as pd
import pytest

from actors.contract import TAXONOMY
from tasks.evaluation.result import Comparison
from tasks.evaluation.result_model import Interval
from tasks.reevaluation.compare import Before, against_current, since_last
from tests.support.reevaluations import reevaluation, row


def pair(a: str, b: str, difference: float, verdict: str) -> Comparison:
    ci = Interval(low=difference - 0.02, high=difference + 0.05, method="t")
    return Comparison(
        a=a, b=b, n=31, difference=difference, ci=ci, only_a=1, only_b=4, p_sign_flip=0.01, p_mcnemar=0.01,
        p_adjusted=0.02, p_b_better=0.9, verdict=verdict,
    )  # fmt: skip


def answers(candidate: str, said: list[str | None], truth: list[str], first: int = 0) -> pd.DataFrame:
    """Predictions of segments that are spread over a medium each four."""
    rows = range(first, first + len(said))
    return pd.DataFrame(
        {"segment_key": [f"k{at:03d}" for at in rows], "media": [f"m{at // 4}.wav" for at in rows],
         "truth": truth, "candidate": candidate, "emotion": said}
    )  # fmt: skip


def before(predictions: pd.DataFrame | None, *models: str) -> Before:
    return Before(reevaluation(candidates=tuple(row(each) for each in models)), predictions)


def test_a_difference_is_the_candidates_less_the_currents_whichever_was_named_first() -> None:
    pairs = [pair("a", "now", 0.1, "better"), pair("now", "b", -0.1, "worse"), pair("a", "b", 0, "tied")]
    found = against_current(pairs, "now")
    assert found.keys() == {"a", "b"}
    assert (found["a"].difference, found["a"].verdict) == (-0.1, "worse")
    assert found["a"].ci is not None
    assert (found["a"].ci.low, found["a"].ci.high) == (-0.15000000000000002, -0.08)
    assert (found["b"].difference, found["b"].verdict) == (-0.1, "worse")


def test_the_same_answers_are_said_to_be_the_same_though_labels_changed() -> None:
    said = ["sad", "happy"] * 20
    then = answers("m", said, ["sad"] * 40)
    now = answers("m", said, ["sad"] * 30 + ["happy"] * 10)
    found = since_last(["m"], now, before(then, "m"))["m"]
    assert found.same_answers
    assert found.against is not None
    assert (found.against.difference, found.against.n) == (0.0, 40)


def test_a_candidate_that_got_better_is_told_on_the_shared_segments_by_the_labels_of_now() -> None:
    truth = ["sad"] * 48
    then = answers("m", ["happy"] * 40, ["happy"] * 40, first=8)
    now = answers("m", ["sad"] * 48, truth)
    found = since_last(["m"], now, before(then, "m"))["m"]
    assert found.same_answers is False
    assert found.against is not None
    assert (found.against.n, found.against.difference, found.against.verdict) == (40, 1.0, "better")


def test_of_many_candidates_each_is_judged_as_one_of_many() -> None:
    # Six sources, all better: alone p = 2/64, which is nothing among five.
    truth, wrong = ["sad"] * 24, ["happy"] * 24
    names = [f"m{number}" for number in range(5)]
    now = pd.concat([answers(name, truth, truth) for name in names])
    one = since_last(["m0"], now, before(answers("m0", wrong, truth), "m0"))["m0"]
    many = since_last(names, now, before(pd.concat([answers(name, wrong, truth) for name in names]), *names))
    assert one.against is not None
    assert one.against.verdict == "better"
    assert {each.against.verdict for each in many.values() if each.against} == {"undecided"}


def test_undecided_answers_count_as_wrong_and_as_the_same() -> None:
    truth = list(TAXONOMY) * 4
    found = since_last(["m"], answers("m", [None] * 28, truth), before(answers("m", [None] * 28, truth), "m"))["m"]
    assert found.same_answers
    assert found.against is not None
    assert found.against.difference == 0.0


@pytest.mark.parametrize(
    ("then", "why"),
    [(None, "no longer stored"), (answers("m", ["sad"] * 4, ["sad"] * 4, first=90), "no segment")],
    ids=["gone", "others"],
)
def test_where_nothing_is_shared_the_reason_is_told(then: pd.DataFrame | None, why: str) -> None:
    found = since_last(["m"], answers("m", ["sad"] * 4, ["sad"] * 4), before(then, "m"))["m"]
    assert found.against is None
    assert why in found.undefined["against"]
    assert found.accuracy_before == 0.61


def test_a_candidate_that_was_none_then_has_no_then() -> None:
    assert since_last(["new"], answers("new", ["sad"], ["sad"]), before(None, "old")) == {}
