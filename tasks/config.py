"""The configuration of a scoring run, and what its results depend on.

Owns presets, the reading of configuration files, the fingerprint and the hashes. Where the services are is no
configuration (infra/settings.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from actors import versions
from actors.checkpoints import CheckpointIdentity, identify, label_map
from actors.detector_file import find_detector
from actors.options import LanguageOptions, Options, ReadOptions, Resources, Route, SegmentOptions
from infra.errors import CheckpointError, ConfigError
from tasks.dimension_map import load_map
from tasks.hashes import model_hash
from tasks.hashes import short_hash as short_hash
from tasks.numerics.decision import Decision, Pooling
from tasks.tables import SCORES_VERSION, Decisions
from tasks.text_config import TextIdentity, TextOptions, resolve_text
from tasks.text_tables import TextDecisions

PRESETS = {
    "default": Path(__file__).parent / "presets" / "default.yaml",
    "superb": Path(__file__).parent / "presets" / "superb.yaml",
    "demo": Path(__file__).parents[1] / "datasets" / "demo" / "config.yaml",
}

MEDIA_SUFFIXES = tuple(
    "aac aif aiff amr asf avi flac flv m4a m4b m4v mka mkv mov mp2 mp3 mp4 mpeg mpg mts mxf oga ogg ogv opus rm ts vob "
    "wav webm wma wmv 3gp".split()
)


class DecisionOptions(Options):
    """The decision's parameters as a configuration gives them; see `tasks.numerics.decision.Decision` for each.

    `label_map` overrides the packaged map: label to emotion, or to null (its mass is dropped). `dimension_map` is the
    file of a map that `seraph models fit` made: for dimensional models, instead of distances to centroids.
    """

    audio_temperature: float = 1.0
    audio_weight: float = 1.0
    pooling: Pooling = "linear"
    emotion_weights: dict[str, float] = Field(default_factory=dict)
    neutral_suppression: float = 1.0
    confidence_threshold: float = 0.0
    dominance_margin: float = 0.0
    neutral_floor: float = 0.0
    max_dropped_mass: float = 0.5
    label_map: dict[str, str | None] = Field(default_factory=dict)
    dimension_map: str | None = None

    @model_validator(mode="after")
    def _check(self) -> "DecisionOptions":
        Decision(**self.model_dump(exclude={"dimension_map"}))
        return self

    def build(self, label_map: Mapping[str, str | None]) -> Decision:
        """The decision itself, under a whole label map. Raises ConfigError where the map's file is not usable."""
        fitted = load_map(Path(self.dimension_map)).map if self.dimension_map else None
        values = self.model_dump(exclude={"dimension_map", "label_map"})
        return Decision(**values, label_map=label_map, dimension_map=fitted)


class MediaOptions(Options):
    """Which objects are media, and how they are cut into shards.

    Attributes:
        suffixes: File name endings that are media, lower case, without the dot. Others are counted and named.
        shard_hours: Audio in one shard, estimated from the bytes: a listing knows no durations.
        shard_media: Media in one shard at most.
        attempts: How often a medium that failed for a transient reason is tried, over all runs.
    """

    suffixes: tuple[str, ...] = MEDIA_SUFFIXES
    shard_hours: float = Field(1.0, gt=0)
    shard_media: int = Field(500, ge=1)
    attempts: int = Field(3, ge=1)


class Warnings(Options):
    """Shares above which a finished run warns: of decided segments (neutral), of all segments, or of all media."""

    neutral_rate: float = Field(0.9, ge=0, le=1)
    undecided_rate: float = Field(0.2, ge=0, le=1)
    short_rate: float = Field(0.5, ge=0, le=1)
    uncertain_language_rate: float = Field(0.2, ge=0, le=1)


