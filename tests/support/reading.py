"""Text models and a stand-in for the text workers, for the tests of tasks/evaluation: no Ray, store or checkpoint."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from actors.checkpoints import label_map
from actors.contract import TAXONOMY, ModelSpec
from actors.options import Resources, Route
from actors.text_sources import LabelSource, Source
from actors.text_worker import TextReader
from actors.texts import AskedText, Found, SourceName, TextAnswer, TextSetup, TextWork, Word
from infra.errors import ObjectMissing
from tasks.config.scoring import ScoreConfig
from tasks.config.text import TextIdentity, TextOptions
from tasks.evaluation.candidates import EVERY, Candidate, Reads
from tasks.numerics.decision import Decision
from tasks.tables import Decisions
from tests.support.evaluation import identity_of, sure
from tests.support.records import model_spec

Says = Callable[[str], Sequence[float]]
"""A text model's outputs for a text."""


@dataclass(frozen=True)
class TextModel:
    """A text model that needs no weights."""

    spec: ModelSpec
    says: Says

    def logits(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.array([self.says(text) for text in texts], dtype=np.float32).reshape(-1, len(self.spec.labels))


def named_in(text: str) -> tuple[float, ...]:
    """Sure of the emotion that the text names, and of neutral where it names none."""
    return sure(next((each for each in TAXONOMY if each in text), "neutral"), 3.0)


def text_model(name: str = "models/text", says: Says = named_in, **changes: Any) -> TextModel:
    """A text model with the taxonomy for labels; its weights are told by its name."""
    values = {"source": name, "revision": None, "weights_sha256": name.encode().hex().ljust(64, "0")[:64],
              "labels": TAXONOMY, "modality": "text", "sampling_rate": 0}  # fmt: skip
    return TextModel(model_spec(**{**values, **changes}), says)


def reads(
    models: Mapping[str, TextModel],
    source: Sequence[SourceName] = ("labels",),
    whisper: str = "ff" * 32,
    labels: str | None = None,
) -> Reads:
    """How a candidate reads with these models, by language."""
    options = TextOptions(
        source=tuple(source), models={language: Route(model=each.spec.source) for language, each in models.items()}
    )
    checkpoints = {language: identity_of(each.spec) for language, each in models.items()}
    maps = {each.spec.weights_sha256: label_map(each.spec.labels) for each in models.values()}
    identity = TextIdentity("t1", checkpoints, whisper, maps)
    return Reads(options, identity, "whisper.pt", labels)


def reader(of: TextModel, source: Sequence[SourceName] = ("labels",), decision: Decision | None = None) -> Candidate:
    """The candidate that is one text model."""
    name = of.spec.source
    config = ScoreConfig(name=name, routes={EVERY: Route(model=name)})
    decided = Decisions("d", decision or Decision(label_map=label_map(of.spec.labels)), {})
    identities = {EVERY: identity_of(of.spec)}
    own = reads({EVERY: of}, source)
    return Candidate(name, "model", "text", config, {EVERY: "text"}, decided, identities, reads=own, hears=False)


class Subtitles:
    """A store that has subtitles, by uri."""

    def __init__(self, **files: str) -> None:
        self.files = files

    def get_bytes(self, uri: str) -> bytes:
        name = uri.rpartition("/")[2].replace(".", "_")
        if name not in self.files:
            raise ObjectMissing(uri)
        return f"1\n00:00:00,000 --> 00:59:00,000\n{self.files[name]}\n".encode()

    def fetch(self, uri: str, *, if_match: str | None = None) -> Any:
        raise AssertionError("nobody decodes here")


class TextsStandIn:
    """What `OpenTexts` opens: the real reader on models without weights, and a Whisper that needs no sound.

    Attributes:
        opened: How often it was opened.
        heard, asked: The segments that Whisper heard, as (uri, start in seconds, language), and the texts read.
        error: Raised by whoever opens it.
    """

    def __init__(
        self, *models: TextModel, spoken: Mapping[str, Found] | None = None, error: Exception | None = None
    ) -> None:
        self.opened = 0
        self.heard: list[tuple[str, float, str]] = []
        self.asked: list[str] = []
        self.error = error
        self._models = {each.spec.source: each for each in models}
        self._spoken = dict(spoken or {})

    def __call__(self, setup: TextSetup, resources: Resources) -> Self:
        if self.error:
            raise self.error
        self.opened += 1
        self._setup = setup
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, works: Sequence[TextWork]) -> list[TextAnswer]:
        made: dict[SourceName, Source] = {"labels": LabelSource(), "whisper": self}
        reader = TextReader([made[name] for name in self._setup.sources], self._setup.models, self._load)
        self.asked += [text for work in works for text in work.known.values()]
        return [reader.read(work) for work in works]

    # -- as a source: Whisper, who hears the name of a medium and when a segment begins

    name: SourceName = "whisper"

    def find(self, work: TextWork, wanted: Sequence[AskedText]) -> Mapping[str, Found]:
        self.heard += [(work.medium.uri, each.span.start_s, each.language) for each in wanted]
        return {each.segment_id: self._spoken.get(work.medium.uri) or _spoken(work, each) for each in wanted}

    def _load(self, route: Route) -> TextModel:
        return self._models[route.model]


def _spoken(work: TextWork, each: AskedText) -> Found:
    word = Word("hello", each.span.start_s, each.span.end_s)
    return Found(f"hello {work.medium.uri} {each.span.start_s:g}", (word,))
