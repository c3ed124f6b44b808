"""The `text` section of a configuration, and what texts depend on: which source, which Whisper, which text models.

Composed into a run's configuration by scoring.py. What is done with texts is tasks/texts/stage.py's part.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, field_validator, model_validator

from actors import versions
from actors.checkpoints import CheckpointIdentity, identify, label_map
from actors.checkpoints.catalogue import known_map
from actors.detector_file import find_detector
from actors.options import Options, Route
from actors.texts import SourceName
from infra.errors import ConfigError
from tasks.hashes import model_hash, short_hash


class TextOptions(Options):
    """The text branch; without it there is none.

    How far texts count is the decision's `audio_weight`: at its default of 1 the audio decides alone, and texts only
    stand beside it.

    Attributes:
        source: Where texts come from: `sidecar` (.srt and .vtt beside the medium), `whisper`, `labels`, or several; of
            each segment the first that has a text counts.
        models: Language to text model. A language without one keeps its texts, unread.
        whisper: Whisper checkpoint that transcribes; None: the language detector's.
        labels: The label file of `source: labels`; None: that of `segments.labels`.
        label_map: Overrides of the packaged map for the text models' labels.
        edition: Raise it to have all texts found again, after sidecars were added or corrected.
    """

    source: tuple[SourceName, ...] = Field(("sidecar",), min_length=1)
    models: dict[str, Route] = Field(min_length=1)
    whisper: str | None = None
    labels: str | None = None
    label_map: dict[str, str | None] = Field(default_factory=dict)
    edition: int = 1

    @field_validator("source", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check(self) -> "TextOptions":
        if len(set(self.source)) < len(self.source):
            raise ValueError(f"source names one place twice: {', '.join(self.source)}")
        if self.labels is not None and "labels" not in self.source:
            raise ValueError("`labels` names the label file of `source: labels`, and is given with that source only")
        return self

    def with_paths(self, absolute: Callable[[str], str]) -> "TextOptions":
        """The same with every path as `absolute` makes it."""
        models = {key: route.model_copy(update={"model": absolute(route.model)}) for key, route in self.models.items()}
        files = {name: absolute(value) for name in ("whisper", "labels") if (value := getattr(self, name))}
        return self.model_copy(update={"models": models, **files})


@dataclass(frozen=True)
class TextIdentity:
    """What texts depend on, resolved to bytes.

    Attributes:
        id: Hash over all of it: stands in the store's paths.
        checkpoints: What reads each language.
        whisper_sha256: Hash of Whisper's weights, where it transcribes.
        label_maps: Of each text model, by weights_sha256: its labels (lower case) to an emotion, or to None.
    """

    id: str
    checkpoints: Mapping[str, CheckpointIdentity]
    whisper_sha256: str | None
    label_maps: Mapping[str, Mapping[str, str | None]]


def resolve_text(options: TextOptions, whisper: str, labels_sha256: str | None) -> TextIdentity:
    """Find the text models and hash everything that texts depend on.

    Args:
        options: The `text` section.
        whisper: The language detector's Whisper, which transcribes unless another is named.
        labels_sha256: Hash of the label file, where texts come from one.

    Raises:
        CheckpointError, WeightsAbsentError, ConfigError: A model is not here, hears instead of reading, or has labels
            that nobody has given a meaning.
    """
    checkpoints = {
        key: identify(route.model, route.revision).require("text") for key, route in sorted(options.models.items())
    }
    transcribing = find_detector(options.whisper or whisper)[1] if "whisper" in options.source else None
    covered = {
        "versions": [versions.SUBTITLES, versions.TRANSCRIBING],
        "source": options.source,
        "whisper": transcribing,
        "labels": labels_sha256 if "labels" in options.source else None,
        "models": {key: model_hash(each) for key, each in checkpoints.items()},
        "edition": options.edition,
    }
    return TextIdentity(short_hash(covered), checkpoints, transcribing, _label_maps(options, checkpoints))


def _label_maps(
    options: TextOptions, checkpoints: Mapping[str, CheckpointIdentity]
) -> dict[str, dict[str, str | None]]:
    """The label map of each text model; an override that none of them asks for is an error."""
    asked = {label.casefold() for each in checkpoints.values() for label in each.labels}
    strange = sorted(label for label in options.label_map if label.casefold() not in asked)
    if strange:
        there = ", ".join(sorted(asked))
        raise ConfigError(f"text.label_map: no text model has the label {strange[0]!r}; there are {there}")
    return {
        each.weights_sha256: label_map(each.labels, _own(options, each), reference=known_map(each.source))
        for each in checkpoints.values()
    }


def _own(options: TextOptions, checkpoint: CheckpointIdentity) -> dict[str, str | None]:
    labels = {label.casefold() for label in checkpoint.labels}
    return {label: emotion for label, emotion in options.label_map.items() if label.casefold() in labels}
