"""A checkpoint's own labels, and the map from labels to the taxonomy. The map is data: label_maps.yaml."""

import difflib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from actors.checkpoints.document import Document
from actors.contract import TAXONOMY, Kind
from infra.errors import CheckpointError, ConfigError

DIMENSIONS = frozenset({"arousal", "dominance", "valence"})

_PROBLEMS = (None, "single_label_classification", "multi_label_classification", "regression")


def own_labels(config: Document, rows: int, head: str) -> tuple[str, ...]:
    """The labels of a checkpoint in the order of its outputs.

    `id2label` tells them, else `label2id`; with neither they are LABEL_0 …, the names transformers gives, which the
    label map refuses until the user says what they mean.

    Args:
        config: The checkpoint's config.json.
        rows: Rows of the output layer.
        head: Key of the output layer, for messages.

    Raises:
        CheckpointError: The labels do not number the rows, are alike but for case, or `label2id` contradicts them.
    """
    labels = _named(config) or tuple(f"LABEL_{row}" for row in range(rows))
    if len(labels) != rows:
        raise CheckpointError(
            f"{config.path}: {len(labels)} labels ({_shown(labels)}), but {head} has {rows} rows. One label for "
            "each row is expected: this configuration belongs to another head."
        )
    if len(labels) < 2 or len({_key(label) for label in labels}) != len(labels):
        raise CheckpointError(
            f"{config.path}: labels must be at least two, and differ by more than case, found {_shown(labels)}."
        )
    _check_numbers(config, labels)
    return labels


def kind_of(config: Document, labels: Sequence[str]) -> Kind:
    """How the outputs become a posterior: from `problem_type`, and from labels that are dimensions by name."""
    problem = config.text("problem_type")
    if DIMENSIONS.issuperset(label.casefold() for label in labels):
        return "dimensional"
    if problem not in _PROBLEMS:
        raise config.wrong("problem_type", " or ".join(filter(None, _PROBLEMS)))
    if problem == "regression":
        raise CheckpointError(
            f"{config.path}: a regression on {_shown(labels)}. "
            f"Only {_shown(sorted(DIMENSIONS))} can be mapped to emotions."
        )
    return "multilabel" if problem == "multi_label_classification" else "categorical"


def label_map(
    labels: Sequence[str],
    overrides: Mapping[str, str | None] | None = None,
    *,
    reference: Mapping[str, str | None] | None = None,
) -> dict[str, str | None]:
    """Map labels to emotions of the taxonomy, or to None (their mass is dropped).

    Args:
        labels: Labels as checkpoints spell them.
        overrides: The user's own choices, before all others; case does not matter.
        reference: What the catalogue says of one checkpoint's labels (`catalogue.known_map`), before the packaged map.

    Returns:
        Lower-case label to emotion or None, for each of `labels`.

    Raises:
        CheckpointError: A label that no map knows; says how to map it.
        ConfigError: An override that no label asks for, or whose emotion is none of the taxonomy.
    """
    chosen = _checked(labels, overrides or {})
    known = {**packaged_map(), **{_key(label): emotion for label, emotion in (reference or {}).items()}}
    mapped: dict[str, str | None] = {}
    unknown: list[str] = []
    for label in labels:
        key = _key(label)
        spelling = key if key in known else _either_half(key, known)
        if key not in chosen and spelling is None:
            unknown.append(label)
        else:
            mapped[label.lower()] = chosen[key] if key in chosen else known[spelling or key]
    if unknown:
        raise CheckpointError(
            f"No emotion is known for the label(s) {_shown(unknown)}. Say what they mean in the configuration, as in "
            f"`decision: {{label_map: {{{unknown[0]}: null}}}}`: one of {', '.join(TAXONOMY)}, or null to drop it."
        )
    return mapped


@cache
def packaged_map() -> Mapping[str, str | None]:
    """label_maps.yaml: label (folded) to emotion or None."""
    text = resources.files("actors.checkpoints").joinpath("label_maps.yaml").read_text(encoding="utf-8")
    groups = yaml.safe_load(text)
    words = {emotion: groups[emotion] for emotion in TAXONOMY}
    pairs = [(_key(word), emotion) for emotion in TAXONOMY for word in words[emotion]]
    return dict(pairs) | {_key(word): None for word in groups["dropped"]}


def meaning(label: str) -> str | None:
    """The emotion that a label means by the packaged map, None for one of those it drops, else the label, folded."""
    known = packaged_map()
    key = _key(label)
    spelling = key if key in known else _either_half(key, known)
    return key if spelling is None else known[spelling]


