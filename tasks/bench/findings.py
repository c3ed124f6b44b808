"""What the other subjects of `seraph bench` are asked, and what they find.

The subject `pool` has its own, older form in tasks/bench/result.py; there are the parts that all share, too. The
arithmetic behind the figures is tasks/bench/arithmetic.py's.
"""

from typing import ClassVar, Literal

from pydantic import Field

from actors.options import Options
from tasks.bench.result import BenchOptions, Machine, Precision, Preset
from tasks.records.parts import Record

Subject = Literal["pool", "batches", "pipeline", "ray-data", "nodes", "growth", "planning"]


class PipelineOptions(BenchOptions):
    """Against the transformers pipeline. `batch_sizes`: of the pipeline; the best of them counts."""

    default_minutes: ClassVar[dict[Preset, float]] = {"tiny": 1.0, "base": 10.0, "large": 4.0}
    gpu_minutes: ClassVar[float] = 180.0
    medium_minutes: ClassVar[float] = 2.0

    repetitions: int = Field(2, ge=1)
    batch_sizes: tuple[int, ...] = Field((1, 2, 4, 8, 16), min_length=1)


class RayDataOptions(BenchOptions):
    """Against Ray Data. `batch_sizes`: of its `map_batches`; the best of them counts."""

    default_minutes: ClassVar[dict[Preset, float]] = {"tiny": 2.0, "base": 10.0, "large": 4.0}
    gpu_minutes: ClassVar[float] = 180.0
    medium_minutes: ClassVar[float] = 2.0

    repetitions: int = Field(2, ge=1)
    batch_sizes: tuple[int, ...] = Field((4, 8, 16), min_length=1)


class NodesOptions(Options):
    """Scaling over local Ray nodes of one CPU each.

    Attributes:
        nodes: How many, in turn; efficiency is over the first.
        seconds: How long the work takes one worker, about.
        preset, precision, seed: The model whose time counts.
        worker: `model`: real models, which needs as many cores as nodes; `sleep`: workers that sleep as long as the
            model would take, so that only the pool's own scaling shows; `auto`: by the machine's cores.
    """

    nodes: tuple[int, ...] = Field((1, 2, 4), min_length=1)
    seconds: float = Field(80.0, gt=0)
    preset: Preset = "base"
    precision: Precision = "auto"
    seed: int = 0
    worker: Literal["auto", "model", "sleep"] = "auto"


class GrowthOptions(Options):
    """The whole run with workers that do nothing. `segments`: sizes, in turn; `per_medium`: segments in each medium."""

    segments: tuple[int, ...] = Field((10_000, 100_000), min_length=1)
    per_medium: int = Field(100, ge=1)


class PlanningOptions(Options):
    """Planning over many objects. `objects` in the listing; `done` of them committed before."""

    objects: int = Field(1_000_000, ge=1)
    done: int = Field(990_000, ge=0)
    per_commit: int = Field(1_000, ge=1)


class Finding(Record):
    """What every result says: when, by which command, on what, with what."""

    version: int = 1
    subject: Subject
    started: str
    command: str
    machine: Machine
    versions: dict[str, str]
    code_version: str
    lock_sha256: str | None


class Variant(Record):
    """The pipeline, or Ray Data, in one of its settings; `seconds` of each pass."""

    dtype: str
    batch_size: int
    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        """Seconds of its best pass."""
        return min(self.seconds)


class Against(Record):
    """How many times faster ours is: the model alone, from memory to committed rows, the whole road."""

    model: float
    memory: float
    road: float

    @classmethod
    def over(cls, theirs_s: float, *, fed_s: float, memory_s: float, road_s: float) -> "Against":
        """Their seconds over ours."""
        return cls(model=theirs_s / fed_s, memory=theirs_s / memory_s, road=theirs_s / road_s)


