"""Candidates hear labelled segments: what the cache knows is taken from there, the rest goes through Ray.

Owns the join of answers to segments, which is by the segment itself, never by order.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actors.contract import Medium, MediumResult, ModelSpec, Reason, Rejection, Span, Stage, segment_id
from actors.road import PoolOptions
from infra.settings import StoreAccess
from tasks.evaluation.cache import HEARD, Address, HeardCache
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.read import Read
from tasks.score import Scores
from tasks.tables import logits_table, model_specs, with_specs

OpenPool = Callable[[PoolOptions], AbstractContextManager[Scores]]
"""Starts the actors for a candidate, and ends them."""

Digest = Callable[[Medium], str | None]
"""SHA-256 of a medium's bytes, or None where it cannot be read."""

_OF_THE_MEDIUM = frozenset({Stage.READ, Stage.SEGMENT})
"""Where on the road no candidate is to blame. Not a model's: every model hears the same signal."""

_IN_DOUBT = frozenset({Reason.UNCERTAIN_LANGUAGE, Reason.UNROUTED_LANGUAGE})

NOT_HEARD = "not_heard"
"""Reason of a segment that came back neither scored nor rejected."""

_Key = tuple[str, int, int]
"""Content, start and end in milliseconds as labelled."""


@dataclass(frozen=True)
class Wanted:
    """A labelled segment whose medium was found."""

    medium: Medium
    span: Span

    @property
    def address(self) -> Address:
        """URI and etag of its medium."""
        return self.medium.uri, self.medium.etag


@dataclass(frozen=True)
class Heard:
    """What a candidate heard of n wanted segments.

    Attributes:
        rows: HEARD rows, the specs in the metadata.
        row: For each wanted segment its row, or -1 where there is none, shape (n,).
        reasons: Why not, for each segment without a row, by its index.
        of_medium: Those of them that failed by a fault of the medium.
        in_doubt: Those of them whose language was in doubt.
        inferred, cached: How many were scored now, and how many were known.
        read: What it read of the same segments, where it was asked to.
    """

    rows: pa.Table
    row: npt.NDArray[np.int64]
    reasons: Mapping[int, str]
    inferred: int
    cached: int
    of_medium: frozenset[int] = frozenset()
    in_doubt: frozenset[int] = frozenset()
    read: Read | None = None

    @property
    def specs(self) -> dict[str, ModelSpec]:
        """The models that were heard, by weights_sha256."""
        return model_specs(self.rows)


def hear(
    candidate: Candidate,
    wanted: Sequence[Wanted],
    cache: HeardCache,
    access: StoreAccess,
    open_pool: OpenPool,
    digest: Digest,
) -> Heard:
    """Let a candidate hear segments; what it scores now is in the cache afterwards.

    Args:
        candidate: Who hears.
        wanted: The segments; each once.
        cache: What was heard before.
        access: Where the workers read media.
        open_pool: See `OpenPool`.
        digest: See `Digest`. Asked of media that are new here, but may be known ones under another name.

    Raises:
        SeraphError: The candidate cannot be loaded, or Ray cannot give the workers.
    """
    known = cache.heard(candidate.key)
    rows = _index(known)
    contents = _contents(wanted, rows, cache, digest)
    missing = [each for each in wanted if _key(each, contents) not in rows]
    if not missing:
        return Heard(known, _rows(wanted, rows, contents), {}, 0, len(wanted))
    asked = _with_their_media(missing, wanted) if candidate.listens_to_media else missing
    options = replace(candidate.pool_options(access), given=_given(asked))
    with open_pool(options) as pool:
        results = pool.score(list({each.medium: None for each in asked}))
        fresh = _fresh(asked, results, pool.specs)
    read = {(each.medium.uri, each.medium.etag): each.sha256 for each in results if each.sha256}
    cache.add_contents({address: content for address, content in read.items() if contents.get(address) != content})
    cache.add_heard(candidate.key, fresh)
    known = with_specs(pa.concat_tables([known, fresh]), model_specs(known) | model_specs(fresh))
    row = _rows(wanted, _index(known), contents | read)
    missed = {index: wanted[index] for index in np.flatnonzero(row < 0).tolist()}
    return _heard(known, row, _rejections(missed, results), fresh.num_rows, len(wanted) - len(asked))


def reason_counts(heard: Heard) -> dict[str, int]:
    """Segments without an answer, by reason."""
    return dict(sorted(Counter(heard.reasons.values()).items()))


