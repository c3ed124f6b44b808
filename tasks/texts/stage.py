"""The text branch of a run: which shards have no texts yet, finding and reading them, and what came of it.

A stage of its own behind the shards: texts are made of committed logits, as scores are, and never make audio wait or
fail. A shard's texts are written once, whole, or not at all; a killed run goes on where it was.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from actors.contract import Medium, Span
from actors.texts import AskedText, Cue, TextAnswer, TextFlag, TextSetup, TextWork
from infra.errors import InputError, SeraphError
from infra.services import Services
from infra.storage import Store
from tasks.config.identity import Identity, resolve
from tasks.config.scoring import ScoreConfig
from tasks.records.run import TextCounts
from tasks.store import Ledger, ResultsStore
from tasks.texts.labels import LabelTexts, read_label_texts
from tasks.texts.tables import texts_table

_MOST_REASONS = 10


class ReadsTexts(Protocol):
    """What finds and reads the texts of media: `actors.text_pool.TextPool`."""

    def read(self, works: Sequence[TextWork]) -> list[TextAnswer]: ...


@dataclass(frozen=True)
class TextShardReport:
    """What came of a shard's texts: what a Prefect task hands on instead of tables.

    Attributes:
        problem: Why they were not written, and the next run tries again; None where they were.
        seconds: Time by step, summed over parallel work.
    """

    stem: str
    segments: int
    problem: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TextStage:
    """What came of the texts of a run.

    Attributes:
        problems: What went wrong with them as a whole, in words. unsound: as in `TextCounts`.
        seconds: Time by step.
        redecided: Segments that were decided anew before any text was read.
        fresh: Segments whose texts this run has written: still to be decided with them.
    """

    problems: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    redecided: int = 0
    fresh: int = 0
    unsound: tuple[str, ...] = ()

    @classmethod
    def of(cls, shards: Sequence[TextShardReport], redecided: int = 0) -> "TextStage":
        """Add up what came of the shards."""
        seconds: Counter[str] = Counter()
        for shard in shards:
            seconds.update(shard.seconds)
        problems = dict.fromkeys(shard.problem for shard in shards if shard.problem)
        fresh = sum(shard.segments for shard in shards if not shard.problem)
        return cls(tuple(problems), dict(seconds), redecided, fresh)

    def with_problems(self, found: Iterable[str]) -> "TextStage":
        """The same with further problems, each once, in an order of its own."""
        return replace(self, problems=tuple(dict.fromkeys((*self.problems, *sorted(found)))))

    def with_unsound(self, found: Iterable[str]) -> "TextStage":
        """The same with what the data checks said of scores with text, in an order of its own."""
        return replace(self, unsound=tuple(sorted(found)))


def resolve_texts(
    config: ScoreConfig, labels_sha256: str | None, services: Services
) -> tuple[Identity, LabelTexts | None]:
    """Resolve a configuration as `tasks.config.identity.resolve` does, with the label file that texts come from.

    Such a file that cannot be read is the `text_problem` of the identity.
    """
    try:
        labels = None if config.text_labels is None else label_texts(config.text_labels, services)
    except SeraphError as error:
        without = resolve(config.model_copy(update={"text": None}), labels_sha256)
        return Identity(**{**vars(without), "text_problem": str(error)}), None
    return resolve(config, labels_sha256, None if labels is None else labels.sha256), labels


def label_texts(source: str, services: Services) -> LabelTexts:
    """The texts of a label file, a path or an s3:// URI.

    Raises:
        InputError: There is no such file, or it has no text.
        StoreError: The store does not answer.
    """
    if source.startswith("s3://"):
        return read_label_texts(Store(services.access_for(source)).get_bytes(source), source)
    path = Path(source)
    if not path.is_file():
        raise InputError(f"no label file {source}: give a path or an s3:// URI")
    return read_label_texts(path.read_bytes(), source)


def text_setup(config: ScoreConfig, identity: Identity, services: Services, media_uri: str) -> TextSetup:
    """What the text workers of a run need to know. Models are pinned to the commits that the run found."""
    options, found = config.text, identity.text
    assert options is not None, "asked for only where there is a text branch"
    assert found is not None, "as above"
    return TextSetup(
        media=services.access_for(media_uri),
        sources=options.source,
        models={
            key: route.model_copy(update={"revision": found.checkpoints[key].revision or route.revision})
            for key, route in options.models.items()
        },
        whisper=options.whisper or config.language.model,
        reading=config.reading,
        precision=config.precision,
        store=services.store,
    )


def texts_missing(results: ResultsStore, ledger: Ledger, text_id: str) -> list[str]:
    """The current stems whose texts are not written, in order."""
    return sorted(set(ledger.current["stem"]) - results.text_stems(text_id))


def read_shard(
    stem: str, pool: ReadsTexts, results: ResultsStore, text_id: str, cues: Mapping[str, tuple[Cue, ...]]
) -> TextShardReport:
    """Find and read the texts of a shard's segments, and write them, unless something passing was in the way.

    Args:
        stem: Of its logits. All rows count, also of media that are no longer current: they may come back.
        pool: Who finds and reads them.
        results: Where the logits lie, and where texts go.
        text_id: Names the texts.
        cues: Of a label file, by media uri.
    """
    works = _works(results.logits(stem), cues)
    answers = pool.read(works)
    segments = sum(len(work.asked) for work in works)
    seconds: Counter[str] = Counter()
    for answer in answers:
        seconds.update(answer.seconds)
    passing = next((answer.transient for answer in answers if answer.transient), None)
    if passing is None:
        results.write_texts(stem, text_id, texts_table(answers))
    return TextShardReport(stem, segments, passing, dict(seconds))


def count_texts(
    results: ResultsStore, ledger: Ledger, segments: int, identity: Identity, stage: TextStage
) -> TextCounts:
    """How many segments of the current table have a text, from where, and what failed.

    Args:
        results: Where texts lie.
        ledger: Which media.
        segments: In the current table.
        identity: What the run depends on.
        stage: What came of the texts in this run.
    """
    sources: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    found = failed = 0
    for table in () if identity.text is None else results.current_texts(ledger, identity.text.id):
        found += table.num_rows
        sources.update(name for name in table["text_source"].to_pylist() if name is not None)
        lost = [TextFlag.TEXT_FAILED in flags for flags in table["flags"].to_pylist()]
        failed += sum(lost)
        reasons.update(reason for reason, is_lost in zip(table["reason"].to_pylist(), lost, strict=True) if is_lost)
    models = {} if identity.text is None else identity.text.checkpoints
    return TextCounts(
        id=None if identity.text is None else identity.text.id,
        segments=sources.total(),
        sources=dict(sorted(sources.items())),
        without=found - sources.total(),
        waiting=segments - found,
        failed=failed,
        reasons=dict(reasons.most_common(_MOST_REASONS)),
        problems=stage.problems,
        unsound=stage.unsound,
        models={key: each.spec("") for key, each in models.items()},
    )


def _works(logits: pa.Table, cues: Mapping[str, tuple[Cue, ...]]) -> list[TextWork]:
    """The media of a shard with their segments, in the order of its rows."""
    asked: dict[Medium, list[AskedText]] = {}
    names = ("media_uri", "media_etag", "segment_id", "start_s", "end_s", "language")
    for uri, etag, name, start_s, end_s, language in zip(*(logits[each].to_pylist() for each in names), strict=True):
        segments = asked.setdefault(Medium(uri, etag, 0), [])
        segments.append(AskedText(name, Span(start_s, end_s), language))
    return [TextWork(medium, tuple(segments), cues.get(medium.uri, ())) for medium, segments in asked.items()]
