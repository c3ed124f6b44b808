"""What `seraph bench` prints on a terminal: the figures of each subject, and where they are stored."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from flows.terminal import out

if TYPE_CHECKING:
    from tasks.bench.batch_findings import BatchesResult
    from tasks.bench.findings import GrowthResult, NodesResult, PipelineResult, PlanningResult, RayDataResult
    from tasks.bench.result import BenchResult, Machine


def show_bench(result: "BenchResult", file: Path) -> None:
    """The figures of a benchmark, and what each stage of the whole road costs."""
    options, best, speed = result.options, result.best, result.realtime_factor
    model = f"wav2vec2 {options.preset}, {result.precision}, {result.threads} threads"
    title = f"{model}: {result.audio_seconds:.0f} s of speech"
    table = Table("", "seconds", "× real time", "ratio", title=title, title_justify="left")
    table.add_row("plain loop", f"{best.loop:.2f}", f"{speed['loop']:.1f}", "1")
    table.add_row("from memory to rows", f"{best.memory:.2f}", f"{speed['memory']:.1f}", f"{result.ratio:.3f}")
    table.add_row("the whole road", f"{best.road:.2f}", f"{speed['road']:.1f}", f"{result.ratio_road:.3f}")
    out.print(table)
    stages = Table("stage", "CPU s per hour of media", "share", title="The whole road by stage", title_justify="left")
    for name, stage in result.stages.items():
        stages.add_row(name, f"{stage.cpu_s_per_audio_hour:.1f}", f"{stage.share:.1%}")
    out.print(stages)
    out.print(Text(f"Memory      {result.peak_mb:.0f} MB at most: " + _peaks(result.peak_mb_by)))
    _end(result.machine, file)


def show_pipeline(result: "PipelineResult", file: Path) -> None:
    """Each side's speed, and how many times faster ours are."""
    options, against, speed = result.options, result.ratio_pipeline, result.realtime_factor
    title = f"wav2vec2 {options.preset}: {result.audio_seconds:.0f} s of speech, {result.threads} threads"
    rows = [
        ("pipeline, one at a time, fp32", "pipeline_one", None),
        ("pipeline, its best batches, fp32", "pipeline", 1.0),
        (f"our model, fed from memory, {result.precision}", "fed", against.model),
        ("from memory to rows", "memory", against.memory),
        ("the whole road", "road", against.road),
    ]
    cells = ((name, f"{result.best[key]:.2f}", f"{speed[key]:.1f}", _times(ratio)) for name, key, ratio in rows)
    _table(("", "seconds", "× real time", "× pipeline"), cells, title)
    tried = (f"{each.dtype}/{each.batch_size} {each.best:.2f} s" for each in result.variants)
    out.print(Text(f"Pipeline    {', '.join(tried)}"))
    out.print(Text(f"Difference  {result.difference:.4f} between posteriors, at most"))
    _end(result.machine, file)


def show_batches(result: "BatchesResult", file: Path) -> None:
    """Speed and memory by the size of batches, and which size is best."""
    rows = (
        (
            str(each.batch_s),
            f"{each.batches:,}",
            f"{each.padding:.1%}",
            "out of memory" if each.realtime_factor is None else f"{each.realtime_factor:.1f}",
            "–" if each.peak_mb is None else f"{each.peak_mb:,.0f}",
        )
        for each in result.budgets
    )
    title = f"wav2vec2 {result.options.preset}, {result.precision}: {result.audio_seconds:.0f} s of noise"
    _table(("seconds in a batch", "batches", "padding", "× real time", "GPU's peak, MB"), rows, title)
    told = "memory sufficed for none" if result.best is None else f"resources: {{batch_seconds: {result.best}}}"
    out.print(Text(f"Best        {told}"))
    _end(result.machine, file)


def show_ray_data(result: "RayDataResult", file: Path) -> None:
    """Both sides, with starting up and without."""
    rows = [
        ("the pool", f"{min(result.pool_s):.2f}", f"{min(result.pool_started_s):.2f}"),
        *(
            (f"Ray Data, batches of {cold.batch_size}", f"{cold.best:.2f}", f"{warm.best:.2f}")
            for cold, warm in zip(result.variants, result.variants_started, strict=True)
        ),
        ("Ray Data over the pool", f"{result.ratio:.3f}", f"{result.ratio_started:.3f}"),
    ]
    title = f"wav2vec2 {result.options.preset}: {result.audio_seconds:.0f} s of speech"
    _table(("", "seconds, with start-up", "once started"), rows, title)
    _end(result.machine, file)


def show_nodes(result: "NodesResult", file: Path) -> None:
    """Segments a second by number of nodes."""
    rows = (
        (str(each.nodes), f"{each.segments_per_s:.2f}", f"{result.efficiency[each.nodes]:.1%}")
        for each in result.scales
    )
    kind = "workers that sleep as long as the model takes" if result.worker == "sleep" else "real models"
    title = f"{kind}, on {result.cores} real cores"
    _table(("nodes", "segments a second", "efficiency"), rows, title)
    _end(result.machine, file)


def show_growth(result: "GrowthResult", file: Path) -> None:
    """Memory and time by size, and whether they are flat."""
    rows = (
        (f"{each.segments:,}", f"{each.ms_per_segment:.2f}", f"{each.peak_mb:.0f}", f"{each.seconds:.0f}")
        for each in result.sizes
    )
    _table(("segments", "ms a segment", "driver's peak, MB", "seconds"), rows, "Workers that do nothing")
    verdict = {True: "flat", False: "not flat", None: "one size says nothing of growth"}[result.flat]
    out.print(Text(f"Growth      {result.growth_mb:+.0f} MB, {result.spread:.0%} in time a segment: {verdict}"))
    _end(result.machine, file)


def show_planning(result: "PlanningResult", file: Path) -> None:
    """How long planning took, and what came out."""
    options = result.options
    rows = ((f"from the {name}", f"{seconds:.1f}") for name, seconds in result.seconds.items())
    _table(("", "seconds"), rows, f"{options.objects:,} objects, {options.done:,} of them done")
    out.print(Text(f"To do       {result.todo:,} media in {result.shards:,} shards"))
    out.print(Text(f"Memory      {result.peak_mb:.0f} MB at most, {result.start_mb:.0f} before"))
    _end(result.machine, file)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], title: str) -> None:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(head):
        table.add_column(name, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}"


def _end(machine: "Machine", file: Path) -> None:
    out.print(Text(f"Machine     {machine.gpu or machine.cpu}, {machine.cores} cores, load before {machine.load}"))
    out.print(Text(f"Stored in   {file}"))


def _peaks(by_kind: Mapping[str, float]) -> str:
    return ", ".join(f"{kind.replace('_', ' ')} {peak:.0f}" for kind, peak in by_kind.items())
