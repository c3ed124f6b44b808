"""Whether what a run scored has other shares of emotions and languages than the reference runs, beyond chance.

All shares are checked together at one level, and segments of one medium count for less than as many of many media.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from actors.contract import TAXONOMY
from tasks.alarms.kinds import CLASS_SHARES, LANGUAGE_MIX, NEUTRAL_RATE, OTHER
from tasks.numerics.metrics import Ints
from tasks.numerics.share_bands import MOST_ALIKE, Counts, band, correlation, design_effect, outside
from tasks.records.parts import UNDECIDED, Alarm, Spread
from tasks.records.run import RunRecord

ALIKE = 0.05
"""Correlation of emotions within a medium that is reckoned with at least."""

RUNS_FOR_NIGHTS = 5
"""From so many reference runs on, what differs from night to night (another show, say) widens the band, too."""

RARE = 0.01
"""Languages below this share of the reference are checked together."""

EMOTIONS = (*TAXONOMY, UNDECIDED)


@dataclass(frozen=True)
class ShareCheck:
    """One share of a run beside the reference's.

    Attributes:
        name: An emotion, `undecided`, a language, or `OTHER`.
        value, expected: The run's share and the reference's.
        low, high: Where chance may put the run's, with what was told of the level.
        outside: Whether it lies beyond.
    """

    name: str
    value: float
    expected: float
    low: float
    high: float
    outside: bool

    @property
    def kind(self) -> str:
        """Which alarm it is, where it lies outside."""
        if self.name == TAXONOMY[0]:
            return NEUTRAL_RATE
        return CLASS_SHARES if self.name in EMOTIONS else LANGUAGE_MIX


def share_alarms(record: RunRecord, references: Sequence[RunRecord], level: float) -> Iterator[Alarm]:
    """The shares of a run that lie outside the band around the reference's.

    Args:
        record: The run; what it scored itself is looked at, not the whole corpus.
        references: Runs whose counts are added up.
        level: Chance that anything is found where nothing has changed.
    """
    return (_alarm(each, record, references) for each in check_shares(record, references, level) if each.outside)


def check_shares(record: RunRecord, references: Sequence[RunRecord], level: float) -> tuple[ShareCheck, ...]:
    """All shares of a run beside the reference's: emotions, then languages; none where one side scored nothing."""
    if not record.segments or not sum(run.segments for run in references):
        return ()
    languages = _common_languages(references)
    each = level / (len(EMOTIONS) + len(languages) + 1)
    return (*_emotions(record, references, each), *_languages(record, references, languages, each))


def _emotions(record: RunRecord, references: Sequence[RunRecord], level: float) -> Iterator[ShareCheck]:
    rows = np.array([_row(_by_emotion(run), EMOTIONS) for run in references])
    alike = max(ALIKE, _alike([run for run in references if run.spread]))
    nights = _alike_nights(rows) if len(references) >= RUNS_FOR_NIGHTS else 0.0
    together = sum((_spread(run) for run in references), Spread())

    def effect(sizes: Ints, squares: int) -> float:
        """By media or by nights, whichever says less."""
        by_media = design_effect(sizes.sum(), squares, alike)
        return float(max(by_media, design_effect(sizes.sum(), (sizes**2).sum(), nights)))

    reference = _counts(rows.sum(axis=0), effect(rows.sum(axis=1), together.squares))
    row = _row(_by_emotion(record), EMOTIONS)
    yield from _checks(
        EMOTIONS, reference, _counts(row, effect(row.sum(keepdims=True), _spread(record).squares)), level
    )


def _languages(
    record: RunRecord, references: Sequence[RunRecord], common: Sequence[str], level: float
) -> Iterator[ShareCheck]:
    """Whoever speaks one language in a medium speaks it all along: a medium is worth little more than a segment."""
    names = (*common, OTHER)
    together = sum((_spread(run) for run in references), Spread())
    rows = np.sum([_row(_by_language(run, common), names) for run in references], axis=0)
    row = _row(_by_language(record, common), names)
    reference = _counts(rows, float(design_effect(rows.sum(), together.squares, MOST_ALIKE)))
    current = _counts(row, float(design_effect(row.sum(), _spread(record).squares, MOST_ALIKE)))
    yield from _checks(names, reference, current, level)


