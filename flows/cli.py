"""The command line: `seraph`. Reads arguments, calls a flow or a task, shows what came of it.

Every command takes `--json`: one JSON document on stdout, everything else on stderr. Errors that Seraph raises on
purpose become one line and an exit status (infra/errors.py); anything else is a bug and shows its traceback.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows import (
    cli_bench,
    cli_evaluate,
    cli_housekeeping,
    cli_labels,
    cli_models,
    cli_operate,
    cli_promote,
    cli_reevaluate,
    cli_runs,
    cli_tune,
    terminal,
    terminal_evaluations,
    terminal_tunings,
)
from flows.places import check_media, chosen_config, needs, places
from infra.errors import InputError, SeraphError
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.stack import StackStatus
    from tasks.config.identity import Identity
    from tasks.records.run import RunRecord
    from tasks.run import Run

app = typer.Typer(
    name="seraph",
    help="Score emotion in speech across media corpora, and know how far to trust the scores.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(cli_models.app, name="models")
app.add_typer(cli_runs.app, name="runs")
app.add_typer(cli_labels.app, name="labels")
app.add_typer(cli_bench.app, name="bench")
app.command()(cli_evaluate.evaluate)
app.command()(cli_tune.tune)
app.command()(cli_promote.promote)
app.command()(cli_reevaluate.reevaluate)
cli_labels.app.command()(cli_reevaluate.watch)
app.command()(cli_operate.deploy)
app.command()(cli_operate.serve)
app.command()(cli_housekeeping.housekeeping)

DONE_WITH_FAULTS = 4
"""Exit status of a run that is done, but with too many media in quarantine, or failed data checks."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Config = Annotated[
    str, typer.Option(help="What is promoted (current), a preset (default, superb, demo) or a YAML file.")
]
MaxQuarantined = Annotated[
    float, typer.Option(min=0, max=1, help="Share of the media that may fail before the exit status is 4.")
]


def main() -> None:
    """Entry point of the `seraph` command."""
    try:
        app(cli_evaluate.spread(sys.argv[1:]), standalone_mode=True)
    except SeraphError as error:
        if "--json" in sys.argv:
            terminal.print_json({"error": {"kind": type(error).__name__, "message": str(error)}})
        terminal.err.print("[red]error:[/red] ", end="")
        terminal.say(str(error))
        raise SystemExit(error.exit_code) from None


@app.command()
def demo(json: Json = False, max_quarantined: MaxQuarantined = 0.1) -> None:
    """Score, evaluate and tune the bundled corpus with the bundled toy models, on a local stack."""
    from tasks.config.scoring import PRESETS

    corpus = PRESETS["demo"].parent
    if not (corpus / "media").is_dir():
        raise InputError(f"the demo corpus is not here ({corpus / 'media'}): it is part of the source checkout")
    record = _score(str(corpus / "media"), None, "demo")
    if not json:
        terminal.show_run(record)
    evaluation = cli_evaluate.evaluate_demo(corpus)
    if not json:
        terminal_evaluations.show_evaluation(evaluation)
    tuning = cli_tune.tune_demo(evaluation)
    if json:
        documents = {"evaluate": evaluation.model_dump(mode="json"), "tune": tuning.model_dump(mode="json")}
        terminal.print_json({"score": record.summary(), **documents})
    else:
        terminal_tunings.show_tuning(tuning)
    exit_by(record, max_quarantined)


@app.command()
def score(
    media: Annotated[str, typer.Option(help="s3://bucket/prefix, or a local folder (served in place).")],
    results: Annotated[str | None, typer.Option(help="s3://bucket/prefix; by default the local store.")] = None,
    config: Config = "current",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    max_quarantined: MaxQuarantined = 0.1,
    json: Json = False,
) -> None:
    """Score what is new or changed under a prefix."""
    if dry_run:
        _dry_run(media, results, config, json=json)
        return
    record = _score(media, results, config)
    if json:
        terminal.print_json(record.summary())
    else:
        terminal.show_run(record)
    exit_by(record, max_quarantined)


@app.command()
def up(json: Json = False) -> None:
    """Start the local stack: S3 server, Prefect server, Ray."""
    from infra import stack

    settings = Settings.from_environment()
    stack.up(settings, terminal.say)
    _show_stack(stack.status(settings), json=json)


@app.command()
def status(json: Json = False) -> None:
    """Show what of the local stack runs, and where."""
    from infra import stack

    _show_stack(stack.status(Settings.from_environment()), json=json)


@app.command()
def down(json: Json = False) -> None:
    """Stop what `seraph up` started, and nothing else."""
    from infra import stack

    stack.down(Settings.from_environment(), terminal.say)
    if json:
        terminal.print_json({"stopped": True})


