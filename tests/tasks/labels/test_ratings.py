"""tasks/labels/ratings.py: majorities, ties, and raters who repeat or contradict themselves."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.labels.ratings import MISSING, TIED, Ratings

said = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", "c"]), st.integers(0, 2)), max_size=20)


@given(said)
def test_the_verdict_is_that_of_counting_by_hand(said: list[tuple[int, str, int]]) -> None:
    ratings = Ratings()
    problems = [ratings.add(segment, rater, code, line) for line, (segment, rater, code) in enumerate(said)]
    verdict = ratings.verdict(4, "set")
    heard = {
        (segment, rater): {code for s, r, code in said if (s, r) == (segment, rater)} for segment, rater, _ in said
    }
    kept = {key: min(codes) for key, codes in heard.items() if len(codes) == 1}
    for segment in range(4):
        votes = Counter(code for (s, _), code in kept.items() if s == segment)
        top = [code for code, count in votes.items() if count == max(votes.values())]
        assert verdict.truth[segment] == (top[0] if len(top) == 1 else TIED)
        assert verdict.rated[segment] == bool(votes)
        expected = [votes[code] / max(votes.total(), 1) for code in range(7)]
        np.testing.assert_allclose(verdict.soft[segment], expected)
        for column, rater in enumerate(verdict.raters):
            assert verdict.ratings[segment, column] == kept.get((segment, rater), MISSING)
    assert ratings.used == len(kept)
    assert ratings.used + ratings.duplicates + ratings.conflicting == len(said)
    assert sum(problem is not None for problem in problems) == len(said) - len(heard)


def test_problems_name_the_line_and_the_earlier_one() -> None:
    ratings = Ratings()
    assert ratings.add(0, None, 2, 5) is None
    repeated, contrary = ratings.add(0, None, 2, 8), ratings.add(0, None, 3, 9)
    assert repeated is not None
    assert (repeated.line, repeated.kind, "line 5" in repeated.text) == (8, "duplicate", True)
    assert contrary is not None
    assert (contrary.line, contrary.kind, "line 5" in contrary.text) == (9, "conflicting_labels", True)


def test_no_ratings_at_all_are_no_rows() -> None:
    verdict = Ratings().verdict(0, "set")
    assert (verdict.raters, verdict.ratings.shape, verdict.soft.shape) == ((), (0, 0), (0, 7))
