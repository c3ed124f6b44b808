"""`seraph labels`: what to label next, segments out to Label Studio and back, and the receiver of its hooks.

Owns the commands and their JSON. The files are tasks/labelling's, the choice is tasks/numerics/queue.py's.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from flows import terminal
from flows.cli_evaluate import Texts, read_aliases
from flows.places import chosen_config, needs, places
from infra.errors import UsageError
from infra.location import Location
from infra.settings import Settings, webhook_secret

if TYPE_CHECKING:
    from infra.services import Services
    from infra.shelf import Shelf
    from tasks.labelling.done import Done
    from tasks.labelling.importing import Imported
    from tasks.labelling.queue import Queue, QueueRequest
    from tasks.run import Run

app = typer.Typer(help="Label tools: what to label next, Label Studio out and in.", no_args_is_help=True)

WEEK_S = 604_800
"""The longest that a signed address may be valid (AWS, Signature Version 4)."""

_MOST_PROBLEMS = 20

_OPTIONS = {
    "wanted": "--segments", "random_share": "--random", "gap_s": "--gap", "seed": "--seed", "where": "--where",
}  # fmt: skip
"""What the fields of a request are called on the command line."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Media = Annotated[str, typer.Option(help="The scored media: s3://bucket/prefix, or a local folder.")]
Results = Annotated[str | None, typer.Option(help="s3://bucket/prefix; by default the local store.")]
Config = Annotated[str, typer.Option(help="Whose scores: current, a preset or a YAML file.")]
Where = Annotated[str | None, typer.Option(help="Filter, for example \"language == 'ko' and duration_s >= 1\".")]
Output = Annotated[Path, typer.Option("--output", "-o", help="File to write.")]
Format = Annotated[str, typer.Option(help="label-studio, jsonl or csv.")]
Audio = Annotated[
    str, typer.Option(help="How Label Studio reads the audio: presigned (an address that expires) or s3 (its own S3).")
]
Expires = Annotated[int, typer.Option(min=1, max=WEEK_S, help="Seconds that presigned addresses are valid.")]
Blind = Annotated[bool, typer.Option("--blind", help="Leave out what the model says: it sways annotators.")]
Interface = Annotated[Path | None, typer.Option(help="Also write Label Studio's labelling interface (XML) there.")]
Aliases = Annotated[Path | None, typer.Option(help="JSON or YAML file: label word to emotion, or null.")]


@app.command()
def queue(
    media: Media,
    output: Output,
    results: Results = None,
    config: Config = "current",
    compare: Annotated[
        Texts | None, typer.Option(help="Another configuration that scored the media: disagreement counts; repeatable.")
    ] = None,
    labels: Annotated[Texts | None, typer.Option(help="Label files: paths or s3:// URIs; not proposed again.")] = None,
    exclude: Annotated[
        Texts | None, typer.Option(help="Files whose segments are left out, labelled or not; repeatable.")
    ] = None,
    segments: Annotated[int, typer.Option("--segments", "-n", help="How many segments.")] = 100,
    random_share: Annotated[float, typer.Option("--random", help="Share of them by chance alone, 0 to 1.")] = 0.2,
    gap: Annotated[float, typer.Option(help="Seconds between two segments of one medium, at least.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Of the random order.")] = 0,
    where: Where = None,
    format: Format = "jsonl",  # noqa: A002
    audio: Audio = "presigned",
    expires: Expires = 86_400,
    blind: Blind = False,
    interface: Interface = None,
    aliases: Aliases = None,
    json: Json = False,
) -> None:
    """Propose segments to label next, each with the reason why."""
    from tasks.evaluation.unlabelled import scored_corpus
    from tasks.labelling.queue import propose, stored_logits
    from tasks.labelling.writing import check_format, write_segments

    request, kind = _request(segments, random_share, gap, seed, where), check_format(format)
    _check(audio, "--audio", ("presigned", "s3"))
    runs = _open(media, results, [config, *(compare or ())])
    done = _done(runs[0], labels or (), exclude or (), aliases)
    for problem in done.problems[:_MOST_PROBLEMS]:
        terminal.say(problem)
    names = list(dict.fromkeys([config, *(compare or ())]))
    corpora = [scored_corpus(run, name) for run, name in zip(runs, names, strict=True)]
    logits = stored_logits(runs[0].results, runs[0].results.ledger_of(runs[0].identity.routes).under(runs[0].media))
    found = propose(corpora, done, request, logits)
    write_segments(found.segments, output, kind, audio=_addresses(runs[0], audio, expires), blind=blind)
    _write_interface(interface)
    _show_queue(found, request, output, done, json=json)


