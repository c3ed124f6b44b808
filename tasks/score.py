"""Scoring a shard: down the road, then sealed: decide, validate, commit. And deciding anew, without a model.

The driver takes the road; sealing may be done by another process (`Calls`). The order of writing is what makes a killed
run harmless: logits, quarantine, commit, and only then the scores, which `decide_missing` can make at any time.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar

import pyarrow as pa

from actors.contract import Medium, MediumResult, ModelSpec
from tasks.config.identity import Identity
from tasks.plan import Shard
from tasks.records.parts import UNDECIDED, Spread
from tasks.store import Entry, Ledger, ResultsStore
from tasks.tables import logits_table, quarantine_table, scores_table
from tasks.texts.tables import Texts
from tasks.validate import Checked, check_scores, check_shard

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)


class Scores(Protocol):
    """What takes media down the road: `actors.pool.Pool`."""

    @property
    def specs(self) -> dict[str, ModelSpec]: ...

    def score(self, media: Sequence[Medium]) -> list[MediumResult]: ...


class Calls(Protocol):
    """What calls a function for the driver, and waits for its result: `HERE`, or `actors.clerks.Clerks` elsewhere.

    Attributes:
        at_once: How many calls are worth making at once.
    """

    @property
    def at_once(self) -> int: ...

    def call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...


class _Here:
    """Calls in this very thread."""

    at_once = 8
    """More than cores: most of the time goes into fetching and writing."""

    def call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return work(*args, **kwargs)


HERE: Calls = _Here()


@dataclass(frozen=True)
class ShardReport:
    """What came of a shard, in counts: what a Prefect task hands on instead of tables.

    Attributes:
        outcomes: Media by outcome (scored, silent, quarantined).
        failed: The data checks that failed; then the shard is not committed, and a later run tries it again.
        seconds: Time by stage, summed over parallel work.
        spread: How the segments lie in media.
    """

    shard: str
    outcomes: dict[str, int]
    segments: int = 0
    audio_seconds: float = 0.0
    languages: dict[str, int] = field(default_factory=dict)
    emotions: dict[str, int] = field(default_factory=dict)
    undecided: int = 0
    failed: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    spread: Spread = field(default_factory=Spread)


def score_shard(
    shard: Shard, pool: Scores, results: ResultsStore, identity: Identity, run_id: str, clerks: Calls = HERE
) -> ShardReport:
    """Take a shard's media down the road, and have sealed what came of them."""
    scored = pool.score(shard.media)
    if [result.medium for result in scored] != list(shard.media):
        raise ValueError(
            f"shard {shard.id}: {len(shard.media)} media went down the road, {len(scored)} others came back"
        )
    return clerks.call(seal_shard, shard, scored, pool.specs, results, identity, run_id)


def seal_shard(
    shard: Shard,
    scored: Sequence[MediumResult],
    specs: Mapping[str, ModelSpec],
    results: ResultsStore,
    identity: Identity,
    run_id: str,
) -> ShardReport:
    """Decide what came of a shard's media, and commit it if the data checks pass.

    Done twice, or anew after half of it, it leaves the same: the same rows give the same files under the same names.
    """
    kept = _better_before(scored, shard)
    scored = [result for result in scored if result.medium.uri not in kept]
    started = time.perf_counter()
    logits = logits_table(scored, specs)
    quarantine = quarantine_table((each for result in scored for each in result.rejections), run_id)
    decided = scores_table(logits, identity.decisions, run_id)
    decided_at = time.perf_counter()
    checked = check_shard(decided, quarantine, scored, sorted(identity.checkpoints))
    # Stored at once: the results of all shards of a corpus would fill the driver's memory.
    stored = json.dumps(checked.results, default=str).encode()
    results.write_run_file(run_id, f"validation/{shard.id}.json", stored, "application/json")
    validated_at = time.perf_counter()
    if not checked.failed:
        tries = {medium.uri: attempts for medium, attempts in zip(shard.media, shard.attempts, strict=True)}
        entries = [_entry(result, tries[result.medium.uri]) for result in scored]
        entries += [entry.model_copy(update={"attempts": tries[entry.uri]}) for entry in kept.values()]
        commit = results.commit(shard.id, run_id, entries, {"logits": logits, "quarantine": quarantine})
        if logits.num_rows:
            results.write_scores(commit.media[0].stem, identity.decisions.heard_name, decided)
    laps = {"decide": decided_at - started, "validate": validated_at - decided_at}
    laps["commit"] = time.perf_counter() - validated_at
    return _report(shard, scored, list(kept.values()), decided, checked, laps)


