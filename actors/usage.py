"""What a process has used: time by step, CPU time, memory. Measured where the work is done, for whoever reports it."""

import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024
"""Unit of `ru_maxrss` (getrusage(2))."""

_COUNTING = threading.Lock()
"""Around every addition: two threads that add at once would lose one of the two."""


@dataclass(frozen=True)
class Usage:
    """What a process has used since it started.

    Attributes:
        peak_mb: Most memory it has had resident, in 10⁶ bytes, pages shared with others included.
        cpu_s: CPU seconds of all its threads.
        steps_s: CPU seconds by step, as its clocks have counted them.
    """

    peak_mb: float
    cpu_s: float
    steps_s: dict[str, float] = field(default_factory=dict)


def usage_here(steps_s: Mapping[str, float] | None = None) -> Usage:
    """What this process has used; `steps_s` is what its clocks counted into."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES / 1e6
    return Usage(peak, time.process_time(), dict(steps_s or {}))


@dataclass(frozen=True)
class Held:
    """What workers have kept from others: shares of GPUs and CPUs, times the seconds that they were ready."""

    gpu_s: float = 0.0
    cpu_s: float = 0.0

    def __add__(self, other: "Held") -> "Held":
        return Held(self.gpu_s + other.gpu_s, self.cpu_s + other.cpu_s)


class Clock:
    """Wall time by step; CPU time goes into `cpu_s`, where that is given.

    Args:
        cpu_s: CPU seconds by step; clocks of several threads may count into one.
        cpu_time: Whose: the process's, or (`time.thread_time`) the thread's, where others work beside it.
    """

    def __init__(
        self, cpu_s: dict[str, float] | None = None, cpu_time: Callable[[], float] = time.process_time
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._cpu_s = {} if cpu_s is None else cpu_s
        self._cpu_time = cpu_time
        self._wall, self._cpu = time.perf_counter(), cpu_time()

    def lap(self, step: str) -> float:
        """End a step, and begin the next; returns its wall time in seconds."""
        wall, cpu = time.perf_counter(), self._cpu_time()
        self.seconds[step] = wall - self._wall
        with _COUNTING:
            self._cpu_s[step] = self._cpu_s.get(step, 0.0) + cpu - self._cpu
        self._wall, self._cpu = wall, cpu
        return self.seconds[step]
