"""Tables to counts: one configuration's `scores`, folded a shard at a time.

What is kept: sums; per medium eight counts; and, where configurations are to be compared, 13 bytes a segment (a hash of
its id, the emotion, the confidence). So a million segments cost what ten thousand do, and a few tens of megabytes more
for each configuration that is compared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from actors.contract import SHORT_SECONDS, TAXONOMY, Flag
from tasks.report.columns import CATEGORIES, Columns, Floats, Integers
from tasks.report.summary import Said

Bools = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]

ENTROPY_HIGH = float(np.log(len(TAXONOMY)))
_FINE = 1000
"""Bins of the histograms that quantiles are read from."""


@dataclass
class Spread:
    """A fine histogram of values between 0 and `high`, and their sum."""

    high: float
    total: float = 0.0
    counts: Integers = field(default_factory=lambda: np.zeros(_FINE, dtype=np.int64))

    def add(self, values: Floats) -> None:
        """Count values; NaN is left out, what lies outside goes to the first or last bin."""
        known = values[~np.isnan(values)]
        self.total += float(known.sum())
        bins = np.clip(known / self.high * _FINE, 0, _FINE - 1).astype(np.int64)
        self.counts += np.bincount(bins, minlength=_FINE)


@dataclass
class Group:
    """The sums over a group of rows: a whole configuration, or one model."""

    segments: int = 0
    short: int = 0
    uncertain: int = 0
    media: set[int] = field(default_factory=set)
    languages: dict[str, Integers] = field(default_factory=dict)
    """By language, segments by category, shape (8,)."""
    confidence: Spread = field(default_factory=lambda: Spread(1.0))
    entropy: Spread = field(default_factory=lambda: Spread(ENTROPY_HIGH))
    said: Said = field(default_factory=Said)

    def add(self, columns: Columns, entropy: Floats, rows: Bools) -> None:
        """Add the chosen rows of a table."""
        self.segments += int(rows.sum())
        self.short += int((columns.length_s[rows] < SHORT_SECONDS).sum())
        self.uncertain += int((_uncertain(columns) & rows).sum())
        self.media.update(hash(columns.names[code]) for code in np.unique(columns.name[rows]))
        self.confidence.add(columns.confidence[rows])
        self.entropy.add(entropy[rows])
        self._add_said(columns, rows)
        for code in np.unique(columns.language[rows]):
            counts = np.bincount(columns.category[rows & (columns.language == code)], minlength=CATEGORIES)
            language = columns.languages[code]
            self.languages[language] = self.languages.get(language, np.zeros(CATEGORIES, dtype=np.int64)) + counts

    def _add_said(self, columns: Columns, rows: Bools) -> None:
        self.said.n += int(rows.sum())
        self.said.information += float(columns.information[rows].sum())
        counts = np.bincount(columns.label[rows], minlength=len(columns.labels))
        self.said.labels.update({label: int(n) for label, n in zip(columns.labels, counts, strict=True) if n})

    @property
    def categories(self) -> Integers:
        """Segments by category over all languages, shape (8,)."""
        return np.asarray(sum(self.languages.values(), start=np.zeros(CATEGORIES, dtype=np.int64)))


class MediaCounts:
    """Segments by medium and category. A medium is known by a hash of its name: the names are not kept."""

    def __init__(self) -> None:
        self._row: dict[int, int] = {}
        self._counts = np.zeros((64, CATEGORIES), dtype=np.int32)

    def add(self, names: Sequence[str], name: Integers, category: Integers) -> None:
        """Count rows: `name` indexes `names`, which are distinct."""
        here = np.unique(name)
        rows = [self._row.setdefault(hash(names[code]), len(self._row)) for code in here]
        self._grow()
        table = np.bincount(name * CATEGORIES + category, minlength=len(names) * CATEGORIES)
        self._counts[rows] += table.reshape(-1, CATEGORIES)[here].astype(np.int32)

    @property
    def table(self) -> Integers:
        """One row a medium, shape (media, 8)."""
        return self._counts[: len(self._row)].astype(np.int64)

    @property
    def decided(self) -> Integers:
        """Without the undecided: shape (media, 7)."""
        return self.table[:, : len(TAXONOMY)]

    def segments(self) -> dict[int, int]:
        """Segments of each medium, by the hash of its name."""
        return dict(zip(self._row, self.table.sum(axis=1).tolist(), strict=True))

    def _grow(self) -> None:
        size = len(self._counts)
        while size < len(self._row):
            size *= 2
        self._counts = np.concatenate([self._counts, np.zeros((size - len(self._counts), CATEGORIES), dtype=np.int32)])


@dataclass(frozen=True, eq=False)
class Answers:
    """What a configuration said of each segment, sorted by the hash of its id.

    Attributes:
        segment: Shape (n,), increasing. category: Index of the emotion, 7 where undecided, int8 (n,).
        confidence: float32 (n,), 0 where undecided.
    """

    segment: Hashes
    category: npt.NDArray[np.int8]
    confidence: npt.NDArray[np.float32]

    @classmethod
    def joined(cls, parts: Sequence["Answers"]) -> "Answers":
        """Several tables' as one; a segment that comes twice is kept once."""
        if not parts:
            return cls(np.zeros(0, np.uint64), np.zeros(0, np.int8), np.zeros(0, np.float32))
        segment, first = np.unique(np.concatenate([each.segment for each in parts]), return_index=True)
        category = np.concatenate([each.category for each in parts])[first]
        return cls(segment, category, np.concatenate([each.confidence for each in parts])[first])


