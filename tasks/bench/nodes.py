"""The subject `nodes`: the same work on 1, 2, 4 … Ray nodes of one CPU each, all on this machine.

Where the machine has fewer cores than nodes, workers sleep as long as the model would take: then the figures say how
the pool scales, and nothing of the machine. Each number of nodes has a cluster and a driver process of its own.
"""

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import numpy as np

from actors.contract import SAMPLING_RATE, Language, Medium, Reading, Signal, Span
from actors.options import Resources, Route
from actors.pool import Cast, Pool
from actors.road import PoolOptions
from actors.sizing import derive
from infra import cluster
from infra.errors import RayError
from infra.parts import new_secret, ray_variables
from infra.services import Services
from infra.settings import TELEMETRY_OFF, Settings, StoreAccess, export
from tasks.bench.arithmetic import command_of, efficiency_of, versions
from tasks.bench.findings import NodesOptions, NodesResult, Scale
from tasks.bench.loop import load_fed
from tasks.bench.place import LANGUAGE, Say, stored
from tasks.bench.prepare import Materials, prepare
from tasks.bench.result import BenchOptions
from tasks.bench.sides import Side
from tasks.bench.stubs import SleepingScorer, StubListener, StubReader, sleeping_route
from tasks.records.run import code_version, lock_sha256

_TRIAL_MINUTES = 0.5
_MEDIUM_S = 120.0
_SEGMENT_S = 5.0
_BATCH_S = 30.0  # of speech: as in every run on a CPU
_PATIENCE_S = 120.0
_STORE_BYTES = 200_000_000
"""Of each node: all of the work's signals, several times."""

_Work = list[tuple[Reading, Signal, Language]]


@dataclass(frozen=True)
class _Job:
    """What a driver is to do, and on how many nodes."""

    nodes: int
    route: Route
    asleep: bool
    precision: str
    media: int
    folder: Path


