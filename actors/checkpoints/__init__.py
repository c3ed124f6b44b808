"""Emotion checkpoints: found, recognised, guarded, loaded. Nothing is ever scored with a randomly initialised head.

    load(source) -> EmotionModel | TextEmotionModel    the model, ready to score speech or text
    load_audio, load_text(source)         the same, where only one of the two will do
    identify(source) -> CheckpointIdentity    what it is, without loading it
    locate(source) -> Path                where its files lie
    is_stored(source), local_copy(source, access) -> Path    the same for models in a store, copied to each node once
    known() -> list[CatalogueEntry]       the checkpoints that Seraph knows of
    label_map(labels) -> dict             what its labels mean in the taxonomy
    non_commercial(licence) -> bool       whether a licence forbids commercial use

Importing this imports no torch; `load` does.
"""

from actors.checkpoints.catalogue import CatalogueEntry, non_commercial
from actors.checkpoints.catalogue import known as _known
from actors.checkpoints.identity import CheckpointIdentity, examine
from actors.checkpoints.labels import label_map
from actors.checkpoints.source import locate
from actors.checkpoints.stored import is_stored, local_copy
from actors.contract import EmotionModel, TextEmotionModel

__all__ = [
    "CatalogueEntry",
    "CheckpointIdentity",
    "identify",
    "is_stored",
    "known",
    "label_map",
    "load",
    "load_audio",
    "load_text",
    "local_copy",
    "locate",
    "non_commercial",
]


def load(
    source: str, *, revision: str | None = None, device: str = "auto", dtype: str = "auto"
) -> EmotionModel | TextEmotionModel:
    """Load an emotion model: one that hears or one that reads, as the checkpoint is (`spec.modality`).

    Args:
        source: A local folder or a hub id.
        revision: Commit, tag or branch of a hub repository.
        device: `auto`, `cpu`, `cuda`, …
        dtype: `auto` (bf16 where the hardware has it), `fp32`, `bf16` or `fp16`.

    Raises:
        WeightsAbsentError: The weights are not on this machine and cannot be fetched.
        CheckpointError: The checkpoint is damaged, or its head is none that Seraph knows.
        ConfigError: There is no such device or precision.
    """
    reads = identify(source, revision).modality == "text"
    door = load_text if reads else load_audio
    return door(source, revision=revision, device=device, dtype=dtype)


def load_audio(source: str, *, revision: str | None = None, device: str = "auto", dtype: str = "auto") -> EmotionModel:
    """Load an emotion model that hears. Arguments and errors are those of `load`; one that reads is refused."""
    found = examine(source, revision)
    found.identity.require("audio")
    from actors.checkpoints.model import load_speech  # torch: about a second, and 200 MB that a planner never needs

    return load_speech(found, device, dtype)


def load_text(
    source: str, *, revision: str | None = None, device: str = "auto", dtype: str = "auto"
) -> TextEmotionModel:
    """Load an emotion model that reads. Arguments and errors are those of `load`; one that hears is refused."""
    found = examine(source, revision)
    found.identity.require("text")
    from actors.checkpoints.text_model import load_reader  # torch, as above

    return load_reader(found, device, dtype)


def identify(source: str, revision: str | None = None) -> CheckpointIdentity:
    """What a checkpoint is, from its files alone. Raises as `load` does, but for faults inside the backbone."""
    return examine(source, revision).identity


def known() -> list[CatalogueEntry]:
    """The checkpoints that Seraph knows of, usable or not."""
    return list(_known())
