"""A driver for tests on several machines: `python -m tests.support.drive_pool JOB`, JOB a `Job` as JSON.

Scores made-up media with stand-ins on a real cluster, and says on stdout how far it is and what came of it.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import ray
from pydantic import TypeAdapter

from actors.contract import Medium, MediumResult, ModelSpec, Signal
from actors.options import Resources, Route
from actors.pool import Cast, Pool
from actors.road import PoolOptions
from actors.sizing import derive
from actors.workers import Piece, Scored
from infra import cluster
from infra.services import Services
from infra.settings import StoreAccess
from tests.support import cast as stubs

_POLL_S = 0.1
_NODES_S = 60.0
_PATIENCE_S = 90.0
_BATCH_S = 0.2

MACHINE = "SERAPH_TEST_MACHINE"
"""Variable that tells a node's workers which machine they are on."""


@dataclass(frozen=True)
class Job:
    """What a driver does: score the same media again and again, until its input ends.

    A line `rest` on its input lets it do nothing after the present round, a line `work` go on.

    Attributes:
        address: Of the cluster. `nodes`: how many it must have before the work begins.
        media: How many, of one to five segments.
        workers: Scoring workers at most, two CPUs each; None: as many as the cluster holds, as it grows.
        idle_s: After how long without work a worker may go.
    """

    address: str
    nodes: int
    media: int
    workers: int | None
    idle_s: float = 60.0


Row = tuple[str, str, tuple[float, ...]]


@dataclass(frozen=True)
class Seen:
    """How far it is, one line each: segments, rounds, the machines that have scored, workers lost with their nodes.

    Attributes:
        nodes: How many the cluster has now.
        warnings: What the user would be told.
        tables: In the last line: the different tables (segment, model, logits) of the rounds. There should be one.
    """

    segments: int = 0
    rounds: int = 0
    devices: tuple[str, ...] = ()
    lost: int = 0
    lost_with_nodes: int = 0
    nodes: int = 0
    warnings: tuple[str, ...] = ()
    tables: tuple[tuple[Row, ...], ...] = ()
    rejected: tuple[str, ...] = ()


class SlowScorer:
    """Takes its time, and answers with figures of the signal alone: mean, deviation, and the model's name's length."""

    def __init__(self, *_: object) -> None: ...

    def ready(self) -> None: ...

    def logits(self, route: Route, pieces: Sequence[Piece], *signals: Signal) -> Scored:
        time.sleep(_BATCH_S)
        cuts = [signals[piece.signal][piece.start : piece.stop] for piece in pieces]
        rows = [[float(cut.mean()), float(cut.std()), float(len(route.model))] for cut in cuts]
        spec = ModelSpec(route.model, None, route.model * 4, "stub", "categorical", ("a", "b", "c"), 16_000, "", "fp32")
        return Scored(np.array(rows, np.float32), spec, _BATCH_S, _machine())


class Driver:
    """Such a process, as the test that has started it sees it."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process, self._log = process, log
        self.last = Seen()

    def wait(self, there: Callable[[Seen], bool]) -> Seen:
        """Read what it says, until that is so."""
        deadline = time.monotonic() + _PATIENCE_S
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.last = TypeAdapter(Seen).validate_json(line)
            if there(self.last):
                return self.last
            assert time.monotonic() < deadline, self.last
        raise AssertionError(f"the driver ended before that: {self._log.read_text()[-3000:]}")

    def tell(self, what: str) -> None:
        """Say `rest` or `work` to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n".encode())
        self._process.stdin.flush()

    def finish(self) -> Seen:
        """End after this round; what came of all."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self.wait(lambda seen: bool(seen.tables))


def _machine() -> str:
    """This machine's name; of a node that an autoscaler has started, the node's."""
    return os.environ.get(MACHINE) or str(ray.get_runtime_context().get_node_id())


def main(job: Job) -> None:
    cluster.connect(Services(StoreAccess(), None, "", job.address))
    for module in (stubs, sys.modules[__name__]):
        ray.cloudpickle.register_pickle_by_value(module)
    deadline = time.monotonic() + _NODES_S
    while cluster.resources().nodes < job.nodes and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    _score(job)
    cluster.disconnect()


def _score(job: Job) -> None:
    resources = Resources(batch_seconds=4, max_workers=job.workers, num_cpus=2, ready_s=_PATIENCE_S, idle_s=job.idle_s)
    options = PoolOptions(
        media=StoreAccess(),
        routes={"en": Route(model="english"), "ko": Route(model="k")},
        route_ids={"en": "e", "ko": "k", "fallback": "e"},
        resources=resources,
    )
    have = cluster.awake(resources.first_needs, resources.ready_s)
    media = [Medium(f"s3://bucket/{number}/plain-{number % 5 + 1}", "e", 1) for number in range(job.media)]
    ended, working = threading.Event(), threading.Event()
    threading.Thread(target=_listen, args=(ended, working), daemon=True).start()
    rounds: list[list[MediumResult]] = []
    with Pool(
        options,
        derive(resources, cpus=have.cpus, gpus=0, routes=2),
        Cast(stubs.StubReader, stubs.StubListener, SlowScorer),
    ) as pool:
        threading.Thread(target=_say_progress, args=(pool, rounds, ended), daemon=True).start()
        while not (rounds and ended.is_set()):
            rounds.append(pool.score(media))
            working.wait()
        _say(pool, rounds, tuple({_table(results) for results in rounds}))


def _listen(ended: threading.Event, working: threading.Event) -> None:
    working.set()
    for line in sys.stdin:
        _ = working.clear() if line.strip() == "rest" else working.set()
    ended.set()
    working.set()


def _say_progress(pool: Pool, rounds: Sequence[Sequence[MediumResult]], ended: threading.Event) -> None:
    while not ended.is_set():
        _say(pool, rounds)
        time.sleep(_POLL_S)


def _say(pool: Pool, rounds: Sequence[Sequence[MediumResult]], tables: tuple[tuple[Row, ...], ...] = ()) -> None:
    told = pool.description()
    results = [result for each in rounds for result in each] if tables else []
    rejected = tuple(f"{each.reason}: {each.detail}" for result in results for each in result.rejections)
    devices, lost, with_nodes = tuple(told["devices"]), told["lost"], told["lost_with_nodes"]
    nodes, warnings = cluster.resources().nodes, pool.warnings
    seen = Seen(pool.progress.segments, len(rounds), devices, lost, with_nodes, nodes, warnings, tables, rejected)
    print(TypeAdapter(Seen).dump_json(seen).decode(), flush=True)


def _table(results: Sequence[MediumResult]) -> tuple[Row, ...]:
    return tuple((row.segment_id, row.model, row.logits) for result in results for row in result.rows)


if __name__ == "__main__":
    main(TypeAdapter(Job).validate_json(sys.argv[1]))
