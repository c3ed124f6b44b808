"""Which segments go into the next batch: similar lengths together, the oldest first, under a budget of padded seconds.

Pure and single-threaded; the pool asks for a batch whenever a worker has room.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(order=True)
class _Waiting(Generic[T]):
    seconds: float
    order: int
    item: T = field(compare=False)
    taken: bool = field(default=False, compare=False)


class Batcher(Generic[T]):
    """Segments that wait for one model.

    Args:
        budget_s: Padded seconds in a batch at most: its longest segment times its number of segments. A segment that
            is longer than that makes a batch of its own.
        length: Seconds of an item.
    """

    def __init__(self, budget_s: float, length: Callable[[T], float]) -> None:
        self._budget_s = budget_s
        self._length = length
        self._by_length: list[_Waiting[T]] = []
        self._by_age: deque[_Waiting[T]] = deque()
        self._added = 0
        self.seconds = 0.0

    def __len__(self) -> int:
        return len(self._by_length)

    def full(self, budget_s: float | None = None) -> bool:
        """Whether a whole batch waits; `budget_s`: of a worker that takes less."""
        return self.seconds >= self._least(budget_s)

    @property
    def batches(self) -> float:
        """How many batches wait, about."""
        return self.seconds / self._budget_s

    def add(self, item: T) -> None:
        """Let an item wait."""
        waiting = _Waiting(self._length(item), self._added, item)
        self._added += 1
        self.seconds += waiting.seconds
        insort(self._by_length, waiting)
        self._by_age.append(waiting)

    def take(self, budget_s: float | None = None) -> list[T]:
        """The oldest item with those nearest to it in length, longest last; empty if nothing waits.

        Args:
            budget_s: Of a worker that takes less than the usual.
        """
        while self._by_age and self._by_age[0].taken:
            self._by_age.popleft()
        if not self._by_age:
            return []
        low, high = self._window(bisect_left(self._by_length, self._by_age[0]), self._least(budget_s))
        chosen = self._by_length[low:high]
        del self._by_length[low:high]
        for waiting in chosen:
            waiting.taken = True
        # Summed anew when empty: differences of floats drift.
        self.seconds = self.seconds - sum(each.seconds for each in chosen) if self._by_length else 0.0
        return [waiting.item for waiting in chosen]

    def _least(self, budget_s: float | None) -> float:
        return self._budget_s if budget_s is None else min(budget_s, self._budget_s)

    def _window(self, start: int, budget_s: float) -> tuple[int, int]:
        """Grow from `start` to whichever neighbour is nearer in length, as long as the padded batch fits the budget."""
        waiting = self._by_length
        low, high = start, start + 1
        while low > 0 or high < len(waiting):
            longest = waiting[high - 1].seconds
            below = longest - waiting[low - 1].seconds if low > 0 else float("inf")
            above = waiting[high].seconds - longest if high < len(waiting) else float("inf")
            grown = waiting[high].seconds if above < below else longest
            if grown * (high - low + 1) > budget_s:
                break
            low, high = (low, high + 1) if above < below else (low - 1, high)
        return low, high