def run_nodes(options: NodesOptions, settings: Settings, say: Say) -> tuple[NodesResult, Path]:
    """Measure, one number of nodes after the other.

    Returns:
        What was found, and the file it was stored in.

    Raises:
        RayError: The nodes do not come up.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with _behind_a_token() as folder:
        made = BenchOptions(
            preset=options.preset, minutes=_TRIAL_MINUTES, precision=options.precision, seed=options.seed
        )
        materials = prepare(folder, made)
        speed = _speed(materials, options)
        asleep = sleeps(options, materials.machine.cores)
        say(f"one worker hears {speed:.1f} s of speech a second; {'asleep' if asleep else 'awake'}")
        media = max(2, round(options.seconds * speed / _MEDIUM_S))
        route = sleeping_route(speed) if asleep else Route(model=str(materials.model))
        scales: list[Scale] = []
        for nodes in options.nodes:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as driver:
                scale = driver.submit(drive, _Job(nodes, route, asleep, options.precision, media, folder)).result()
            scales.append(scale)
            say(f"{nodes} nodes: {scale.segments_per_s:.2f} segments a second")
    result = NodesResult(
        started=started,
        command=command_of("nodes", options),
        machine=materials.machine,
        versions=versions(),
        code_version=code_version(),
        lock_sha256=lock_sha256(),
        options=options,
        worker="sleep" if asleep else "model",
        cores=materials.machine.cores,
        scales=tuple(scales),
        efficiency=efficiency_of(scales),
        model_realtime_factor=speed,
    )
    return result, stored(result, f"nodes-{options.preset}", started, settings.home)


def sleeps(options: NodesOptions, cores: int) -> bool:
    """Whether workers only sleep: where it is asked for, or the cores would not suffice for so many models."""
    return options.worker == "sleep" or (options.worker == "auto" and cores < max(options.nodes))


def drive(job: _Job) -> Scale:
    """One pool over so many nodes, in this process; the better of two passes counts."""
    with _nodes(job.nodes, job.folder) as address:
        cluster.connect(Services(StoreAccess(), None, "", address))
        resources = Resources(min_workers=job.nodes, max_workers=job.nodes, num_cpus=1, num_gpus=0)
        # The reader and the detector have nothing to do here, and must not take a model's place.
        nothing = {"num_cpus": 0.0, "num_gpus": 0.0}
        sizes = replace(derive(resources, cpus=job.nodes, gpus=0, routes=1), reader=nothing, listener=nothing)
        options = PoolOptions(
            StoreAccess(), {LANGUAGE: job.route}, {LANGUAGE: "bench"}, language=None, precision=job.precision,
            resources=resources,
        )  # fmt: skip
        cast = Cast(StubReader, StubListener, SleepingScorer) if job.asleep else None
        with Pool(options, sizes, cast) as pool:
            _wait_for_all(pool, job.nodes)
            work = made_up(job.media)
            seconds = min(_timed(pool, work) for _ in range(2))
            workers = pool.description()["scorers"]
        cluster.disconnect()
    segments = sum(len(reading.spans) for reading, _, _ in work)
    return Scale.of(job.nodes, workers=workers, segments=segments, seconds=seconds)


def made_up(media: int, seconds: float = _MEDIUM_S) -> _Work:
    """Media full of segments of 5 s, of noise."""
    rng = np.random.default_rng(0)
    known = Language(LANGUAGE, 1.0, 1.0, LANGUAGE)
    spans = tuple(Span(start, start + _SEGMENT_S) for start in np.arange(0.0, seconds, _SEGMENT_S).tolist())
    signal = rng.normal(scale=0.1, size=round(seconds * SAMPLING_RATE)).astype(np.float32)
    return [
        (Reading(Medium(f"s3://memory/{number:04}.wav", "0", 0), seconds, spans), signal, known)
        for number in range(media)
    ]


def _timed(pool: Pool, work: _Work) -> float:
    started = perf_counter()
    pool.score_signals(work)
    return perf_counter() - started


def _wait_for_all(pool: Pool, nodes: int) -> None:
    """Until every node has a worker that has scored."""
    deadline = monotonic() + _PATIENCE_S
    while True:
        pool.score_signals(made_up(2 * nodes, 6 * _SEGMENT_S))
        if pool.description()["scorers"] >= nodes:
            pool.score_signals(made_up(4 * nodes, 6 * _SEGMENT_S))
            return
        if monotonic() > deadline:
            raise RayError(f"{nodes} nodes did not give a worker each within {_PATIENCE_S:g} s: is the machine busy?")


def _speed(materials: Materials, options: NodesOptions) -> float:
    """Seconds of speech that a worker's model hears in a second, on one thread."""
    load = partial(load_fed, materials, options.precision, 1, _BATCH_S)
    with Side("model", load) as model:
        took = min(model.ask(None).took.seconds for _ in range(2))
    return sum(span.duration_s for each in materials.media for span in each.spans) / took


@contextmanager
def _behind_a_token() -> Iterator[Path]:
    """A folder for the clusters; whatever process is started meanwhile has their token before it imports ray."""
    folder = Path(tempfile.mkdtemp(prefix="sb-", dir="/tmp"))  # short by need: sockets lie below it
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(new_secret())
    export(RAY_ADDRESS=None, RAY_AUTH_TOKEN=None, **TELEMETRY_OFF, **ray_variables(token))
    export(RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="1")  # several nodes are several, on Linux, too
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _nodes(number: int, folder: Path) -> Iterator[str]:
    """A cluster of nodes with one CPU each; its address."""
    from ray.cluster_utils import Cluster

    one: dict[str, Any] = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": _STORE_BYTES}
    head = {**one, "include_dashboard": False, "temp_dir": str(folder / str(number))}
    made: Any = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(number - 1):
            made.add_node(**one)
        made.wait_for_nodes()
        yield made.address
    finally:
        made.shutdown()
