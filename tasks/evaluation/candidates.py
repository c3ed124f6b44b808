"""Who is evaluated on media: emotion models that hear or read, and whole configurations with their routes and texts.

A candidate that cannot be had is a row with its reason. Recorded scores need no candidate: see `answers`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from actors import versions
from actors.checkpoints import CheckpointIdentity, identify, label_map
from actors.checkpoints.catalogue import known_map
from actors.options import Route, SegmentOptions
from actors.road import PoolOptions
from actors.texts import SourceName
from infra.errors import CheckpointError, WeightsAbsentError
from infra.settings import StoreAccess
from tasks.config.dimension_map import load_map
from tasks.config.identity import Identity, resolve
from tasks.config.scoring import CURRENT, PRESETS, ScoreConfig, load_config
from tasks.config.text import TextIdentity, TextOptions, resolve_text
from tasks.evaluation.result_model import ModelResult
from tasks.hashes import model_hash, short_hash
from tasks.tables import Decisions

EVERY = ""
"""Route key of a candidate that is one model, and hears or reads every segment."""

READ_FROM: tuple[SourceName, ...] = ("labels", "sidecar")
"""Where texts come from unless the configuration says so. Whisper is dear: only where it is asked for."""

_GIVEN = SegmentOptions(method="labels", labels="given")


@dataclass(frozen=True)
class Reads:
    """How a candidate reads what is said.

    Attributes:
        options: Sources and models; revisions are pinned to the commits that were found here.
        identity: The models; None where `problem` says why texts cannot be read.
        whisper: Whisper's name or file, where it transcribes.
        labels: A label file that the configuration takes texts from, besides those that are evaluated on.
    """

    options: TextOptions
    identity: TextIdentity | None
    whisper: str
    labels: str | None = None
    problem: str | None = None

    def route(self, language: str) -> str | None:
        """Key of the model that reads a language, or None."""
        return next((key for key in (language, EVERY) if key in self.options.models), None)


@dataclass(frozen=True)
class Candidate:
    """One that can be heard, or that reads.

    Attributes:
        name: As the user named it.
        key: Hash over all that its logits depend on, but for the segment: names its part of the cache.
        config: Its routes, language settings, precision and resources.
        route_ids: Route key to identity.
        decisions: What becomes of its logits.
        identities: What hears each route's segments; of a model that reads, what reads them.
        fitted_on: Keys of the labelled segments that a map in its decision was fitted on.
        reads: How it reads, where it does.
        hears: Whether it hears; a model that reads does not.
    """

    name: str
    kind: Literal["model", "system"]
    key: str
    config: ScoreConfig
    route_ids: Mapping[str, str]
    decisions: Decisions
    identities: Mapping[str, CheckpointIdentity]
    fitted_on: frozenset[str] = frozenset()
    reads: Reads | None = None
    hears: bool = True

    @property
    def listens_to_media(self) -> bool:
        """Whether what hears a segment depends on the other segments of its medium."""
        return self.kind == "system" and not self.config.language.per_segment

    def pool_options(self, access: StoreAccess) -> PoolOptions:
        """What the actors need to hear given segments for it; media are known by their content."""
        config = self.config
        return PoolOptions(
            media=access,
            routes=config.routes,
            route_ids=self.route_ids,
            fallback=config.fallback,
            on_uncertain=config.on_uncertain,
            on_unrouted=config.on_unrouted,
            reading=config.reading,
            segments=_GIVEN,
            language=config.language if self.kind == "system" else None,
            precision=config.precision,
            resources=config.resources,
            digest=True,
        )


def prepare(
    name: str, config: ScoreConfig, load: Callable[[str], ScoreConfig] = load_config
) -> Candidate | ModelResult:
    """Find a candidate, or say why it cannot be had.

    Args:
        name: A model (a folder or a hub id, perhaps with `@revision`), or a configuration (a preset or a YAML file).
        config: Precision, resources, reading and decision of the candidates that are models.
        load: Reads a configuration by its name; one that knows the results knows `current`, too.

    Raises:
        ConfigError: A configuration is wrong.
    """
    try:
        return _system(name, load(name)) if is_system(name) else _model(name, config)
    except WeightsAbsentError as error:
        return _unavailable(name, "failed", error)
    except CheckpointError as error:
        return _unavailable(name, "refused", error)


def is_system(name: str) -> bool:
    """Whether a name means a configuration."""
    return name in PRESETS or name == CURRENT or name.endswith((".yaml", ".yml"))


def split_revision(name: str) -> Route:
    """`source@revision` as a route; a folder may have an @ in its name, and is made absolute: workers run elsewhere."""
    if Path(name).is_dir():
        return Route(model=str(Path(name).resolve()))
    source, _, revision = name.rpartition("@")
    return Route(model=source, revision=revision) if source and revision else Route(model=name)


def _model(name: str, config: ScoreConfig) -> Candidate:
    route = split_revision(name)
    found = identify(route.model, route.revision)
    if found.modality == "text":
        return _reader(name, route, found, config)
    # The precision as configured: what `auto` comes to is the hardware's, and stands in the rows.
    depends = [versions.DECODING, found.weights_sha256, found.preprocessing, found.architecture, found.kind]
    key = short_hash([*depends, found.labels, config.precision, config.reading.model_dump()])
    alone = ScoreConfig(
        name=name,
        # The commit that was found here, so that every worker hears with the same.
        routes={EVERY: route.model_copy(update={"revision": found.revision or route.revision})},
        precision=config.precision,
        reading=config.reading,
        resources=config.resources,
    )
    fitted = fitted_on(config) if found.kind == "dimensional" else frozenset()
    return Candidate(name, "model", key, alone, {EVERY: key}, _decisions(found, config), {EVERY: found}, fitted)


def _reader(name: str, route: Route, found: CheckpointIdentity, config: ScoreConfig) -> Candidate:
    """A model that reads: its texts come from where the configuration's do."""
    pinned = route.model_copy(update={"revision": found.revision or route.revision})
    given = config.text
    overrides = config.decision.label_map | (given.label_map if given else {})
    options = TextOptions(
        source=given.source if given else READ_FROM,
        models={EVERY: pinned},
        label_map=_about(found.labels, overrides),
    )
    whisper = (given.whisper if given else None) or config.language.model
    identity = resolve_text(options, whisper, None)
    alone = ScoreConfig(
        name=name,
        routes={EVERY: pinned},
        precision=config.precision,
        reading=config.reading,
        resources=config.resources,
    )
    # A temperature and a map of dimensions are about what is heard.
    heard_only: dict[str, Any] = {"audio_temperature": 1.0, "audio_weight": 1.0, "dimension_map": None}
    decision = config.decision.model_copy(update=heard_only).build(identity.label_maps[found.weights_sha256])
    decisions = Decisions(short_hash(decision.canonical()), decision, {})
    reads = Reads(options, identity, whisper, config.text_labels)
    key = model_hash(found)
    return Candidate(name, "model", key, alone, {EVERY: key}, decisions, {EVERY: found}, reads=reads, hears=False)


