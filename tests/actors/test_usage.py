"""actors/usage.py: what clocks count, alone and several at once."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from actors.usage import Clock, usage_here


def test_cpu_time_goes_to_the_step_that_took_it_by_the_clock_that_is_given() -> None:
    ticks: Iterator[float] = iter((10.0, 12.0, 17.0))
    cpu_s = {"score": 100.0}
    clock = Clock(cpu_s, lambda: next(ticks))

    wall = clock.lap("score"), clock.lap("check")

    assert cpu_s == {"score": 102.0, "check": 5.0}
    assert clock.seconds == dict(zip(("score", "check"), wall, strict=True))


def test_no_second_is_lost_where_several_threads_count_into_one() -> None:
    cpu_s: dict[str, float] = {}

    def count(_: int) -> None:
        ticks = itertools.count()
        clock = Clock(cpu_s, lambda: float(next(ticks)))
        for _ in range(2000):
            clock.lap("score")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(4)))

    assert cpu_s == {"score": 8000.0}


def test_a_process_says_what_it_has_used() -> None:
    used = usage_here({"read": 1.5})

    assert used.steps_s == {"read": 1.5}
    assert used.peak_mb > 10
    assert used.cpu_s == pytest.approx(usage_here().cpu_s, abs=1.0)
