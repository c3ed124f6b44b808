"""Pairs, ranks, agreement and the worst segments, from the answers of all candidates."""

from dataclasses import replace

import numpy as np
import pytest

from actors.contract import TAXONOMY
from tasks.evaluation.answers import Answers, from_recorded
from tasks.evaluation.assess import WORST, agreement, comparisons, raters, worst
from tasks.evaluation.gather import gather
from tasks.numerics.decision import Decision
from tests.support.evaluation import labelled, line, one_hot, segments

TRUTH = [TAXONOMY[row % 5] for row in range(60)]
# Twelve sources: with six, three pairs could not be decided at once. Segments stand in order of their media.
ORDER = sorted(range(60), key=lambda row: (row % 12, row))


def twelve(row: int) -> str:
    return f"m{row % 12:02d}.wav"


def candidate(name: str, predicted: list[str], confidence: float = 0.9) -> Answers:
    answers = from_recorded({"audio": one_hot(predicted, confidence)}, "audio", 0.5, Decision())
    return replace(answers, name=name)


def right_on(rows: range, name: str) -> Answers:
    """A candidate that is right on these of the 60 rows, and says `disgust`, which is never true, on the others."""
    return candidate(name, [TRUTH[row] if row in rows else "disgust" for row in ORDER])


def test_a_better_candidate_is_decided_and_ranked_first() -> None:
    pairs, ranks = comparisons(segments(TRUTH, media=twelve), [right_on(range(6), "poor"), right_on(range(60), "good")])

    (pair,) = pairs
    assert (pair.a, pair.b, pair.verdict, pair.n) == ("poor", "good", "better", 60)
    assert pair.difference == pytest.approx(0.9)
    assert (pair.only_a, pair.only_b, pair.labels_to_decide) == (0, 54, 0)
    assert [(each.rank, each.models) for each in ranks] == [(1, ("good",)), (2, ("poor",))]


def test_candidates_that_cannot_be_told_apart_share_a_place_and_the_next_place_counts_both() -> None:
    names = [right_on(range(58), "a"), right_on(range(2, 60), "b"), right_on(range(2), "c")]

    pairs, ranks = comparisons(segments(TRUTH, media=twelve), names)

    assert [(each.rank, set(each.models)) for each in ranks] == [(1, {"a", "b"}), (3, {"c"})]
    undecided = next(each for each in pairs if {each.a, each.b} == {"a", "b"})
    assert undecided.labels_to_decide is None
    assert "difference is 0" in undecided.undefined["labels_to_decide"]


def test_one_source_decides_nothing_and_says_why() -> None:
    chosen = segments(TRUTH, media=lambda row: "one.wav")

    (pair,), ranks = comparisons(chosen, [candidate("bad", ["disgust"] * 60), candidate("good", TRUTH)])

    assert (pair.verdict, pair.ci) == ("undecided", None)
    assert "one source" in pair.undefined["ci"]
    assert len(ranks) == 1


def test_a_single_candidate_is_first_without_a_pair() -> None:
    pairs, ranks = comparisons(segments(TRUTH, media=twelve), [right_on(range(3), "only")])

    assert (pairs, [each.models for each in ranks]) == ((), [("only",)])


def test_agreement_does_not_ask_who_is_right() -> None:
    wrong = [candidate("a", ["sad", "sad", "happy", "fear"]), candidate("b", ["sad", "sad", "happy", "sad"])]

    (pair,) = agreement(wrong)

    assert (pair.a, pair.b, pair.share) == ("a", "b", 0.75)
    assert agreement(wrong[:1]) == ()


def test_two_that_never_answered_the_same_segment_have_no_agreement() -> None:
    rows = one_hot(["sad", "sad"])
    first, second = rows.copy(), rows.copy()
    first[0], second[1] = np.nan, np.nan
    both = [from_recorded({"audio": each}, "audio", 0.5, Decision()) for each in (first, second)]

    assert agreement([replace(each, name=name) for each, name in zip(both, "ab", strict=True)]) == ()


def test_raters_are_told_of_only_where_there_are_several() -> None:
    alike = [line(f"{row}.wav", rater=rater, label=TAXONOMY[row]) for row in range(3) for rater in ("x", "y")]

    found = raters(gather([labelled(*alike), labelled(line("z.wav"), name="other")]))

    assert found is not None
    assert (found.raters, found.segments, found.alpha, found.ceiling) == (2, 3, 1.0, 1.0)
    assert raters(gather([labelled(line())])) is None


def test_raters_of_files_of_different_width_are_put_together_split_segments_included() -> None:
    two = [line("a.wav", rater="x"), line("a.wav", rater="y"), line("b.wav", rater="x")]
    three = [line("c.wav", rater=rater, label=label) for rater, label in (("p", "sad"), ("q", "fear"), ("r", "happy"))]
    three += [line("d.wav", rater="p")]

    found = raters(gather([labelled(*two, name="two"), labelled(*three, name="three")]))

    assert found is not None
    assert (found.raters, found.segments) == (5, 2)
    # Values that can be paired: sad 3, fear 1, happy 1, so 1 − (3 · 2 / 2) / ((25 − 11) / 4) = 1/7.
    assert found.alpha == pytest.approx(1 / 7)


def test_the_worst_segments_are_those_whose_label_is_least_probable() -> None:
    chosen = segments(["sad", "happy", "fear"], media=lambda row: "one.wav")

    found = worst(chosen, [candidate("a", ["sad", "sad", "fear"], 0.7), candidate("b", ["sad", "happy", "sad"], 0.7)])

    assert [each.truth for each in found] == ["happy", "fear", "sad"]
    assert found[0].p_truth == pytest.approx((0.05 + 0.7) / 2)
    assert found[0].predictions == {"a": "sad", "b": "happy"}
    assert (found[0].media, found[0].start_s, found[0].end_s) == ("one.wav", 4.0, 7.5)


def test_an_answer_that_is_missing_gives_the_label_no_probability() -> None:
    rows = one_hot(["sad", "sad"], 0.5)
    rows[1] = np.nan
    silent = from_recorded({"audio": rows}, "audio", 0.5, Decision())

    found = worst(segments(["sad", "sad"]), [silent])

    assert found[0].p_truth == 0.0
    assert found[0].predictions == {"recorded audio": None}


def test_no_more_than_the_worst_are_listed_and_without_a_candidate_none() -> None:
    chosen = segments(TRUTH)

    assert len(worst(chosen, [candidate("a", TRUTH)])) == WORST
    assert worst(chosen, []) == ()
