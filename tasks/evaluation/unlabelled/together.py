"""Where configurations that scored the same segments agree, and where they differ most. Agreement is not accuracy.

Segments are joined by the hash of their id, in arrays; the widest disagreements are then looked up by their place.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actors.contract import TAXONOMY
from tasks.evaluation.unlabelled.fold import Answers, Hashes, segment_hashes
from tasks.evaluation.unlabelled.record import ConsensusFigures, Difference, Disagreement, Pair, PairFigures
from tasks.evaluation.unlabelled.scored import Scored
from tasks.numerics.agreement import MISSING, PairAgreement, consensus, pairwise_agreement
from tasks.numerics.intervals import wilson_bounds
from tasks.report.columns import UNDECIDED, Floats

MOST_DISAGREEMENTS = 50
MOST_DIFFERENCES = 5
ABSENT = -1
"""Category of a segment that a configuration did not score."""

_BLOCK = 1 << 16
_NOTHING_SHARED = "they scored no segment in common: nothing can be said about their agreement"

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Joined:
    """The segments that at least two configurations scored.

    Attributes:
        segment: Hashes, shape (n,). category: shape (n, configurations), `ABSENT` where not scored, 7 where undecided.
        confidence: Likewise, 0 where there is none.
    """

    segment: Hashes
    category: Codes
    confidence: npt.NDArray[np.float32]


def join(answers: Sequence[Answers]) -> Joined:
    """Join what several configurations said, by the hash of the segment's id."""
    every, times = np.unique(np.concatenate([each.segment for each in answers]), return_counts=True)
    shared = every[times >= 2]
    category = np.full((len(shared), len(answers)), ABSENT, dtype=np.int8)
    confidence = np.zeros(category.shape, dtype=np.float32)
    for column, each in enumerate(answers):
        here, there = _positions(shared, each.segment)
        category[here, column], confidence[here, column] = each.category[there], each.confidence[there]
    return Joined(shared, category, confidence)


def pair_figures(joined: Joined, names: Sequence[str]) -> tuple[PairFigures, ...]:
    """Every two configurations, in the order of their names."""
    return tuple(
        _pair(joined.category[:, [first, second]], names[first], names[second])
        for first, second in combinations(range(len(names)), 2)
    )


def consensus_figures(joined: Joined) -> ConsensusFigures:
    """All together, on the segments that all scored. A block of them at a time: the shares add up."""
    everywhere = joined.category[(joined.category != ABSENT).all(axis=1)]
    n, m = everywhere.shape
    if n == 0:
        reasons = dict.fromkeys(("at_least", "tied"), "no segment was scored by all of them")
        return ConsensusFigures(configurations=m, segments=0, at_least=None, tied=None, undefined=reasons)
    at_least, tied = np.zeros(m), 0.0
    for start in range(0, n, _BLOCK):
        block = consensus(_ratings(everywhere[start : start + _BLOCK]))
        weight = len(block.votes) / n
        at_least += weight * np.array(block.at_least)
        tied += weight * (block.tied or 0.0)
    return ConsensusFigures(configurations=m, segments=n, at_least=tuple(at_least.tolist()), tied=tied)


def disagreements(joined: Joined, corpora: Sequence[Scored]) -> tuple[Disagreement, ...]:
    """The segments with the widest disagreement, at most `MOST_DISAGREEMENTS`; found by reading tables once more."""
    width = _width(joined)
    order = np.lexsort((joined.segment, -width))[:MOST_DISAGREEMENTS]
    chosen = {int(joined.segment[row]): int(row) for row in order if width[row] > 0}
    if not chosen:
        return ()
    places = _places(corpora, np.array(sorted(chosen), dtype=np.uint64))
    names = [each.name for each in corpora]
    return tuple(
        _disagreement(places[segment], names, joined, row, float(width[row])) for segment, row in chosen.items()
    )


