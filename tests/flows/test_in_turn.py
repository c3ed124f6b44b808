"""How many task runs there are at once, and what becomes of the others when one fails."""

from concurrent.futures import Future
from typing import cast

import pytest
from prefect.futures import PrefectFuture

from flows.in_turn import in_turn


class Runs:
    """Task runs of letters. Those of `slow` end in that order, one whenever another is not wanted; others at once."""

    def __init__(self, slow: str, most: int, failing: str = "") -> None:
        self._slow, self._most, self._failing = list(slow), most, failing
        self._futures: dict[str, Future[str]] = {}
        self.asked: list[tuple[int, int]] = []
        self.submitted = ""

    def submit(self, item: str) -> PrefectFuture[str]:
        self.submitted += item
        self._futures[item] = Future()
        if item not in self._slow:
            self._end(item)
        return cast(PrefectFuture[str], self._futures[item])

    def wants(self, number: int, total: int) -> bool:
        self.asked.append((number, total))
        if total < self._most:
            return True
        if self._slow:
            self._end(self._slow.pop(0))
        return False

    def _end(self, item: str) -> None:
        if item == self._failing:
            self._futures[item].set_exception(ValueError(f"no {item}"))
        else:
            self._futures[item].set_result(item.upper())


def turn(runs: Runs, items: str) -> list[str]:
    """A letter counts as its place in the alphabet."""
    return list(in_turn(items, runs.submit, lambda item: ord(item) - ord("a") + 1, runs.wants))


def test_no_more_are_under_way_than_are_wanted_and_results_come_as_they_end() -> None:
    runs = Runs(slow="bac", most=3)
    # a and b are 3 together: b ends, and leaves 1. With c it is 4: a ends, and leaves 3: c ends, too. d is 4 alone.
    assert turn(runs, "abcde") == ["B", "A", "C", "D", "E"]
    assert runs.submitted == "abcde"


def test_the_sizes_of_those_under_way_are_added_up_and_taken_off_again() -> None:
    runs = Runs(slow="bac", most=3)
    turn(runs, "abcd")
    assert runs.asked == [(1, 1), (2, 3), (1, 1), (2, 4), (1, 3)]


def test_one_is_always_under_way_although_none_is_wanted() -> None:
    runs = Runs(slow="ab", most=0)
    assert turn(runs, "abc") == ["A", "B", "C"]


def test_a_failure_ends_it_and_what_was_not_begun_never_is() -> None:
    runs = Runs(slow="ba", most=3, failing="b")
    with pytest.raises(ValueError, match="no b"):
        turn(runs, "abcdef")
    assert runs.submitted == "ab"


def test_nothing_to_do_is_done_at_once() -> None:
    assert turn(Runs("", 1), "") == []