class ScoreConfig(Options):
    """All that decides what a run does.

    Attributes:
        routes: Which model hears which language (ISO 639-1).
        fallback: The route that hears what is in doubt, where `on_uncertain` or `on_unrouted` say `fallback`.
        precision: `auto` is bf16 where the hardware has it, fp32 elsewhere.
        decision: For all languages; `decisions` overrides single parameters per language.
        text: What is said, beside how it sounds; None: nobody asks.
    """

    name: str = "custom"
    routes: dict[str, Route] = Field(min_length=1)
    fallback: str | None = None
    on_uncertain: Literal["fallback", "quarantine"] = "quarantine"
    on_unrouted: Literal["fallback", "quarantine"] = "quarantine"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    media: MediaOptions = MediaOptions()
    reading: ReadOptions = ReadOptions()
    segments: SegmentOptions = SegmentOptions()
    language: LanguageOptions = LanguageOptions()
    decision: DecisionOptions = DecisionOptions()
    decisions: dict[str, dict[str, Any]] = Field(default_factory=dict)
    text: TextOptions | None = None
    warnings: Warnings = Warnings()
    resources: Resources = Resources()

    @model_validator(mode="after")
    def _check(self) -> "ScoreConfig":
        if self.fallback is not None and self.fallback not in self.routes:
            raise ValueError(f"fallback {self.fallback!r} is none of the routes ({', '.join(self.routes)})")
        if self.fallback is None and "fallback" in (self.on_uncertain, self.on_unrouted):
            raise ValueError("on_uncertain or on_unrouted is `fallback`, but no fallback route is named")
        unknown = sorted(set(self.decisions) - set(self.routes))
        if unknown:
            raise ValueError(f"decisions for languages without a route: {', '.join(unknown)}")
        if self.text is not None:
            self._check_text(self.text)
        for language in self.decisions:
            try:
                self.decision_of(language)
            except ValidationError as error:
                raise ValueError(f"decisions.{language}: {_plain(error)}") from error
        return self

    def _check_text(self, text: TextOptions) -> None:
        unknown = sorted(set(text.models) - set(self.routes))
        if unknown:
            raise ValueError(f"text.models for languages without a route: {', '.join(unknown)}")
        if "labels" in text.source and self.text_labels is None:
            raise ValueError("text.labels must name the label file of `source: labels`")

    @property
    def text_labels(self) -> str | None:
        """The label file that texts come from, where they come from one."""
        if self.text is None or "labels" not in self.text.source:
            return None
        return self.text.labels or self.segments.labels

    def decision_of(self, language: str) -> DecisionOptions:
        """The decision's parameters for one language: the common ones with its own on top."""
        return DecisionOptions(**{**self.decision.model_dump(), **self.decisions.get(language, {})})


def load_config(source: str) -> ScoreConfig:
    """Read a preset by name, or a YAML file; paths in it that begin with `./` or `../` are relative to the file.

    Raises:
        ConfigError: There is no such preset or file, it is no YAML, or a value is wrong; each is named.
    """
    path = PRESETS.get(source, Path(source))
    if not path.is_file():
        raise ConfigError(f"no configuration {source!r}: give a YAML file, or one of {', '.join(PRESETS)}")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source} is not readable as YAML: {error}") from error
    return _with_absolute_paths(parse_config(document, source), path.parent.resolve())


def parse_config(document: object, source: str) -> ScoreConfig:
    """A configuration from what a YAML file holds. Raises ConfigError, which names `source` and the wrong values."""
    if not isinstance(document, dict):
        raise ConfigError(f"{source} must hold a mapping of options, not {type(document).__name__}")
    try:
        return ScoreConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{source}: {_plain(error)}") from error


@dataclass(frozen=True)
class Identity:
    """What a run's results depend on, resolved to the bytes of the weights.

    Attributes:
        fingerprint: Hash over reading, segmenting, language settings and precision: stands in the store's paths.
        routes: Route key (a language, or `fallback`) to its identity: weights and preprocessing, or `quarantine`.
        checkpoints: What hears each language.
        detector_sha256: Hash of Whisper's weights.
        decisions: The decision of each language, under one hash.
        text: What texts depend on; None where nobody asks for any, or `text_problem` says why there can be none.
    """

    fingerprint: str
    routes: Mapping[str, str]
    checkpoints: Mapping[str, CheckpointIdentity]
    detector_sha256: str
    decisions: Decisions
    text: TextIdentity | None = None
    text_problem: str | None = None


FALLBACK = "fallback"
"""Route key of segments that no language's route was sure of."""