def _positions(shared: Hashes, own: Hashes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Where in `shared` the own segments lie, and where those lie in `own`. Both are sorted."""
    if not len(own):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    at = np.minimum(np.searchsorted(own, shared), len(own) - 1)
    here = np.flatnonzero(own[at] == shared)
    return here, at[here]


def _pair(category: Codes, a: str, b: str) -> PairFigures:
    both = category[(category != ABSENT).all(axis=1)]
    decided = both[(both != UNDECIDED).all(axis=1)]
    (found,) = pairwise_agreement(decided, (a, b))
    reason = _NOTHING_SHARED if len(both) == 0 else found.reason or ""
    values: dict[str, Any] = {
        "agreement": found.agreement,
        "agreement_ci": None if found.agreement is None else wilson_bounds(found.agreement, found.n),
        "kappa": found.kappa,
        "kappa_ci": _kappa_bounds(found),
    }
    undefined = {key: reason for key, value in values.items() if value is None}
    return PairFigures(
        a=a, b=b, shared=len(both), n=found.n, differences=_differences(decided), undefined=undefined, **values
    )


def _kappa_bounds(found: PairAgreement) -> Pair | None:
    """95 %, by the variance a (1 - a) / (n (1 - e)²) with agreement a and agreement by chance e (Cohen 1960)."""
    if found.kappa is None or found.agreement is None:
        return None
    # From kappa = (a - e) / (1 - e); perfect agreement leaves e open, and has no spread of its own.
    beyond = (1 - found.agreement) / (1 - found.kappa) if found.kappa < 1 else 1.0
    reach = 1.96 * math.sqrt(found.agreement * (1 - found.agreement) / found.n) / beyond
    return max(-1.0, found.kappa - reach), min(1.0, found.kappa + reach)


def _differences(decided: Codes) -> tuple[Difference, ...]:
    """The commonest ways of two columns to differ."""
    size = len(TAXONOMY)
    counts = np.bincount(decided[:, 0].astype(np.int64) * size + decided[:, 1], minlength=size * size)
    counts = np.where(np.eye(size, dtype=bool).ravel(), 0, counts)
    order = np.argsort(-counts, kind="stable")[:MOST_DIFFERENCES]
    return tuple(
        Difference(a=TAXONOMY[each // size], b=TAXONOMY[each % size], n=int(counts[each]))
        for each in order.tolist()
        if counts[each]
    )


def _ratings(category: Codes) -> npt.NDArray[np.int64]:
    return np.where(category == UNDECIDED, MISSING, category).astype(np.int64)


def _width(joined: Joined) -> Floats:
    """Mean over pairs that both decided of c₁ · c₂ where they differ, shape (n,); 0 where no two decided."""
    total, pairs = np.zeros(len(joined.segment)), np.zeros(len(joined.segment))
    for first, second in combinations(range(joined.category.shape[1]), 2):
        a, b = joined.category[:, first], joined.category[:, second]
        both = (a != ABSENT) & (b != ABSENT) & (a != UNDECIDED) & (b != UNDECIDED)
        pairs += both
        total += np.where(both & (a != b), joined.confidence[:, first] * joined.confidence[:, second], 0.0)
    return np.asarray(total / np.maximum(pairs, 1))


def _places(corpora: Iterable[Scored], wanted: Hashes) -> dict[int, dict[str, Any]]:
    """Id, medium, times and language of some segments, by their hash."""
    found: dict[int, dict[str, Any]] = {}
    columns = ["segment_id", "media_uri", "start_s", "end_s", "language"]
    for table in (table for each in corpora for table in each.tables()):
        hashes = segment_hashes(table)
        rows = np.flatnonzero(np.isin(hashes, wanted))
        chosen = table.select(columns).take(pa.array(rows)).to_pylist()
        found |= dict(zip(hashes[rows].tolist(), chosen, strict=True))
        if len(found) == len(wanted):
            break
    return found


def _disagreement(place: dict[str, Any], names: Sequence[str], joined: Joined, row: int, width: float) -> Disagreement:
    categories, confidence = joined.category[row].tolist(), joined.confidence[row].tolist()
    said: dict[str, str | None] = {}
    sure: dict[str, float | None] = {}
    for name, category, value in zip(names, categories, confidence, strict=True):
        if category != ABSENT:
            said[name] = None if category == UNDECIDED else TAXONOMY[category]
            sure[name] = None if category == UNDECIDED else value
    return Disagreement(width=width, said=said, confidence=sure, **place)
