"""Emotion checkpoints: found, recognised, guarded, loaded. Nothing is ever scored with a randomly initialised head.

    load(source) -> EmotionModel          the model, ready to score
    identify(source) -> CheckpointIdentity    what it is, without loading it
    locate(source) -> Path                where its files lie
    known() -> list[CatalogueEntry]       the checkpoints that Seraph knows of
    label_map(labels) -> dict             what its labels mean in the taxonomy

Importing this imports no torch; `load` does.
"""

from actors.checkpoints.catalogue import CatalogueEntry
from actors.checkpoints.catalogue import known as _known
from actors.checkpoints.identity import CheckpointIdentity, examine
from actors.checkpoints.labels import label_map
from actors.checkpoints.source import locate
from actors.contract import EmotionModel

__all__ = ["CatalogueEntry", "CheckpointIdentity", "identify", "known", "label_map", "load", "locate"]


def load(source: str, *, revision: str | None = None, device: str = "auto", dtype: str = "auto") -> EmotionModel:
    """Load an emotion model.

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
    from actors.checkpoints.model import SpeechModel  # torch: about a second, and 200 MB that a planner never needs
    from actors.checkpoints.precision import choose_device, choose_precision

    place = choose_device(device)
    precision = choose_precision(dtype, place)
    found = examine(source, revision)
    network = found.family.build(found.checkpoint)
    network.use(precision)
    network.to(place)
    return SpeechModel(found.identity.spec(precision), network, found.facts.preprocessing, place)


def identify(source: str, revision: str | None = None) -> CheckpointIdentity:
    """What a checkpoint is, from its files alone. Raises as `load` does, but for faults inside the backbone."""
    return examine(source, revision).identity


def known() -> list[CatalogueEntry]:
    """The checkpoints that Seraph knows of, usable or not."""
    return list(_known())
