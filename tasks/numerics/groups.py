"""Metrics by language, source, speaker or length, and over several sets: pooled, or averaged by set.

Pooled lets every segment count alike, so the largest set speaks loudest; averaged lets every set count alike.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from actors.contract import SHORT_SECONDS
from tasks.numerics.metrics import Bools, Floats, Ints, Metrics, PosteriorMetrics, from_confusion, measure

_EDGES: Final = (1.0, SHORT_SECONDS, 10.0)
LENGTH_BINS: Final = ("under 1 s", "1 to 3 s", "3 to 10 s", "10 s or longer")
"""In order of length. Below 3 s a segment is flagged `short`."""

_AVERAGED = (
    "accuracy",
    "uar",
    "macro_f1",
    "macro_f1_present",
    "neutral_rate",
    "undecided_rate",
    "non_neutral_accuracy",
    "cross_entropy",
    "brier",
    "coverage",
)


@dataclass(frozen=True)
class Averaged:
    """Means over sets of the figures of `Metrics`; None where a set has none, with the set named in `undefined`.

    Attributes:
        sets: Share of each set in the means; they sum to 1.
    """

    sets: Mapping[str, float]
    accuracy: float | None
    uar: float | None
    macro_f1: float | None
    macro_f1_present: float | None
    neutral_rate: float | None
    undecided_rate: float | None
    non_neutral_accuracy: float | None
    cross_entropy: float | None
    brier: float | None
    coverage: float | None
    undefined: Mapping[str, str]


def grouped(
    truth: Ints,
    prediction: Ints,
    posterior: Floats | None,
    keys: Sequence[str],
    *,
    can_say: Bools | None = None,
    weights: Floats | None = None,
) -> dict[str, Metrics]:
    """The metrics of each group, sorted by its key; arguments as for `measure`, `keys` one a segment."""
    names, rows = _rows_by_key(keys, len(truth))
    return {
        name: measure(
            truth[index],
            prediction[index],
            None if posterior is None else posterior[index],
            can_say=can_say,
            weights=None if weights is None else weights[index],
        )
        for name, index in zip(names, rows, strict=True)
    }


def length_bin(duration_s: float) -> str:
    """Which of `LENGTH_BINS` a segment of this many seconds is in; an edge belongs to the longer one."""
    return LENGTH_BINS[bisect_right(_EDGES, duration_s)]


def pooled(sets: Mapping[str, Metrics], *, can_say: Bools | None = None) -> Metrics:
    """The metrics of all segments of several sets together: equal to `measure` over the sets joined."""
    table = np.sum([np.array(each.confusion) for each in sets.values()] or [np.zeros((7, 8))], axis=0)
    return from_confusion(
        table, n=sum(each.n for each in sets.values()), scored=_pooled_posterior(sets), can_say=can_say
    )


def averaged(sets: Mapping[str, Metrics], *, weights: Mapping[str, float] | None = None) -> Averaged:
    """Mean over the sets of each figure.

    Args:
        sets: The metrics of each set, by its name.
        weights: Weight of each set, ≥ 0; equal by default.

    Raises:
        ValueError: A set has no weight of its own, or no weight is positive.
    """
    shares = _shares(tuple(sets), weights)
    values: dict[str, float | None] = {}
    undefined: dict[str, str] = {}
    for name in _AVERAGED:
        lacking = [each for each in sets if getattr(sets[each], name) is None and shares[each] > 0]
        if lacking or not sets:
            undefined[name] = f"undefined in {', '.join(lacking)}" if sets else "there are no sets"
        values[name] = (
            None
            if name in undefined
            else sum(share * getattr(sets[each], name) for each, share in shares.items() if share > 0)
        )
    return Averaged(sets=shares, undefined=undefined, **values)


def _rows_by_key(keys: Sequence[str], n: int) -> tuple[list[str], list[Ints]]:
    if len(keys) != n:
        raise ValueError(f"{n} segments, but {len(keys)} keys to group them by; give one a segment")
    if n == 0:
        return [], []
    names, inverse = np.unique(np.asarray(keys, dtype=str), return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    return names.tolist(), list(np.split(order, np.cumsum(np.bincount(inverse))[:-1]))


def _pooled_posterior(sets: Mapping[str, Metrics]) -> PosteriorMetrics:
    left_out = sum(each.posterior_left_out for each in sets.values())
    scored = [each for each in sets.values() if each.cross_entropy is not None and each.brier is not None]
    weight = sum(each.posterior_weight for each in scored)
    # A set whose rows are all undecided has posteriors, and adds none; one without posteriors is another matter.
    lacking = [
        name for name, each in sets.items() if each.n and each.cross_entropy is None and not each.posterior_left_out
    ]
    if lacking or not scored:
        reason = f"undefined in {', '.join(lacking)}" if lacking else "no labelled segment has a posterior"
        return PosteriorMetrics(None, None, 0.0, left_out, reason)
    return PosteriorMetrics(
        sum(each.posterior_weight * (each.cross_entropy or 0.0) for each in scored) / weight,
        sum(each.posterior_weight * (each.brier or 0.0) for each in scored) / weight,
        weight,
        left_out,
    )


def _shares(names: tuple[str, ...], weights: Mapping[str, float] | None) -> dict[str, float]:
    given = dict.fromkeys(names, 1.0) if weights is None else dict(weights)
    if set(given) != set(names):
        raise ValueError(f"weights are for {', '.join(given)}, but the sets are {', '.join(names)}; give one a set")
    total = sum(given.values())
    if names and (total <= 0 or min(given.values()) < 0):
        raise ValueError(f"weights of sets must be ≥ 0 and not all 0, not {given}")
    return {name: given[name] / total for name in names}
