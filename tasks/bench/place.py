"""Where a benchmark works: the local services, a folder and a bucket of its own, and the run that it times.

What it leaves behind is its result alone, in `bench/` under the stack's home.
"""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from actors.options import LanguageOptions, Resources, Route
from infra import cluster
from infra.location import Location
from infra.services import Services
from infra.settings import Settings
from infra.stack import Need, ensure
from infra.storage import Store
from tasks.bench.prepare import Materials, Models, gpu_here
from tasks.bench.result import Machine, Precision
from tasks.config.scoring import ScoreConfig
from tasks.records.parts import Record
from tasks.records.run import new_run_id
from tasks.run import Run, open_run

BUCKET = "bench"
LANGUAGE = "en"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where a benchmark keeps its things, until it is over."""

    folder: Path
    bucket: Location
    store: Store
    services: Services


@contextmanager
def workplace(settings: Settings, say: Say, *, need: Iterable[Need] = ("s3", "ray")) -> Iterator[Place]:
    """The local store, wherever results go otherwise, and Ray where it is needed; everything is cleared away after.

    Raises:
        StoreError, RayError: A service cannot be reached.
    """
    services = _services(settings, frozenset(need), say)
    name = new_run_id()
    place = Place(settings.home / "bench" / name, Location(BUCKET, name), Store(services.store), services)
    place.folder.mkdir(parents=True)
    place.store.ensure_bucket(BUCKET)
    try:
        yield place
    finally:
        shutil.rmtree(place.folder)
        place.store.delete([each.uri for each in place.store.list(place.bucket)])


def bench_config(models: Models, precision: Precision, resources: Resources) -> ScoreConfig:
    """One language, one model; a random Whisper has no idea, so whatever it says is taken for that language."""
    return ScoreConfig(
        name="bench",
        routes={LANGUAGE: Route(model=str(models.model))},
        precision=precision,
        language=LanguageOptions(model=str(models.whisper), min_confidence=0, unrouted_mass=1),
        resources=resources,
    )


def opened(place: Place, materials: Materials, precision: Precision) -> Run:
    """Put the media into the store, and open a run over them."""
    for folder, media in (("media", materials.media), ("warm", (materials.warm,))):
        for each in media:
            place.store.put_file(place.bucket.join(folder, each.medium.name).uri, each.medium, "audio/mpeg")
    # One model in the pool, as on the other sides; it gets all the threads, and they as many.
    config = bench_config(materials, precision, Resources(max_workers=1))
    return open_run(place.bucket.join("media").uri, place.bucket.join("results").uri, config, place.services)


def on_gpu() -> bool:
    """Whether both the cluster and this machine have a GPU: one side of a benchmark works in each."""
    return cluster.resources().gpus >= 1 and gpu_here()


def stored(result: Record, name: str, started: str, home: Path) -> Path:
    """Write a result under the stack's home, named by when it was measured and what."""
    path = home / "bench" / f"{datetime.fromisoformat(started):%Y%m%dT%H%M%S}-{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return path


def machine_name(machine: Machine) -> str:
    """A machine in the name of a file: `h200`, or `2-cores-amx`."""
    if machine.gpu:
        return re.sub(r"[^a-z0-9]+", "-", machine.gpu.lower().replace("nvidia", "")).strip("-")
    amx = "-amx" if "amx_bf16" in machine.instructions else ""
    return f"{machine.cores}-core{'s' if machine.cores != 1 else ''}{amx}"


def _services(settings: Settings, need: frozenset[Need], say: Say) -> Services:
    """A benchmark leaves nothing in anybody's bucket."""
    services = ensure(settings, need=need | {"folders"}, say=say)
    assert services.local_store is not None
    services = replace(services, store=services.local_store)
    services.export()
    if "ray" in need:
        cluster.connect(services)
    return services
