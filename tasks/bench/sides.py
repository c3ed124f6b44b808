"""A side of a comparison in a process of its own: it gets ready, then sleeps until it is asked.

So that sides can take turns on one machine, none of them disturbed by what the others imported or keep in memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Generic, Self, TypeVar, cast

from infra.errors import SeraphError

Job = TypeVar("Job")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Pass:
    """One pass over all segments: wall time and CPU time in seconds."""

    seconds: float
    cpu_s: float


class Side(Generic[Job, Answer]):
    """The process, alive between enter and exit: several sides may get ready at once, and are waited for then.

    Args:
        name: For messages.
        load: Makes it ready, there; returns what answers a job. Pickled: a function of a module, or a partial of one.
    """

    def __init__(self, name: str, load: Callable[[], Callable[[Job], Answer]]) -> None:
        processes = get_context("spawn")
        self._name = name
        self._ready = False
        self._ours, self._theirs = processes.Pipe()
        self._process = processes.Process(target=_serve, args=(self._theirs, load), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()
        self._process.join()

    def wait(self) -> None:
        """Wait until it is ready: it must not get ready while another side is timed."""
        if not self._ready:
            self._receive()
            self._ready = True

    def ask(self, job: Job) -> Answer:
        """Have it do a job, and wait for the answer.

        Raises:
            SeraphError: It ended.
        """
        self.wait()
        self._ours.send(job)
        return cast(Answer, self._receive())

    def _receive(self) -> object:
        try:
            return self._ours.recv()
        except EOFError as error:
            self._process.join()
            raise SeraphError(
                f"the benchmark's {self._name} ended with status {self._process.exitcode}; expected it to answer: "
                "its own error stands above, and memory is the usual cause"
            ) from error


def _serve(channel: Connection, load: Callable[[], Callable[[Job], Answer]]) -> None:
    answer = load()
    channel.send(None)
    try:
        while True:
            channel.send(answer(channel.recv()))
    except EOFError:
        return  # the other end was closed: that is how it is asked to leave
