"""`seraph evaluate` without labels: what can be said of scored corpora all the same. Warning lights, never accuracy."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flows import terminal, terminal_evaluations
from flows.places import chosen_config, needs, places
from infra.errors import InputError, ObjectMissing, UsageError
from infra.settings import Settings

if TYPE_CHECKING:
    from tasks.records.run import RunRecord
    from tasks.run import Run


def survey_corpora(
    media: str, configs: Sequence[str], results: str | None, reference: str | None, seed: int, *, json: bool
) -> None:
    """Survey what each configuration has scored of the media, store the page, and show the lights.

    Args:
        media: `s3://bucket/prefix`, or a local folder.
        configs: Presets or YAML files; each has scored the media before.
        results: `s3://bucket/prefix` of the scores; None is the local store.
        reference: Id of an earlier run to compare the shares with.
        seed: Of everything that is simulated.
        json: Whether to print one JSON document.
    """
    from infra import stack
    from tasks.evaluation.candidates import is_system
    from tasks.evaluation.unlabelled import reference_of, scored_corpus, survey
    from tasks.report.unlabelled import build_survey_page
    from tasks.run import open_run

    models = [name for name in configs if not is_system(name)]
    if models:
        raise UsageError(
            f"without --labels, --models names configurations that have scored the media ({models[0]} is none): score "
            "with a configuration that routes to it first, or give --labels"
        )
    services = stack.ensure(Settings.from_environment(), need=needs(media, {"s3"}), say=terminal.say)
    media_uri, results_uri = places(services, media, results)
    read = [chosen_config(name, results).config for name in dict.fromkeys(configs)]
    runs = [open_run(media_uri, results_uri, config, services) for config in read]
    before = reference_of(_record(runs[0], reference)) if reference else None
    corpora = [scored_corpus(run, name) for run, name in zip(runs, dict.fromkeys(configs), strict=True)]
    found = survey(corpora, before, seed=seed)
    files = (
        ("survey.json", found.model_dump_json(indent=1), "application/json"),
        ("report.html", build_survey_page(found), "text/html; charset=utf-8"),
    )
    for name, text, kind in files:
        report = runs[0].results.write_run_file(f"survey-{runs[0].run_id}", name, text.encode(), kind)
    local = services.local_path(report)
    if json:
        terminal.print_json(found.model_dump(mode="json") | {"outputs": {"report": report}})
    else:
        terminal_evaluations.show_survey(found, str(local or report))


def _record(run: "Run", run_id: str) -> "RunRecord":
    from tasks.records.run import RunRecord

    try:
        return RunRecord.model_validate_json(run.results.read_run_file(run_id, "run.json"))
    except ObjectMissing as error:
        raise InputError(f"--reference {run_id}: no such run in {run.results.location.uri}") from error