def unmapped(
    labels: Sequence[str],
    overrides: Mapping[str, str | None] | None = None,
    *,
    reference: Mapping[str, str | None] | None = None,
) -> tuple[str, ...]:
    """The labels that no map knows: those for which `label_map` asks."""
    known = {*packaged_map(), *map(_key, overrides or {}), *map(_key, reference or {})}
    packaged = packaged_map()
    return tuple(each for each in labels if _key(each) not in known and _either_half(_key(each), packaged) is None)


def coverage(mapping: Mapping[str, str | None]) -> tuple[str, ...]:
    """The emotions of the taxonomy that a label map reaches, in the taxonomy's order."""
    reached = set(mapping.values())
    return tuple(emotion for emotion in TAXONOMY if emotion in reached)


@dataclass(frozen=True)
class Merged:
    """Several labels that became one emotion.

    Attributes:
        emotion: The emotion.
        labels: What was merged into it.
        prior: How often a head that knows nothing would choose it: the labels merged, over all of them.
        fair: How often it would, were each emotion that the labels reach one label.
    """

    emotion: str
    labels: tuple[str, ...]
    prior: float
    fair: float


def merged(mapping: Mapping[str, str | None]) -> tuple[Merged, ...]:
    """What merging does to the prior of each emotion that more than one label is mapped to.

    With eight labels, two of them mapped to neutral, a random head says neutral 2/8 of the time, and 1/7 would be fair.

    Args:
        mapping: Every label of one model, to an emotion or None.
    """
    by_emotion = {
        emotion: tuple(label for label, each in mapping.items() if each == emotion) for emotion in coverage(mapping)
    }
    return tuple(
        Merged(emotion, labels, len(labels) / len(mapping), 1 / len(by_emotion))
        for emotion, labels in by_emotion.items()
        if len(labels) > 1
    )


def _named(config: Document) -> tuple[str, ...]:
    by_row = config.values.get("id2label")
    if by_row is None:
        names = config.values.get("label2id")
        by_row = {str(row): name for name, row in names.items()} if isinstance(names, dict) else {}
    if (
        config.values.get("id2label") == {}
        or not isinstance(by_row, dict)
        or set(by_row) != {str(row) for row in range(len(by_row))}
    ):
        raise config.wrong("id2label", "one label for each row, numbered from 0 without a gap")
    labels = [by_row[str(row)] for row in range(len(by_row))]
    if not all(isinstance(each, str | int) and str(each).strip() and str(each).isprintable() for each in labels):
        raise config.wrong("id2label", "labels that are texts")
    return tuple(str(each) for each in labels)


def _check_numbers(config: Document, labels: Sequence[str]) -> None:
    """Refuse a `label2id` that numbers the same labels otherwise. One with other names is a left-over, and passes."""
    other = config.values.get("label2id")
    for row, label in enumerate(labels):
        number = other.get(label, row) if isinstance(other, dict) else row
        if str(number) != str(row):
            raise config.wrong(
                "label2id", f"{label} to be {row}, as in id2label: with a wrong order every emotion is wrong"
            )


def _checked(labels: Sequence[str], overrides: Mapping[str, str | None]) -> dict[str, str | None]:
    asked = {_key(label): label for label in labels}
    for label, emotion in overrides.items():
        if emotion is not None and emotion not in TAXONOMY:
            raise ConfigError(
                f"label_map: {label!r} is mapped to {emotion!r}, expected one of {', '.join(TAXONOMY)} or null."
            )
        if _key(label) not in asked:
            near = difflib.get_close_matches(_key(label), asked, n=1)
            hint = f" Did you mean {asked[near[0]]!r}?" if near else ""
            raise ConfigError(f"label_map: no model has the label {label!r}; there are {_shown(labels)}.{hint}")
    return {_key(label): emotion for label, emotion in overrides.items()}


def _either_half(key: str, known: Mapping[str, str | None]) -> str | None:
    """`生气/angry` is known when a half is, and the halves that are known agree."""
    halves = [half.strip() for half in key.split("/") if half.strip() in known]
    return halves[0] if "/" in key and halves and len({known[half] for half in halves}) == 1 else None


def _key(label: str) -> str:
    return unicodedata.normalize("NFC", label).strip().casefold()


def _shown(labels: Sequence[str]) -> str:
    names = ", ".join(label[:40] for label in labels[:12])
    return f"{names}, …" if len(labels) > 12 else names