def decide_missing(
    results: ResultsStore,
    ledger: Ledger,
    identity: Identity,
    run_id: str,
    tell: Callable[[str], None] = _log.error,
    clerks: Calls = HERE,
) -> int:
    """Decide every current shard that has no scores under this decision: after a change of it, or after a kill.

    A shard whose texts are there is decided with them, any other by audio alone.

    Args:
        tell: Told of each shard whose scores with text fail the data checks. It is decided by audio alone, and tried
            again each time. Called from several threads.
        clerks: Who decides a shard.

    Returns:
        How many segments were decided.
    """
    decisions, text = identity.decisions, identity.text
    current = set(ledger.current["stem"])
    read = set() if text is None else current & results.text_stems(text.id)
    unfused = read - results.scored_stems(decisions.name)
    heard = results.scored_stems(decisions.heard_name) if unfused or current - read else set()

    def decide(stem: str) -> int:
        decided = clerks.call(_decide, stem, results, identity, run_id, with_text=stem in read, heard=stem in heard)
        if decided.problem:
            tell(decided.problem)
        return decided.segments

    with ThreadPoolExecutor(clerks.at_once) as deciders:
        return sum(deciders.map(decide, sorted(unfused | (current - read - heard))))


@dataclass(frozen=True)
class _Decided:
    """How many segments of a shard were decided, and why its text was left out, where it was."""

    segments: int
    problem: str | None = None


def _decide(
    stem: str, results: ResultsStore, identity: Identity, run_id: str, *, with_text: bool, heard: bool
) -> _Decided:
    """Decide a shard by its stored logits, with its texts or without.

    Args:
        heard: Whether scores by audio alone are there: they stand where those with text fail the checks.
    """
    decisions, text, logits = identity.decisions, identity.text, results.logits(stem)
    problem = None
    if text is not None and with_text:
        texts = Texts.join(logits, results.texts(stem, text.id), text.label_maps)
        decided = scores_table(logits, decisions, run_id, texts)
        # What was heard was checked before its commit, languages included; what was read beside it has not been yet.
        failed = check_scores(decided, logits["language"].unique().to_pylist()).failed
        if not failed:
            results.write_scores(stem, decisions.name, decided)
            return _Decided(logits.num_rows)
        problem = _without_text(stem, logits.num_rows, failed)
        if heard:
            return _Decided(0, problem)
    results.write_scores(stem, decisions.heard_name, scores_table(logits, decisions, run_id))
    return _Decided(logits.num_rows, problem)


def _without_text(stem: str, segments: int, failed: Sequence[str]) -> str:
    return (
        f"shard {stem[:8]}: audio alone decides its {segments} segments, since the scores with text fail the data "
        f"checks: {'; '.join(failed)}"
    )


def _better_before(scored: Sequence[MediumResult], shard: Shard) -> dict[str, Entry]:
    """Media tried again that came out with fewer rows than before: what was committed then still stands."""
    rows = {result.medium.uri: len(result.rows) for result in scored}
    return {entry.uri: entry for entry in shard.before if entry.rows > rows[entry.uri]}


def _entry(result: MediumResult, attempts: int) -> Entry:
    return Entry(
        uri=result.medium.uri,
        etag=result.medium.etag,
        outcome=_outcome(result),
        rows=len(result.rows),
        faults=len(result.rejections),
        routes=result.routes,
        transient=any(each.reason.transient for each in result.rejections),
        attempts=attempts,
        duration_s=result.duration_s,
    )


def _outcome(result: MediumResult) -> Any:
    """A medium with at least one scored segment is scored; without any it is in quarantine, or silent."""
    if result.rows:
        return "scored"
    return "quarantined" if result.rejections else "silent"


def _report(
    shard: Shard,
    scored: Sequence[MediumResult],
    kept: Sequence[Entry],
    decided: pa.Table,
    checked: Checked,
    laps: dict[str, float],
) -> ShardReport:
    seconds = Counter(laps)
    for result in scored:
        seconds.update(result.seconds)
    if checked.failed:
        failed = tuple(f"shard {shard.id[:8]}: {line}" for line in checked.failed)
        return ShardReport(shard.id, {"failed": len(shard.media)}, failed=failed, seconds=dict(seconds))
    emotions = Counter(decided["emotion"].to_pylist())
    undecided = emotions.pop(None, 0)
    return ShardReport(
        shard=shard.id,
        outcomes=dict(Counter([*map(_outcome, scored), *(entry.outcome for entry in kept)])),
        segments=decided.num_rows,
        audio_seconds=sum(row.span.duration_s for result in scored for row in result.rows),
        languages=dict(Counter(decided["language"].to_pylist())),
        emotions=dict(emotions),
        undecided=undecided,
        seconds=dict(seconds),
        spread=spread_of(decided),
    )


def spread_of(decided: pa.Table) -> Spread:
    """How the rows of a `scores` table lie in media."""
    cells = Counter(zip(decided["media_uri"].to_pylist(), decided["emotion"].to_pylist(), strict=True))
    sizes: Counter[str] = Counter()
    for (uri, _), count in cells.items():
        sizes[uri] += count
    sums: dict[str, tuple[int, int]] = {}
    for (uri, emotion), count in cells.items():
        own, cross = sums.get(emotion or UNDECIDED, (0, 0))
        sums[emotion or UNDECIDED] = own + count * count, cross + count * sizes[uri]
    return Spread(media=len(sizes), squares=sum(size * size for size in sizes.values()), emotions=sums)