def _system(name: str, config: ScoreConfig) -> Candidate:
    identity: Identity = resolve(config)
    pinned = {
        key: route.model_copy(update={"revision": identity.checkpoints[key].revision or route.revision})
        for key, route in config.routes.items()
    }
    config = config.model_copy(update={"routes": pinned})
    # The decision is no part of it: logits are kept.
    networks = {language: each.architecture for language, each in identity.checkpoints.items()}
    key = short_hash([identity.fingerprint, dict(identity.routes), networks])
    return Candidate(
        name,
        "system",
        key,
        config,
        identity.routes,
        identity.decisions,
        identity.checkpoints,
        fitted_on(config),
        _reads(config, identity),
    )


def _reads(config: ScoreConfig, identity: Identity) -> Reads | None:
    if config.text is None:
        return None
    options, found = config.text, identity.text
    if found is not None:
        models = {
            key: route.model_copy(update={"revision": found.checkpoints[key].revision or route.revision})
            for key, route in options.models.items()
        }
        options = options.model_copy(update={"models": models})
    whisper = options.whisper or config.language.model
    return Reads(options, found, whisper, config.text_labels, identity.text_problem)


def fitted_on(config: ScoreConfig) -> frozenset[str]:
    """Keys of the labelled segments that the maps in a configuration's decisions were fitted on."""
    paths = {config.decision.dimension_map, *(own.get("dimension_map") for own in config.decisions.values())}
    return frozenset(key for path in paths if path for key in load_map(Path(path)).provenance.segments)


def _decisions(found: CheckpointIdentity, config: ScoreConfig) -> Decisions:
    options = config.decision
    labels: Sequence[str] = () if found.kind == "dimensional" else found.labels
    table = label_map(labels, _about(labels, options.label_map), reference=known_map(found.source))
    decision = options.build(table)
    return Decisions(short_hash(decision.canonical()), decision, {})


def _about(labels: Sequence[str], overrides: Mapping[str, str | None]) -> dict[str, str | None]:
    """One table of overrides serves all candidates: each takes what is about its own labels."""
    own = {label.casefold() for label in labels}
    return {label: emotion for label, emotion in overrides.items() if label.casefold() in own}


def _unavailable(name: str, status: Literal["refused", "failed"], error: Exception) -> ModelResult:
    route = split_revision(name)
    kind: Literal["model", "system"] = "system" if is_system(name) else "model"
    return ModelResult(
        model=name, kind=kind, status=status, reason=str(error), source=route.model, revision=route.revision
    )
