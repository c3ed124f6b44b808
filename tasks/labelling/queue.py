"""A scored corpus → the segments to label next. One shard's rows pass at a time; only what may be chosen is kept.

Owns the passing of the tables and what is read beside them. How segments are chosen is tasks/numerics/queue.py's part.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from actors.contract import TAXONOMY
from actors.options import Options
from infra.errors import InputError
from tasks.evaluation.unlabelled import Scored
from tasks.filters import parse_filter
from tasks.labelling.done import Done
from tasks.labelling.reasons import Said, why
from tasks.labelling.segment import COLUMNS, ToLabel
from tasks.ledger import Ledger
from tasks.numerics.queue import Covered, Pick, choose
from tasks.numerics.queue_candidates import UNDECIDED, Candidates, copies_of, disagreement, hashes_of, keep
from tasks.numerics.queue_near import Heard, Near
from tasks.store import ResultsStore
from tasks.tables import POSTERIOR

WAITING = 50_000
"""Rows that may wait before they are thinned out."""

_SHARDS = 16
"""Shards whose logits are remembered while segments are compared."""

Logits = Callable[[str, str], Heard | None]
"""What a model heard in a segment, by uri of the medium and id of the segment."""


class QueueRequest(Options):
    """What is asked for.

    Attributes:
        wanted: How many segments.
        random_share: Which share of them by chance alone.
        gap_s: Seconds between two segments of one medium, at least.
        seed: Of the random order.
        where: Which segments may be proposed; see `tasks.filters`.
    """

    wanted: int = Field(100, ge=1, le=10_000)
    random_share: float = Field(0.2, ge=0, le=1)
    gap_s: float = Field(10.0, ge=0)
    seed: int = Field(0, ge=0, lt=2**63)
    where: str | None = None


@dataclass(frozen=True)
class Queue:
    """The segments to label next.

    Attributes:
        segments: In order of picking, the random ones first; fewer than were wanted where no more differ enough.
        passed: Segments that passed by, of which `labelled` were labelled already.
        picks: How many by reason.
    """

    segments: tuple[ToLabel, ...]
    passed: int
    labelled: int
    picks: dict[str, int]


def propose(
    corpora: Sequence[Scored],
    done: Done,
    request: QueueRequest,
    logits: Logits | None = None,
    *,
    waiting: int = WAITING,
) -> Queue:
    """Propose segments to label.

    Args:
        corpora: A configuration's scores; after it others', which it is compared with.
        done: What is labelled already.
        request: How many, and how.
        logits: Tells recordings that are stored twice; without it only equal bytes are told.
        waiting: Rows that may wait before they are thinned out.

    Raises:
        InputError: The first configuration has scored nothing that may be proposed.
        UsageError: The filter cannot be read.
    """
    pool = _Pool(done, request, [_Posteriors.of(each.tables()) for each in corpora[1:]], waiting)
    for table in corpora[0].tables():
        pool.add(table)
    if not pool.passed:
        asked = f" with {request.where}" if request.where else ""
        raise InputError(f"{corpora[0].name} has no scored segment{asked}: score the media first (`seraph score`)")
    rows, candidates = pool.kept()
    places = {key: at for at, key in enumerate(candidates.key.tolist())}
    picks = choose(
        candidates,
        pool.covered(),
        wanted=request.wanted,
        random_share=request.random_share,
        seed=request.seed,
        near=Near(gap_s=request.gap_s),
        heard=(lambda key: logits(*_name(rows, places[key]))) if logits else lambda _: None,
    )
    names = [each.name for each in corpora]
    segments = tuple(_segment(rows, candidates, places[pick.key], pick, names, pool.others) for pick in picks)
    return Queue(segments, pool.passed, pool.labelled, dict(Counter(str(pick.reason) for pick in picks)))


def stored_logits(results: ResultsStore, ledger: Ledger) -> Logits:
    """What is stored of a configuration's logits, a shard at a time."""
    stems = {str(uri): str(stem) for uri, stem in ledger.current["stem"].items()}

    @lru_cache(maxsize=_SHARDS)
    def shard(stem: str) -> dict[str, tuple[str, list[float]]]:
        table = results.logits(stem).select(["segment_id", "weights_sha256", "logits"])
        columns = (table[name].to_pylist() for name in table.column_names)
        return {segment: (model, values) for segment, model, values in zip(*columns, strict=True)}

    def heard(uri: str, segment: str) -> Heard | None:
        found = shard(stems[uri]).get(segment) if uri in stems else None
        return None if found is None else Heard(found[0], np.array(found[1], dtype=np.float64))

    return heard


@dataclass(frozen=True, eq=False)
class _Posteriors:
    """What another configuration says, 22 bytes a segment: keys in order, posteriors (n, 7) with NaN for undecided."""

    key: npt.NDArray[np.uint64]
    posterior: npt.NDArray[np.float16]

    @classmethod
    def of(cls, tables: Iterable[pa.Table]) -> "_Posteriors":
        parts = [(_keys(table), _posterior(table).astype(np.float16)) for table in tables]
        empty = (np.zeros(0, np.uint64), np.zeros((0, len(TAXONOMY)), np.float16))
        keys, posteriors = (np.concatenate(each) for each in zip(empty, *parts, strict=True))
        key, first = np.unique(keys, return_index=True)
        return cls(key, posteriors[first])

    def at(self, key: npt.NDArray[np.uint64]) -> npt.NDArray[np.float32]:
        """The posteriors of these segments, (n, 7), NaN where there is none."""
        if not len(self.key):
            return np.full((len(key), len(TAXONOMY)), np.nan, dtype=np.float32)
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        found = self.posterior[place].astype(np.float32)
        found[self.key[place] != key] = np.nan
        return found