def _checks(names: Sequence[str], reference: Counts, current: Counts, level: float) -> Iterator[ShareCheck]:
    if not current.total or not reference.total:
        return
    beyond = outside(reference, current, level=level)
    low, high = band(reference, int(current.total), float(current.effect), level=level)
    value, expected = current.by_category / current.total, reference.by_category / reference.total
    for index, name in enumerate(names):
        found, usual, least, most = (float(each[index]) for each in (value, expected, low, high))
        yield ShareCheck(name, found, usual, least, most, bool(beyond[index]))


def _alarm(found: ShareCheck, record: RunRecord, references: Sequence[RunRecord]) -> Alarm:
    runs = f"{len(references)} runs since {references[-1].run_id}" if len(references) > 1 else references[0].run_id
    message = (
        f"{found.value:.1%} of {record.segments} segments are {_named(found.name)}, and {found.expected:.1%} were in "
        f"{runs}: {found.low:.1%} to {found.high:.1%} would be chance. {_remedy(found.kind)}"
    )
    return Alarm(
        kind=found.kind,
        value=found.value,
        bound=found.high if found.value > found.expected else found.low,
        expected=found.expected,
        n=record.segments,
        subject=found.name,
        message=message,
    )


def _named(name: str) -> str:
    if name == OTHER:
        return "in languages that are rare there"
    return name if name in EMOTIONS else f"in {name}"


def _remedy(kind: str) -> str:
    look = "what was scored" if kind == LANGUAGE_MIX else "what was scored, and listen to a few segments"
    return (
        f"Look at {look}, and compare the runs (`seraph runs compare`). Where it is as it should be, make this run the "
        "reference (alarms.reference)."
    )


def _by_emotion(run: RunRecord) -> Mapping[str, int]:
    return {**run.emotions, UNDECIDED: run.undecided}


def _by_language(run: RunRecord, common: Sequence[str]) -> Mapping[str, int]:
    """The languages of a run; those that are rare in the reference are one."""
    counts: Counter[str] = Counter()
    for language, count in run.languages.items():
        counts[language if language in common else OTHER] += count
    return counts


def _common_languages(references: Sequence[RunRecord]) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    for run in references:
        counts.update(run.languages)
    return tuple(sorted(name for name, count in counts.items() if count >= RARE * counts.total()))


def _row(counts: Mapping[str, int], names: Sequence[str]) -> Ints:
    return np.array([counts.get(name, 0) for name in names], dtype=np.int64)


def _counts(row: Ints, effect: float) -> Counts:
    return Counts(row, np.asarray(row.sum()), np.asarray(effect))


def _spread(run: RunRecord) -> Spread:
    """How a run's segments lie in media; for an older record, as if half of them lay in few media."""
    if run.spread is not None:
        return run.spread
    media = max(1, run.media.scored)
    return Spread(media=media, squares=min(run.segments**2, 2 * run.segments**2 // media))


def _alike(runs: Sequence[RunRecord]) -> float:
    """How alike segments of one medium are, as far as runs say how theirs lie in media; 0 where none does."""
    if not runs:
        return 0.0
    spread = sum((_spread(run) for run in runs), Spread())
    counts = np.sum([_row(_by_emotion(run), EMOTIONS) for run in runs], axis=0)
    sums = np.array([spread.emotions.get(name, (0, 0)) for name in EMOTIONS], dtype=np.float64)
    return correlation(counts, float(spread.squares), sums[:, 0], sums[:, 1], spread.media) or 0.0


def _alike_nights(rows: Ints) -> float:
    """How alike segments of one run are, shape of rows (runs, categories): the night itself as a medium."""
    sizes = rows.sum(axis=1)
    own, cross = (rows**2).sum(axis=0).astype(float), (rows * sizes[:, None]).sum(axis=0).astype(float)
    return correlation(rows.sum(axis=0), float((sizes**2).sum()), own, cross, len(rows)) or 0.0
