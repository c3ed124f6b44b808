"""What the subject `batches` of `seraph bench` is asked, and what it finds."""

from typing import ClassVar, Literal

from pydantic import Field

from actors.options import Options
from tasks.bench.findings import Finding
from tasks.bench.result import Precision, Preset
from tasks.records.parts import Record

ALIKE = 0.02
"""By how much less speed a smaller batch is still as good: it is sooner done, and needs less memory."""


class BatchesOptions(Options):
    """The model alone, by the padded seconds in a batch.

    Attributes:
        preset, precision, seed: The model, and the noise that it hears.
        repetitions: Passes with each size; the best counts.
        seconds: Padded seconds in a batch, in turn; None leaves them to the device.
        minutes: Of audio in a pass; None leaves it to the preset and the device.
    """

    default_minutes: ClassVar[dict[Preset, float]] = {"tiny": 1.0, "base": 4.0, "large": 2.0}
    gpu_minutes: ClassVar[float] = 90.0
    default_seconds: ClassVar[tuple[int, ...]] = (5, 15, 30, 60)
    gpu_seconds: ClassVar[tuple[int, ...]] = (80, 160, 320, 640, 1280)

    preset: Preset = "base"
    precision: Precision = "auto"
    repetitions: int = Field(2, ge=1)
    seconds: tuple[int, ...] | None = Field(None, min_length=1)
    minutes: float | None = Field(None, gt=0)
    seed: int = 0

    def on(self, *, gpu: bool) -> tuple[tuple[int, ...], float]:
        """The sizes of batches and the minutes of audio on such a device."""
        minutes = self.gpu_minutes if gpu else self.default_minutes[self.preset]
        sizes = self.gpu_seconds if gpu else self.default_seconds
        return tuple(sorted(self.seconds or sizes)), self.minutes or minutes


class Budget(Record):
    """What one size of batches gave.

    Attributes:
        batch_s: Padded seconds in a batch at most.
        batches: So many held all segments.
        padding: Share of them that is no signal.
        seconds: Of each pass; none where memory ran out.
        realtime_factor: Of the best pass: seconds of signal in a second.
        peak_mb: Most that torch took of the GPU's memory, in 10⁶ bytes, weights included; None on a CPU.
    """

    batch_s: int
    batches: int
    padding: float
    seconds: tuple[float, ...]
    realtime_factor: float | None
    peak_mb: float | None


class BatchesResult(Finding):
    """Speed of the model alone by the size of its batches.

    Attributes:
        budgets: From small to large; the last one may be where memory ran out.
        best: The smallest that is as fast as the fastest (`ALIKE`): what `resources.batch_seconds` should be here.
        at_once: Batches at work at once, as in a scoring worker: one is prepared while another is computed.
    """

    subject: Literal["batches"] = "batches"
    options: BatchesOptions
    budgets: tuple[Budget, ...]
    best: int | None
    segments: int
    audio_seconds: float
    precision: str
    device: str
    threads: int
    at_once: int


def best_of(budgets: tuple[Budget, ...]) -> int | None:
    """The smallest batches that are as fast as the fastest; None where memory sufficed for none."""
    speeds = {each.batch_s: each.realtime_factor for each in budgets if each.realtime_factor is not None}
    return min((size for size, speed in speeds.items() if speed >= (1 - ALIKE) * max(speeds.values())), default=None)
