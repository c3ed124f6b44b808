"""Batches: whole, bounded, of similar lengths, the oldest first."""

import random

from hypothesis import given
from hypothesis import strategies as st

from actors.batching import Batcher


def batcher(budget_s: float, lengths: list[float]) -> Batcher[tuple[int, float]]:
    waiting = Batcher[tuple[int, float]](budget_s, lambda item: item[1])
    for item in enumerate(lengths):
        waiting.add(item)
    return waiting


@given(st.lists(st.floats(0.5, 15), max_size=60), st.floats(1, 60))
def test_every_item_comes_out_once_and_no_batch_exceeds_the_padded_budget(
    lengths: list[float], budget_s: float
) -> None:
    waiting = batcher(budget_s, lengths)
    seen = []
    while batch := waiting.take():
        longest = max(length for _, length in batch)
        assert len(batch) == 1 or longest * len(batch) <= budget_s
        seen += [number for number, _ in batch]
    assert sorted(seen) == list(range(len(lengths)))
    assert waiting.seconds == 0
    assert len(waiting) == 0


def test_the_oldest_item_is_always_in_the_next_batch() -> None:
    waiting = batcher(20, [3.0, 14.0, 14.5, 14.2, 3.1])
    assert 0 in {number for number, _ in waiting.take()}


def test_items_of_similar_length_go_together() -> None:
    waiting = batcher(16, [4.0, 15.0, 4.1, 15.0, 3.9, 4.2])
    # By hand: 4.1 is nearest to 4.0, then 4.2 (0.1 above 4.1; 3.9 is 0.2 below it); a fourth would be 4 × 4.2 = 16.8.
    assert sorted(length for _, length in waiting.take()) == [4.0, 4.1, 4.2]


def test_a_batch_is_full_once_its_seconds_reach_the_budget() -> None:
    waiting = batcher(10, [4.0, 5.0])
    assert not waiting.full()
    waiting.add((2, 1.0))
    assert waiting.full()


def test_padding_stays_small_when_much_is_waiting() -> None:
    generator = random.Random(1)
    lengths = [generator.uniform(0.5, 15) for _ in range(400)]
    waiting = batcher(60, lengths)
    padded = 0.0
    while batch := waiting.take():
        padded += max(length for _, length in batch) * len(batch)
    assert padded / sum(lengths) < 1.15


def test_a_worker_that_takes_less_gets_less_and_nothing_takes_more_than_the_budget() -> None:
    waiting = batcher(10, [2.0] * 6)
    assert [batcher(10, [2.0] * 3).full(budget) for budget in (None, 4.0, 8.0, 100.0)] == [False, True, False, False]
    assert len(waiting.take(4.0)) == 2
    assert len(waiting.take(100.0)) == 4
    assert len(batcher(10, [7.0, 7.0]).take(1.0)) == 1, "a segment that is longer than that goes alone"
