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

from actors.contract import Medium, MediumResult, ModelSpec, Span, segment_id
from actors.road import PoolOptions
from infra.settings import StoreAccess
from tasks.evaluation.cache import HEARD, Address, HeardCache
from tasks.evaluation.candidates import Candidate
from tasks.score import Scores
from tasks.tables import logits_table, model_specs, with_specs

OpenPool = Callable[[PoolOptions], AbstractContextManager[Scores]]
"""Starts the actors for a candidate, and ends them."""

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
        inferred, cached: How many were scored now, and how many were known.
    """

    rows: pa.Table
    row: npt.NDArray[np.int64]
    reasons: Mapping[int, str]
    inferred: int
    cached: int

    @property
    def specs(self) -> dict[str, ModelSpec]:
        """The models that were heard, by weights_sha256."""
        return model_specs(self.rows)


def hear(
    candidate: Candidate, wanted: Sequence[Wanted], cache: HeardCache, access: StoreAccess, open_pool: OpenPool
) -> Heard:
    """Let a candidate hear segments; what it scores now is in the cache afterwards.

    Args:
        candidate: Who hears.
        wanted: The segments; each once.
        cache: What was heard before.
        access: Where the workers read media.
        open_pool: See `OpenPool`.

    Raises:
        SeraphError: The candidate cannot be loaded, or Ray cannot give the workers.
    """
    contents = cache.contents()
    known = cache.heard(candidate.key)
    rows = _index(known)
    missing = [each for each in wanted if _key(each, contents) not in rows]
    results: list[MediumResult] = []
    if missing:
        media = list({each.medium: None for each in missing})
        options = replace(candidate.pool_options(access), given=_given(missing))
        with open_pool(options) as pool:
            results = pool.score(media)
            fresh = _fresh(missing, results, pool.specs)
        cache.add_contents({(r.medium.uri, r.medium.etag): r.sha256 for r in results if r.sha256})
        cache.add_heard(candidate.key, fresh)
        contents |= {(r.medium.uri, r.medium.etag): r.sha256 for r in results if r.sha256}
        known = with_specs(pa.concat_tables([known, fresh]), model_specs(known) | model_specs(fresh))
        rows = _index(known)
    row = np.array([rows.get(_key(each, contents), -1) for each in wanted], dtype=np.int64)
    missed = {index: wanted[index] for index in np.flatnonzero(row < 0).tolist()}
    inferred = sum(each in rows for each in {_key(each, contents) for each in missing})
    return Heard(known, row, _reasons(missed, results), inferred, len(wanted) - len(missing))


def reason_counts(heard: Heard) -> dict[str, int]:
    """Segments without an answer, by reason."""
    return dict(sorted(Counter(heard.reasons.values()).items()))


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
        result = by_uri[each.medium.uri]
        index = at.get(_as_heard(each, result.duration_s))
        if index is not None and result.sha256 is not None:
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


def _reasons(missed: Mapping[int, Wanted], results: Sequence[MediumResult]) -> dict[int, str]:
    by_uri = {result.medium.uri: result for result in results}
    return {index: _reason(each, by_uri.get(each.medium.uri)) for index, each in missed.items()}


def _reason(each: Wanted, result: MediumResult | None) -> str:
    if result is None:
        return "not_heard"
    own = _as_heard(each, result.duration_s)
    for rejection in result.rejections:
        if rejection.segment_id in (None, own):
            return str(rejection.reason)
    return "not_heard"
