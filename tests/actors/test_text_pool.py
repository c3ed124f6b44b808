"""The text pool on a real Ray, with a stand-in for the worker: order, deaths, timeouts, refusals."""

import os
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import ray

from actors import sizing
from actors.contract import Medium, Span
from actors.options import Resources, Route
from actors.text_pool import TextPool
from actors.texts import AskedText, SegmentText, TextAnswer, TextFlag, TextSetup, TextWork
from infra.errors import CheckpointError, RayError
from infra.settings import StoreAccess

pytestmark = pytest.mark.stack

SETUP = TextSetup(StoreAccess(), ("sidecar",), {"en": Route(model="english")}, "base")
RESOURCES = Resources(max_workers=2, num_cpus=1, timeout_s=3, ready_s=30)


class StubWorker:
    """Answers with the medium's name; what it does with some of them stands in the name."""

    def __init__(self, *_: object) -> None: ...

    def ready(self) -> None: ...

    def read(self, work: TextWork) -> TextAnswer:
        name = work.medium.uri.rsplit("/", 1)[1]
        if name == "kill":
            os._exit(1)
        if name == "sleep":
            time.sleep(60)
        if name == "slow":
            time.sleep(0.2)
        if name == "error":
            raise ValueError("no such words")
        if name == "refuse":
            raise CheckpointError("the head is missing")
        return TextAnswer(work.medium, tuple(SegmentText(each.segment_id, each.language, name) for each in work.asked))


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A Ray of two (pretended) CPUs on this machine."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    ray.shutdown()


def opened() -> TextPool:
    """A pool, to be entered."""
    return TextPool(SETUP, sizing.derive(RESOURCES, cpus=2, gpus=0, routes=1), RESOURCES, StubWorker)


@pytest.fixture
def pool() -> Iterator[TextPool]:
    with opened() as entered:
        yield entered


def works(*names: str) -> list[TextWork]:
    asked = tuple(AskedText(f"s{n}", Span(n, n + 1), "en") for n in range(2))
    return [TextWork(Medium(f"s3://media/{name}", "e", 0), asked) for name in names]


def texts(pool: TextPool, *names: str) -> list[list[str | None]]:
    return [[row.text for row in answer.rows] for answer in pool.read(works(*names))]


def test_every_medium_gets_its_answer_in_order(pool: TextPool) -> None:
    assert texts(pool, "a", "b", "c", "d", "e") == [[name, name] for name in "abcde"]
    assert 1 <= pool.peak <= 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [("kill", "worker_died"), ("sleep", "timeout: no answer within 3 s"), ("error", "ValueError: no such words")],
)
def test_what_a_medium_does_to_its_worker_is_a_reason_in_its_rows_and_the_rest_goes_on(
    pool: TextPool, name: str, reason: str
) -> None:
    first, bad, last = pool.read(works("a", name, "b"))
    assert [row.text for row in (*first.rows, *last.rows)] == ["a", "a", "b", "b"]
    assert [(row.segment_id, row.text, row.flags) for row in bad.rows] == [
        ("s0", None, (TextFlag.TEXT_FAILED,)),
        ("s1", None, (TextFlag.TEXT_FAILED,)),
    ]
    assert all(reason in (row.reason or "") for row in bad.rows)
    assert bad.transient is None, "it is not tried again at every run"


def test_a_checkpoint_that_is_refused_ends_the_reading_with_its_own_error(pool: TextPool) -> None:
    with pytest.raises(CheckpointError, match="the head is missing"):
        texts(pool, "a", "refuse", "b")


def test_workers_go_when_there_is_nothing_to_read() -> None:
    hasty = RESOURCES.model_copy(update={"idle_s": 0.5})
    with TextPool(SETUP, sizing.derive(hasty, cpus=2, gpus=0, routes=1), hasty, StubWorker) as pool:
        while pool.peak < 2:
            pool.read(works(*["slow"] * 4))
        _wait_until(lambda: ray.available_resources().get("CPU", 0) >= 1)
        assert texts(pool, "b") == [["b", "b"]]


def test_a_closed_pool_refuses_work_at_once() -> None:
    with opened() as pool:
        pass
    with pytest.raises(RayError, match="closed"):
        texts(pool, "a")


def _wait_until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.1)