@app.command(name="out")
def out_(
    media: Media,
    output: Output,
    results: Results = None,
    config: Config = "current",
    where: Where = None,
    format: Format = "label-studio",  # noqa: A002
    audio: Audio = "presigned",
    expires: Expires = 86_400,
    per: Annotated[str, typer.Option(help="What a task is: segment, or medium (all its segments as regions).")] = (
        "segment"
    ),
    blind: Blind = False,
    interface: Interface = None,
    json: Json = False,
) -> None:
    """Write scored segments for annotators, with what the model says as a prediction."""
    from tasks.evaluation.unlabelled import scored_corpus
    from tasks.filters import parse_filter
    from tasks.labelling.segment import segments_of
    from tasks.labelling.writing import check_format, write_segments

    _check(audio, "--audio", ("presigned", "s3"))
    _check(per, "--per", ("segment", "medium"))
    kind, choose = check_format(format), parse_filter(where) if where else lambda table: table
    (run,) = _open(media, results, [config])
    chosen = segments_of(choose(table) for table in scored_corpus(run).tables())
    written = write_segments(
        chosen, output, kind, audio=_addresses(run, audio, expires), per="medium" if per == "medium" else "segment",
        blind=blind,
    )  # fmt: skip
    _write_interface(interface)
    if json:
        terminal.print_json({"segments": written, "output": str(output)})
    else:
        terminal.say(f"{written} segments in {output}")


@app.command(name="in")
def in_(
    files: Annotated[
        list[str], typer.Argument(help="Annotations: Label Studio's JSON, JSON lines, CSV; or s3:// URIs.")
    ],
    to: Annotated[str, typer.Option(help="s3://bucket/prefix of the label files.")],
    name: Annotated[
        str | None, typer.Option("--as", help="Name of the label file; a later import under it takes its place.")
    ] = None,
    aliases: Aliases = None,
    json: Json = False,
) -> None:
    """Check annotations and store them as label files. What is stored already is not stored again."""
    from infra import stack
    from infra.storage import Store
    from tasks.evaluation.run import read_label_file
    from tasks.labelling.importing import import_labels

    if name is not None and len(files) > 1:
        raise UsageError(f"--as {name} names one file, and {len(files)} are given: import them one by one")
    Location.parse(to)
    services = stack.ensure(Settings.from_environment(), need=frozenset({"s3"}), say=terminal.say)
    shelf = _label_shelf(services, to)
    words = read_aliases(str(aliases) if aliases else None)
    documents = []
    for source in files:
        data = read_label_file(source, lambda uri: Store(services.access_for(uri)))
        imported = import_labels(data, source, shelf, file=name, aliases=words)
        documents.append(_show_import(source, imported, json=json))
    if json:
        terminal.print_json({"imports": documents})


@app.command()
def interface(output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None) -> None:
    """Show Label Studio's labelling interface that the tasks are made for, as XML."""
    if output is None:
        from tasks.labelling.label_studio import interface as xml

        terminal.out.print(xml(), markup=False, highlight=False, soft_wrap=True, end="")
    else:
        _write_interface(output)


@app.command()
def webhook(
    host: Annotated[str, typer.Option(help="Where to listen; others than this machine cannot reach 127.0.0.1.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any that is free.")] = 8090,
    every: Annotated[float, typer.Option(min=0, help="Seconds between two looks that hooks ask for, at least.")] = 30.0,
) -> None:
    """Receive Label Studio's hooks, each a hint to look for new labels. Needs SERAPH_WEBHOOK_SECRET."""
    from flows.webhook import asks_prefect, check_secret, create_app, listen, server
    from infra import stack

    secret = webhook_secret()
    check_secret(secret)  # first: nothing is started for a receiver that may not start
    services = stack.ensure(Settings.from_environment(), need=frozenset({"prefect"}), say=terminal.say)
    services.export()
    services.check_prefect()
    from flows.deployments import WATCH  # Prefect reads where its server is when it is imported

    with listen(host, port) as listener:
        at, number = listener.getsockname()[:2]
        terminal.say(f"listens on http://{at}:{number}/label-studio until interrupted (Ctrl+C)")
        server(create_app(secret, asks_prefect(WATCH), every_s=every)).run(sockets=[listener])


