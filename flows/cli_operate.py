"""`seraph deploy` and `seraph serve`: what runs by itself.

Owns the commands, their JSON and what a person sees of them. What is registered stands in flows/deployments.py and
flows/automations.py, how in flows/registration.py; the file they read is tasks/config/operations.py's.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from flows import terminal
from flows.places import needs, places
from infra.errors import UsageError
from infra.location import SCHEME, Location
from infra.settings import Settings, export

if TYPE_CHECKING:
    from flows.registration import Registered
    from infra.services import Services
    from tasks.config.operations import Operations

Config = Annotated[Path | None, typer.Option(help="YAML file of the archive: what runs, and when.")]
Media = Annotated[str | None, typer.Option(help="The media, instead of the file's: s3://bucket/prefix, or a folder.")]
Results = Annotated[str | None, typer.Option(help="The results, instead of the file's: s3://bucket/prefix.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def deploy(config: Config = None, media: Media = None, results: Results = None, json: Json = False) -> None:
    """Register schedules, triggers and alarms on the Prefect server. Twice is once; what the file drops is removed."""
    operations = _operations(config, media, results)
    if operations is None:
        raise UsageError("--config FILE is needed, or --media: what is to be kept scored?")
    services = _services(operations)
    operations = _placed(services, operations)

    from flows.registration import register

    _show(register(operations), json=json)
    if operations.work_pool is None:
        terminal.say("nothing runs them yet: `seraph serve` does, on this machine")


def serve(config: Config = None, media: Media = None, results: Results = None, json: Json = False) -> None:
    """Register as `seraph deploy` does, and run what is due, on this machine, until interrupted.

    The local stack is started where the environment names no other. Without --config and --media only
    `score-corpus/on-demand` is there, for whoever asks the Prefect server for it.
    """
    operations = _operations(config, media, results)
    services = _services(operations)
    if operations is not None:
        # Whatever pool the file names: these runs are ours.
        operations = _placed(services, operations).model_copy(update={"work_pool": None, "job_variables": {}})

    from flows.registration import register
    from flows.runner import LocalRunner

    runner = LocalRunner()
    _show(register(operations, serve=runner.serve), json=json)
    terminal.say("running what is due, until interrupted (Ctrl-C)")
    try:
        runner.run()
    except Exception:
        services.check_prefect()  # gone for good? then that is what there is to say
        raise
    terminal.say("stopped: what is due meanwhile runs when `seraph serve` is back")


def _operations(config: Path | None, media: str | None, results: str | None) -> "Operations | None":
    """What the file says, with the options over it; None where neither says what the archive is."""
    from tasks.config.operations import load_operations, make_operations

    given = {key: value for key, value in {"media": media, "results": results}.items() if value is not None}
    if config is not None:
        return load_operations(config, **given)
    if media is None and results is not None:
        raise UsageError("--results without --media: name the media, or a --config FILE")
    return None if media is None else make_operations("--media", given)


def _services(operations: "Operations | None") -> "Services":
    """The services that runs need; the stack is brought up where the environment names none."""
    from infra import stack

    settings = Settings.from_environment()
    need = needs(operations.media if operations else None, {"s3", "prefect", "ray"})
    services = stack.ensure(settings, need=need, say=terminal.say)
    # Runs start in this process's folder, but a later `seraph serve` may be called from another.
    export(SERAPH_HOME=str(settings.home))
    services.export()
    services.check_prefect()
    return services


def _placed(services: "Services", operations: "Operations") -> "Operations":
    """The archive with its media and results as s3:// URIs; in the local store, the buckets are made."""
    from infra.storage import Store

    named = [operations.results, *([operations.labels.uri] if operations.labels else [])]
    media, results = places(services, operations.media, operations.results)
    if services.local_store and services.store == services.local_store:
        for uri in (*named, *([media] if operations.media.startswith(SCHEME) else [])):
            Store(services.store).ensure_bucket(Location.parse(uri).bucket)
    return operations.model_copy(update={"media": media, "results": results})


def _show(registered: "Sequence[Registered]", *, json: bool) -> None:
    if json:
        terminal.print_json({"registered": [{**asdict(each), "id": str(each.id)} for each in registered]})
        return
    for each in registered:
        when = f"  {each.when}" if each.when else ""
        terminal.out.print(Text(f"{each.change:<9}  {each.kind:<10}  {each.name}{when}"), soft_wrap=True)
