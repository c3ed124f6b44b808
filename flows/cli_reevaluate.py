"""`seraph reevaluate`: the current configuration and its rivals on all labels, and what to do about it.

Owns the command, and what a person sees of it; and one look at label files, for the group of commands about labels.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from flows import terminal
from flows.cli_evaluate import Texts, read_aliases
from flows.places import needs, places, results_place, tell_current
from infra.errors import UsageError
from infra.location import SCHEME
from infra.settings import Settings, export

if TYPE_CHECKING:
    from infra.services import Services
    from tasks.reevaluation.request import ReevaluateRequest
    from tasks.reevaluation.result import Reevaluation, Row
    from tasks.watch.request import WatchLabelsRequest

Labels = Annotated[str, typer.Option(help="Where the label files lie: s3://bucket/prefix, or a local folder.")]
Results = Annotated[str | None, typer.Option(help="s3://bucket/prefix; by default the local store.")]
Aliases = Annotated[str | None, typer.Option(help="JSON or YAML file: label word to emotion, or null.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def reevaluate(
    labels: Labels,
    media: Annotated[str, typer.Option(help="Where the labelled media lie: s3://… or a local folder.")],
    results: Results = None,
    config: Annotated[str, typer.Option(help="What is held against the candidates: current, a preset, a file.")] = (
        "current"
    ),
    models: Annotated[
        Texts | None, typer.Option(help="Candidates: folders or hub ids (perhaps @revision), presets, files; several.")
    ] = None,
    tune: Annotated[bool, typer.Option("--tune/--no-tune", help="Tune the decision of the configuration.")] = True,
    promote: Annotated[bool, typer.Option("--promote", help="Make a tuning that says `adopt` current.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Do it again, though nothing changed.")] = False,
    aliases: Aliases = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is simulated.")] = 0,
    json: Json = False,
) -> None:
    """Evaluate and tune again on all labels under a prefix, compare with what is current, and say what to do.

    Does nothing where labels, configuration and candidates are those of the last time.
    """
    request = _request(
        labels=labels, media=media, results=results or "", config=config, models=tuple(models or ()), tune=tune,
        promote=promote, force=force, aliases=read_aliases(aliases), seed=seed,
    )  # fmt: skip
    tell_current((config, *request.models), results)
    document = _through_the_flow(request, results)
    if json:
        terminal.print_json(document)
    else:
        show_reevaluation(document)


def watch(
    labels: Labels,
    results: Results = None,
    settle: Annotated[float, typer.Option(min=0, help="Seconds without a change, before a burst counts as over.")] = (
        120
    ),
    minimum: Annotated[int, typer.Option(min=1, help="Changed labels before it is worth telling.")] = 10,
    aliases: Aliases = None,
    json: Json = False,
) -> None:
    """Look at label files once, and tell Prefect if something new has settled: what `watch-labels` does by itself."""
    services = _services(frozenset({"s3", "prefect"}), (labels,))
    place = results_place(services, results)
    request = _watched(labels, place, settle, minimum, aliases)

    from flows.watch_labels import watch_labels

    document = watch_labels(request)
    if json:
        terminal.print_json(document)
        return
    counts = ", ".join(f"{document[key]} {key}" for key in ("added", "changed", "withdrawn"))
    terminal.out.print(Text(f"{document['status']}: {counts}"))
    for problem in document["problems"]:
        terminal.out.print(Text(f"Problem     {problem}"), style="yellow")


def _request(**values: Any) -> "ReevaluateRequest":
    from tasks.reevaluation.request import ReevaluateRequest

    try:
        return ReevaluateRequest.model_validate(values)
    except ValidationError as error:
        raise UsageError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error


def _watched(labels: str, results: str, settle: float, minimum: int, aliases: str | None) -> "WatchLabelsRequest":
    from tasks.watch.request import WatchLabelsRequest

    place, words = _labels_place(labels), read_aliases(aliases)
    try:
        return WatchLabelsRequest(labels=place, results=results, settle_s=settle, minimum=minimum, aliases=words)
    except ValidationError as error:
        raise UsageError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error


def _through_the_flow(request: "ReevaluateRequest", results: str | None) -> dict[str, Any]:
    services = _services(frozenset({"s3", "prefect"}), (request.labels, request.media))
    media, place = places(services, request.media, results)

    from flows.reevaluate import reevaluate as flow

    # Checked anew: with the results' place known, the labels must not be the results themselves.
    known = {"media": media, "results": place, "labels": _labels_place(request.labels)}
    return flow(_request(**{**request.model_dump(), **known}))


def _services(needed: "frozenset[Any]", addresses: tuple[str, ...]) -> "Services":
    """The services, this process pointed to them; the store of local folders where one of the addresses is one."""
    from infra import stack

    local = next((each for each in addresses if not each.startswith(SCHEME)), addresses[0])
    services = stack.ensure(Settings.from_environment(), need=needs(local, set(needed)), say=terminal.say)
    services.export()
    services.check_prefect()
    # What goes wrong is said once, by `main`; the server keeps the whole log.
    export(PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL="CRITICAL")
    return services


def _labels_place(labels: str) -> str:
    from infra.folders import serve_folder

    if labels.startswith(SCHEME):
        return labels
    return serve_folder(Settings.from_environment(), Path(labels)).uri


def show_reevaluation(document: dict[str, Any]) -> None:
    """What to do, which labels came, every candidate against the current configuration, and where the report is."""
    from tasks.reevaluation.result import Reevaluation

    found = Reevaluation.model_validate({key: value for key, value in document.items() if key != "status"})
    if document["status"] == "unchanged":
        terminal.out.print(Text("Nothing changed since the last re-evaluation, so nothing was done. It said:"))
    for number, advice in enumerate(found.recommendation):
        terminal.out.print(Text(advice.text, style="bold" if number == 0 else ""))
    labels = found.labels
    new = f"{labels.added} added, {labels.changed} changed, {labels.withdrawn} withdrawn"
    terminal.out.print(Text(f"Labels      {labels.said}: {new} since {labels.since or 'the beginning'}"))
    for problem in labels.problems:
        terminal.out.print(Text(f"Problem     {problem}"), style="yellow")
    terminal.out.print(_table(found))
    for label, value in _told(found).items():
        if value:
            terminal.out.print(Text(f"{label:<12}{value}"), soft_wrap=True)


def _told(found: "Reevaluation") -> dict[str, str | None]:
    return {
        "Evaluation": f"{found.evaluation_id}: {found.verdict}",
        "Tuning": f"{found.tuning.tuning_id or '–'}: {found.tuning.reason}",
        "Promotion": found.promoted or found.not_promoted,
        "Inferred": f"{found.inferred}, known from before {found.cached}",
        "Report": found.outputs.report_file or found.outputs.report,
    }


def _table(found: "Reevaluation") -> Table:
    table = Table(title=f"{found.n} segments of {found.sources} media", title_justify="left")
    table.add_column("candidate", overflow="fold")
    for name in ("accuracy", "less the current, 95 %"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for row in found.candidates:
        table.add_row(*map(Text, _cells(row, current=row.model == found.current)))
    return table


def _cells(row: "Row", *, current: bool) -> tuple[str, str, str, str]:
    if row.status != "ok":
        return row.model, "–", "–", f"{row.status}: {row.reason}"
    accuracy = "–" if row.accuracy is None else f"{row.accuracy:.3f}"
    against = row.against
    if against is None:
        return row.model, accuracy, "–", "current" if current else "–"
    interval = f" [{against.ci.low:+.3f}, {against.ci.high:+.3f}]" if against.ci else ""
    return row.model, accuracy, f"{against.difference:+.3f}{interval}", against.verdict
