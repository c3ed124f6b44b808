"""The checkpoints that Seraph knows of, and licences. The facts are data: catalogue.yaml; a checkpoint's files prevail.

Owns the catalogue, what contradicts it, and what a model card says of the licence.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from actors.contract import Kind
from infra.errors import CheckpointError

_NON_COMMERCIAL = re.compile(r"\bnc\b|non-?\s?commercial|research-only", re.IGNORECASE)
_CARD_BYTES = 65536


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KnownScore(_Frozen):
    """A score that somebody published: on which set, and who says so."""

    metric: str
    value: float
    set: str
    source: str


class CatalogueEntry(_Frozen):
    """One known checkpoint.

    Attributes:
        source: Hub id.
        aliases: Hub ids of the same checkpoint elsewhere.
        family: Its layout: a family of this package, or a word for one that is not read (yet).
        status: `usable`; `refused`; `needs_extra` (an optional package); `planned` (no family reads it yet).
        modality: What it hears or reads.
        kind: How outputs become a posterior, where its own configuration does not say; else None.
        languages: ISO 639-1 codes of what it was trained on.
        labels: Its own labels in order, as far as known; empty: only the checkpoint tells.
        label_map: Label to emotion, or to None, where it differs from the packaged map.
        licence: As far as known.
        scores: Published ones.
        note: What a user should know; for a refused one, what to use instead.
        caveats: Why not to trust it too far.
    """

    source: str
    aliases: tuple[str, ...] = ()
    family: str
    status: Literal["usable", "refused", "needs_extra", "planned"]
    modality: Literal["audio", "text"] = "audio"
    kind: Kind | None = None
    languages: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    label_map: dict[str, str | None] = Field(default_factory=dict)
    licence: str | None = None
    scores: tuple[KnownScore, ...] = ()
    note: str = ""
    caveats: tuple[str, ...] = ()


@cache
def known() -> tuple[CatalogueEntry, ...]:
    """Every entry of the catalogue, in its order."""
    text = resources.files("actors.checkpoints").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return tuple(CatalogueEntry.model_validate(each) for each in yaml.safe_load(text))


def entry_of(source: str) -> CatalogueEntry | None:
    """The entry of a hub id, or None."""
    return next((each for each in known() if source in (each.source, *each.aliases)), None)


def known_map(source: str) -> Mapping[str, str | None]:
    """The label map that the catalogue has for a hub id; empty where the packaged one does."""
    entry = entry_of(source)
    return entry.label_map if entry else {}


def check_labels(source: str, labels: Sequence[str]) -> None:
    """Check a checkpoint's own labels against what the catalogue says of the hub id that it came from.

    Spelling does not matter (`happy`, `HAP`, `开心/happy`): meaning and order do.

    Raises:
        CheckpointError: They differ; names both.
    """
    from actors.checkpoints.labels import meaning  # labels reads the catalogue's map

    entry = entry_of(source)
    if entry is None or not entry.labels:
        return
    if [meaning(label) for label in labels] != [meaning(label) for label in entry.labels]:
        raise CheckpointError(
            f"{source} has the labels {', '.join(labels)}; the catalogue knows it with {', '.join(entry.labels)}, in "
            "this order. Either its files were changed, or another checkpoint was fetched under this name: with wrong "
            "labels every emotion is wrong. Compare with its page on the hub; if that agrees with the files, give the "
            "checkpoint as a local folder."
        )


def licence_of(source: str, folder: Path) -> str | None:
    """The licence: `license` in the front matter of README.md, where hub model cards have it; else the catalogue's."""
    entry = entry_of(source)
    return _card_licence(folder / "README.md") or (entry.licence if entry else None)


def non_commercial(licence: str | None) -> bool:
    """Whether a licence forbids commercial use, told by its name. An unknown licence (None) is not known to."""
    return licence is not None and _NON_COMMERCIAL.search(licence) is not None


def _card_licence(card: Path) -> str | None:
    if not card.is_file():
        return None
    with card.open("rb") as file:
        text = file.read(_CARD_BYTES).decode("utf-8-sig", errors="replace")
    parts = text.replace("\r\n", "\n").split("---\n", 2)
    if len(parts) < 3 or parts[0].strip():
        return None
    try:
        front = yaml.safe_load(parts[1])
    except (yaml.YAMLError, RecursionError, ValueError):
        return None  # a card is prose for people: a broken one is no reason to refuse the weights
    names = [_listed(front.get(key)) for key in ("license", "license_name")] if isinstance(front, dict) else []
    return ": ".join(dict.fromkeys(filter(None, names))) or None


def _listed(given: object) -> str:
    """A text as it is, several of them with commas between; anything else is nothing."""
    each = given if isinstance(given, list) else [given]
    return ", ".join(name for name in each if isinstance(name, str))
