"""What a run's results depend on, resolved to the bytes of the weights: the fingerprint, the routes, the decisions.

Owns what is covered by which hash. What a configuration may say is scoring.py's part; the hashes themselves are
tasks/hashes.py's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from actors import versions
from actors.checkpoints import CheckpointIdentity, identify, label_map
from actors.detector_file import find_detector
from infra.errors import CheckpointError
from tasks.config.scoring import ScoreConfig
from tasks.config.text import TextIdentity, resolve_text
from tasks.hashes import model_hash, short_hash
from tasks.tables import SCORES_VERSION, Decisions
from tasks.texts.tables import TextDecisions

FALLBACK = "fallback"
"""Route key of segments that no language's route was sure of."""

QUARANTINED = "quarantine"
"""Route identity of `FALLBACK` where such segments are quarantined."""


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