QUARANTINED = "quarantine"
"""Route identity of `FALLBACK` where such segments are quarantined."""


def resolve(config: ScoreConfig, labels_sha256: str | None = None, text_labels_sha256: str | None = None) -> Identity:
    """Find the checkpoints and hash everything that results depend on.

    Args:
        config: The configuration.
        labels_sha256: Hash of the label file whose segments are scored (`segments.method: labels`).
        text_labels_sha256: Hash of the label file that texts come from (`text.source: labels`).

    Raises:
        WeightsAbsentError, CheckpointError: A model is not here, or is not one that can be scored with. Of a text model
            that becomes `text_problem`: text never makes audio fail.
    """
    checkpoints = {
        key: identify(route.model, route.revision).require("audio") for key, route in sorted(config.routes.items())
    }
    _, detector = find_detector(config.language.model)
    routes = {key: model_hash(each) for key, each in checkpoints.items()}
    routes[FALLBACK] = routes[config.fallback] if config.fallback else QUARANTINED
    covered = {
        "versions": [versions.DECODING, versions.SEGMENTING, versions.LANGUAGE],
        "reading": config.reading.model_dump(),
        "segments": config.segments.model_dump(exclude={"labels"}) | {"labels_sha256": labels_sha256},
        "language": config.language.model_dump(exclude={"model"}) | {"sha256": detector},
        "routed": sorted(config.routes),
        "doubt": [config.on_uncertain, config.on_unrouted],
        "precision": config.precision,
    }
    text, problem = _text(config, text_labels_sha256)
    decisions = _decisions(config, checkpoints, text)
    return Identity(short_hash(covered), routes, checkpoints, detector, decisions, text, problem)


def _text(config: ScoreConfig, labels_sha256: str | None) -> tuple[TextIdentity | None, str | None]:
    """What texts depend on, or why there can be none; neither where nobody asks for any."""
    if config.text is None:
        return None, None
    try:
        return resolve_text(config.text, config.language.model, labels_sha256), None
    except CheckpointError as error:
        return None, str(error)


def _decisions(
    config: ScoreConfig, checkpoints: Mapping[str, CheckpointIdentity], text: TextIdentity | None
) -> Decisions:
    labels = sorted({label for each in checkpoints.values() if each.kind != "dimensional" for label in each.labels})
    built = {}
    for language in ("", *sorted(config.routes)):
        options = config.decision_of(language)
        built[language] = options.build(label_map(labels, options.label_map))
    canonical = {language: decision.canonical() for language, decision in built.items()}
    name = short_hash([SCORES_VERSION, canonical])
    fused = None if text is None else TextDecisions(short_hash([name, text.id, text.label_maps]), text.label_maps)
    return Decisions(name, built.pop(""), built, fused)


def _with_absolute_paths(config: ScoreConfig, folder: Path) -> ScoreConfig:
    def absolute(path: str) -> str:
        return str((folder / path).resolve()) if path.startswith(("./", "../")) else path

    routes = {key: route.model_copy(update={"model": absolute(route.model)}) for key, route in config.routes.items()}
    language = config.language.model_copy(update={"model": absolute(config.language.model)})
    labels = config.segments.labels
    segments = config.segments.model_copy(update={"labels": absolute(labels) if labels else labels})
    text = config.text.with_paths(absolute) if config.text else None
    fitted = config.decision.dimension_map
    decision = config.decision.model_copy(update={"dimension_map": absolute(fitted) if fitted else fitted})
    decisions = {
        language: {name: absolute(value) if name == "dimension_map" and value else value for name, value in own.items()}
        for language, own in config.decisions.items()
    }
    changes = {"routes": routes, "language": language, "segments": segments, "text": text}
    return config.model_copy(update={**changes, "decision": decision, "decisions": decisions})


def _plain(error: ValidationError) -> str:
    """One line per wrong value: where, what was given, what is expected."""
    lines = []
    for each in error.errors():
        where = ".".join(str(part) for part in each["loc"]) or "the whole"
        given = "" if isinstance(each["input"], dict) else f" (given: {each['input']!r})"
        lines.append(f"{where}: {each['msg'].removeprefix('Value error, ')}{given}")
    return "; ".join(lines)
