"""`seraph tune`: decision parameters searched on labels, and what the search is really worth."""

from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from flows import terminal, terminal_tunings
from flows.cli_evaluate import Texts, read_aliases, wrong_option
from flows.places import results_shelf
from infra.errors import UsageError
from infra.location import SCHEME
from infra.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.evaluation.result import Evaluation
    from tasks.tuning.request import TuneRequest
    from tasks.tuning.result import Tuning


def tune(
    labels: Annotated[Texts | None, typer.Option(help="Label files with recorded scores: paths or s3:// URIs.")] = None,
    recorded: Annotated[bool, typer.Option("--recorded", help="Tune the scores that the label files have.")] = False,
    evaluation: Annotated[str | None, typer.Option(help="Id of a stored evaluation: tune its answers.")] = None,
    model: Annotated[str | None, typer.Option(help="Which candidate of it; by default the best.")] = None,
    grid: Annotated[str | None, typer.Option(help="YAML file: a list of values for each parameter.")] = None,
    settings: Annotated[
        Texts | None, typer.Option("--set", help="neutral=0.8,0.9,1.0: values of one parameter; repeatable.")
    ] = None,
    objective: Annotated[
        str, typer.Option(help="macro_f1_present, macro_f1, accuracy, uar or cross_entropy.")
    ] = "macro_f1_present",
    pooling: Annotated[str, typer.Option(help="How text is put beside the audio: linear (a sum) or log.")] = "linear",
    near: Annotated[
        Texts | None, typer.Option(help="neutral=0.9: the default that gains are over is not 1 there; repeatable.")
    ] = None,
    aliases: Annotated[str | None, typer.Option(help="JSON or YAML file: label word to emotion, or null.")] = None,
    results: Annotated[str | None, typer.Option(help="s3://bucket/prefix; by default the local store.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the folds and of everything that is simulated.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Search decision parameters on labels, without being fooled by the best of many."""
    from tasks.tuning.run import tune as search

    if labels and not recorded:
        raise UsageError(
            "--labels goes with --recorded, for scores that stand in the file; to tune a model, evaluate it first "
            "(seraph evaluate --labels … --models …) and give --evaluation ID"
        )
    request = _request(
        labels=tuple(labels or ()), evaluation=evaluation, candidate=model, grid=grid, settings=tuple(settings or ()),
        objective=objective, pooling=pooling, near=_near(near or ()), aliases=read_aliases(aliases), seed=seed,
    )  # fmt: skip
    found = search(request, _read, results_shelf(results))
    if json:
        terminal.print_json(found.model_dump(mode="json"))
    else:
        terminal_tunings.show_tuning(found)


def tune_demo(evaluation: "Evaluation") -> "Tuning":
    """The demo's own configuration, on the labels that it was just evaluated on."""
    from tasks.tuning.run import tune as search

    return search(_request(evaluation=evaluation.evaluation_id, candidate="demo"), _read, results_shelf(None))


def _near(settings: "Iterable[str]") -> dict[str, float]:
    """`neutral=0.9` and the like, by name; what is no parameter is told by the request."""
    near = {}
    for each in settings:
        name, _, value = each.partition("=")
        try:
            near[name.strip()] = float(value)
        except ValueError as error:
            raise UsageError(f"--near {each!r}: expected PARAMETER=VALUE as in neutral=0.9") from error
    return near


def _request(**values: object) -> "TuneRequest":
    from tasks.tuning.request import TuneRequest

    try:
        return TuneRequest.model_validate(values)
    except ValidationError as error:
        raise UsageError(wrong_option(error)) from error


def _read(source: str) -> bytes:
    """A label file; only one in a store needs the store."""
    from infra import stack
    from infra.storage import Store
    from tasks.evaluation.run import read_label_file

    if not source.startswith(SCHEME):
        return read_label_file(source)
    services = stack.ensure(Settings.from_environment(), need=frozenset({"s3"}), say=terminal.say)
    return read_label_file(source, lambda uri: Store(services.access_for(uri)))
