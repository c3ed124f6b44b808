"""A driver for tests on several machines: `python -m tests.support.drive_pool JOB`, JOB a `Job` as JSON.

Scores made-up media with stand-ins on a real cluster, and says on stdout how far it is and what came of it.
"""

import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

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
_BATCH_S = 0.2

MACHINE = "SERAPH_TEST_MACHINE"
"""Variable that tells a node's workers which machine they are on."""


@dataclass(frozen=True)
class Job:
    """What a driver does: score the same media again and again, until its input ends.

    Attributes:
        address: Of the cluster. `nodes`: how many it must have before the work begins.
        media: How many, of one to five segments.
        workers: Scoring workers at most, two CPUs each.
    """

    address: str
    nodes: int
    media: int
    workers: int


Row = tuple[str, str, tuple[float, ...]]


@dataclass(frozen=True)
class Seen:
    """How far it is, one line each: segments, rounds, the machines that have scored, workers lost with their nodes."""

    segments: int = 0
    rounds: int = 0
    devices: tuple[str, ...] = ()
    lost: int = 0
    lost_with_nodes: int = 0
    tables: tuple[tuple[Row, ...], ...] = ()
    """In the last line: the different tables (segment, model, logits) that the rounds gave. There should be one."""
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
        return Scored(np.array(rows, np.float32), spec, _BATCH_S, os.environ[MACHINE])


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
    resources = Resources(batch_seconds=4, max_workers=job.workers, num_cpus=2, ready_s=30)
    options = PoolOptions(
        media=StoreAccess(),
        routes={"en": Route(model="english"), "ko": Route(model="k")},
        route_ids={"en": "e", "ko": "k", "fallback": "e"},
        resources=resources,
    )
    have = cluster.resources()
    media = [Medium(f"s3://bucket/{number}/plain-{number % 5 + 1}", "e", 1) for number in range(job.media)]
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    rounds: list[list[MediumResult]] = []
    with Pool(
        options,
        derive(resources, cpus=have.cpus, gpus=0, routes=2),
        Cast(stubs.StubReader, stubs.StubListener, SlowScorer),
    ) as pool:
        threading.Thread(target=_say_progress, args=(pool, rounds, ended), daemon=True).start()
        while not (rounds and ended.is_set()):
            rounds.append(pool.score(media))
        _say(pool, rounds, tuple({_table(results) for results in rounds}))


def _say_progress(pool: Pool, rounds: Sequence[Sequence[MediumResult]], ended: threading.Event) -> None:
    while not ended.is_set():
        _say(pool, rounds)
        time.sleep(_POLL_S)


def _say(pool: Pool, rounds: Sequence[Sequence[MediumResult]], tables: tuple[tuple[Row, ...], ...] = ()) -> None:
    told = pool.description()
    results = [result for each in rounds for result in each] if tables else []
    rejected = tuple(f"{each.reason}: {each.detail}" for result in results for each in result.rejections)
    devices, lost, with_nodes = tuple(told["devices"]), told["lost"], told["lost_with_nodes"]
    seen = Seen(pool.progress.segments, len(rounds), devices, lost, with_nodes, tables, rejected)
    print(TypeAdapter(Seen).dump_json(seen).decode(), flush=True)


def _table(results: Sequence[MediumResult]) -> tuple[Row, ...]:
    return tuple((row.segment_id, row.model, row.logits) for result in results for row in result.rows)


if __name__ == "__main__":
    main(TypeAdapter(Job).validate_json(sys.argv[1]))
