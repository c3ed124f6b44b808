"""What a checkpoint is, told from its files alone: cheap, and without torch where the weights are safetensors."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from actors.checkpoints.catalogue import check_labels, licence_of
from actors.checkpoints.family import Facts, Family
from actors.checkpoints.files import Checkpoint, open_checkpoint
from actors.checkpoints.guard import choose
from actors.checkpoints.source import locate, origin_of
from actors.contract import SAMPLING_RATE, Kind, Modality, ModelSpec
from infra.errors import CheckpointError

_NO_NUMBER = frozenset(
    ("_name_or_path", "architectures", "auto_map", "demo_model", "dtype", "torch_dtype", "transformers_version")
)
"""Entries of config.json that change no logits."""


@dataclass(frozen=True)
class CheckpointIdentity:
    """What results depend on, and what a user should know, about a checkpoint.

    Attributes:
        source, revision: Hub id and commit, also of a folder that was pulled; else the folder as configured, and None.
        weights_sha256: Of the weight file; over the digests of several.
        preprocessing: Short hash over everything between the signal and the network.
        architecture: Short hash over config.json, less what changes no number: pooling, for one, stands there alone.
            Covers the other settings that a family reads (`Facts.settings`), too.
        family, kind, labels, sampling_rate, modality, window_s: As in `ModelSpec`.
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
    modality: Modality = "audio"
    window_s: float | None = None

    def require(self, modality: Modality) -> "CheckpointIdentity":
        """Itself, if it is of this modality.

        Raises:
            CheckpointError: It is not; says what it is.
        """
        if self.modality == modality:
            return self
        is_, wanted = ("reads text", "hears speech") if modality == "audio" else ("hears speech", "reads text")
        raise CheckpointError(
            f"{self.source} {is_} (family {self.family}), and a model that {wanted} is expected here. "
            "`seraph models list` shows which is which."
        )

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
            modality=self.modality,
            window_s=self.window_s,
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
        CheckpointError: It is damaged, of a layout that no family knows, or hears another rate than ours.
    """
    folder = locate(source, revision)
    origin = origin_of(source, folder)
    checkpoint = open_checkpoint(origin.source, folder)
    family = choose(checkpoint)
    facts = family.describe(checkpoint)
    check_labels(origin.source, facts.labels)
    _check_rate(source, facts)
    identity = CheckpointIdentity(
        source=origin.source,
        revision=origin.revision,
        weights_sha256=checkpoint.weights_sha256,
        preprocessing=facts.preprocessing.digest(),
        architecture=_architecture({**checkpoint.config.values, **facts.settings}),
        family=family.name,
        kind=facts.kind,
        labels=facts.labels,
        sampling_rate=facts.preprocessing.sampling_rate,
        demo=checkpoint.config.flag("demo_model", False),
        licence=licence_of(origin.source, folder),
        modality=facts.modality,
        window_s=facts.window_s,
    )
    return Examination(checkpoint, family, facts, identity)


def _check_rate(source: str, facts: Facts) -> None:
    rate = facts.preprocessing.sampling_rate
    if facts.modality == "audio" and rate != SAMPLING_RATE:
        raise CheckpointError(
            f"{source} hears signals at {rate} Hz, and Seraph decodes all media to {SAMPLING_RATE} Hz: at another rate "
            f"every pitch would be wrong. Use a checkpoint trained at {SAMPLING_RATE} Hz."
        )


def _architecture(config: Mapping[str, object]) -> str:
    kept = {name: value for name, value in config.items() if name not in _NO_NUMBER}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
