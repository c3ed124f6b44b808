"""actors/life.py without Ray: what is started ends, and nobody waits for ever."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from actors.life import Life
from infra.errors import CheckpointError, RayError


class Quiet(Life):
    """A pool without crews. What befalls its work is said by the test."""

    def __init__(self, *, opening: Exception | None = None, tending: Exception | None = None) -> None:
        super().__init__("the quiet pool", idle_s=0.02)
        self._opening, self._tending_error = opening, tending
        self.cancelled: list[int] = []
        self.begun = threading.Event()

    async def _open(self) -> None:
        if self._opening:
            raise self._opening

    def _tend(self) -> None:
        if self._tending_error:
            raise self._tending_error

    def work(self, number: int, error: Exception | None = None) -> list[int]:
        """So much work, of which the first part ends at once, with an error or without, and the rest never."""
        return self._on_loop(self._gathered(self._part(each, error) for each in range(number)))

    def wait(self) -> None:
        """Wait on the loop for nothing."""
        self._on_loop(self._forever())

    async def _part(self, number: int, error: Exception | None) -> int:
        if error is not None and number == 0:
            raise error
        try:
            return await self._forever() if number else number
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise

    async def _forever(self) -> int:
        self.begun.set()
        await asyncio.get_running_loop().create_future()
        return 0


@contextmanager
def waiting(pool: Quiet, call: Callable[[], object]) -> Iterator[Callable[[], BaseException | None]]:
    """A thread that waits for a pool; what became of it."""
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(call)
        assert pool.begun.wait(10)
        yield lambda: future.exception(10)


def threads_of_pools() -> list[str]:
    return [each.name for each in threading.enumerate() if "quiet pool" in each.name]


def test_a_pool_that_cannot_be_opened_leaves_no_thread_behind() -> None:
    with pytest.raises(RayError, match="no Ray"), Quiet(opening=RayError("no Ray")):
        raise AssertionError("it was opened")
    assert threads_of_pools() == []


def test_an_error_of_one_part_ends_the_others() -> None:
    with Quiet() as pool:
        with pytest.raises(CheckpointError, match="the head"):
            pool.work(3, CheckpointError("the head"))
        assert pool.cancelled == [1, 2]
        assert pool.work(1) == [0], "others may go on"


def test_an_error_in_looking_after_the_crews_ends_the_work() -> None:
    with Quiet(tending=RayError("the driver is cut off")) as pool, pytest.raises(RayError, match="cut off"):
        pool.work(2)


def test_whoever_waits_for_results_when_the_pool_is_closed_is_told() -> None:
    pool = Quiet()
    pool.__enter__()
    with waiting(pool, lambda: pool.work(2)) as outcome:
        pool.__exit__()
        assert "closed while work was under way" in str(outcome())


def test_whoever_waits_for_anything_else_is_told_as_well() -> None:
    pool = Quiet()
    pool.__enter__()
    with waiting(pool, pool.wait) as outcome:
        pool.__exit__()
        assert isinstance(outcome(), RayError)
    assert threads_of_pools() == []


def test_a_closed_pool_takes_no_work() -> None:
    with Quiet() as pool:
        pass
    with pytest.raises(RayError, match="the quiet pool is closed"):
        pool.work(1)
