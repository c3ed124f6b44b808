"""tasks/score.py on a real store, with a pool that has its answers ready: no model is ever loaded."""

import json
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pyarrow as pa
import pytest

from actors.checkpoints import CheckpointIdentity
from actors.contract import Flag, Medium, MediumResult, ModelSpec, Reason
from infra.errors import StoreError
from infra.storage import Store
from tasks.config.identity import Identity
from tasks.numerics.decision import Decision
from tasks.plan import Shard
from tasks.score import HERE, Calls, ShardReport, decide_missing, score_shard
from tasks.store import ResultsStore
from tasks.tables import Decisions
from tests.support.quiet import import_great_expectations
from tests.support.results import ENGLISH, KOREAN, LABEL_MAP, SPECS, fault, medium, rejected, scored, segment, silent
from tests.support.stores import WatchedStore

pytestmark = pytest.mark.stack

A, B, C, D = (medium(f"s3://media/{name}.wav") for name in "abcd")
Open = Callable[..., ResultsStore]


class ReadyPool:
    """A pool that knows the result of every medium beforehand."""

    specs: dict[str, ModelSpec] = SPECS

    def __init__(self, *results: MediumResult) -> None:
        self._results = {result.medium: result for result in results}

    def score(self, media: Sequence[Medium]) -> list[MediumResult]:
        return [self._results[each] for each in media if each in self._results]


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    import_great_expectations()


@pytest.fixture
def open_results(local_store: Any) -> Open:
    """Open the results of this test's bucket, as a run would; `refuse` makes the store fail there."""

    def opened(refuse: str | None = None, store: Store | None = None) -> ResultsStore:
        return ResultsStore(store or WatchedStore(local_store.store, refuse), local_store.bucket.join("out"), "f0")

    return opened


@pytest.fixture
def results(open_results: Open) -> ResultsStore:
    return open_results()


def _identity(name: str = "d0", **decision: Any) -> Identity:
    checkpoints = {key: _checkpoint(spec) for key, spec in (("en", ENGLISH), ("ko", KOREAN))}
    decisions = Decisions(name, Decision(**({"label_map": LABEL_MAP} | decision)), {})
    return Identity("f0", {"en": "en-1", "ko": "ko-1", "fallback": "en-1"}, checkpoints, "whisper", decisions)


def _checkpoint(spec: ModelSpec) -> CheckpointIdentity:
    return CheckpointIdentity(
        source=spec.source,
        revision=spec.revision,
        weights_sha256=spec.weights_sha256,
        preprocessing=spec.preprocessing,
        architecture="",
        family=spec.family,
        kind=spec.kind,
        labels=spec.labels,
        sampling_rate=spec.sampling_rate,
        demo=spec.demo,
        licence=spec.licence,
    )


def _score(
    results: ResultsStore, *found: MediumResult, shard: str = "c1", run_id: str = "run-1", clerks: Calls = HERE
) -> ShardReport:
    media = tuple(result.medium for result in found)
    planned = Shard(shard, media, tuple(range(1, len(media) + 1)))
    return score_shard(planned, ReadyPool(*found), results, _identity(), run_id, clerks)


T = TypeVar("T")


