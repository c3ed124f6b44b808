"""Why a checkpoint is refused, in words that help: what was expected, what was found, what comes nearest, what to do.

Owns the messages and the comparison of keys and shapes. Whether a layout is known is the families' business.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from actors.checkpoints.backbones import BACKBONES, backbone_of, beside_backbone
from actors.checkpoints.family import Family, families
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.foreign import has_adapters, purpose
from infra.errors import CheckpointError, LayoutError

Shape = tuple[int, ...]

_INSTEAD = "Use a checkpoint fine-tuned for emotions (`seraph models list` shows known ones)"
_SHOWN = 6
_WORDS = "embeddings.word_embeddings.weight"
"""What every encoder of text has."""


def choose(checkpoint: Checkpoint) -> Family:
    """The family whose layout the checkpoint has.

    Raises:
        CheckpointError: None has it; says what it is instead, or which layout comes nearest and what differs.
    """
    keys = checkpoint.tensors.keys()
    if has_adapters(keys):
        raise _adapted(checkpoint)
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
        f"{_danger(missing or mismatched)}",
        missing=missing,
        unexpected=unexpected,
        mismatched=mismatched,
    )


def by_name(source: str, keys: Iterable[str], name: Callable[[str], str]) -> dict[str, str]:
    """Keys by the names that the network has for them.

    Raises:
        LayoutError: Two keys are spellings of one name: which of them is meant cannot be told.
    """
    named: dict[str, str] = {}
    for key in sorted(keys):
        if name(key) in named:
            both = (named[name(key)], key)
            raise LayoutError(
                f"{source} has one tensor under two spellings, {_listed(both)}: which of them counts cannot be told. "
                "Take the original checkpoint.",
                unexpected=both,
            )
        named[name(key)] = key
    return named


def _adapted(checkpoint: Checkpoint) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.source} has adapters (LoRA) beside its weights: merge them into it, and save that."
    )


def _explained(checkpoint: Checkpoint) -> CheckpointError:
    keys, source = checkpoint.tensors.keys(), checkpoint.source
    head = beside_backbone(keys)
    what = purpose(keys, checkpoint.config)
    if what:
        return CheckpointError(f"{source} {what}, and has no emotion head. {_INSTEAD}.")
    if backbone_of(keys) is None:
        return _no_backbone(checkpoint)
    if not head:
        return _headless(source)
    return _layout_error(checkpoint, _families_that("hear"), sorted(head))


def _families_that(do: Literal["hear", "read"]) -> list[Family]:
    """The layouts that a checkpoint of the same backbones may have meant."""
    from actors.checkpoints.pooled import PooledFamily  # they import this module
    from actors.checkpoints.text import TextFamily

    return [each for each in families() if isinstance(each, PooledFamily if do == "hear" else TextFamily)]


def _no_backbone(checkpoint: Checkpoint) -> CheckpointError:
    keys = checkpoint.tensors.keys()
    if any(key.startswith("feature_extractor.conv_layers.") for key in keys):
        return _headless(checkpoint.source)
    text = next((key for key in sorted(keys) if key.endswith(_WORDS)), None)
    if text is not None:
        encoder = text.removesuffix(_WORDS)
        head = sorted(key for key in keys if not key.startswith(encoder or ("embeddings.", "encoder.", "pooler.")))
        return _layout_error(checkpoint, _families_that("read"), head) if head else _headless(checkpoint.source)
    known = ", ".join(each.model_type for each in BACKBONES)
    kind = checkpoint.config.text("model_type", "unknown")
    return CheckpointError(
        f"{checkpoint.source} is no emotion model that Seraph can load: its model_type is {kind}, and its keys "
        f"({_listed(sorted(keys))}) belong to no known backbone ({known}). {_INSTEAD}."
    )


def _headless(source: str) -> CheckpointError:
    return CheckpointError(
        f"{source} is a backbone without an emotion head: scored as it is, its head would be random. "
        f"Fine-tune it on labelled emotions first, or: {_INSTEAD}."
    )


def _layout_error(checkpoint: Checkpoint, layouts: Sequence[Family], head: Sequence[str]) -> LayoutError:
    config = checkpoint.config
    family = min(layouts, key=lambda each: _distance(each.head_keys(config), head))
    wanted = family.head_keys(config)
    missing = tuple(key for key in wanted if key not in head)
    unexpected = tuple(key for key in head if key not in wanted)
    known = "; ".join(f"{each.name}: {', '.join(each.head_keys(config))}" for each in layouts)
    return LayoutError(
        f"{checkpoint.source} has a head that no known layout has. The nearest is {family.name}: "
        f"{_differences(missing, unexpected, ())}. Known layouts: {known}. "
        f"{_danger(missing)}",
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


def _danger(lacking: Sequence[str]) -> str:
    if lacking:
        return "Scoring with it would use random weights, so it is refused."
    return "What it has besides would be left out, and another network scored, so it is refused."


def _with_nearest(key: str, unexpected: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, unexpected[:256], n=1)
    return f"{key} (nearest found: {near[0]})" if near else key


def _listed(names: Sequence[str], total: int | None = None) -> str:
    total = len(names) if total is None else total
    shown = ", ".join((name if name.isprintable() else repr(name))[:120] for name in names[:_SHOWN])
    return f"{shown} and {total - _SHOWN} more" if total > _SHOWN else shown
