"""Results of benchmarks with figures that are easy to check by head."""

from typing import Any

from tasks.bench.batch_findings import BatchesOptions, BatchesResult, Budget, best_of
from tasks.bench.findings import (
    Against,
    GrowthOptions,
    GrowthResult,
    NodesOptions,
    NodesResult,
    PipelineOptions,
    PipelineResult,
    PlanningOptions,
    PlanningResult,
    RayDataOptions,
    RayDataResult,
    Scale,
    Size,
    Variant,
)
from tasks.bench.result import BenchOptions, BenchResult, Machine, Seconds

MACHINE = Machine(
    cpu="A CPU", cores=2, memory_gb=8.0, instructions=("amx_bf16",), gpu=None, torch="2", python="3.11", load=0.1
)
HEAD: dict[str, Any] = {
    "started": "2026-11-22T10:00:00+00:00",
    "command": "seraph bench it",
    "machine": MACHINE,
    "versions": {"torch": "2"},
    "code_version": "0.1.0",
    "lock_sha256": None,
}


def pool_result(**changes: Any) -> BenchResult:
    """Memory as fast as the loop, the road at half its speed."""
    known = {key: value for key, value in HEAD.items() if key not in ("command", "versions")}
    values: dict[str, Any] = {
        "options": BenchOptions(), "ratio": 1.0, "ratio_road": 0.5, "best": Seconds(10.0, 10.0, 20.0),
        "realtime_factor": {"loop": 10.0, "memory": 10.0, "road": 5.0}, "repetitions": (), "loop_cpu_s": 1.0,
        "stages": {}, "stages_memory": {}, "media": 1, "media_seconds": 150.0, "segments": 20, "audio_seconds": 100.0,
        "precision": "bf16", "device": "cpu", "threads": 2, "batch_seconds": 30.0, "peak_mb": 1234.0,
        "peak_mb_by": {}, **known, **changes,
    }  # fmt: skip
    return BenchResult(**values)


def pipeline_result(**changes: Any) -> PipelineResult:
    """The pipeline takes 30 s one at a time and 20 s at best; ours 8, 10 and 16 s."""
    values: dict[str, Any] = {
        "options": PipelineOptions(preset="large"), "ratio_pipeline": Against(model=2.5, memory=2.0, road=1.25),
        "ratio_pipeline_any": Against(model=2.5, memory=2.0, road=1.25), "ratio_fed": {"memory": 0.8, "road": 0.5},
        "best": {"pipeline": 20.0, "pipeline_one": 30.0, "fed": 8.0, "memory": 10.0, "road": 16.0},
        "realtime_factor": {"pipeline": 5.0, "pipeline_one": 3.3, "fed": 12.5, "memory": 10.0, "road": 6.25},
        "variants": (Variant(dtype="fp32", batch_size=1, seconds=(30.0,)),), "rounds": (), "difference": 0.0123,
        "segments": 20, "audio_seconds": 100.0, "media_seconds": 150.0, "precision": "bf16", "device": "cpu",
        "threads": 2, "batch_seconds": 30.0, **HEAD, **changes,
    }  # fmt: skip
    return PipelineResult(**values)


def batches_result(*budgets: Budget, **changes: Any) -> BatchesResult:
    """Of these sizes, or of two, the larger of which is best."""
    found = budgets or (budget(80, 1000.0), budget(160, 1500.0))
    values: dict[str, Any] = {
        "options": BatchesOptions(preset="large"), "budgets": found, "best": best_of(found), "segments": 20,
        "audio_seconds": 100.0, "precision": "bf16", "device": "a GPU", "threads": 1, "at_once": 2, **HEAD, **changes,
    }  # fmt: skip
    return BatchesResult(**values)


def ray_data_result(**changes: Any) -> RayDataResult:
    """Ray Data takes 30 s, the pool 20."""
    tried = (Variant(dtype="bf16", batch_size=8, seconds=(30.0,)),)
    values: dict[str, Any] = {
        "options": RayDataOptions(), "ratio": 1.5, "ratio_started": 1.0, "pool_s": (20.0,), "pool_started_s": (15.0,),
        "variants": tried, "variants_started": tried, "difference": 0.0, "segments": 20, "audio_seconds": 60.0,
        "precision": "bf16", "device": "cpu", "threads": 2, **HEAD, **changes,
    }  # fmt: skip
    return RayDataResult(**values)


def nodes_result(**changes: Any) -> NodesResult:
    """Two nodes with nine tenths of twice the speed."""
    scales = (scale(1, 10.0), scale(2, 18.0))
    values: dict[str, Any] = {
        "options": NodesOptions(), "worker": "sleep", "cores": 2, "scales": scales, "efficiency": {1: 1.0, 2: 0.9},
        "model_realtime_factor": 14.0, **HEAD, **changes,
    }  # fmt: skip
    return NodesResult(**values)


def growth_result(*sizes: Size, **changes: Any) -> GrowthResult:
    """Of these sizes, or of two."""
    found = sizes or (size(10_000, peak_mb=500.0), size(100_000, peak_mb=550.0))
    values: dict[str, Any] = {
        "options": GrowthOptions(), "sizes": found, "growth_mb": 50.0, "spread": 0.0, "flat": True, **HEAD, **changes,
    }  # fmt: skip
    return GrowthResult(**values)


def planning_result(**changes: Any) -> PlanningResult:
    """40 s and 30 s."""
    values: dict[str, Any] = {
        "options": PlanningOptions(), "seconds": {"commits": 40.0, "index": 30.0}, "cpu_s": {}, "start_mb": 300.0,
        "peak_mb": 2345.0, "todo": 10_000, "skipped": 990_000, "shards": 20, **HEAD, **changes,
    }  # fmt: skip
    return PlanningResult(**values)


def budget(batch_s: int, speed: float | None, peak_mb: float | None = 5432.0) -> Budget:
    """One size of batches at a speed, or where memory ran out."""
    return Budget(
        batch_s=batch_s, batches=2, padding=0.05, seconds=() if speed is None else (100 / speed,),
        realtime_factor=speed, peak_mb=peak_mb,
    )  # fmt: skip


def scale(nodes: int, rate: float) -> Scale:
    """So many nodes, at so many segments a second."""
    return Scale.of(nodes, workers=nodes, segments=360, seconds=360 / rate)


def size(segments: int, *, ms: float = 2.0, peak_mb: float = 500.0) -> Size:
    """A corpus, at so many milliseconds for a segment."""
    return Size(
        segments=segments, media=segments // 100, shards=1, seconds=segments * ms / 1000, finish_s=1.0,
        ms_per_segment=ms, cpu_ms_per_segment=ms, stages={}, start_mb=300.0, peak_mb=peak_mb,
    )  # fmt: skip