class Far:
    """Calls as a process elsewhere would: what goes there and back is pickled. Each call is made so often, at once."""

    at_once = 1

    def __init__(self, times: int = 1) -> None:
        self._times = times
        self.sent: list[bytes] = []

    def call(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        self.sent.append(pickle.dumps((work, args, kwargs)))
        with ThreadPoolExecutor(self._times) as threads:
            (first, *_) = threads.map(self._made, [self.sent[-1]] * self._times)
        return first

    def _made(self, sent: bytes) -> Any:
        work, args, kwargs = pickle.loads(sent)
        return pickle.loads(pickle.dumps(work(*args, **kwargs)))


def _current(results: ResultsStore, decision: str = "d0") -> list[dict[str, Any]]:
    tables = results.current_scores(results.ledger(), decision)
    rows = [row for table in tables for row in table.to_pylist()]
    return sorted(({**row, "run_id": ""} for row in rows), key=lambda row: (row["media_uri"], row["start_s"]))


def _emotions(results: ResultsStore, decision: str = "d0") -> list[str | None]:
    return [row["emotion"] for row in _current(results, decision)]


def _bilingual() -> list[MediumResult]:
    """Four media: scored, scored in Korean with one fault, silent, broken."""
    korean = segment(B, 0, (9.0, 0.0), spec=KOREAN, language="ko", flags=(Flag.SHORT,))
    return [
        scored(A),
        scored(B, korean, rejections=[fault(B, Reason.TIMEOUT, number=1)], routes={"ko": "route-ko"}),
        silent(C),
        rejected(D, Reason.NO_AUDIO_TRACK),
    ]


# -- a shard -----------------------------------------------------------------------------------------------------------


def test_a_shard_is_committed_with_its_scores_and_reported_in_counts(results: ResultsStore, local_store: Any) -> None:
    report = _score(results, *_bilingual())
    assert _emotions(results) == ["sad", "neutral", "sad"]
    assert report.shard == "c1"
    assert report.outcomes == {"scored": 2, "silent": 1, "quarantined": 1}
    assert (report.segments, report.audio_seconds) == (3, 12.0)
    assert (report.languages, report.emotions, report.undecided) == ({"en": 2, "ko": 1}, {"sad": 2, "neutral": 1}, 0)
    assert report.failed == ()
    checks = json.loads(local_store.store.get_bytes(results.run_uri("run-1", "validation/c1.json")))
    assert len(checks) > 30
    assert all(check["success"] for check in checks)
    # Two media with 0.5 s of fetching and 1 s of scoring each.
    assert {name: report.seconds[name] for name in ("fetch", "score")} == {"fetch": 1.0, "score": 2.0}
    assert set(report.seconds) == {"fetch", "score", "decide", "validate", "commit"}


def test_every_medium_gets_an_entry_that_says_what_became_of_it(results: ResultsStore) -> None:
    _score(results, *_bilingual())
    entries = [results.ledger().entry(each.uri) for each in (A, B, C, D)]
    assert [entry.outcome for entry in entries] == ["scored", "scored", "silent", "quarantined"]
    assert [(entry.rows, entry.faults, entry.transient) for entry in entries] == [
        (2, 0, False),
        (1, 1, True),
        (0, 0, False),
        (0, 1, False),
    ]
    assert [entry.routes for entry in entries] == [{"en": "route-en"}, {"ko": "route-ko"}, {}, {}]
    assert [entry.attempts for entry in entries] == [1, 2, 3, 4]
    assert [entry.duration_s for entry in entries] == [20.0, 20.0, 20.0, 0.0]
    quarantined = pa.concat_tables(results.current_quarantine(results.ledger())).to_pylist()
    assert [(row["run_id"], row["reason"]) for row in quarantined] == [
        ("run-1", "timeout"),
        ("run-1", "no_audio_track"),
    ]


def test_undecided_segments_are_counted_apart(results: ResultsStore) -> None:
    identity = _identity(label_map=LABEL_MAP | {"sad": None})
    report = score_shard(Shard("c1", (A,), (1,)), ReadyPool(scored(A)), results, identity, "run-1")
    assert (report.segments, report.undecided, report.emotions) == (2, 1, {"neutral": 1})


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (MediumResult(A, 20.0, ("a", "b"), (), ()), "segments: "),
        (scored(A, segment(A, 0), segment(A, 0)), "(segment_id)"),
        (scored(A, segment(A, 0, language="ja")), "(language)"),
    ],
    ids=["segments lost", "a segment twice", "a language without a route"],
)
def test_a_shard_whose_checks_fail_is_reported_and_not_committed(
    results: ResultsStore, local_store: Any, broken: MediumResult, words: str
) -> None:
    report = _score(results, broken, scored(B), shard="c1234567890")
    assert [line for line in report.failed if words in line]
    assert all(line.startswith("shard c1234567: ") for line in report.failed)
    assert (report.outcomes, report.segments, report.emotions) == ({"failed": 2}, 0, {})
    assert report.seconds["fetch"] > 0
    stored = [each.key for each in local_store.store.list(local_store.bucket)]
    assert [key for key in stored if "/runs/" not in key] == [], "only what the checks said"


def test_a_pool_that_loses_a_medium_commits_nothing(results: ResultsStore, local_store: Any) -> None:
    with pytest.raises(ValueError, match="2 media went down the road"):
        score_shard(Shard("c1", (A, B), (1, 1)), ReadyPool(scored(A)), results, _identity(), "run-1")
    assert not [each.key for each in local_store.store.list(local_store.bucket)]


def test_a_shard_without_rows_needs_no_scores(results: ResultsStore) -> None:
    report = _score(results, silent(A), rejected(B))
    assert report.outcomes == {"silent": 1, "quarantined": 1}
    assert results.scored_stems("d0") == set()
    assert decide_missing(results, results.ledger(), _identity(), "run-2") == 0


# -- deciding anew -----------------------------------------------------------------------------------------------------


def test_nothing_is_decided_where_nothing_is_missing(open_results: Open, local_store: Any) -> None:
    _score(open_results(), *_bilingual())
    store = WatchedStore(local_store.store)
    results = open_results(store=store)
    assert decide_missing(results, results.ledger(), _identity(), "run-2") == 0
    assert store.written == []


def test_another_decision_decides_the_stored_logits_and_leaves_the_first_ones_scores(results: ResultsStore) -> None:
    _score(results, scored(A), shard="c1")
    _score(results, scored(B), shard="c2")
    other = _identity("d1", emotion_weights={"sad": 0.0})
    assert decide_missing(results, results.ledger(), other, "run-2") == 4
    # neu 0, hap 1, ang 2, sad 3; and neu 3: without sad, angry leads the first.
    assert _emotions(results, "d1") == ["angry", "neutral"] * 2
    assert _emotions(results, "d0") == ["sad", "neutral"] * 2
    assert decide_missing(results, results.ledger(), other, "run-3") == 0


