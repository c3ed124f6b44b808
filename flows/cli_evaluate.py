"""`seraph evaluate`: candidates on labelled segments, recorded scores, and the history of both."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from flows import terminal, terminal_evaluations
from flows.cli_survey import survey_corpora
from flows.places import needs, places, results_shelf, shelf_without_services, stored_shelf, tell_current
from infra.errors import UsageError
from infra.location import SCHEME, short_path
from infra.settings import Settings, export

if TYPE_CHECKING:
    from tasks.evaluation.request import EvaluateRequest
    from tasks.evaluation.result import Evaluation

_MANY = frozenset({"--models", "--labels"})
"""Options that take several values in a row: `--models A B C`."""

Texts = list[str]


def spread(arguments: Sequence[str]) -> list[str]:
    """`--models A B` as `--models A --models B`, which is what the parser of the command line knows."""
    spread_out: list[str] = []
    many: str | None = None
    for position, argument in enumerate(arguments):
        if argument.startswith("-"):
            many = argument if argument in _MANY else None
        elif many and arguments[position - 1] != many:
            spread_out.append(many)
        spread_out.append(argument)
    return spread_out


def evaluate(
    labels: Annotated[
        Texts | None, typer.Option(help="Label files: paths or s3:// URIs; several may follow one another.")
    ] = None,
    models: Annotated[
        Texts | None,
        typer.Option(
            help="Candidates: folders or hub ids (perhaps @revision) of models that hear or read; current, presets, "
            "YAML files; several."
        ),
    ] = None,
    media: Annotated[str | None, typer.Option(help="Where the labelled media lie: s3://… or a local folder.")] = None,
    recorded: Annotated[bool, typer.Option("--recorded", help="Evaluate the scores that the label file has.")] = False,
    modality: Annotated[
        str | None, typer.Option(help="Of recorded scores: audio, text, combined or fused; by default each.")
    ] = None,
    audio_weight: Annotated[
        float, typer.Option("--audio-weight", min=0, max=1, help="With `fused`: of the audio scores.")
    ] = 0.5,
    config: Annotated[
        str | None,
        typer.Option(
            help="Decision, precision, resources and where texts come from: current, a preset or a YAML file."
        ),
    ] = None,
    aliases: Annotated[Path | None, typer.Option(help="JSON or YAML file: label word to emotion, or null.")] = None,
    results: Annotated[str | None, typer.Option(help="s3://bucket/prefix; by default the local store.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Show the stored evaluations instead.")] = False,
    reference: Annotated[
        str | None, typer.Option(help="Without --labels: id of an earlier run to compare the shares with.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is simulated.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Compare models on labelled segments, and say only what the labels can bear.

    What is said is read, too: by text models, and by configurations with a `text` section, which weigh both.

    Without --labels: what can be said of media that the configurations named by --models have scored.
    """
    if history:
        _history(results, json=json)
        return
    if media and models and not labels and not recorded:
        survey_corpora(media, models, results, reference, seed, json=json)
        return
    request = _request(
        labels=tuple(labels or ()), models=tuple(models or ()), media=media, recorded=recorded, modality=modality,
        audio_weight=audio_weight, config=config, aliases=read_aliases(str(aliases) if aliases else None), seed=seed,
    )  # fmt: skip
    tell_current((config, *(models or ())), results)
    evaluation = _recorded(request, results) if recorded else _on_media(request, results)
    if json:
        terminal.print_json(evaluation.model_dump(mode="json"))
    else:
        terminal_evaluations.show_evaluation(evaluation)


def evaluate_demo(corpus: Path) -> "Evaluation":
    """The bundled labels, the demo's configuration with its two models, and one with a random head, to be found out."""
    from tasks.demo import with_random_head

    spoiled = Settings.from_environment().home / "demo" / "en-emotion-with-a-random-head"
    spoiled = with_random_head(corpus / "checkpoints" / "en-emotion", spoiled)
    labels, media = str(corpus / "labels.jsonl"), str(corpus / "media")
    # In the demo's own precision, as its two models.
    request = _request(labels=(labels,), models=("demo", short_path(spoiled)), media=media, config="demo")
    return _on_media(request, None)


def _request(**values: object) -> "EvaluateRequest":
    from tasks.evaluation.request import EvaluateRequest

    try:
        return EvaluateRequest.model_validate(values)
    except ValidationError as error:
        without_labels = error.errors()[0]["loc"] == ("labels",)
        what = "--labels is needed: a file or an s3:// URI" if without_labels else wrong_option(error)
        raise UsageError(what) from error


def wrong_option(error: ValidationError) -> str:
    """What a request says of the first option that is wrong, with the option's name and its value."""
    first = error.errors()[0]
    if first["type"] == "value_error":
        return first["msg"].removeprefix("Value error, ")
    option, *within = (str(part).replace("_", "-") for part in first["loc"])
    where = f" {'.'.join(within)}" if within else ""
    return f"--{option}{where}: {first['input']!r} will not do: {first['msg']}"


def read_aliases(source: str | None) -> dict[str, str | None]:
    """Label words from a JSON or YAML file.

    Raises:
        UsageError: The file cannot be read, or is no such table.
    """
    import yaml

    if source is None:
        return {}
    try:
        document = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"--aliases {source} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise UsageError(f"--aliases {source} must map label words to emotions or null")
    return document


def _recorded(request: "EvaluateRequest", results: str | None) -> "Evaluation":
    """No media, no model; and no service either, where labels and results are files of this machine."""
    from infra import stack
    from infra.storage import Store
    from tasks.evaluation.run import evaluate_recorded, read_label_file

    settings = Settings.from_environment()
    shelf = shelf_without_services(settings, results)
    if shelf is not None and not any(each.startswith(SCHEME) for each in request.labels):
        return evaluate_recorded(request, read_label_file, shelf)
    services = stack.ensure(settings, need=frozenset({"s3"}), say=terminal.say)
    fetch = lambda source: read_label_file(source, lambda uri: Store(services.access_for(uri)))  # noqa: E731
    return evaluate_recorded(request, fetch, stored_shelf(services, results))


def _on_media(request: "EvaluateRequest", results: str | None) -> "Evaluation":
    """Through the flow, on whatever services there are."""
    from infra import stack

    assert request.media is not None
    settings = Settings.from_environment()
    services = stack.ensure(settings, need=needs(request.media, {"s3", "prefect", "ray"}), say=terminal.say)
    services.export()
    services.check_prefect()
    # What goes wrong is said once, by `main`; the server keeps the whole log.
    export(PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL="CRITICAL")
    media, place = places(services, request.media, results)

    from flows.evaluate_models import EvaluateModelsRequest, evaluate_models
    from tasks.evaluation.result import Evaluation

    asked = request.model_copy(update={"media": media})
    return Evaluation.model_validate(evaluate_models(EvaluateModelsRequest(evaluate=asked, results=place)))


def _history(results: str | None, *, json: bool) -> None:
    from tasks.evaluation.archive import Archive

    evaluations = Archive(results_shelf(results)).history()
    if json:
        terminal.print_json({"evaluations": [each.model_dump(mode="json") for each in evaluations]})
    else:
        terminal_evaluations.show_history(evaluations)
