"""Task runs in turn: as many at once as there is work for at the moment. Knows neither what they do nor Ray.

Prefect's task runner takes its bound at the start, and queues all that is beyond: here the bound may change while they
run, and what was never begun leaves no trace when one of them fails.
"""

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import TypeVar

from prefect.futures import PrefectFuture

T = TypeVar("T")
R = TypeVar("R")


def in_turn(
    items: Iterable[T],
    submit: Callable[[T], PrefectFuture[R]],
    size: Callable[[T], int],
    wants: Callable[[int, int], bool],
) -> Iterator[R]:
    """Submit items while more are wanted, and give back results as they come; at least one is always under way.

    Args:
        items: In their order.
        submit: Starts the task run of one.
        size: What one adds to the total that `wants` is asked with.
        wants: Whether another should start beside so many, of such a total. Asked anew whenever one has ended.

    Raises:
        Exception: The first error that ends one; nothing more is submitted then.
    """
    ended: SimpleQueue[tuple[PrefectFuture[R], int]] = SimpleQueue()
    number = total = 0
    for item in items:
        while number and not wants(number, total):
            future, own = ended.get()
            number, total = number - 1, total - own
            yield future.result()
        own = size(item)
        submit(item).add_done_callback(_noting(ended, own))
        number, total = number + 1, total + own
    for _ in range(number):
        yield ended.get()[0].result()


def _noting(ended: "SimpleQueue[tuple[PrefectFuture[R], int]]", size: int) -> Callable[[PrefectFuture[R]], None]:
    return lambda future: ended.put((future, size))