def test_only_the_shards_that_lack_scores_are_decided(open_results: Open, local_store: Any) -> None:
    _score(open_results(), scored(A), shard="c1")
    with pytest.raises(StoreError):
        _score(open_results(refuse="/scores/"), scored(B), shard="c2")
    store = WatchedStore(local_store.store)
    results = open_results(store=store)
    assert decide_missing(results, results.ledger(), _identity(), "run-2") == 2
    assert store.written == [results.table_uri("scores", results.ledger().entry(B.uri).stem, "d0")]


def test_what_is_no_longer_current_is_not_decided(open_results: Open) -> None:
    changed = medium(A.uri, "e2")
    for shard, found in [("c1", scored(A)), ("c2", scored(changed))]:
        with pytest.raises(StoreError):
            _score(open_results(refuse="/scores/"), found, shard=shard)
    results = open_results()
    assert decide_missing(results, results.ledger(), _identity(), "run-2") == 2
    assert {row["media_etag"] for row in _current(results)} == {"e2"}


# -- killed ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["/logits/", "/quarantine/", "/commits/", "/scores/"])
def test_a_run_that_is_killed_anywhere_and_run_again_gives_the_undisturbed_table(
    open_results: Open, local_store: Any, where: str
) -> None:
    undisturbed = ResultsStore(local_store.store, local_store.bucket.join("undisturbed"), "f0")
    _score(undisturbed, *_bilingual())
    with pytest.raises(StoreError):
        _score(open_results(refuse=where), *_bilingual())
    results = open_results()
    committed = len(results.ledger().entries) > 0
    assert committed == (where == "/scores/")
    if not committed:
        _score(results, *_bilingual(), run_id="run-2")
    decide_missing(results, results.ledger(), _identity(), "run-2")
    assert _current(results) == _current(undisturbed)


def test_two_runs_that_score_one_shard_at_once_give_one_table(results: ResultsStore) -> None:
    _score(results, scored(A), run_id="run-1")
    _score(results, scored(A), run_id="run-2")
    assert _emotions(results) == ["sad", "neutral"]


def test_a_shard_that_is_sealed_elsewhere_comes_out_as_here(local_store: Any) -> None:
    stores = [ResultsStore(local_store.store, local_store.bucket.join(name), "f0") for name in ("here", "far")]
    far = Far()
    reports = [_score(store, *_bilingual(), clerks=clerks) for store, clerks in zip(stores, (HERE, far), strict=True)]
    assert [report.outcomes for report in reports] == [{"scored": 2, "silent": 1, "quarantined": 1}] * 2
    assert _current(stores[0]) == _current(stores[1])
    other = _identity("d1", emotion_weights={"sad": 0.0})
    decided = [
        decide_missing(store, store.ledger(), other, "run-2", clerks=clerks)
        for store, clerks in zip(stores, (HERE, far), strict=True)
    ]
    assert decided == [3, 3]
    assert _current(stores[0], "d1") == _current(stores[1], "d1")
    assert len(far.sent) == 2, "the road is the driver's own"


def test_sealing_the_same_shard_twice_at_once_leaves_the_files_of_one(local_store: Any) -> None:
    once, twice = (ResultsStore(local_store.store, local_store.bucket.join(name), "f0") for name in ("once", "twice"))
    _score(once, *_bilingual())
    _score(twice, *_bilingual(), clerks=Far(times=2))
    assert _current(twice) == _current(once)
    names = [[each.key.split("/", 1)[1] for each in local_store.store.list(store.location)] for store in (once, twice)]
    assert names[0] == names[1]


@pytest.mark.parametrize("where", ["/validation/", "/logits/", "/quarantine/", "/commits/", "/scores/"])
def test_a_shard_whose_sealing_broke_off_is_sealed_anew_by_the_same_run(
    open_results: Open, local_store: Any, where: str
) -> None:
    undisturbed = ResultsStore(local_store.store, local_store.bucket.join("undisturbed"), "f0")
    _score(undisturbed, *_bilingual())
    with pytest.raises(StoreError):
        _score(open_results(refuse=where), *_bilingual())
    report = _score(open_results(), *_bilingual())
    assert report.segments == 3
    assert _current(open_results()) == _current(undisturbed)
    assert len(open_results().ledger().entries) == 4


def test_a_retry_that_came_out_worse_leaves_what_was_committed(results: ResultsStore) -> None:
    first = scored(A, rejections=[fault(A, Reason.WORKER_DIED, number=5)])
    _score(results, first, shard="night-1")
    before = results.ledger().entry(A.uri)
    assert before.transient
    rows = _current(results)
    worse = Shard("night-2", (A, C), (2, 1), before=(before,))
    report = score_shard(worse, ReadyPool(rejected(A, Reason.STORE_ERROR), silent(C)), results, _identity(), "run-2")
    assert report.outcomes == {"scored": 1, "silent": 1}
    assert _current(results) == rows
    after = results.ledger().entry(A.uri)
    assert (after.outcome, after.attempts, after.stem) == ("scored", 2, before.stem)