@dataclass
class Tallied:
    """One configuration's table, folded.

    Attributes:
        whole, models: All rows, and those that each model heard.
        media: Counts per medium of all rows. media_by_language: of each language's.
        answers: Of every segment, where they were to be kept.
    """

    whole: Group = field(default_factory=Group)
    models: dict[str, Group] = field(default_factory=dict)
    media: MediaCounts = field(default_factory=MediaCounts)
    media_by_language: dict[str, MediaCounts] = field(default_factory=dict)
    answers: Answers = field(default_factory=lambda: Answers.joined([]))


def fold(tables: Iterable[pa.Table], *, keep_answers: bool) -> Tallied:
    """Fold `scores` tables one at a time; no table is kept."""
    tallied, parts = Tallied(), []
    for table in tables:
        if table.num_rows:
            columns = Columns.of(table)
            _add(tallied, columns, _entropy(table))
            if keep_answers:
                parts.append(_answers(table, columns))
    tallied.answers = Answers.joined(parts)
    return tallied


def segment_hashes(table: pa.Table) -> Hashes:
    """64 bits of each segment's id, shape (rows,). Two of a million share them once in ten million such corpora."""
    return pd.util.hash_array(table["segment_id"].to_numpy().astype(object), categorize=False)


def _add(tallied: Tallied, columns: Columns, entropy: Floats) -> None:
    tallied.whole.add(columns, entropy, np.ones(len(columns.name), dtype=bool))
    for code, model in enumerate(columns.models):
        tallied.models.setdefault(model, Group()).add(columns, entropy, columns.model == code)
    tallied.media.add(columns.names, columns.name, columns.category)
    for code, language in enumerate(columns.languages):
        rows = columns.language == code
        media = tallied.media_by_language.setdefault(language, MediaCounts())
        media.add(columns.names, columns.name[rows], columns.category[rows])


def _answers(table: pa.Table, columns: Columns) -> Answers:
    confidence = np.nan_to_num(columns.confidence).astype(np.float32)
    return Answers(segment_hashes(table), columns.category.astype(np.int8), confidence)


def _entropy(table: pa.Table) -> Floats:
    # A float column with nulls comes out of Arrow with NaN in their place.
    return np.asarray(table["entropy"].to_numpy(), dtype=np.float64)


def _uncertain(columns: Columns) -> Bools:
    found = np.zeros(len(columns.name), dtype=bool)
    wanted = [
        code for code, flag in enumerate(columns.flags) if flag in (Flag.UNCERTAIN_LANGUAGE, Flag.UNROUTED_LANGUAGE)
    ]
    found[columns.flag_row[np.isin(columns.flag, wanted)]] = True
    return found
