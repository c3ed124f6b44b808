"""What a checkpoint is, told from its files alone: cheap, and without torch where the weights are safetensors."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from actors.checkpoints.catalogue import entry_of
from actors.checkpoints.family import Facts, Family
from actors.checkpoints.files import Checkpoint, open_checkpoint
from actors.checkpoints.guard import choose
from actors.checkpoints.source import locate, resolved_revision
from actors.contract import Kind, ModelSpec

_NO_NUMBER = frozenset(
    ("_name_or_path", "architectures", "auto_map", "demo_model", "dtype", "torch_dtype", "transformers_version")
)
"""Entries of config.json that change no logits."""


@dataclass(frozen=True)
class CheckpointIdentity:
    """What results depend on, and what a user should know, about a checkpoint.

    Attributes:
        source, revision: As configured, and the commit it came to (None for a folder).
        weights_sha256: Of the weight file; over the digests of several.
        preprocessing: Short hash over everything between the signal and the network.
        architecture: Short hash over config.json, less what changes no number: pooling, for one, stands there alone.
        family, kind, labels, sampling_rate: As in `ModelSpec`.
        demo: Whether config.json says `demo_model`.
        licence: As the model card says, else the catalogue, else None.
    """

    source: str
    revision: str | None
    weights_sha256: str
    preprocessing: str
    architecture: str
    family: str
    kind: Kind
    labels: tuple[str, ...]
    sampling_rate: int
    demo: bool
    licence: str | None

    def spec(self, precision: str) -> ModelSpec:
        """The spec of this checkpoint loaded in `precision`."""
        return ModelSpec(
            source=self.source,
            revision=self.revision,
            weights_sha256=self.weights_sha256,
            family=self.family,
            kind=self.kind,
            labels=self.labels,
            sampling_rate=self.sampling_rate,
            preprocessing=self.preprocessing,
            precision=precision,
            demo=self.demo,
            licence=self.licence,
        )


@dataclass(frozen=True)
class Examination:
    """A checkpoint that some family recognised, ready to be built."""

    checkpoint: Checkpoint
    family: Family
    facts: Facts
    identity: CheckpointIdentity


def examine(source: str, revision: str | None = None) -> Examination:
    """Find a checkpoint, recognise its family and check its head, without building it.

    Raises:
        WeightsAbsentError: The weights are not here.
        CheckpointError: It is damaged, or of a layout that no family knows.
    """
    folder = locate(source, revision)
    checkpoint = open_checkpoint(source, folder)
    family = choose(checkpoint)
    facts = family.describe(checkpoint)
    identity = CheckpointIdentity(
        source=source,
        revision=resolved_revision(folder),
        weights_sha256=checkpoint.weights_sha256,
        preprocessing=facts.preprocessing.digest(),
        architecture=_architecture(checkpoint.config.values),
        family=family.name,
        kind=facts.kind,
        labels=facts.labels,
        sampling_rate=facts.preprocessing.sampling_rate,
        demo=checkpoint.config.flag("demo_model", False),
        licence=_licence(source, folder),
    )
    return Examination(checkpoint, family, facts, identity)


def _architecture(config: Mapping[str, object]) -> str:
    kept = {name: value for name, value in config.items() if name not in _NO_NUMBER}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def _licence(source: str, folder: Path) -> str | None:
    """`license` in the front matter of README.md, where hub model cards have it; else what the catalogue knows."""
    known = entry_of(source)
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace")[:65536] if card.is_file() else ""
    parts = text.split("---\n", 2)
    if len(parts) == 3 and not parts[0].strip():
        try:
            front = yaml.safe_load(parts[1])
        except yaml.YAMLError:
            front = None  # a card is prose for people: a broken one is no reason to refuse the weights
        if isinstance(front, dict) and isinstance(front.get("license"), str):
            return str(front["license"])
    return known.licence if known else None
