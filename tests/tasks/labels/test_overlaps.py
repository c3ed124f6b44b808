"""tasks/labels/overlaps.py: the same as looking at every pair."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.labels.overlaps import overlaps

segments = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.integers(1, 9)), max_size=12)


@given(segments)
def test_every_segment_that_begins_within_an_earlier_one_is_told_once(segments: list[tuple[str, int, int]]) -> None:
    found = overlaps(
        np.array([name for name, _, _ in segments], dtype=object),
        np.array([start / 1000 for _, start, _ in segments]),
        np.array([(start + length) / 1000 for _, start, length in segments]),
        np.arange(1, len(segments) + 1),
    )
    order = sorted(range(len(segments)), key=lambda n: (segments[n][1], segments[n][1] + segments[n][2]))
    expected = {
        late + 1
        for position, late in enumerate(order)
        for early in order[:position]
        if segments[early][0] == segments[late][0] and segments[late][1] < segments[early][1] + segments[early][2]
    }
    assert sorted(problem.line for problem in found) == sorted(expected)
