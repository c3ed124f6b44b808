"""Segments that may be labelled next, as columns: how unsure a model is, how far models differ, and which few to keep.

Owns the figures of one segment, its place in a random order, and the bounded choice that lets a corpus of any size
pass by a block at a time. Which are proposed in the end is queue.py's part, what is nearly the same queue_near.py's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from actors.contract import TAXONOMY

Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.intp]

UNDECIDED = len(TAXONOMY)
"""Emotion of a segment that was not decided."""

SPARE = 4
"""How many times as many are kept as are wanted: neighbours and copies among them fall out later."""

PER_SOURCE = 3
"""Best segments that are kept of a source with few labels."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """n segments, every column of shape (n,) but the posterior.

    Attributes:
        key: Hash of the segment's id; distinct.
        source: Hash of the medium. language: Hash of the language's name.
        copy: Hash of what the audio is by its store: equal hashes are equal audio; 0 where nothing is known.
        start_s, end_s: Seconds.
        emotion: Index into the taxonomy, `UNDECIDED` where there is none.
        posterior: (n, 7), rows sum to 1, or NaN where undecided.
        disagreement: 0 … 1, see `disagreement`; NaN where fewer than two models know the segment.
        beside: Whether it lies beside a labelled segment: chance may take it, nothing else.
    """

    key: Hashes
    source: Hashes
    language: Hashes
    copy: Hashes
    start_s: Floats
    end_s: Floats
    emotion: npt.NDArray[np.int8]
    posterior: npt.NDArray[np.float32]
    disagreement: Floats
    beside: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.key)

    def take(self, rows: npt.NDArray[Any]) -> "Candidates":
        """These rows alone, by mask or by position."""
        return Candidates(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})

    @classmethod
    def joined(cls, parts: Sequence["Candidates"]) -> "Candidates":
        """Several as one; at least one."""
        return cls(**{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)})


def hashes_of(texts: npt.NDArray[np.object_]) -> Hashes:
    """64 bits of each text, shape (n,): the same on every machine."""
    return pd.util.hash_array(texts, categorize=False)


def uncertainty(posterior: npt.NDArray[np.floating[Any]]) -> Floats:
    """How unsure a posterior is: the mean of 1 − margin and entropy / ln 7, 0 … 1; 0 where it is NaN.

    The margin alone calls 0.5 / 0.5 as unsure as 1/7 everywhere; the entropy alone calls a model that says nothing more
    unsure than one that wavers between two (Settles, Active Learning Literature Survey, 2009, section 3.1).
    """
    known = np.nan_to_num(posterior.astype(np.float64))
    first, second = -np.partition(-known, 1, axis=1)[:, :2].T
    unsure = (1 - (first - second) + entropy(known) / np.log(known.shape[1])) / 2
    return np.where(np.isnan(posterior).any(axis=1), 0.0, np.clip(unsure, 0.0, 1.0))


def disagreement(posteriors: npt.NDArray[np.floating[Any]]) -> Floats:
    """How far several models differ: the Jensen-Shannon divergence of their posteriors over its upper bound.

    Args:
        posteriors: (models, n, classes); NaN where a model does not know the segment or did not decide.

    Returns:
        0 … 1, shape (n,); NaN where fewer than two know it. Source: Lin 1991, IEEE Trans. Inf. Theory 37(1).
    """
    there = ~np.isnan(posteriors).any(axis=2)
    models = there.sum(axis=0)
    known = np.where(there[:, :, None], posteriors.astype(np.float64), 0.0)
    safe = np.maximum(models, 1)
    divergence = entropy(known.sum(axis=0) / safe[:, None]) - entropy(known).sum(axis=0) / safe
    bound = np.log(np.clip(models, 2, posteriors.shape[2]))
    return np.where(models >= 2, np.clip(divergence / bound, 0.0, 1.0), np.nan)


def entropy(posterior: Floats) -> Floats:
    """In nats, over the last axis; 0 · ln 0 = 0."""
    logarithm = np.log(posterior, out=np.zeros_like(posterior), where=posterior > 0)
    return np.asarray(-(posterior * logarithm).sum(axis=-1))


def draws(key: Hashes, seed: int) -> Hashes:
    """Each key's place in a random order that the seed fixes: the lowest r of them are a uniform draw of r.

    A key's place depends on nothing but itself and the seed, so neither does the draw depend on the order of rows, and
    a later draw with the same seed goes on where the first one ended. The mixing is SplitMix64's.
    """
    with np.errstate(over="ignore"):
        return _mixed(key.astype(np.uint64) ^ _mixed(np.array([seed], dtype=np.uint64)))


def keep(candidates: Candidates, *, wanted: int, labelled: Floats, seed: int) -> Rows:
    """The rows that may still be wanted when `wanted` are chosen; applied again to a union, it gives the union's.

    Kept are, `SPARE` times as many as wanted each: the first in the random order; of every language and emotion those
    that models differ on most, the least sure and the surest, at most `wanted` from one source; the best of the sources
    with the fewest labels.

    Args:
        candidates: Distinct segments.
        wanted: How many will be chosen.
        labelled: Labelled segments of each row's source, shape (n,).
        seed: Of the random order.
    """
    most = most_kept(wanted)
    rank = draws(candidates.key, seed)
    kept = [np.argsort(rank, kind="stable")[:most]]
    open_ = np.flatnonzero(~candidates.beside)
    free = candidates.take(open_)
    unsure, differ = uncertainty(free.posterior), np.nan_to_num(free.disagreement)
    stratum = pd.factorize(pd.MultiIndex.from_arrays([free.language, free.emotion]))[0]
    for value in (unsure, differ, np.nan_to_num(free.posterior).max(axis=1)):
        kept.append(open_[_best(free, value, stratum, per_source=wanted, most=most)])
    kept.append(open_[_of_sources(free, unsure + differ, labelled[open_], seed, most)])
    return np.unique(np.concatenate(kept))


def most_kept(wanted: int) -> int:
    """How many `keep` keeps for each reason; at least so many of the random order, from its beginning on."""
    return SPARE * (wanted + PER_SOURCE)


def copies_of(etag: Hashes, start_s: Floats, end_s: Floats) -> Hashes:
    """What `Candidates.copy` holds, by hashes of the store's words for the bytes: equal bytes at equal milliseconds."""
    with np.errstate(over="ignore"):
        times = (np.rint(start_s * 1000).astype(np.uint64) << np.uint64(32)) + np.rint(end_s * 1000).astype(np.uint64)
        return _mixed(etag ^ _mixed(times))


