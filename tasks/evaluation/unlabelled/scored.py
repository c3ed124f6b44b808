"""What is surveyed, and what it is compared with: a configuration's current table, an earlier run's record."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from actors.contract import TAXONOMY
from tasks.evaluation.unlabelled.fold import MediaCounts, fold
from tasks.records.run import RunRecord
from tasks.report.columns import Integers
from tasks.run import Run
from tasks.score import decide_missing


@dataclass(frozen=True, eq=False)
class Scored:
    """One configuration's scores of the media.

    Attributes:
        name: How it is called; unique in a survey.
        tables: Opens its `scores` tables, one a shard; called once for the figures, and perhaps once more to find the
            place of a segment.
        labels: The labels of each model that it knows, by source; of other models no alarm is raised.
    """

    name: str
    tables: Callable[[], Iterable[pa.Table]]
    labels: Mapping[str, Sequence[str]]


@dataclass(frozen=True, eq=False)
class Reference:
    """Counts that shares are compared with.

    Attributes:
        name: Run id, or name of the configuration.
        categories: Segments by category, shape (8,): the seven emotions, then undecided.
        languages: Segments by language.
        media, media_by_language: The same by medium; None where only the totals are known.
    """

    name: str
    categories: Integers
    languages: Mapping[str, int]
    media: MediaCounts | None = None
    media_by_language: Mapping[str, MediaCounts] | None = None

    @classmethod
    def of(cls, scored: Scored) -> "Reference":
        """Another configuration's scores, or other media's: with these, shares are compared medium by medium."""
        found = fold(scored.tables(), keep_answers=False)
        languages = {language: int(counts.sum()) for language, counts in found.whole.languages.items()}
        return cls(scored.name, found.whole.categories, languages, found.media, found.media_by_language)


def reference_of(record: RunRecord) -> Reference:
    """The corpus as an earlier run left it: totals only."""
    corpus = record.corpus
    counts = [*(corpus.emotions.get(emotion, 0) for emotion in TAXONOMY), corpus.undecided]
    return Reference(record.run_id, np.array(counts, dtype=np.int64), corpus.languages)


def scored_corpus(run: Run, name: str | None = None) -> Scored:
    """What a configuration has scored of the run's media. What has no scores under its decision is decided first.

    Another configuration that shares its fingerprint may have scored the media since, which would hide this one's rows
    in the current table: of each medium the newest rows of this configuration's own models are taken.

    Args:
        run: Opened for the configuration; nothing is run.
        name: How the configuration is called; its own name where not given.
    """
    results, identity = run.results, run.identity
    ledger = results.ledger_of(identity.routes).under(run.media)
    decide_missing(results, ledger, identity, run.run_id)
    labels = {
        each.source: TAXONOMY if each.kind == "dimensional" else each.labels for each in identity.checkpoints.values()
    }
    return Scored(name or run.config.name, lambda: results.current_scores(ledger, *identity.decisions.names), labels)
