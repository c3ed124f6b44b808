"""What a report is drawn from, folded from a current table: counts over all rows, timelines of the first media.

Reads one shard's `scores` table at a time and keeps no rows beyond the timelines, so a million segments cost what ten
thousand do. Owns no wording and no drawing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actors.contract import SHORT_SECONDS
from tasks.numerics.alarms import Tally
from tasks.report.columns import CATEGORIES, UNDECIDED, Columns, Floats, Integers

MEDIA_PER_PAGE = 50
MAX_LINKED_PAGES = 9
MAX_TIMELINES = MEDIA_PER_PAGE * (1 + MAX_LINKED_PAGES)
"""Media whose segments are kept for a timeline, in the order of their URIs."""

LENGTH_BIN_S = 0.5
LENGTH_BINS = 31
"""Half seconds up to 15; the last bin holds what is longer."""
CONFIDENCE_BINS = 20


@dataclass(frozen=True, eq=False)
class MediumSummary:
    """One medium: its totals, and its segments in order of time.

    Attributes:
        seconds: Seconds of speech by category (the seven emotions, then undecided), shape (8,).
        languages, flags: Segments by language and by flag.
        start_s, end_s: Seconds, shape (segments,).
        category: Index of the emotion, `UNDECIDED` where there is none, shape (segments,).
        confidence: Of the emotion, 0…1, NaN where undecided, shape (segments,).
        language: Index into `sorted(languages)`, shape (segments,).
    """

    uri: str
    seconds: Floats
    languages: Mapping[str, int]
    flags: Mapping[str, int]
    start_s: Floats
    end_s: Floats
    category: Integers
    confidence: Floats
    language: Integers

    @property
    def segments(self) -> int:
        """How many segments it has."""
        return len(self.start_s)


@dataclass
class Said:
    """What one model itself said, before any map: segments, their information in nats, and its first choices."""

    n: int = 0
    information: float = 0.0
    labels: Counter[str] = field(default_factory=Counter)

    def alarms(self, labels: Sequence[str]) -> tuple[str, ...]:
        """`near_uniform` and `one_class` (see `tasks.numerics.alarms`), for a model with these labels."""
        counts = {label: self.labels[label] for label in labels}
        # Of how far the posteriors range nothing is stored: `constant` stays out.
        return Tally(self.n, self.information, counts, (0.0,) * len(counts), (1.0,) * len(counts)).alarms()


@dataclass(frozen=True, eq=False)
class Summary:
    """What a current table holds.

    Attributes:
        media, segments, seconds: Totals; seconds of scored speech.
        counts, category_seconds: By language, segments and seconds by category, shape (8,).
        lengths: Segments by length, shape (LENGTH_BINS,).
        language_confidence: By language, segments by Whisper's raw mass, shape (CONFIDENCE_BINS,).
        short: Segments under `SHORT_SECONDS`.
        flags: Segments by flag.
        mean_confidence: Of the decided segments, or None where there is none.
        mean_dropped_mass: Probability on labels outside the taxonomy, or None where there is no segment.
        said: What each model itself said, by its source.
        timelines: The first `MAX_TIMELINES` media in order of their URIs.
    """

    media: int
    segments: int
    seconds: float
    counts: Mapping[str, Integers]
    category_seconds: Mapping[str, Floats]
    lengths: Integers
    language_confidence: Mapping[str, Integers]
    short: int
    flags: Mapping[str, int]
    mean_confidence: float | None
    mean_dropped_mass: float | None
    said: Mapping[str, Said]
    timelines: tuple[MediumSummary, ...]

    @classmethod
    def fold(cls, tables: Iterable[pa.Table]) -> "Summary":
        """Fold `scores` tables, one shard at a time; no table is kept."""
        folding = _Folding()
        for table in tables:
            if table.num_rows:
                folding.add(Columns.of(table))
        return folding.summary()

    @property
    def totals(self) -> Integers:
        """Segments by category over all languages, shape (8,)."""
        return np.asarray(sum(self.counts.values(), start=np.zeros(CATEGORIES, dtype=np.int64)))

    @property
    def totals_s(self) -> Floats:
        """Seconds of speech by category over all languages, shape (8,)."""
        return np.asarray(sum(self.category_seconds.values(), start=np.zeros(CATEGORIES)))

    @property
    def undecided(self) -> int:
        """Segments without an emotion."""
        return int(self.totals[UNDECIDED])

    @property
    def neutral_rate(self) -> float | None:
        """Share of neutral among the decided segments, or None where nothing was decided."""
        decided = self.segments - self.undecided
        return float(self.totals[0]) / decided if decided else None

    @property
    def short_rate(self) -> float | None:
        """Share of segments under `SHORT_SECONDS`, or None where there is no segment."""
        return self.short / self.segments if self.segments else None

    @property
    def left_out(self) -> int:
        """Media without a timeline in the report."""
        return self.media - len(self.timelines)


@dataclass
class _Folding:
    """The sums so far."""

    known: set[int] = field(default_factory=set)
    segments: int = 0
    seconds: float = 0.0
    short: int = 0
    counts: dict[str, Integers] = field(default_factory=dict)
    category_seconds: dict[str, Floats] = field(default_factory=dict)
    lengths: Integers = field(default_factory=lambda: np.zeros(LENGTH_BINS, dtype=np.int64))
    language_confidence: dict[str, Integers] = field(default_factory=dict)
    flags: Counter[str] = field(default_factory=Counter)
    confidence: float = 0.0
    dropped_mass: float = 0.0
    said: dict[str, Said] = field(default_factory=dict)
    media: dict[str, MediumSummary] = field(default_factory=dict)
    last: str | None = None
    """The greatest URI that may still matter, once there are enough media; None before."""

    def add(self, columns: Columns) -> None:
        # Hashes instead of the names: 100,000 media stay under 10 MB.
        self.known.update(hash(name) for name in columns.names)
        self.segments += len(columns.name)
        self.seconds += float(columns.length_s.sum())
        self.short += int((columns.length_s < SHORT_SECONDS).sum())
        self.lengths += _histogram(columns.length_s / LENGTH_BIN_S, LENGTH_BINS)
        self.flags += columns.flags_of(np.ones(len(columns.name), dtype=bool))
        self.confidence += float(np.nansum(columns.confidence))
        self.dropped_mass += float(np.nansum(columns.dropped_mass))
        for code, language in enumerate(columns.languages):
            self._add_language(columns, language, columns.language == code)
        for code, model in enumerate(columns.models):
            self._add_model(columns, model, columns.model == code)
        self._keep(columns)

    def _add_language(self, columns: Columns, language: str, rows: npt.NDArray[np.bool_]) -> None:
        category, length_s = columns.category[rows], columns.length_s[rows]
        confidence = _histogram(columns.language_confidence[rows] * CONFIDENCE_BINS, CONFIDENCE_BINS)
        _accumulate(self.counts, language, np.bincount(category, minlength=CATEGORIES))
        _accumulate(self.category_seconds, language, np.bincount(category, length_s, minlength=CATEGORIES))
        _accumulate(self.language_confidence, language, confidence)

    def _add_model(self, columns: Columns, model: str, rows: npt.NDArray[np.bool_]) -> None:
        said = self.said.setdefault(model, Said())
        said.n += int(rows.sum())
        said.information += float(columns.information[rows].sum())
        counts = np.bincount(columns.label[rows], minlength=len(columns.labels))
        said.labels.update({label: int(count) for label, count in zip(columns.labels, counts, strict=True)})

    def _keep(self, columns: Columns) -> None:
        """Keep the timelines of the first media by URI."""
        for code, name in enumerate(columns.names):
            if self.last is not None and name > self.last:
                continue
            fresh = _medium(name, columns, columns.name == code)
            self.media[name] = _joined(self.media[name], fresh) if name in self.media else fresh
            # Cut back at twice the number only: sorting at every medium would be quadratic.
            if len(self.media) > 2 * MAX_TIMELINES:
                self._cut_back()

    def _cut_back(self) -> None:
        kept = sorted(self.media)[:MAX_TIMELINES]
        self.media = {name: self.media[name] for name in kept}
        self.last = kept[-1] if len(kept) == MAX_TIMELINES else None

    def summary(self) -> Summary:
        self._cut_back()
        counts = dict(sorted(self.counts.items()))
        decided = self.segments - sum(int(each[UNDECIDED]) for each in counts.values())
        return Summary(
            media=len(self.known),
            segments=self.segments,
            seconds=self.seconds,
            counts=counts,
            category_seconds=dict(sorted(self.category_seconds.items())),
            lengths=self.lengths,
            language_confidence=dict(sorted(self.language_confidence.items())),
            short=self.short,
            flags=dict(sorted(self.flags.items())),
            mean_confidence=self.confidence / decided if decided else None,
            mean_dropped_mass=self.dropped_mass / self.segments if self.segments else None,
            said=dict(sorted(self.said.items())),
            timelines=tuple(self.media[name] for name in sorted(self.media)),
        )


def _medium(name: str, columns: Columns, rows: npt.NDArray[np.bool_]) -> MediumSummary:
    order = np.flatnonzero(rows)[np.argsort(columns.start_s[rows], kind="stable")]
    languages = sorted({columns.languages[code] for code in columns.language[order]})
    language = np.array([languages.index(columns.languages[code]) for code in columns.language[order]], dtype=np.int64)
    return MediumSummary(
        uri=name,
        seconds=np.bincount(columns.category[order], columns.length_s[order], minlength=CATEGORIES).astype(np.float64),
        languages={each: int((language == index).sum()) for index, each in enumerate(languages)},
        flags=columns.flags_of(rows),
        start_s=columns.start_s[order],
        end_s=columns.end_s[order],
        category=columns.category[order],
        confidence=columns.confidence[order],
        language=language,
    )


def _joined(one: MediumSummary, other: MediumSummary) -> MediumSummary:
    """One medium whose rows came in two tables."""
    languages = sorted({*one.languages, *other.languages})
    order = np.argsort(np.concatenate([one.start_s, other.start_s]), kind="stable")
    arrays: dict[str, Any] = {
        key: np.concatenate([getattr(one, key), getattr(other, key)])[order]
        for key in ("start_s", "end_s", "category", "confidence")
    }
    moved = [
        np.array([languages.index(own) for own in sorted(each.languages)], dtype=np.int64)[each.language]
        for each in (one, other)
    ]
    return MediumSummary(
        uri=one.uri,
        seconds=one.seconds + other.seconds,
        languages=Counter(one.languages) + Counter(other.languages),
        flags=Counter(one.flags) + Counter(other.flags),
        language=np.concatenate(moved)[order],
        **arrays,
    )


def _histogram(positions: Floats, bins: int) -> Integers:
    """Counts by bin of positions in units of bins; what lies outside goes to the first or last."""
    return np.bincount(np.clip(np.nan_to_num(positions), 0, bins - 1).astype(np.int64), minlength=bins)


def _accumulate(sums: dict[str, Any], key: str, value: npt.NDArray[Any]) -> None:
    sums[key] = sums[key] + value if key in sums else value
