"""The checkpoints that Seraph knows of. The facts are data: catalogue.yaml; a checkpoint's own files always prevail."""

from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict


class CatalogueEntry(BaseModel):
    """One known checkpoint.

    Attributes:
        source: Hub id.
        family: Its layout: a family of this package, or a word for one that is not read (yet).
        status: `usable`; `refused`; `needs_extra` (an optional package); `planned` (no family reads it yet).
        modality: What it hears or reads.
        languages: ISO 639-1 codes of what it was trained on.
        labels: Its own labels in order, as far as known; empty: only the checkpoint tells.
        licence: As far as known.
        note: What a user should know; for a refused one, what to use instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    family: str
    status: Literal["usable", "refused", "needs_extra", "planned"]
    modality: Literal["audio", "text"] = "audio"
    languages: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    licence: str | None = None
    note: str = ""


@cache
def known() -> tuple[CatalogueEntry, ...]:
    """Every entry of the catalogue, in its order."""
    text = resources.files("actors.checkpoints").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return tuple(CatalogueEntry.model_validate(each) for each in yaml.safe_load(text))


def entry_of(source: str) -> CatalogueEntry | None:
    """The entry of a hub id, or None."""
    return next((each for each in known() if each.source == source), None)
