"""`seraph bench`: what the pool costs, what it wins, and how it grows. One subject a command, with its own options."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from flows import terminal, terminal_bench
from infra.errors import UsageError
from infra.settings import Settings

app = typer.Typer(
    help="Measure how much of the model's own speed is left once everything around it is added; or a subject below.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Preset = Annotated[str, typer.Option(help="Which wav2vec2, with random weights: tiny, base or large.")]
Repetitions = Annotated[int, typer.Option(min=1, help="How often each side runs; the best counts.")]
Minutes = Annotated[float | None, typer.Option(min=0.5, help="Audio to generate; the preset decides.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
BatchSizes = Annotated[str, typer.Option(help="Batch sizes of the other side, as in 1,4,16; its best counts.")]
Into = Annotated[Path | None, typer.Option(help="Keep the result in this folder, too, named by subject and machine.")]


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    preset: Preset = "base",
    repetitions: Repetitions = 3,
    minutes: Minutes = None,
    precision: Precision = "auto",
    into: Into = None,
    json: Json = False,
) -> None:
    """Measure how much of the model's own speed is left once everything around it is added; or a subject below."""
    if context.invoked_subcommand:
        _refuse_options_before(context)
        return
    from tasks.bench.measure import run_bench
    from tasks.bench.result import bench_options

    options = bench_options(preset=preset, repetitions=repetitions, minutes=minutes, precision=precision)
    _shown(run_bench, options, terminal_bench.show_bench, into, json=json)


@app.command()
def pipeline(
    preset: Preset = "base",
    repetitions: Repetitions = 2,
    minutes: Minutes = None,
    precision: Precision = "auto",
    batch_sizes: BatchSizes = "1,2,4,8,16",
    into: Into = None,
    json: Json = False,
) -> None:
    """Against the transformers pipeline on the same segments: one at a time, and with its own batching."""
    from tasks.bench.against_pipeline import run_against_pipeline
    from tasks.bench.findings import PipelineOptions
    from tasks.bench.result import options_of

    options = options_of(
        PipelineOptions, preset=preset, repetitions=repetitions, minutes=minutes, precision=precision,
        batch_sizes=_numbers("--batch-sizes", batch_sizes),
    )  # fmt: skip
    _shown(run_against_pipeline, options, terminal_bench.show_pipeline, into, json=json)


@app.command()
def batches(
    preset: Preset = "base",
    seconds: Annotated[str | None, typer.Option(help="Padded seconds in a batch, in turn; the device decides.")] = None,
    repetitions: Repetitions = 2,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Audio in a pass; the device decides.")] = None,
    precision: Precision = "auto",
    into: Into = None,
    json: Json = False,
) -> None:
    """How fast the model alone is by the size of its batches: what resources.batch_seconds should be here."""
    from tasks.bench.batch_findings import BatchesOptions
    from tasks.bench.batches import run_batches
    from tasks.bench.result import options_of

    options = options_of(
        BatchesOptions, preset=preset, repetitions=repetitions, minutes=minutes, precision=precision,
        seconds=None if seconds is None else _numbers("--seconds", seconds),
    )  # fmt: skip
    _shown(run_batches, options, terminal_bench.show_batches, into, json=json)


@app.command("ray-data")
def ray_data(
    preset: Preset = "base",
    repetitions: Repetitions = 2,
    minutes: Minutes = None,
    precision: Precision = "auto",
    batch_sizes: BatchSizes = "4,8,16",
    into: Into = None,
    json: Json = False,
) -> None:
    """Against Ray Data on the same segments: map_batches with an actor class."""
    from tasks.bench.findings import RayDataOptions
    from tasks.bench.ray_data import run_against_ray_data
    from tasks.bench.result import options_of

    options = options_of(
        RayDataOptions, preset=preset, repetitions=repetitions, minutes=minutes, precision=precision,
        batch_sizes=_numbers("--batch-sizes", batch_sizes),
    )  # fmt: skip
    _shown(run_against_ray_data, options, terminal_bench.show_ray_data, into, json=json)