class PipelineResult(Finding):
    """Our side against `transformers.pipeline("audio-classification")`, on the same segments and the same folder.

    Attributes:
        ratio_pipeline: Against the best batch size in fp32, as the pipeline comes.
        ratio_pipeline_any: Against its best in any of the precisions that were tried (on a GPU also bf16 and fp16).
        ratio_fed: Seconds of the model fed from memory over ours: `memory`, `road`. 1 is the ceiling.
        best: Least seconds of `pipeline`, `pipeline_one` (one at a time), `fed`, `memory`, `road`.
        difference: Greatest between its posteriors, one at a time in fp32, and ours.
        rounds: Seconds of our sides in each repetition.
    """

    subject: Literal["pipeline"] = "pipeline"
    options: PipelineOptions
    ratio_pipeline: Against
    ratio_pipeline_any: Against
    ratio_fed: dict[str, float]
    best: dict[str, float]
    realtime_factor: dict[str, float]
    variants: tuple[Variant, ...]
    rounds: tuple[dict[str, float], ...]
    difference: float
    segments: int
    audio_seconds: float
    media_seconds: float
    precision: str
    device: str
    threads: int
    batch_seconds: float


class RayDataResult(Finding):
    """The same segments through the pool and through Ray Data, from memory to logits in the driver.

    Attributes:
        ratio: Ray Data's seconds over the pool's, both with starting their workers and loading the model.
        ratio_started: The same from the first batch to the last, models loaded.
        pool_s, pool_started_s: Seconds of the pool in each repetition.
        variants, variants_started: Of Ray Data.
    """

    subject: Literal["ray-data"] = "ray-data"
    options: RayDataOptions
    ratio: float
    ratio_started: float
    pool_s: tuple[float, ...]
    pool_started_s: tuple[float, ...]
    variants: tuple[Variant, ...]
    variants_started: tuple[Variant, ...]
    difference: float
    segments: int
    audio_seconds: float
    precision: str
    device: str
    threads: int


class Scale(Record):
    """One number of nodes: segments and seconds of the best pass."""

    nodes: int
    workers: int
    segments: int
    seconds: float
    segments_per_s: float

    @classmethod
    def of(cls, nodes: int, *, workers: int, segments: int, seconds: float) -> "Scale":
        """With the rate that follows."""
        rate = segments / seconds
        return cls(nodes=nodes, workers=workers, segments=segments, seconds=seconds, segments_per_s=rate)


class NodesResult(Finding):
    """Scaling over local Ray nodes.

    Attributes:
        worker: `model` or `sleep` (see `NodesOptions`).
        cores: Real ones, whatever the nodes were told that they have.
        efficiency: By number of nodes: segments a second and node, over those of the first.
        model_realtime_factor: Seconds of speech that one worker's model hears in a second, on one thread.
    """

    subject: Literal["nodes"] = "nodes"
    options: NodesOptions
    worker: Literal["model", "sleep"]
    cores: int
    scales: tuple[Scale, ...]
    efficiency: dict[int, float]
    model_realtime_factor: float


class Size(Record):
    """One size of a corpus.

    Attributes:
        seconds: From the first shard to the stored report; `finish_s` of it is deciding, checking and reporting at the
            end. `ms_per_segment` is all of it for a segment, and `cpu_ms_per_segment` the driver's CPU time.
        stages: Wall time of the driver's threads by stage, summed over shards that ran side by side.
        start_mb, peak_mb: Most memory of the driver in 10⁶ bytes: before the first segment, and in all.
    """

    segments: int
    media: int
    shards: int
    seconds: float
    finish_s: float
    ms_per_segment: float
    cpu_ms_per_segment: float
    stages: dict[str, float]
    start_mb: float
    peak_mb: float


class GrowthResult(Finding):
    """How a run grows with its corpus, everything real but what the workers do.

    Attributes:
        sizes: In the order in which they were run, each in a driver of its own.
        growth_mb: Of the driver's peak, the greatest over the smallest corpus's.
        spread: Of the time for a segment: greatest over least, less 1.
        flat: Whether both are within bounds (see arithmetic.py); None with one size.
    """

    subject: Literal["growth"] = "growth"
    options: GrowthOptions
    sizes: tuple[Size, ...]
    growth_mb: float
    spread: float
    flat: bool | None


class PlanningResult(Finding):
    """Planning over a listing most of which is done.

    Attributes:
        seconds: `commits`: with every commit still to be read; `index`: with the index that the first one wrote.
        cpu_s: CPU seconds of the same.
        peak_mb: Of the process that planned, in 10⁶ bytes; `start_mb`: before it did.
        todo, skipped, shards: What came out.
    """

    subject: Literal["planning"] = "planning"
    options: PlanningOptions
    seconds: dict[str, float]
    cpu_s: dict[str, float]
    start_mb: float
    peak_mb: float
    todo: int
    skipped: int
    shards: int