def _request(wanted: int, random_share: float, gap_s: float, seed: int, where: str | None) -> "QueueRequest":
    from tasks.labelling.queue import QueueRequest

    try:
        return QueueRequest(wanted=wanted, random_share=random_share, gap_s=gap_s, seed=seed, where=where)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{_OPTIONS[str(first['loc'][0])]}: {first['msg']}, not {first['input']}") from error


def _open(media: str, results: str | None, configs: Sequence[str]) -> "list[Run]":
    """The configurations' runs, opened for reading."""
    from infra import stack
    from tasks.run import open_run

    loaded = [chosen_config(name, results).config for name in dict.fromkeys(configs)]
    services = stack.ensure(Settings.from_environment(), need=needs(media, {"s3"}), say=terminal.say)
    media_uri, results_uri = places(services, media, results)
    return [open_run(media_uri, results_uri, each, services) for each in loaded]


def _done(run: "Run", labels: Sequence[str], exclude: Sequence[str], aliases: Path | None) -> "Done":
    from tasks.labelling.sources import read_done

    uris = run.results.ledger().under(run.media).entries.index.tolist()
    return read_done(labels, exclude, uris, run.services, read_aliases(str(aliases) if aliases else None))


def _check(value: str, option: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UsageError(f"{option} {value} is none of: {', '.join(known)}")


def _addresses(run: "Run", audio: str, expires_s: int) -> Callable[[str], str]:
    """How Label Studio reads a medium."""
    return (lambda uri: uri) if audio == "s3" else (lambda uri: run.media_store.presign(uri, expires_s))


def _label_shelf(services: "Services", to: str) -> "Shelf":
    from infra.shelf import StoreShelf
    from infra.storage import Store

    store = Store(services.access_for(to))
    if services.store == services.local_store:
        store.ensure_bucket(Location.parse(to).bucket)
    return StoreShelf(store, Location.parse(to))


def _write_interface(path: Path | None) -> None:
    from tasks.labelling.label_studio import interface as xml

    if path is not None:
        try:
            path.write_text(xml(), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}; choose another place") from error


def _show_queue(found: "Queue", request: "QueueRequest", output: Path, done: "Done", *, json: bool) -> None:
    if json:
        terminal.print_json(
            {"segments": len(found.segments), "wanted": request.wanted, "picks": found.picks, "passed": found.passed,
             "labelled": found.labelled, "problems": list(done.problems), "output": str(output)}
        )  # fmt: skip
        return
    told = ", ".join(f"{reason} {n}" for reason, n in found.picks.items())
    terminal.say(f"{len(found.segments)} of {found.passed} scored segments in {output}: {told or 'none'}")
    if len(found.segments) < request.wanted:
        terminal.say(
            f"fewer than the {request.wanted} asked for: every other one is labelled, or nearly the same as one in the "
            "file (a smaller --gap lets in more)"
        )


def _show_import(source: str, imported: "Imported", *, json: bool) -> dict[str, Any]:
    counts, told = imported.counts, [problem.told(source) for problem in imported.problems]
    if not json:
        for line in told[:_MOST_PROBLEMS]:
            terminal.say(line)
        if len(told) > _MOST_PROBLEMS:
            terminal.say(f"… and {len(told) - _MOST_PROBLEMS} more")
        where = f"in {imported.address}" if imported.address else "nothing to store"
        terminal.say(f"{source}: {imported.added} new labels, {imported.known} known already; {where}")
    return {
        "source": source, "address": imported.address, "added": imported.added, "known": imported.known,
        "unlabelled": counts.unlabelled, "rejected": counts.rejected, "conflicting": counts.conflicting,
        "broken": counts.broken, "problems": told,
    }  # fmt: skip
