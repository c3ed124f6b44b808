"""Labels, candidates and a stand-in for the actors, for the tests of tasks/evaluation: no Ray, no store, no checkpoint.

Records of evaluations as a page needs them are in evaluations.py.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from actors.checkpoints import CheckpointIdentity, label_map
from actors.contract import (
    TAXONOMY,
    Language,
    Medium,
    MediumResult,
    ModelSpec,
    Reason,
    Rejection,
    SegmentLogits,
    Span,
    Stage,
    segment_id,
)
from actors.options import Route
from actors.road import PoolOptions
from infra.settings import StoreAccess
from tasks.config.scoring import ScoreConfig
from tasks.evaluation.candidates import EVERY, Candidate, Reads
from tasks.evaluation.gather import Segments, gather
from tasks.evaluation.hear import Wanted
from tasks.labels import LabelledSet, read_labelled
from tasks.numerics.decision import Decision
from tasks.tables import Decisions
from tasks.texts.tables import TextDecisions
from tests.support.records import model_spec

ACCESS = StoreAccess("http://127.0.0.1:1")

Answer = Callable[[str, Span], Sequence[float] | Reason]
"""A model's outputs for a span of some content, or why there are none."""


@dataclass(frozen=True)
class Model:
    """A model that needs no weights."""

    spec: ModelSpec
    answer: Answer


def sure(emotion: str, lead: float = 3.0) -> tuple[float, ...]:
    """Logits over the taxonomy that lead by so much at one emotion."""
    return tuple(lead if each == emotion else 0.0 for each in TAXONOMY)


def says(emotion: str) -> Answer:
    """Always the same emotion, and never quite the same probability."""
    return lambda content, span: sure(emotion, 2.0 + span.start_s % 1)


def model(name: str = "models/en", answer: Answer | None = None, **changes: Any) -> Model:
    """A model with the taxonomy for labels; its weights are told by its name."""
    values = {"source": name, "revision": None, "weights_sha256": name.encode().hex().ljust(64, "0")[:64]}
    return Model(model_spec(**{**values, "labels": TAXONOMY, **changes}), answer or says("neutral"))


def alone(of: Model, *, key: str | None = None, decision: Decision | None = None) -> Candidate:
    """The candidate that is one model; another `key` stands for another precision, revision or reading option."""
    name = of.spec.source
    config = ScoreConfig(name=name, routes={EVERY: Route(model=name)})
    decided = decision or Decision(label_map=_label_map(of.spec))
    key = key or of.spec.weights_sha256[:16]
    return Candidate(
        name, "model", key, config, {EVERY: key}, Decisions("d", decided, {}), {EVERY: identity_of(of.spec)}
    )


def system(
    name: str,
    routes: Mapping[str, Model],
    *,
    per_segment: bool = False,
    reads: Reads | None = None,
    audio_weight: float = 1.0,
    **decisions: Decision,
) -> Candidate:
    """A configuration with language detection; `decisions` are those of single languages, `reads` its texts."""
    config = ScoreConfig(
        name=name,
        routes={language: Route(model=each.spec.source) for language, each in routes.items()},
        language={"per_segment": per_segment},  # type: ignore[arg-type]
    )
    labels = {label: emotion for each in routes.values() for label, emotion in _label_map(each.spec).items()}
    identities = {language: identity_of(each.spec) for language, each in routes.items()}
    route_ids = {language: each.spec.weights_sha256[:8] for language, each in routes.items()}
    texts = TextDecisions("t", reads.identity.label_maps) if reads and reads.identity else None
    decided = Decisions("d", Decision(label_map=labels, audio_weight=audio_weight), decisions, texts)
    return Candidate(name, "system", f"system-{name}", config, route_ids, decided, identities, reads=reads)


