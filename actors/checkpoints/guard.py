"""Why a checkpoint is refused, in words that help: what was expected, what was found, what comes nearest, what to do.

Owns the messages and the comparison of keys and shapes. Whether a layout is known is the families' business.
"""

import difflib
from collections.abc import Mapping, Sequence

from actors.checkpoints.backbones import BACKBONES, backbone_of, beside_backbone
from actors.checkpoints.family import Family, families
from actors.checkpoints.files import Checkpoint
from infra.errors import CheckpointError, LayoutError

Shape = tuple[int, ...]

_INSTEAD = "Use a checkpoint fine-tuned for emotions (`seraph models list` shows known ones)"
_SHOWN = 6


def choose(checkpoint: Checkpoint) -> Family:
    """The family whose layout the checkpoint has.

    Raises:
        CheckpointError: None has it; says what it is instead, or which layout comes nearest and what differs.
    """
    keys = checkpoint.tensors.keys()
    for family in families():
        if family.recognises(keys, checkpoint.config):
            return family
    raise _explained(checkpoint)


def compare(source: str, family: str, expected: Mapping[str, Shape], found: Mapping[str, Shape]) -> None:
    """Check that exactly the expected tensors are there, in their shapes.

    Raises:
        LayoutError: Names what is missing, unexpected or of another shape, and the nearest match of each missing key.
    """
    missing = tuple(sorted(expected.keys() - found.keys()))
    unexpected = tuple(sorted(found.keys() - expected.keys()))
    mismatched = tuple(sorted(key for key in expected.keys() & found.keys() if expected[key] != found[key]))
    if not (missing or unexpected or mismatched):
        return
    shapes = [f"{key} {list(found[key])}, expected {list(expected[key])}" for key in mismatched]
    raise LayoutError(
        f"{source} does not fit the {family} layout: {_differences(missing, unexpected, shapes)}. "
        f"Scoring with it would use random weights, so it is refused.",
        missing=missing,
        unexpected=unexpected,
        mismatched=mismatched,
    )


def _explained(checkpoint: Checkpoint) -> CheckpointError:
    keys, source = checkpoint.tensors.keys(), checkpoint.source
    head = beside_backbone(keys)
    if any(key.startswith("lm_head.") for key in keys):
        what = "transcribes speech" if backbone_of(keys) else "models language"
        return CheckpointError(f"{source} {what} (it has an lm_head) and has no emotion head. {_INSTEAD}.")
    if backbone_of(keys) is None:
        return _no_backbone(checkpoint)
    if not head:
        return _headless(source)
    family = min(families(), key=lambda each: _distance(each.head_keys(checkpoint.config), sorted(head)))
    return _layout_error(source, family, checkpoint, sorted(head))


def _no_backbone(checkpoint: Checkpoint) -> CheckpointError:
    keys = checkpoint.tensors.keys()
    if any(key.startswith("feature_extractor.conv_layers.") for key in keys):
        return _headless(checkpoint.source)
    known = ", ".join(each.model_type for each in BACKBONES)
    kind = checkpoint.config.text("model_type", "unknown")
    return CheckpointError(
        f"{checkpoint.source} is no speech emotion model that Seraph can load: its model_type is {kind}, and its keys "
        f"({_listed(sorted(keys))}) belong to no known backbone ({known}). {_INSTEAD}."
    )


def _headless(source: str) -> CheckpointError:
    return CheckpointError(
        f"{source} is a backbone without an emotion head: scored as it is, its head would be random. "
        f"Fine-tune it on labelled emotions first, or: {_INSTEAD}."
    )


def _layout_error(source: str, family: Family, checkpoint: Checkpoint, head: Sequence[str]) -> LayoutError:
    wanted = family.head_keys(checkpoint.config)
    missing = tuple(key for key in wanted if key not in head)
    unexpected = tuple(key for key in head if key not in wanted)
    layouts = "; ".join(f"{each.name}: {', '.join(each.head_keys(checkpoint.config))}" for each in families())
    return LayoutError(
        f"{source} has a head that no known layout has. The nearest is {family.name}: "
        f"{_differences(missing, unexpected, ())}. Known layouts: {layouts}. "
        "Scoring with it would use random weights, so it is refused.",
        missing=missing,
        unexpected=unexpected,
    )


def _distance(wanted: Sequence[str], found: Sequence[str]) -> float:
    """How far two sets of keys are apart: each key's unlikeness to the nearest on the other side, summed both ways."""
    return sum(1 - _likeness(key, found) for key in wanted) + sum(1 - _likeness(key, wanted) for key in found[:64])


def _likeness(key: str, others: Sequence[str]) -> float:
    return max((difflib.SequenceMatcher(None, key, other).ratio() for other in others[:64]), default=0.0)


def _differences(missing: Sequence[str], unexpected: Sequence[str], shapes: Sequence[str]) -> str:
    parts = []
    if missing:
        parts.append(f"missing {_listed([_with_nearest(key, unexpected) for key in missing[:_SHOWN]], len(missing))}")
    if unexpected:
        parts.append(f"unexpected {_listed(unexpected)}")
    if shapes:
        parts.append(f"of another shape {_listed(shapes)}")
    return "; ".join(parts)


def _with_nearest(key: str, unexpected: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, unexpected[:256], n=1)
    return f"{key} (nearest found: {near[0]})" if near else key


def _listed(names: Sequence[str], total: int | None = None) -> str:
    total = len(names) if total is None else total
    shown = ", ".join(name[:120] for name in names[:_SHOWN])
    return f"{shown} and {total - _SHOWN} more" if total > _SHOWN else shown
