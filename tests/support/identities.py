"""What a run was found to depend on, without a checkpoint on the disk."""

from collections.abc import Mapping
from typing import Any

from actors.checkpoints import CheckpointIdentity
from tasks.config.identity import Identity
from tasks.numerics.decision import Decision
from tasks.tables import Decisions


def checkpoint_identity(**changes: Any) -> CheckpointIdentity:
    """A checkpoint of four labels."""
    values: dict[str, Any] = {
        "source": "owner/name",
        "revision": "1" * 40,
        "weights_sha256": "0" * 64,
        "preprocessing": "p",
        "architecture": "a",
        "family": "stock",
        "kind": "categorical",
        "labels": ("neu", "hap", "ang", "sad"),
        "sampling_rate": 16_000,
        "demo": False,
        "licence": None,
    }
    return CheckpointIdentity(**(values | changes))


def run_identity(checkpoints: Mapping[str, CheckpointIdentity]) -> Identity:
    """An identity with these checkpoints as routes."""
    return Identity(
        "fingerprint", dict.fromkeys(checkpoints, "route"), checkpoints, "0" * 64, Decisions("d", Decision(), {})
    )
