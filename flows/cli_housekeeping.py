"""`seraph housekeeping`: what of a results store may go, and whether it holds what its records say. No Prefect."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from flows import terminal
from flows.places import results_place
from infra.location import Location
from infra.settings import Settings

if TYPE_CHECKING:
    from tasks.housekeeping import HousekeepingRecord

FAULTS_FOUND = 4
"""Exit status where the store lacks what its records say."""

_MOST_SHOWN = 10


def housekeeping(
    results: Annotated[str | None, typer.Option(help="s3://bucket/prefix; by default the local store.")] = None,
    keep_days: Annotated[float, typer.Option(min=1, help="Runs that nothing refers to go after so many days.")] = 90,
    grace_hours: Annotated[float, typer.Option(min=1, help="Younger files may be a run's at work: they stay.")] = 48,
    keep: Annotated[list[str] | None, typer.Option(help="Id of a run that stays in any case; repeatable.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it. Without this, only say what would be done.")] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Only look for what is missing; with --apply, let it be scored again."),
    ] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Read, hash and count every file that is needed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Tidy a results store: old runs, orphaned files, small files. Media and labels are never touched."""
    from infra import stack
    from infra.storage import Store
    from tasks.housekeeping import Limits, keep_house

    services = stack.ensure(Settings.from_environment(), need=frozenset({"s3"}), say=terminal.say)
    place = results_place(services, results)
    record = keep_house(
        Store(services.access_for(place)),
        Location.parse(place),
        Limits(datetime.now(UTC), keep_days, grace_hours),
        keep=tuple(keep or ()),
        apply=apply,
        deep=deep,
        verify_only=verify,
    )
    if json:
        terminal.print_json(record.model_dump(mode="json"))
    else:
        show_housekeeping(record, verify=verify)
    if record.faults:
        raise typer.Exit(FAULTS_FOUND)


def show_housekeeping(record: "HousekeepingRecord", *, verify: bool = False) -> None:
    """What goes and why, what is merged, and what is wrong."""
    if not verify:
        terminal.out.print(_table(record))
    for fault in record.faults[:_MOST_SHOWN]:
        concerned = f" ({fault.media_count} media, the first {fault.media[0]})" if fault.media else ""
        terminal.out.print(Text(f"Fault       {fault.what}{concerned}. {fault.remedy}"), style="red")
    if len(record.faults) > _MOST_SHOWN:
        terminal.out.print(Text(f"            … and {len(record.faults) - _MOST_SHOWN} more faults, in the record"))
    if not record.faults:
        terminal.out.print(Text("The store holds what its records say."))
    if record.reopened:
        terminal.out.print(Text(f"{record.reopened} media are marked: the next `seraph score` hears them again."))
    for line in record.warnings:
        terminal.out.print(Text(f"Note        {line}"), style="yellow")
    terminal.out.print(Text(f"Record      {record.output}"))
    if not record.applied and not verify and (record.totals or record.compactions):
        terminal.out.print(Text("Nothing was changed. To do it: --apply"))


def _table(record: "HousekeepingRecord") -> Table:
    table = Table(title="Done" if record.applied else "What would be done", title_justify="left")
    for name in ("what", "files", "MB"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for each in record.totals:
        table.add_row(f"removed: {each.reason}", str(each.files), f"{each.size / 1e6:.1f}")
    merged = sum(len(each.stems) for each in record.compactions)
    size = sum(each.size for each in record.compactions)
    table.add_row(f"small shards merged into {len(record.compactions)}", str(merged), f"{size / 1e6:.1f}")
    table.add_row("unfinished uploads given up", str(len(record.uploads)), "")
    return table
