"""`seraph runs`: the runs of a results store, one of them, or two side by side.

Owns the commands, their JSON and what a person sees of them; the reading is tasks/runs/history.py's part.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from flows import terminal
from flows.places import results_shelf
from infra.location import SCHEME

if TYPE_CHECKING:
    from tasks.config.operations import Price
    from tasks.records.run import RunRecord
    from tasks.runs.comparison import Change, RunComparison
    from tasks.runs.history import History, Runs

app = typer.Typer(help="The runs of a results store: list them, show one, compare two.", no_args_is_help=True)

Results = Annotated[str | None, typer.Option(help="s3://bucket/prefix; by default the local store.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
GpuHour = Annotated[float | None, typer.Option(min=0, help="Price of a GPU for an hour.")]
CpuHour = Annotated[float | None, typer.Option(min=0, help="Price of a CPU core for an hour.")]
Currency = Annotated[str, typer.Option(help="What prices are in.")]

_MOST_CHANGES = 12


@app.command("list")
def list_runs(
    results: Results = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    json: Json = False,
) -> None:
    """List runs, the newest first: what each scored, how fast, and its alarms."""
    found = _history(results).newest(limit)
    if json:
        terminal.print_json(
            {
                "runs": [_brief(each) for each in found.records],
                "unreadable": [vars(each) for each in found.unreadable],
                "more": found.more,
            }
        )
        return
    _show_list(found)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="Its id, the first characters of it, or `latest`.")],
    results: Results = None,
    gpu_hour: GpuHour = None,
    cpu_hour: CpuHour = None,
    currency: Currency = "USD",
    json: Json = False,
) -> None:
    """Show one run: with what it ran, what came of it, and what it cost at a price."""
    from tasks.runs.history import priced

    record = priced(_history(results).get(run), _price(gpu_hour, cpu_hour, currency))
    if json:
        terminal.print_json(record.summary())
        return
    terminal.show_run(record)
    for label, value in _details(record):
        terminal.out.print(Text(f"{label:<12}{value}"), soft_wrap=True)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="The run that is compared with: its id, or `latest`.")],
    second: Annotated[str, typer.Argument(help="The run that is compared.")],
    results: Results = None,
    agreement: Annotated[
        bool, typer.Option(help="Read both runs' scores, and say how often they give a segment the same emotion.")
    ] = True,
    json: Json = False,
) -> None:
    """Compare two runs: what differs, whether their shares differ beyond chance, and what that can be due to."""
    from tasks.runs.agreement import agree
    from tasks.runs.comparison import compare as compared

    shelf = results_shelf(results)
    history = _on(shelf)
    one, other = history.get(first), history.get(second)
    found = compared(one, other)
    if agreement:
        found = found.model_copy(update={"agreement": agree(shelf, one, other)})
    if json:
        terminal.print_json(found.summary())
    else:
        _show_comparison(found)


def _history(results: str | None) -> "History":
    return _on(results_shelf(results))


def _on(shelf: Any) -> "History":
    from tasks.runs.history import History

    return History(shelf)


def _price(gpu_hour: float | None, cpu_hour: float | None, currency: str) -> "Price | None":
    from tasks.config.operations import Price

    if gpu_hour is None and cpu_hour is None:
        return None
    return Price(gpu_hour=gpu_hour or 0, cpu_hour=cpu_hour or 0, currency=currency)


def _brief(record: "RunRecord") -> dict[str, Any]:
    names = {"run_id", "status", "started", "finished", "media_uri", "media", "segments", "audio_seconds",
             "realtime_factor", "code_version", "code_revision", "decision", "fingerprint"}  # fmt: skip
    kinds = dict.fromkeys(alarm.kind for alarm in record.alarms)
    used = record.configuration.model_dump(mode="json", include={"name", "hash"}) if record.configuration else None
    brief = {**record.model_dump(mode="json", include=names), "configuration": used, "alarms": list(kinds)}
    undefined = {name: why for name, why in record.undefined.items() if name in brief}
    return {**brief, "undefined": undefined} if undefined else brief


def _show_list(found: "Runs") -> None:
    if not found.records and not found.unreadable:
        terminal.out.print(Text("There are no runs yet: seraph score makes one."))
        return
    table = Table(title="Runs, the newest first", title_justify="left")
    table.add_column("run", no_wrap=True)
    table.add_column("media", overflow="fold", min_width=10)
    for name in ("scored", "segments", "speed"):
        table.add_column(name, justify="right")
    table.add_column("alarms", overflow="fold", min_width=7)
    for each in found.records:
        kinds = ", ".join(dict.fromkeys(alarm.kind.replace("_", " ") for alarm in each.alarms))
        speed = "–" if each.realtime_factor is None else f"{each.realtime_factor:.1f}"
        counts = (f"{each.media.scored}", f"{each.segments:,}", speed)
        table.add_row(
            Text(each.run_id), Text(each.media_uri.removeprefix(SCHEME)), *counts, Text(kinds, style="yellow")
        )
    terminal.out.print(table)
    for bad in found.unreadable:
        terminal.out.print(Text(f"Left out    {bad.run_id}: {bad.reason} ({bad.address})", style="yellow"))
    if found.more:
        terminal.out.print(Text(f"            {found.more} older ones: --limit shows more"))
    _show_age(found.records)


def _show_age(records: "Sequence[RunRecord]") -> None:
    if records:
        newest = max(datetime.fromisoformat(each.finished) for each in records)
        hours = (datetime.now(UTC) - newest).total_seconds() / 3600
        terminal.out.print(Text(f"Newest      finished {hours:.1f} hours ago"))


def _details(record: "RunRecord") -> "Iterable[tuple[str, str]]":
    """What `terminal.show_run` leaves out."""
    revision = f", commit {record.code_revision[:12]}" if record.code_revision else ""
    yield "Code", f"{record.code_version}{revision}, lock {(record.lock_sha256 or 'unknown')[:12]}"
    for language, spec in record.models.items():
        yield f"Model {language}", f"{spec.source} ({spec.weights_sha256[:12]}, {spec.precision})"
    if record.snapshot:
        size = f"{record.snapshot.media} media, {record.snapshot.bytes / 1e9:.2f} GB"
        yield "Data", f"{size}, snapshot {record.snapshot.sha256[:12]}"
    if record.seeds is not None:
        yield "Seeds", ", ".join(f"{name} {seed}" for name, seed in record.seeds.items()) or "none: nothing is random"
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in record.stages.items())
    yield "Stages", stages or "none"
    if record.spent:
        yield "Held", f"{record.spent.gpu_seconds:.0f} GPU seconds, {record.spent.cpu_seconds:.0f} CPU seconds"
    if cost := record.cost:
        each = cost.per_1000_audio_hours
        per = "" if each is None else f", {each:,.2f} {cost.currency} for 1,000 hours of speech"
        yield "Cost", f"{cost.total:,.4f} {cost.currency}{per}"


def _show_comparison(found: "RunComparison") -> None:
    terminal.out.print(Text(f"{found.first} and {found.second}", style="bold"))
    for cause in found.causes:
        terminal.out.print(Text(cause))
    for title in ("code", "models", "config", "data", "counts", "workers"):
        _show_changes(title, getattr(found, title))
    if found.shares:
        table = Table("", "first", "second", "by chance", "", title="Shares of the segments", title_justify="left")
        for share in found.shares:
            band = f"{share.low:.1%} to {share.high:.1%}"
            mark = Text("beyond chance", style="yellow") if share.verdict != "chance" else Text("")
            table.add_row(Text(share.name), f"{share.first:.1%}", f"{share.second:.1%}", band, mark)
        terminal.out.print(table)
    speed = Table("", "first", "second", "ratio", title="Seconds of speech a second, by stage", title_justify="left")
    for stage in found.speed:
        speed.add_row(Text(stage.stage), *(_decimals(each) for each in (stage.first, stage.second, stage.ratio)))
    terminal.out.print(speed)
    if (same := found.agreement) and same.same is not None:
        terminal.out.print(Text(f"Agreement   {same.same:.1%} of {same.segments:,} segments that both scored"))


def _show_changes(title: str, changes: "Sequence[Change]") -> None:
    if not changes:
        return
    table = Table("", "first", "second", title=title.capitalize(), title_justify="left")
    for each in changes[:_MOST_CHANGES]:
        table.add_row(Text(each.key), *(Text(_written(value)) for value in (each.first, each.second)))
    if len(changes) > _MOST_CHANGES:
        table.add_row(Text(f"… and {len(changes) - _MOST_CHANGES} more (--json shows all)"), "", "")
    terminal.out.print(table)


def _written(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _decimals(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
