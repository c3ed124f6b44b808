"""What a benchmark is asked, and what it found. Stored as `bench/<time>-<preset>.json` under the stack's home.

The keys `ratio`, `ratio_road`, `stages`, `peak_mb` and `machine` are relied upon from outside (`seraph bench --json`).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeVar

from pydantic import Field, ValidationError

from actors.options import Options
from infra.errors import UsageError
from tasks.records.parts import Record

Preset = Literal["tiny", "base", "large"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]

AnyOptions = TypeVar("AnyOptions", bound=Options)

MEDIUM_MINUTES = 10.0
"""Length of the generated media, as the budget has it; a shorter benchmark has one shorter medium."""


class BenchOptions(Options):
    """What to measure.

    Attributes:
        preset: Which published dimensions the models have; `tiny` is a trial of the benchmark, not of a machine.
        repetitions: How often each side runs, by turns. The best of each counts.
        minutes: Generated audio, about 60 % of it speech; None leaves it to the preset and the device.
        precision: As in a run's configuration.
        seed: Of the audio and of the weights.
    """

    default_minutes: ClassVar[dict[Preset, float]] = {"tiny": 2.0, "base": 20.0, "large": 20.0}
    gpu_minutes: ClassVar[float] = 400.0
    medium_minutes: ClassVar[float] = MEDIUM_MINUTES

    preset: Preset = "base"
    repetitions: int = Field(3, ge=1)
    minutes: float | None = Field(None, ge=0.5)
    precision: Precision = "auto"
    seed: int = 0

    def on(self, *, gpu: bool) -> Self:
        """With the minutes that the device needs, where none are given: a GPU is through a CPU's in half a second."""
        if not gpu or self.minutes is not None or self.preset == "tiny":
            return self
        return self.model_copy(update={"minutes": self.gpu_minutes})

    def media_s(self) -> list[float]:
        """Length of each medium in seconds."""
        minutes = self.default_minutes[self.preset] if self.minutes is None else self.minutes
        count = max(1, round(minutes / self.medium_minutes))
        return [60 * minutes / count] * count


def bench_options(**values: object) -> BenchOptions:
    """The options of a benchmark of the pool (see `options_of`)."""
    return options_of(BenchOptions, **values)


def options_of(kind: type[AnyOptions], **values: object) -> AnyOptions:
    """Options from the values of a command line.

    Raises:
        UsageError: One of them is none that a benchmark takes.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(f"--{each['loc'][0]} {each['input']}: {each['msg']}" for each in error.errors())
        raise UsageError(wrong) from error


@dataclass(frozen=True)
class Seconds:
    """Wall time of one repetition, in seconds: the plain loop, the pool from memory, the whole road."""

    loop: float
    memory: float
    road: float


class StageCost(Record):
    """What one stage cost over a repetition.

    Attributes:
        wall_s: Wall time, summed over work that ran side by side; None where nobody times it as such.
        cpu_s: CPU time of the processes that did it.
        share: Of the CPU time of all stages.
        cpu_s_per_audio_hour: CPU seconds for an hour of media, pauses included.
    """

    wall_s: float | None
    cpu_s: float
    share: float
    cpu_s_per_audio_hour: float


class Machine(Record):
    """What it ran on. `load`: the machine's load before the first repetition; far above 0, others were at work."""

    cpu: str
    cores: int
    memory_gb: float
    instructions: tuple[str, ...]
    gpu: str | None
    torch: str
    python: str
    load: float


class BenchResult(Record):
    """What a benchmark found.

    Attributes:
        ratio: Seconds of the plain loop over those from memory to committed rows; 1 means that the pool costs nothing.
        ratio_road: The same with fetching, decoding, speech detection and language added.
        realtime_factor: Seconds of scored speech in a second: `loop`, `memory`, `road`.
        best, repetitions: Seconds of each side: the least, and every one.
        loop_cpu_s: CPU seconds of the loop in its best repetition.
        stages, stages_memory: CPU and wall time by stage in the best repetition of the road, and from memory. `other`
            is what the processes did besides: handing over, waiting at full speed, keeping count.
        peak_mb: Most memory of the driver and the workers together, in 10⁶ bytes; by kind in `peak_mb_by`.
        threads: CPU threads of the model, in the pool as in the loop.
    """

    version: int = 1
    started: str
    options: BenchOptions
    ratio: float
    ratio_road: float
    realtime_factor: dict[str, float]
    best: Seconds
    repetitions: tuple[Seconds, ...]
    loop_cpu_s: float
    stages: dict[str, StageCost]
    stages_memory: dict[str, StageCost]
    media: int
    media_seconds: float
    segments: int
    audio_seconds: float
    precision: str
    device: str
    threads: int
    batch_seconds: float
    peak_mb: float
    peak_mb_by: dict[str, float]
    machine: Machine
    code_version: str
    lock_sha256: str | None
