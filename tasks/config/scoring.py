"""The configuration of a scoring run: its options, the presets, and the reading of its files.

What results depend on because of it is identity.py's part. Where the services are is no configuration
(infra/settings.py).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from actors.options import LanguageOptions, Options, ReadOptions, Resources, Route, SegmentOptions
from infra.errors import ConfigError
from tasks.config.dimension_map import load_map
from tasks.config.text import TextOptions
from tasks.hashes import short_hash as short_hash
from tasks.numerics.decision import Decision, Pooling

PRESETS = {
    "default": Path(__file__).parent / "presets" / "default.yaml",
    "superb": Path(__file__).parent / "presets" / "superb.yaml",
    "demo": Path(__file__).parents[2] / "datasets" / "demo" / "config.yaml",
}

CURRENT = "current"
"""Names the promoted configuration wherever a configuration is named; a file of that name is `./current`."""

MEDIA_SUFFIXES = tuple(
    "aac ac3 aif aiff amr asf au avi caf dts eac3 f4v flac flv m2ts m4a m4b m4v mka mkv mov mp2 mp3 mp4 mpeg mpg mts "
    "mxf oga ogg ogv opus rm spx ts tta vob w64 wav webm wma wmv wv 3g2 3gp".split()
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
        raise ConfigError(f"{source} is not readable as YAML: {' '.join(str(error).split())}") from error
    return _with_absolute_paths(parse_config(document, source), path.parent.resolve())


def parse_config(document: object, source: str) -> ScoreConfig:
    """A configuration from what a YAML file holds. Raises ConfigError, which names `source` and the wrong values."""
    if not isinstance(document, dict):
        raise ConfigError(f"{source} must hold a mapping of options, not {type(document).__name__}")
    try:
        return ScoreConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{source}: {_plain(error)}") from error


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
