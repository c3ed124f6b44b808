"""tasks/labels/problems.py: problems as people read them."""

from typing import Any

import pytest

from tasks.labels.problems import Problem, ProblemKind, shown


def test_a_problem_is_told_with_file_and_line() -> None:
    assert Problem(7, ProblemKind.OVERLAP, "overlaps").told("a.csv") == "a.csv:7: overlaps"


@pytest.mark.parametrize(
    "value", ["x" * 10**6, "\udcff" * 99, list(range(999)), {n: [[[n]]] for n in range(99)}, 10**999]
)
def test_any_value_is_shown_shortly_and_can_be_written(value: Any) -> None:
    assert len(shown(value).encode()) < 200
