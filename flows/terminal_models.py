"""What a person sees of `seraph models`: the catalogue, an assessment, a pull. In plain words, on stdout."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from actors.contract import TAXONOMY
from flows.terminal import out, say
from infra.errors import WeightsAbsentError

if TYPE_CHECKING:
    from actors.checkpoints import CatalogueEntry
    from actors.checkpoints.assess import Assessment
    from actors.checkpoints.pull import Pulled
    from tasks.config.dimension_map import FittedMap

_INDENT = (0, 0, 0, 4)


def show_catalogue(entries: "Sequence[CatalogueEntry]") -> None:
    """Every checkpoint that Seraph knows of."""
    from actors.checkpoints.catalogue import non_commercial

    for entry in entries:
        facts = [entry.status.replace("_", " "), entry.modality, *entry.languages, entry.licence or "licence unknown"]
        out.print(Text(f"{entry.source}  ({', '.join(facts)})", style="bold"))
        if entry.labels:
            out.print(Padding(Text(" ".join(entry.labels), style="cyan"), _INDENT))
        if non_commercial(entry.licence):
            out.print(Padding(Text("NON-COMMERCIAL USE ONLY", style="bold yellow"), _INDENT))
        for score in entry.scores:
            out.print(Padding(Text(f"{score.metric} {score.value:g} on {score.set} ({score.source})"), _INDENT))
        if entry.note:
            out.print(Padding(Text(entry.note), _INDENT))


def show_assessment(found: "Assessment") -> None:
    """Whether a checkpoint can be trusted to load, what it can say, and what to know before using it."""
    verdict, style = _verdict(found)
    out.print(Text(verdict, style=style))
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _facts(found):
        table.add_row(name, Text(value))
    out.print(table)
    if found.non_commercial:
        out.print(Text(f"NON-COMMERCIAL USE ONLY: its licence is {found.licence}.", style="bold yellow"))


def show_pull(pulled: "Pulled", found: "Assessment") -> None:
    """Where a pulled checkpoint lies, and whether it can be scored with."""
    record = pulled.record
    say(f"{record.source} {'is fetched' if pulled.fetched else 'was here already'}: commit {record.revision}")
    if record.converted:
        say(f"Converted to safetensors: {', '.join(each.name for each in record.converted)}")
    say(f"It lies in {pulled.folder}; the folder works by itself, offline, on any machine.")
    show_assessment(found)


def _verdict(found: "Assessment") -> tuple[str, str]:
    if isinstance(found.error, WeightsAbsentError):
        return f"not here: {found.error}", "bold yellow"
    if found.error is not None:
        return f"refused: {found.error}", "bold red"
    if found.unmapped:
        return (
            "ok, but only once the configuration says what its labels mean: it loads, weights and head are whole.",
            "yellow",
        )
    if not found.built:
        return "ok, as far as its files tell at a glance: its head is one that Seraph knows, and whole.", "bold green"
    return "ok: the network was built from its files, every weight is there, nothing is random.", "bold green"


def _facts(found: "Assessment") -> Iterator[tuple[str, str]]:
    if found.identity is not None:
        yield from _identity(found)
    for score in found.scores:
        yield "Known score", f"{score.metric} {score.value:g} on {score.set} ({score.source})"
    if found.note and found.note not in str(found.error):
        yield "About", found.note
    for caveat in found.caveats:
        yield "Caveat", caveat
    if found.identity is not None and not found.built:
        yield "Not checked", "the rest of its weights: `seraph models check` without --quick builds the network of them"


def _identity(found: "Assessment") -> Iterator[tuple[str, str]]:
    identity = found.identity
    if identity is None:
        return
    yield "Family", f"{identity.family}, {'hears speech' if identity.modality == 'audio' else 'reads text'}"
    each = "; each is judged on its own, several may hold at once" if identity.kind == "multilabel" else ""
    yield "Labels", " ".join(identity.labels) + each
    yield from _meanings(found)
    yield "Can say", f"{len(found.coverage)} of {len(TAXONOMY)} emotions: {', '.join(found.coverage) or 'none'}"
    if found.beyond:
        yield "Cannot say", ", ".join(found.beyond)
    yield "Revision", identity.revision or "none: a folder of your own, known by its weights"
    yield "SHA-256", identity.weights_sha256
    yield "Licence", found.licence or "unknown: read its page before you rely on it"
    if identity.demo:
        yield "Demo", "a toy trained on synthetic speech; its scores mean nothing"


def _meanings(found: "Assessment") -> Iterator[tuple[str, str]]:
    if found.identity is not None and found.identity.kind == "dimensional":
        yield "Meaning", "dimensions; the nearest emotion is taken, and rows are flagged mapped_from_dimensions"
        return
    by_emotion = {
        emotion: [label for label, each in found.label_map.items() if each == emotion] for emotion in TAXONOMY
    }
    if found.coverage:
        yield "Meaning", "; ".join(f"{', '.join(own)} → {emotion}" for emotion, own in by_emotion.items() if own)
    for each in found.merged:
        share = f"{len(each.labels)} of {len(found.label_map)}"
        yield "Merged", f"{share} labels become {each.emotion}: a random head would say it {each.prior:.0%} of the time"
    if found.dropped:
        yield "Dropped", f"{', '.join(found.dropped)} (no emotion of the seven; the rest is renormalised)"
    if found.unmapped:
        entry = ", ".join(f"{label}: …" for label in found.unmapped[:3])
        yield (
            "Unknown",
            f"{', '.join(found.unmapped)}: say what they mean, as in `decision: {{label_map: {{{entry}}}}}`",
        )


def show_fit(fitted: "FittedMap", output: Path) -> None:
    """What a fitted map is worth: out of fold, beside distances to centroids on the same segments."""
    provenance = fitted.provenance
    table = Table(title=f"{sum(provenance.counts.values())} labelled segments", title_justify="left")
    for name in ("", "centroids", "fitted, out of fold"):
        table.add_column(name, justify="left" if not name else "right")
    for name, value in provenance.centroids.items():
        fitted_value = provenance.out_of_fold.get(name)
        table.add_row(
            name.replace("_", " "), *("–" if each is None else f"{each:.3f}" for each in (value, fitted_value))
        )
    out.print(table)
    if all(value is None for value in provenance.out_of_fold.values()):
        out.print("All segments are from one source: what the map is worth on others cannot be told.")
    out.print(Text(f"Map         {output}"))
    out.print(Text("Use         decision: {dimension_map: ./FILE} in the configuration beside it"))
