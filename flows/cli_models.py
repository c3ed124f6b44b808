"""`seraph models`: which emotion models there are, whether one can be scored with, and fetching one.

Owns the commands and their JSON. What a person sees is terminal_models.py's.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows import terminal, terminal_models

if TYPE_CHECKING:
    from actors.checkpoints.assess import Assessment
    from actors.checkpoints.pull import Pulled

app = typer.Typer(help="Which emotion models there are, and whether one can be scored with.", no_args_is_help=True)

REFUSED = 3
"""Exit status where a checkpoint cannot be scored with."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Source = Annotated[str, typer.Argument(help="A local folder, or a hub id such as owner/name.")]
Revision = Annotated[str | None, typer.Option(help="Commit, tag or branch of a hub repository.")]


@app.command("list")
def models_list(json: Json = False) -> None:
    """Show the checkpoints that Seraph knows of."""
    from actors.checkpoints import known

    if json:
        terminal.print_json({"models": [entry.model_dump(mode="json") for entry in known()]})
    else:
        terminal_models.show_catalogue(known())


@app.command("check")
def models_check(
    source: Source,
    revision: Revision = None,
    quick: Annotated[bool, typer.Option("--quick", help="Look at the files only; do not build the network.")] = False,
    json: Json = False,
) -> None:
    """Tell whether a checkpoint can be trusted to load, what it can say, and what to know before using it."""
    from actors.checkpoints.assess import assess

    found = assess(source, revision, quick=quick)
    if json:
        terminal.print_json(check_document(found))
    else:
        terminal_models.show_assessment(found)
    if found.status == "refused":
        raise typer.Exit(REFUSED)


@app.command("pull")
def models_pull(
    source: Annotated[str, typer.Argument(help="A hub id (owner/name), or the name of a Whisper (tiny, base, …).")],
    revision: Revision = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder to make; by default SERAPH_HOME/models/<owner>/<name>/<commit>.")
    ] = None,
    json: Json = False,
) -> None:
    """Fetch a checkpoint at one commit, so that it works offline: weights and configuration, never code."""
    from actors.checkpoints.assess import assess
    from actors.checkpoints.pull import pull
    from actors.detector_file import fetch_detector, is_detector

    if is_detector(source):
        path, sha256 = fetch_detector(source)
        document = {"source": source, "revision": None, "weights_sha256": sha256, "file": str(path)}
        terminal.print_json(document) if json else terminal.say(f"{source} is here: {path}, sha256 {sha256}")
        return
    pulled = pull(source, revision=revision, output=output, say=terminal.say)
    found = assess(str(pulled.folder), quick=True)
    if json:
        terminal.print_json(pull_document(pulled, found))
    else:
        terminal_models.show_pull(pulled, found)
    if found.status == "refused":
        raise typer.Exit(REFUSED)


@app.command("fit")
def models_fit(
    evaluation: Annotated[str, typer.Option(help="Id of a stored evaluation with labels.")],
    model: Annotated[str, typer.Option(help="A dimensional model that it measured.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: the map with its provenance.")],
    results: Annotated[str | None, typer.Option(help="s3://bucket/prefix; by default the local store.")] = None,
    json: Json = False,
) -> None:
    """Fit a map from arousal, dominance and valence to emotions on labels, and say what it is worth out of fold."""
    from flows.places import results_shelf
    from tasks.evaluation.archive import Archive
    from tasks.evaluation.fitting import fit_map

    fitted = fit_map(Archive(results_shelf(results)), evaluation, model)
    fitted.save(output)
    if json:
        terminal.print_json(
            {"file": str(output), **fitted.model_dump(mode="json", exclude={"provenance": {"segments"}})}
        )
    else:
        terminal_models.show_fit(fitted, output)


def check_document(found: "Assessment") -> dict[str, Any]:
    """What `models check --json` prints."""
    identity, error = found.identity, found.error
    return {
        "source": found.source,
        "status": found.status,
        "reason": None if error is None else str(error),
        "built": found.built,
        "family": identity.family if identity else None,
        "kind": identity.kind if identity else None,
        "modality": identity.modality if identity else None,
        "labels": list(identity.labels) if identity else [],
        "label_map": dict(found.label_map),
        "dropped": list(found.dropped),
        "unmapped": list(found.unmapped),
        "merged": [
            {"emotion": each.emotion, "labels": list(each.labels), "prior": each.prior, "fair": each.fair}
            for each in found.merged
        ],
        "coverage": list(found.coverage),
        "missing": list(getattr(error, "missing", ())),
        "unexpected": list(getattr(error, "unexpected", ())),
        "mismatched": list(getattr(error, "mismatched", ())),
        "revision": identity.revision if identity else None,
        "weights_sha256": identity.weights_sha256 if identity else None,
        "licence": found.licence,
        "non_commercial": found.non_commercial,
        "known_scores": [each.model_dump() for each in found.scores],
        "caveats": list(found.caveats),
        "note": found.note,
    }


def pull_document(pulled: "Pulled", found: "Assessment") -> dict[str, Any]:
    """What `models pull --json` prints."""
    record = pulled.record
    return {
        "source": record.source,
        "revision": record.revision,
        "asked": record.asked,
        "folder": str(pulled.folder),
        "fetched": pulled.fetched,
        "licence": record.licence,
        "files": [each.model_dump() for each in record.files],
        "converted": [each.model_dump() for each in record.converted],
        "status": found.status,
        "reason": None if found.error is None else str(found.error),
        "weights_sha256": found.identity.weights_sha256 if found.identity else None,
    }
