"""Which of several models is better on one labelled set, and whether the set can say so.

Owns the verdict on every pair, how many labels would decide it, and the ranking in tiers. The tests are in
significance.py, the differences and their intervals in differences.py. All differences are `second` less `first`.

A pair is decided by the sign-flip test by source, with Holm's correction over all pairs. Differences that surely lie
within a margin are ties, however significant. Everything else is undecided, and nothing is ranked by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, log2
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from tasks.numerics.differences import Difference, accuracy_differences
from tasks.numerics.intervals import LEVEL, Interval
from tasks.numerics.significance import holm, mcnemar, sign_flip
from tasks.numerics.sources import Sources, group

Verdict = Literal["better", "worse", "tied", "undecided"]
Bools = npt.NDArray[np.bool_]

MARGIN = 0.02
"""Pairs whose whole interval lies within ± this accuracy are tied."""

ALPHA = 0.05
POWER = 0.8


@dataclass(frozen=True)
class Pair:
    """Two models on the same segments.

    Attributes:
        first, second: Their names.
        difference: Accuracy of the second less that of the first.
        interval: Of that difference, by source.
        first_only, second_only: Segments that only this one has right.
        mcnemar, sign_flip: p of each test; `…_adjusted`: by Holm over all pairs.
        probability_better: That the second is truly better; None with one source.
        labels_to_decide: How many more labels, like those at hand and from more such sources, would decide the pair
            with 80 % power if the difference is what it seems; 0 where it is decided; None: `labels_note` says why.
        verdict: Of the second: `better`, `worse`, `tied` or `undecided`.
    """

    first: str
    second: str
    difference: float
    interval: Interval
    first_only: int
    second_only: int
    mcnemar: float
    mcnemar_adjusted: float
    sign_flip: float
    sign_flip_adjusted: float
    probability_better: float | None
    labels_to_decide: int | None
    labels_note: str | None
    verdict: Verdict


@dataclass(frozen=True)
class Standing:
    """Where a model stands: its tier (1 is the best) and the ranks that the decided pairs leave open to it."""

    model: str
    accuracy: float
    tier: int
    best_rank: int
    worst_rank: int


def compare(
    right: Mapping[str, Bools], source: npt.ArrayLike | Sources, *, margin: float = MARGIN, level: float = LEVEL
) -> tuple[Pair, ...]:
    """Compare every pair of models.

    Args:
        right: By model, whether it has each segment right, shape (n,); undecided is wrong.
        source: Which source each segment is from, shape (n,).
        margin: Half width of what counts as a tie, in accuracy.
        level: Of the intervals.

    Returns:
        All m (m − 1) / 2 pairs, in the order of the models; none where there are no segments.
    """
    sources = group(source)
    table = _stacked(right, sources)
    if not table.size:
        return ()
    differences = accuracy_differences(table, sources)
    only = _only(table)
    exact, flips = mcnemar(only[:, 0], only[:, 1]), _sign_flips(table, sources)
    rows = zip(combinations(right, 2), differences, only, exact, holm(exact), flips, holm(flips), strict=True)
    return tuple(_pair(*row, pairs=len(differences), margin=margin, level=level) for row in rows)


def ranking(right: Mapping[str, Bools], pairs: Sequence[Pair]) -> tuple[tuple[str, ...], ...]:
    """Tiers of models, the best first. Within a tier nothing is said.

    A model stands in a lower tier only if every model above has been decided to be better. So A > C alone, with B
    undecided between them, is one tier; `standings` tells that A cannot be last.

    Args:
        right: As for `compare`.
        pairs: What `compare` made of them.
    """
    order = sorted(right, key=lambda model: -float(right[model].mean()) if right[model].size else 0.0)
    better = _decided(pairs)
    tiers: list[list[str]] = [[]]
    for place, model in enumerate(order):
        if place and all((above, below) in better for above in order[:place] for below in order[place:]):
            tiers.append([])
        tiers[-1].append(model)
    return tuple(tuple(tier) for tier in tiers if tier)


def standings(right: Mapping[str, Bools], pairs: Sequence[Pair]) -> tuple[Standing, ...]:
    """Tier and open ranks of every model, in the order of the ranking; none where there are no segments."""
    better = _decided(pairs)
    tiers = ranking(right, pairs)
    return tuple(
        Standing(
            model=model,
            accuracy=float(right[model].mean()),
            tier=tier,
            best_rank=1 + sum((other, model) in better for other in right),
            worst_rank=len(right) - sum((model, other) in better for other in right),
        )
        for tier, members in enumerate(tiers, start=1)
        for model in members
        if right[model].size
    )


def _pair(
    names: tuple[str, str],
    difference: Difference,
    only: npt.NDArray[np.int64],
    exact: float,
    exact_adjusted: float,
    flip: float,
    flip_adjusted: float,
    *,
    pairs: int,
    margin: float,
    level: float,
) -> Pair:
    bounds = difference.interval(level)
    verdict = _verdict(difference.value, bounds, flip_adjusted, margin)
    labels, note = _labels_to_decide(difference, verdict, pairs)
    return Pair(
        *names,
        difference=difference.value,
        interval=bounds,
        first_only=int(only[0]),
        second_only=int(only[1]),
        mcnemar=float(exact),
        mcnemar_adjusted=float(exact_adjusted),
        sign_flip=float(flip),
        sign_flip_adjusted=float(flip_adjusted),
        probability_better=difference.probability_better(),
        labels_to_decide=labels,
        labels_note=note,
        verdict=verdict,
    )


def _verdict(difference: float, bounds: Interval, p: float, margin: float) -> Verdict:
    if bounds.low is not None and bounds.high is not None and -margin <= bounds.low and bounds.high <= margin:
        return "tied"
    if p > ALPHA:
        return "undecided"
    return "better" if difference > 0 else "worse"


def _labels_to_decide(difference: Difference, verdict: Verdict, pairs: int) -> tuple[int | None, str | None]:
    """Labels beyond those at hand, or None and why. `pairs`: how many are tested at once, so at which level each."""
    if verdict == "tied":
        return None, "tied: more labels would only make it surer"
    if verdict != "undecided":
        return 0, None
    if difference.error is None:
        return None, "one source only: more labels of it decide nothing about others"
    if difference.value == 0:
        return None, "the observed difference is 0: no number of labels can be told from it"
    n, sources = len(difference.sources.index), difference.sources.count
    quantiles = float(special.ndtri(1 - ALPHA / (2 * pairs)) + special.ndtri(POWER))
    by_error = n * (quantiles * difference.error / difference.centre) ** 2
    by_sources = n * (1 + log2(pairs / ALPHA)) / sources
    return max(1, ceil(max(by_error, by_sources)) - n), None


def _stacked(right: Mapping[str, Bools], sources: Sources) -> Bools:
    """All models' rows, shape (m, n)."""
    for model, row in right.items():
        if np.shape(row) != sources.index.shape:
            raise ValueError(
                f"{model} has {np.shape(row)} segments, the sources {sources.index.shape}: compare the same"
            )
    return np.array([np.asarray(row, dtype=np.bool_) for row in right.values()]).reshape(len(right), -1)


def _only(table: Bools) -> npt.NDArray[np.int64]:
    """Segments that only the first, only the second of each pair has right, shape (pairs, 2)."""
    counts = table.astype(np.float64)
    both = np.rint(counts @ counts.T).astype(np.int64)
    alone = np.diag(both)[:, None] - both
    return np.array([(alone[a, b], alone[b, a]) for a, b in combinations(range(len(table)), 2)]).reshape(-1, 2)


def _sign_flips(table: Bools, sources: Sources) -> list[float]:
    totals = np.rint(sources.totals(table.T.astype(np.float64))).astype(np.int64)
    return [sign_flip(totals[:, b] - totals[:, a]) for a, b in combinations(range(len(table)), 2)]


def _decided(pairs: Sequence[Pair]) -> set[tuple[str, str]]:
    """(better, worse) of every decided pair."""
    ahead = {(pair.second, pair.first) for pair in pairs if pair.verdict == "better"}
    return ahead | {(pair.first, pair.second) for pair in pairs if pair.verdict == "worse"}