def _best(
    free: Candidates, value: npt.NDArray[np.floating[Any]], stratum: npt.NDArray[np.intp], *, per_source: int, most: int
) -> Rows:
    """The highest values of each stratum, at most so many from one source."""
    order = np.lexsort((free.key, -value, stratum))
    order = order[_place(stratum[order], free.source[order]) < per_source]
    return np.asarray(order[_place(stratum[order]) < most])


def _of_sources(free: Candidates, value: Floats, labelled: Floats, seed: int, most: int) -> Rows:
    """The best few of each of the sources with the fewest labels, equal ones in random order."""
    order = np.lexsort((free.key, -value, free.source, draws(free.source, seed), labelled))
    order = order[_place(free.source[order]) < PER_SOURCE]
    first = pd.factorize(free.source[order])[0]
    return np.asarray(order[first < most])


def _place(*groups: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """How many of the same group come before each row."""
    frame = pd.DataFrame(dict(enumerate(groups)))
    return np.asarray(frame.groupby(list(frame.columns), sort=False).cumcount(), dtype=np.int64)


def _mixed(value: Hashes) -> Hashes:
    """SplitMix64 (Steele, Lea, Flood 2014): https://prng.di.unimi.it/splitmix64.c."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(value ^ (value >> np.uint64(31)))
