"""Short hashes of what results depend on: they stand in the store's paths and in its commits."""

import hashlib
import json

from actors.checkpoints import CheckpointIdentity


def short_hash(value: object) -> str:
    """16 hex digits over the canonical JSON of `value`."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def model_hash(checkpoint: CheckpointIdentity) -> str:
    """What the outputs of a model, and their meaning, depend on."""
    # Labels and architecture too: they stand in config.json, and a correction there (another pooling, labels in another
    # order) changes the logits, or what stored ones mean.
    weights = [checkpoint.weights_sha256, checkpoint.preprocessing, checkpoint.architecture]
    return short_hash([*weights, checkpoint.kind, checkpoint.labels])