@dataclass
class _Pool:
    """What has passed by, thinned out to what may still be chosen."""

    done: Done
    request: QueueRequest
    others: Sequence[_Posteriors]
    waiting: int
    passed: int = 0
    labelled: int = 0
    _waiting: list[tuple[pa.Table, Candidates]] = field(default_factory=list)
    _limit: int = 0
    _languages: Counter[int] = field(default_factory=Counter)
    _copies: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._choose = parse_filter(self.request.where) if self.request.where else lambda table: table
        self._limit = self.waiting
        labels = self.done.labels
        self._sources = dict(zip(_hashed(list(labels)).tolist(), labels.values(), strict=True))

    def add(self, table: pa.Table) -> None:
        """Let a shard's rows pass by."""
        rows = self._choose(table).select(COLUMNS).combine_chunks()
        if not rows.num_rows:
            return
        candidates, is_labelled = self._candidates(rows)
        self.passed += rows.num_rows
        self.labelled += int(is_labelled.sum())
        self._languages.update(candidates.language[is_labelled].tolist())
        self._copies.update(candidates.copy[is_labelled].tolist())
        free = np.flatnonzero(~is_labelled)
        self._waiting.append((rows.take(pa.array(free)), candidates.take(free)))
        if sum(len(each) for _, each in self._waiting) > self._limit:
            rows, candidates = self.kept()
            self._waiting, self._limit = [(rows, candidates)], self.waiting + 2 * len(candidates)

    def kept(self) -> tuple[pa.Table, Candidates]:
        """The rows that may still be chosen, each once, and the same as candidates."""
        rows = pa.concat_tables([each for each, _ in self._waiting])
        candidates = Candidates.joined([each for _, each in self._waiting])
        once = np.unique(candidates.key, return_index=True)[1]
        distinct = candidates.take(once)
        labelled = np.array([self._sources.get(each, 0) for each in distinct.source.tolist()], dtype=np.float64)
        best = keep(distinct, wanted=self.request.wanted, labelled=labelled, seed=self.request.seed)
        return rows.take(pa.array(once[best])).combine_chunks(), distinct.take(best)

    def covered(self) -> Covered:
        """What is labelled. Of the languages the scored segments in labelled stretches: label files seldom say."""
        return Covered(self.done.emotions, dict(self._languages), self._sources, frozenset(self._copies - {0}))

    def _candidates(self, rows: pa.Table) -> tuple[Candidates, npt.NDArray[np.bool_]]:
        """The rows as columns, and whether each is labelled."""
        start_s, end_s = (rows[name].to_numpy() for name in ("start_s", "end_s"))
        is_labelled, beside = self._near_labels(rows, start_s, end_s)
        key, posterior = _keys(rows), _posterior(rows)
        etags = rows["media_etag"].to_pylist()
        copy = np.where([bool(each) for each in etags], copies_of(_hashed(etags), start_s, end_s), np.uint64(0))
        said = np.stack([posterior, *(other.at(key) for other in self.others)])
        emotions = [UNDECIDED if each is None else TAXONOMY.index(each) for each in rows["emotion"].to_pylist()]
        candidates = Candidates(
            key=key,
            source=_hashed(rows["media_uri"].to_pylist()),
            language=_hashed(rows["language"].to_pylist()),
            copy=copy,
            start_s=start_s,
            end_s=end_s,
            emotion=np.array(emotions, dtype=np.int8),
            posterior=posterior,
            disagreement=disagreement(said),
            beside=beside,
        )
        return candidates, is_labelled

    def _near_labels(
        self, rows: pa.Table, start_s: npt.NDArray[np.float64], end_s: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        is_labelled, beside = np.zeros((2, rows.num_rows), dtype=bool)
        uris = rows["media_uri"].to_numpy()
        for uri in set(uris.tolist()) & self.done.spans.keys():
            here = np.flatnonzero(uris == uri)
            is_labelled[here] = self.done.covers(uri, start_s[here], end_s[here])
            beside[here] = self.done.beside(uri, start_s[here], end_s[here], self.request.gap_s)
        return is_labelled, beside


def _segment(
    rows: pa.Table, candidates: Candidates, at: int, pick: Pick, names: Sequence[str], others: Sequence[_Posteriors]
) -> ToLabel:
    row = rows.slice(at, 1).to_pylist()[0]
    every = [candidates.posterior[at], *(other.at(candidates.key[at : at + 1])[0] for other in others)]
    known = [(name, each) for name, each in zip(names, every, strict=True) if not np.isnan(each).any()]
    said = [Said(name, int(each.argmax()), float(each.max())) for name, each in known]
    own = candidates.posterior[at]
    second = None if np.isnan(own).any() else int(np.argsort(-own, kind="stable")[1])
    wavers = None if second is None else Said(names[0], second, float(own[second]))
    return ToLabel.of(row, why(pick, said, wavers, row["language"]))


def _name(rows: pa.Table, at: int) -> tuple[str, str]:
    return rows["media_uri"][at].as_py(), rows["segment_id"][at].as_py()


def _keys(table: pa.Table) -> npt.NDArray[np.uint64]:
    return _hashed(table["segment_id"].to_pylist())


def _hashed(texts: Sequence[Any]) -> npt.NDArray[np.uint64]:
    objects = np.empty(len(texts), dtype=object)
    objects[:] = [each or "" for each in texts]
    return hashes_of(objects)


def _posterior(table: pa.Table) -> npt.NDArray[np.float32]:
    # A float column with nulls comes out of Arrow with NaN in their place.
    return np.stack([table[name].to_numpy() for name in POSTERIOR], axis=1).astype(np.float32)