def _contents(
    wanted: Sequence[Wanted], rows: Mapping[_Key, int], cache: HeardCache, digest: Digest
) -> dict[Address, str]:
    """What the media contain, as far as it is known; a medium that was renamed or moved is known by its bytes."""
    # Where a store gives no etags, nobody can tell whether an object is still the one that was read.
    contents = {address: content for address, content in cache.contents().items() if address[1]}
    spans = {(start, end) for _, start, end in rows}
    # Only where a segment of these very times was heard somewhere: else reading it twice would gain nothing.
    moved = {each.medium: None for each in wanted if each.address not in contents and _key(each, {})[1:] in spans}
    found = {(each.uri, each.etag): content for each in moved if (content := digest(each)) is not None}
    cache.add_contents(found)
    return contents | found


def _with_their_media(missing: Sequence[Wanted], wanted: Sequence[Wanted]) -> list[Wanted]:
    """All segments of the media that have a missing one: what language a medium is in depends on all of them."""
    media = {each.medium for each in missing}
    return [each for each in wanted if each.medium in media]


def _rows(wanted: Sequence[Wanted], rows: Mapping[_Key, int], contents: Mapping[Address, str]) -> npt.NDArray[np.int64]:
    return np.array([rows.get(_key(each, contents), -1) for each in wanted], dtype=np.int64)


def _heard(
    known: pa.Table, row: npt.NDArray[np.int64], faults: Mapping[int, Rejection | None], inferred: int, cached: int
) -> Heard:
    told = {index: each for index, each in faults.items() if each is not None}
    return Heard(
        known,
        row,
        {index: str(each.reason) if each else NOT_HEARD for index, each in faults.items()},
        inferred,
        cached,
        frozenset(index for index, each in told.items() if each.stage in _OF_THE_MEDIUM),
        frozenset(index for index, each in told.items() if each.reason in _IN_DOUBT),
    )


def _given(missing: Sequence[Wanted]) -> dict[str, tuple[Span, ...]]:
    spans: dict[str, set[Span]] = defaultdict(set)
    for each in missing:
        spans[each.medium.uri].add(each.span)
    return {uri: tuple(sorted(of)) for uri, of in spans.items()}


def _fresh(missing: Sequence[Wanted], results: Sequence[MediumResult], specs: Mapping[str, ModelSpec]) -> pa.Table:
    """HEARD rows of what was just scored."""
    logits = logits_table(results, specs)
    at = {name: index for index, name in enumerate(logits["segment_id"].to_pylist())}
    by_uri = {result.medium.uri: result for result in results}
    taken, content, starts, ends = [], [], [], []
    for each in dict.fromkeys(missing):
        result = by_uri.get(each.medium.uri)
        index = at.get(_as_heard(each, result.duration_s)) if result else None
        if index is not None and result is not None and result.sha256 is not None:
            taken.append(index)
            content.append(result.sha256)
            starts.append(_ms(each.span.start_s))
            ends.append(_ms(each.span.end_s))
    columns = {"content": content, "start_ms": starts, "end_ms": ends}
    rows = logits.take(pa.array(taken, pa.int64())).replace_schema_metadata(None)
    table = pa.table(
        {**{name: pa.array(values, HEARD.field(name).type) for name, values in columns.items()}, **_columns(rows)},
        schema=HEARD,
    )
    return with_specs(table, specs)


def _columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return {name: table[name] for name in table.column_names}


def _as_heard(each: Wanted, duration_s: float) -> str:
    """Id of the segment that the reader made of a labelled one: it ends where the medium ends."""
    end = min(each.span.end_s, duration_s)
    span = Span(each.span.start_s, end) if end > each.span.start_s else each.span
    return segment_id(each.medium.uri, each.medium.etag, span)


def _index(table: pa.Table) -> dict[_Key, int]:
    columns = (table[name].to_pylist() for name in ("content", "start_ms", "end_ms"))
    return {key: index for index, key in enumerate(zip(*columns, strict=True))}


def _key(each: Wanted, contents: Mapping[Address, str]) -> _Key:
    return contents.get(each.address, ""), _ms(each.span.start_s), _ms(each.span.end_s)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _rejections(missed: Mapping[int, Wanted], results: Sequence[MediumResult]) -> dict[int, Rejection | None]:
    by_uri = {result.medium.uri: result for result in results}
    return {index: _rejection(each, by_uri.get(each.medium.uri)) for index, each in missed.items()}


def _rejection(each: Wanted, result: MediumResult | None) -> Rejection | None:
    if result is None:
        return None
    own = _as_heard(each, result.duration_s)
    return next((rejection for rejection in result.rejections if rejection.segment_id in (None, own)), None)