@app.command()
def nodes(
    nodes: Annotated[str, typer.Option(help="Numbers of Ray nodes with one CPU each.")] = "1,2,4",
    seconds: Annotated[float, typer.Option(help="How long the work takes one worker, about.")] = 80.0,
    preset: Preset = "base",
    precision: Precision = "auto",
    worker: Annotated[str, typer.Option(help="model, sleep (as long as the model would take), or auto.")] = "auto",
    into: Into = None,
    json: Json = False,
) -> None:
    """How the pool scales over several Ray nodes on this machine."""
    from tasks.bench.findings import NodesOptions
    from tasks.bench.nodes import run_nodes
    from tasks.bench.result import options_of

    options = options_of(
        NodesOptions, nodes=_numbers("--nodes", nodes), seconds=seconds, preset=preset, precision=precision,
        worker=worker,
    )  # fmt: skip
    _shown(run_nodes, options, terminal_bench.show_nodes, into, json=json)


@app.command()
def growth(
    segments: Annotated[str, typer.Option(help="Sizes of the corpus, in turn.")] = "10000,100000",
    per_medium: Annotated[int, typer.Option(min=1, help="Segments in each medium.")] = 100,
    into: Into = None,
    json: Json = False,
) -> None:
    """How the driver's memory and time grow with the corpus, with workers that do nothing."""
    from tasks.bench.findings import GrowthOptions
    from tasks.bench.growth import run_growth
    from tasks.bench.result import options_of

    options = options_of(GrowthOptions, segments=_numbers("--segments", segments), per_medium=per_medium)
    _shown(run_growth, options, terminal_bench.show_growth, into, json=json)


@app.command()
def planning(
    objects: Annotated[int, typer.Option(min=1, help="Objects in the listing.")] = 1_000_000,
    done: Annotated[int, typer.Option(min=0, help="How many of them are committed.")] = 990_000,
    into: Into = None,
    json: Json = False,
) -> None:
    """How long planning takes where most of a large listing is done."""
    from tasks.bench.findings import PlanningOptions
    from tasks.bench.planning import run_planning
    from tasks.bench.result import options_of

    options = options_of(PlanningOptions, objects=objects, done=done)
    _shown(run_planning, options, terminal_bench.show_planning, into, json=json)


@app.command()
def page(
    folder: Annotated[Path, typer.Argument(help="Folder with results; the page is written there.")] = Path(
        "benchmarks"
    ),
    json: Json = False,
) -> None:
    """Draw the stored results of a folder on one page, index.html."""
    from tasks.bench.page import write_page

    path = write_page(folder)
    if json:
        terminal.print_json({"page": str(path)})
    else:
        terminal.say(f"written: {path}")


def _shown(run: Callable[..., tuple[Any, Path]], options: Any, show: Any, into: Path | None, *, json: bool) -> None:
    result, path = run(options, Settings.from_environment(), terminal.say)
    if into is not None:
        from tasks.bench.page import keep

        path = keep(result, into)
    if json:
        terminal.print_json(result.model_dump(mode="json"))
    else:
        show(result, path)


def _numbers(option: str, text: str) -> tuple[int, ...]:
    """`1,2,4` as numbers; `1e6` is one, too."""
    try:
        numbers = tuple(int(float(each)) for each in text.split(","))
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: expected whole numbers with commas between, as in 1,2,4") from error
    if min(numbers) < 1:
        raise UsageError(f"{option} {text!r}: expected numbers of 1 or more")
    return numbers


def _refuse_options_before(context: typer.Context) -> None:
    """Options between `bench` and a subject would go unheard."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        raise UsageError(
            f"--{given[0].replace('_', '-')} stands before {context.invoked_subcommand}: put it behind "
            f"(seraph bench {context.invoked_subcommand} --{given[0].replace('_', '-')} …)"
        )