@app.command()
def export(
    media: Annotated[str, typer.Option(help="The media whose rows to read: s3://bucket/prefix, or a local folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write (srt: a folder).")],
    results: Annotated[str | None, typer.Option(help="s3://bucket/prefix; by default the local store.")] = None,
    config: Config = "current",
    format: Annotated[str, typer.Option(help="parquet, csv, audformat or srt.")] = "parquet",  # noqa: A002
    where: Annotated[
        str | None, typer.Option(help="Filter, for example \"emotion == 'angry' and confidence > 0.6\".")
    ] = None,
    json: Json = False,
) -> None:
    """Read the current table back."""
    from tasks.export import export as write
    from tasks.score import decide_missing

    run = _open(media, results, config)
    ledger = run.results.ledger().under(run.media)
    decide_missing(run.results, ledger, run.identity, run.run_id)  # a new decision needs no run of its own
    result = write(run.results.current_scores(ledger, *run.identity.decisions.names), format, output, where)
    if json:
        terminal.print_json({"rows": result.rows, "files": [str(path) for path in result.files]})
    else:
        terminal.say(f"{result.rows} rows in {output}")


def _score(media: str, results: str | None, config_source: str) -> "RunRecord":
    """Score through the flow, on whatever services there are, with progress on a terminal."""
    from infra import stack
    from infra.settings import export
    from tasks.config.identity import resolve

    check_media(media)
    chosen = chosen_config(config_source, results)
    tell_licences(resolve(chosen.config))  # a missing checkpoint should not first cost the start of a stack
    services = stack.ensure(Settings.from_environment(), need=needs(media, {"s3", "prefect", "ray"}), say=terminal.say)
    services.export()
    services.check_prefect()
    # What goes wrong is said once, by `main`; the server keeps the whole log.
    export(PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL="CRITICAL")
    media_uri, results_uri = places(services, media, results)

    from flows.score_corpus import ScoreRequest, score_corpus, watching
    from tasks.records.run import RunRecord

    with terminal.scoring_progress() as watch:
        token = watching.set(watch)
        try:
            request = ScoreRequest(
                media=media_uri, results=results_uri, config=chosen.config, promotion=chosen.promotion
            )
            summary = score_corpus(request)
        finally:
            watching.reset(token)
    summary.pop("undefined", None)
    return RunRecord.model_validate(summary)


def tell_licences(identity: "Identity") -> None:
    """Say which of the models that a run uses are for non-commercial use only."""
    from actors.checkpoints.catalogue import non_commercial

    for checkpoint in {each.source: each for each in identity.checkpoints.values()}.values():
        if non_commercial(checkpoint.licence):
            terminal.say(f"{checkpoint.source} is for non-commercial use only (licence {checkpoint.licence})")


def _dry_run(media: str, results: str | None, config: str, *, json: bool) -> None:
    from tasks.run import plan_run

    run = _open(media, results, config)
    plan = plan_run(run, compact=False)
    if json:
        terminal.print_json(
            {"dry_run": True, "media": {"planned": plan.media, "skipped": plan.skipped, "removed": len(plan.removed),
             "other": dict(plan.other)}, "shards": len(plan.shards)}
        )  # fmt: skip
    else:
        terminal.show_plan(plan, run.media.uri)


def _open(media: str, results: str | None, config: str) -> "Run":
    """A run opened for reading only: the stores, but neither Prefect nor Ray."""
    from infra import stack
    from tasks.run import open_run

    check_media(media)
    loaded = chosen_config(config, results).config
    services = stack.ensure(Settings.from_environment(), need=needs(media, {"s3"}), say=terminal.say)
    media_uri, results_uri = places(services, media, results)
    return open_run(media_uri, results_uri, loaded, services)


def _show_stack(parts: "StackStatus", *, json: bool) -> None:
    if json:
        terminal.print_json({"parts": [asdict(part) for part in parts.parts]})
    else:
        terminal.show_stack(parts)


def exit_by(record: "RunRecord", max_quarantined: float) -> None:
    """Leave with status 4 where too much is in quarantine, and say so; or where data checks failed, as was shown."""
    media = record.media
    share = media.quarantined / media.planned if media.planned else 0.0
    if share > max_quarantined:
        quarantined = f"{media.quarantined} of {media.planned} media of this run are in quarantine"
        terminal.say(f"exit status {DONE_WITH_FAULTS}: {quarantined}; --max-quarantined allows {max_quarantined:.1%}")
    if share > max_quarantined or not record.validation.success:
        raise typer.Exit(DONE_WITH_FAULTS)