class PoolStandIn:
    """What `OpenPool` opens: answers at once, and notes what it was asked for.

    Attributes:
        asked: Every segment that it was asked for, as (uri, span).
        opened: How often it was opened.
        unreadable, missing: Media that cannot be read, and media of which nothing comes back; may be changed.
    """

    def __init__(
        self,
        contents: Mapping[str, str],
        *models: Model,
        languages: Mapping[str, str] | None = None,
        unreadable: Mapping[str, Reason] | None = None,
        duration_s: float = 1000.0,
    ) -> None:
        self.asked: list[tuple[str, Span]] = []
        self.opened = 0
        self.contents = dict(contents)
        self.unreadable = dict(unreadable or {})
        self.missing: set[str] = set()
        self._models = {each.spec.source: each for each in models}
        self._languages, self._duration_s = dict(languages or {}), duration_s
        self._specs: dict[str, ModelSpec] = {}

    def __call__(self, options: PoolOptions) -> Self:
        self.opened += 1
        self._options = options
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._specs = {}

    @property
    def specs(self) -> dict[str, ModelSpec]:
        return dict(self._specs)

    def score(self, media: Sequence[Medium]) -> list[MediumResult]:
        # In another order than asked: whoever joins by order is found out.
        return [self._result(each) for each in reversed(media) if each.uri not in self.missing]

    def _result(self, medium: Medium) -> MediumResult:
        assert self._options.given is not None
        given = self._options.given[medium.uri]
        self.asked += [(medium.uri, span) for span in given]
        if medium.uri in self.unreadable:
            fault = Rejection(medium, Stage.READ, self.unreadable[medium.uri], "broken")
            return MediumResult(medium, 0.0, (), (), (fault,))
        spans = dict.fromkeys(Span(each.start_s, min(each.end_s, self._duration_s)) for each in reversed(given))
        answers = [self._answer(medium, span) for span in spans]
        rows = tuple(each for each in answers if isinstance(each, SegmentLogits))
        rejections = tuple(each for each in answers if isinstance(each, Rejection))
        planned = tuple(segment_id(medium.uri, medium.etag, span) for span in spans)
        content = self.contents[medium.uri]
        return MediumResult(medium, self._duration_s, planned, rows, rejections, sha256=content)

    def _answer(self, medium: Medium, span: Span) -> SegmentLogits | Rejection:
        name, options = segment_id(medium.uri, medium.etag, span), self._options
        language = EVERY if options.language is None else self._languages[medium.uri]
        if language not in options.routes:
            return Rejection(medium, Stage.LANGUAGE, Reason.UNCERTAIN_LANGUAGE, "in doubt", name)
        chosen = self._models[options.routes[language].model]
        outputs = chosen.answer(self.contents[medium.uri], span)
        if isinstance(outputs, Reason):
            return Rejection(medium, Stage.SCORE, outputs, "no answer", name)
        spec = self._specs[chosen.spec.weights_sha256] = chosen.spec
        heard = Language(language, 0.9, 0.8, language)
        return SegmentLogits(
            name, span, heard, spec.source, spec.weights_sha256, spec.precision, tuple(map(float, outputs))
        )


def wanted(uri: str, start_s: float, end_s: float, etag: str = "e1") -> Wanted:
    """A labelled segment whose medium was found."""
    return Wanted(Medium(uri, etag, 1000), Span(start_s, end_s))


def line(media: str = "a.wav", start: float = 0.0, end: float = 1.5, label: str | None = "sad", **more: Any) -> bytes:
    """One line of a label file; `more` are its other columns."""
    return json.dumps({"video": media, "start": start, "end": end, "label": label, **more}).encode()


def labelled(*lines: bytes, name: str = "labels.jsonl", **options: Any) -> LabelledSet:
    """A label file of these lines, read."""
    return read_labelled(b"\n".join(lines), name, **options)


def scores(*mass: float) -> dict[str, float]:
    """A recorded posterior, in the order of the taxonomy."""
    return dict(zip(TAXONOMY, mass, strict=True))


def segments(truth: Sequence[str], *, media: Callable[[int], str] = lambda row: f"m{row % 6}.wav") -> Segments:
    """Segments with these labels, spread over six media, in the order in which they were gathered."""
    rows = sorted(range(len(truth)), key=lambda row: (media(row), row))
    return gather([labelled(*(line(media(row), row * 4, row * 4 + 3.5, truth[row]) for row in rows))])


def one_hot(emotions: Sequence[str], confidence: float = 0.9) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Posteriors that choose these emotions, shape (n, 7)."""
    rest = (1 - confidence) / (len(TAXONOMY) - 1)
    codes = [TAXONOMY.index(each) for each in emotions]
    return np.where(np.eye(len(TAXONOMY))[codes] > 0, confidence, rest)


def _label_map(spec: ModelSpec) -> dict[str, str | None]:
    return {} if spec.kind == "dimensional" else label_map(spec.labels)


def identity_of(spec: ModelSpec) -> CheckpointIdentity:
    """What the files of a model without files would tell."""
    return CheckpointIdentity(
        source=spec.source,
        revision=spec.revision,
        weights_sha256=spec.weights_sha256,
        preprocessing=spec.preprocessing,
        architecture="a0",
        family=spec.family,
        kind=spec.kind,
        labels=spec.labels,
        sampling_rate=spec.sampling_rate,
        demo=spec.demo,
        licence=spec.licence,
        modality=spec.modality,
    )
