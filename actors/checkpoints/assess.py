"""Whether a checkpoint can be trusted to load, and what it can say: everything `seraph models check` tells.

Owns the gathering. What makes a checkpoint refused is the guard's and the families' business; how it is shown, flows'.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from actors.checkpoints.catalogue import KnownScore, entry_of, known_map, non_commercial
from actors.checkpoints.identity import CheckpointIdentity, examine
from actors.checkpoints.labels import Merged, coverage, label_map, merged, unmapped
from actors.contract import SAMPLING_RATE, TAXONOMY, Modality
from infra.errors import CheckpointError


@dataclass(frozen=True)
class Assessment:
    """What is known of a checkpoint.

    Attributes:
        source: As asked for.
        status: `ok`: it can be scored with. `refused`: it cannot, and `error` says why.
        built: Whether the network was built and asked; False where only the files were looked at.
        error: Why it is refused.
        identity: What it is; None where it is refused.
        label_map: Its labels to emotions, or to None (dropped). Empty for dimensions: the nearest emotion is taken.
        unmapped: Labels that no map knows: the configuration must say what they mean before it can be scored with.
        merged: What merging labels does to the prior.
        coverage: The emotions that it can say, in the taxonomy's order.
        licence: As its card says, else the catalogue, else None.
        scores, caveats, note: What the catalogue says.
    """

    source: str
    status: Literal["ok", "refused"]
    built: bool = False
    error: CheckpointError | None = None
    identity: CheckpointIdentity | None = None
    label_map: Mapping[str, str | None] = field(default_factory=dict)
    unmapped: tuple[str, ...] = ()
    merged: tuple[Merged, ...] = ()
    coverage: tuple[str, ...] = ()
    licence: str | None = None
    scores: tuple[KnownScore, ...] = ()
    caveats: tuple[str, ...] = ()
    note: str = ""

    @property
    def dropped(self) -> tuple[str, ...]:
        """The labels whose mass is dropped."""
        return tuple(label for label, emotion in self.label_map.items() if emotion is None)

    @property
    def beyond(self) -> tuple[str, ...]:
        """The emotions that it cannot say."""
        return tuple(emotion for emotion in TAXONOMY if self.identity and emotion not in self.coverage)

    @property
    def non_commercial(self) -> bool:
        """Whether its licence forbids commercial use."""
        return non_commercial(self.licence)


def assess(source: str, revision: str | None = None, *, quick: bool = False) -> Assessment:
    """Look at a checkpoint; nothing is raised for one that is refused.

    Args:
        source: A local folder or a hub id.
        revision: Commit, tag or branch of a hub repository.
        quick: Look at the files only. Without it the network is built on the CPU and hears a second of noise (or reads
            a word): only so are damaged weights found.
    """
    try:
        identity = examine(source, revision).identity
        if not quick:
            _ask(source, revision, identity.modality)
    except CheckpointError as error:
        return _refused(source, error)
    return _accepted(source, identity, built=not quick)


def _ask(source: str, revision: str | None, modality: Modality) -> None:
    from actors.checkpoints import load_audio, load_text  # the door of this package imports what is here

    if modality == "text":
        logits = load_text(source, revision=revision, device="cpu", dtype="fp32").logits(["hello"])
    else:
        noise = np.random.default_rng(0).standard_normal(SAMPLING_RATE).astype(np.float32) * np.float32(0.1)
        logits = load_audio(source, revision=revision, device="cpu", dtype="fp32").logits([noise])
    if not np.isfinite(logits).all():
        raise CheckpointError(
            f"{source} answers {logits[0].tolist()}: its weights are finite, but they overflow. The training "
            "failed, or the weights were converted to a type too narrow for them. Take the original ones."
        )


def _refused(source: str, error: CheckpointError) -> Assessment:
    entry = entry_of(source)
    if entry is None:
        return Assessment(source, "refused", error=error)
    return Assessment(
        source,
        "refused",
        error=error,
        licence=entry.licence,
        scores=entry.scores,
        caveats=entry.caveats,
        note=entry.note,
    )


def _accepted(source: str, identity: CheckpointIdentity, *, built: bool) -> Assessment:
    entry = entry_of(identity.source)
    labels = () if identity.kind == "dimensional" else identity.labels
    reference = known_map(identity.source)
    unknown = unmapped(labels, reference=reference)
    mapping = label_map([label for label in labels if label not in unknown], reference=reference)
    return Assessment(
        source,
        "ok",
        built=built,
        identity=identity,
        label_map=mapping,
        unmapped=unknown,
        # Of labels that may hold together the most probable counts, and their number gives no lead.
        merged=() if identity.kind == "multilabel" else merged(mapping),
        coverage=coverage(mapping) if labels else TAXONOMY,
        licence=identity.licence,
        scores=entry.scores if entry else (),
        caveats=entry.caveats if entry else (),
        note=entry.note if entry else "",
    )
