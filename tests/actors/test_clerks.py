"""The clerks on a real Ray: what they are asked is done elsewhere, and their errors and deaths are told."""

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import ray

from actors.clerks import Clerks, clerks_for
from actors.faults import CallFailedError
from actors.options import Resources
from infra.errors import RayError, StoreError

pytestmark = pytest.mark.stack

MOST = 2


def nothing() -> None: ...


def process() -> int:
    return os.getpid()


def product(a: int, *, b: int) -> int:
    return a * b


def refuse(word: str) -> None:
    raise StoreError(word)


def err(word: str) -> None:
    raise ValueError(word)


def die(first_only: str | None = None) -> str:
    """End the process; where a file is named, only as long as it is not there."""
    if first_only is None or not Path(first_only).exists():
        if first_only:
            Path(first_only).touch()
        os._exit(1)
    return "done"


def at_work(folder: str) -> int:
    """How many are at work while this is."""
    mine = Path(folder, f"{os.getpid()}-{time.monotonic_ns()}")
    mine.touch()
    time.sleep(0.2)
    number = len(list(Path(folder).iterdir()))
    mine.unlink()
    return number


@pytest.fixture(scope="module")
def clerks() -> Iterator[Clerks]:
    """Two clerks at most, on a Ray of two (pretended) CPUs that somebody else holds."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with Clerks(Resources(ready_s=60), nothing, lambda: MOST) as opened:
        yield opened
    ray.shutdown()


def test_a_call_is_made_elsewhere_and_its_result_comes_back(clerks: Clerks) -> None:
    assert clerks.call(product, 6, b=7) == 42
    assert clerks.call(process) != os.getpid()
    assert [each.peak_mb > 0 for each in clerks.usage()] == [True], "nobody waited: one was enough"


def test_an_error_that_was_raised_on_purpose_comes_back_as_itself_and_another_with_its_words(clerks: Clerks) -> None:
    with pytest.raises(StoreError, match="the store is away"):
        clerks.call(refuse, "the store is away")
    with pytest.raises(CallFailedError, match="ValueError: no such row"):
        clerks.call(err, "no such row")
    assert clerks.call(product, 1, b=1) == 1


def test_what_a_clerk_dies_of_once_is_done_by_another_and_what_kills_them_all_is_told(
    clerks: Clerks, tmp_path: Path
) -> None:
    assert clerks.call(die, str(tmp_path / "died")) == "done"
    with pytest.raises(RayError, match=r"call die was lost 3 times.*run the command again"):
        clerks.call(die)
    assert clerks.call(product, 1, b=1) == 1


def test_many_calls_at_once_are_all_made_by_as_many_clerks_as_there_may_be(clerks: Clerks, tmp_path: Path) -> None:
    seen: list[int] = []
    deadline = time.monotonic() + 60
    while max(seen, default=0) < MOST and time.monotonic() < deadline:  # the second one takes its time to start
        with ThreadPoolExecutor(4) as threads:
            seen += threads.map(lambda _: clerks.call(at_work, str(tmp_path)), range(4))
    assert max(seen) == MOST


def test_a_large_cluster_may_have_many_clerks_and_a_small_one_has_one() -> None:
    assert [clerks_for(cpus) for cpus in (0, 0.5, 2, 16, 64, 800)] == [1, 1, 1, 1, 4, 50]


def test_the_closed_office_refuses_work(clerks: Clerks) -> None:
    with Clerks(Resources(), nothing) as others:
        pass
    with pytest.raises(RayError, match="the pool of clerks is closed"):
        others.call(process)
