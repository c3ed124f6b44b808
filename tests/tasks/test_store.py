"""tasks/store.py against a real S3 server: commits, the ledger, the current table, the index."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pytest

from actors.contract import Medium
from infra.errors import StoreError
from infra.storage import Store
from tasks.numerics.decision import Decision
from tasks.store import Commit, Entry, ResultsStore, shard_id
from tasks.tables import Decisions, logits_table, model_specs, quarantine_table, scores_table
from tests.support.results import LABEL_MAP, SPECS, fault, medium, scored, segment
from tests.support.stores import WatchedStore

pytestmark = pytest.mark.stack

DECISIONS = Decisions("d0", Decision(label_map=LABEL_MAP), {})
A, B = medium("s3://media/a.wav"), medium("s3://media/b.wav")
Open = Callable[..., ResultsStore]


@pytest.fixture
def open_results(local_store: Any) -> Open:
    """Open the results of this test's bucket, as a run would."""

    def opened(store: Store | None = None, fingerprint: str = "f0", **options: Any) -> ResultsStore:
        return ResultsStore(store or local_store.store, local_store.bucket.join("out"), fingerprint, **options)

    return opened


@pytest.fixture
def results(open_results: Open) -> ResultsStore:
    return open_results()


def _entry(of: Medium, **changes: Any) -> Entry:
    values: dict[str, Any] = {"outcome": "scored", "rows": 2, "routes": {"en": "en-1"}, "duration_s": 20.0}
    return Entry(uri=of.uri, etag=of.etag, **(values | changes))


def _tables(*media: Medium, faults: tuple[Any, ...] = (), **changes: Any) -> dict[str, pa.Table]:
    logits = logits_table([scored(each, *changes.get("rows", {}).get(each.uri, ())) for each in media], SPECS)
    return {"logits": logits, "quarantine": quarantine_table(faults, "run-1")}


def _commit(results: ResultsStore, name: str, *media: Medium, run_id: str = "run-1", **changes: Any) -> Commit:
    """Commit media of two rows each, and write their scores."""
    tables = _tables(*media, **changes)
    commit = results.commit(name, run_id, [_entry(each) for each in media], tables)
    results.write_scores(commit.media[0].stem, "d0", scores_table(tables["logits"], DECISIONS, run_id))
    return commit


def _mark(results: ResultsStore, name: str, entry: Entry, outcome: str) -> None:
    """Commit a tombstone of a medium, or its revival."""
    changes = {"outcome": outcome, "before": entry.outcome if outcome == "removed" else None}
    results.commit(name, "run-2", [entry.model_copy(update=changes)])


def _current(results: ResultsStore) -> list[tuple[str, str, float]]:
    rows = [row for table in results.current_scores(results.ledger(), "d0") for row in table.to_pylist()]
    return sorted((row["media_uri"], row["media_etag"], row["start_s"]) for row in rows)


def _two_rows(of: Medium) -> list[tuple[str, str, float]]:
    return [(of.uri, of.etag, 0.0), (of.uri, of.etag, 5.0)]


def _tables_of(uris: list[str]) -> list[str]:
    return [uri.split("/out/")[1].split("/")[0] for uri in uris]


# -- committing --------------------------------------------------------------------------------------------------------


def test_a_commit_is_written_last_behind_the_files_that_it_names(open_results: Open, local_store: Any) -> None:
    store = WatchedStore(local_store.store)
    commit = open_results(store).commit("c1", "run-1", [_entry(A)], _tables(A, faults=(fault(B),)))
    assert _tables_of(store.written) == ["logits", "quarantine", "commits"]
    assert store.written[-1].endswith("/out/commits/config=f0/c1.json")
    assert sorted(commit.sha256) == ["logits", "quarantine"]
    stem = commit.media[0].stem
    assert stem.startswith("c1.")
    assert store.written[0].endswith(f"/out/logits/config=f0/shard={stem}.parquet")


@pytest.mark.parametrize("table", ["logits", "quarantine", "commits"])
def test_without_its_commit_nothing_of_a_shard_is_current(open_results: Open, local_store: Any, table: str) -> None:
    cut_off = open_results(WatchedStore(local_store.store, refuse=f"/{table}/"))
    with pytest.raises(StoreError):
        cut_off.commit("c1", "run-1", [_entry(A)], _tables(A, faults=(fault(B),)))
    ledger = open_results().ledger()
    assert len(ledger.entries) == 0
    assert _current(open_results()) == []
    assert list(open_results().current_quarantine(ledger)) == []


def test_a_commits_hashes_are_those_of_its_files(results: ResultsStore, local_store: Any) -> None:
    commit = results.commit("c1", "run-1", [_entry(A)], _tables(A))
    data = local_store.store.get_bytes(results.table_uri("logits", commit.media[0].stem))
    assert commit.sha256 == {"logits": hashlib.sha256(data).hexdigest()}


def test_tables_without_rows_are_not_written(open_results: Open, local_store: Any) -> None:
    store = WatchedStore(local_store.store)
    open_results(store).commit("c1", "run-1", [_entry(A, outcome="silent", rows=0)], _tables())
    assert _tables_of(store.written) == ["commits"]
    assert _current(open_results()) == []


def test_an_entry_comes_back_from_the_ledger_as_it_was_committed(results: ResultsStore) -> None:
    korean = Medium("s3://media/드라마 1화.mp4", 'e"1', 5)
    entry = _entry(korean, faults=1, transient=True, attempts=2, duration_s=1.25, routes={"ko": "k", "en": "e"})
    commit = results.commit("c1", "run-1", [entry, _entry(A, outcome="removed", before="silent")])
    ledger = results.ledger()
    assert ledger.entry(korean.uri) == entry.model_copy(update={"stem": commit.media[0].stem})
    assert ledger.entry(A.uri).before == "silent"
    assert ledger.entries.loc[A.uri, "commit"] == "c1"


def test_logits_come_back_with_the_specs_of_their_models(results: ResultsStore) -> None:
    commit = _commit(results, "c1", A)
    logits = results.logits(commit.media[0].stem)
    assert logits.num_rows == 2
    assert model_specs(logits) == {"ab" * 32: SPECS["ab" * 32]}


def test_configurations_do_not_see_each_others_commits(open_results: Open) -> None:
    _commit(open_results(fingerprint="f0"), "c1", A)
    assert len(open_results(fingerprint="f1").ledger().entries) == 0
    assert len(open_results(fingerprint="f").ledger().entries) == 0


# -- the current table -------------------------------------------------------------------------------------------------


def test_the_newest_commit_of_a_medium_wins(results: ResultsStore) -> None:
    changed = medium(A.uri, "e2")
    _commit(results, "c1", A, B)
    _commit(results, "c0", changed)
    assert _current(results) == [*_two_rows(changed), *_two_rows(B)]


def test_overlapping_commits_never_count_a_row_twice(results: ResultsStore) -> None:
    _commit(results, "c1", A, B)
    _commit(results, "c2", B, medium("s3://media/c.wav"))
    assert _current(results) == [*_two_rows(A), *_two_rows(B), *_two_rows(medium("s3://media/c.wav"))]


def test_a_tombstone_hides_rows_and_a_revival_shows_them_again(results: ResultsStore) -> None:
    _commit(results, "c1", A, B)
    entry = results.ledger().entry(A.uri)
    _mark(results, "t1", entry, "removed")
    assert _current(results) == _two_rows(B)
    assert results.ledger().entry(A.uri).stem == entry.stem
    _mark(results, "t2", entry, "scored")
    assert _current(results) == [*_two_rows(A), *_two_rows(B)]


def test_rows_that_are_scored_again_as_nothing_are_gone(results: ResultsStore) -> None:
    _commit(results, "c1", A, B)
    results.commit("c2", "run-2", [_entry(medium(A.uri, "e2"), outcome="silent", rows=0)])
    assert _current(results) == _two_rows(B)


def test_current_quarantine_is_that_of_the_newest_entries(results: ResultsStore) -> None:
    c = medium("s3://media/c.wav")
    faults = (fault(A), fault(B, number=3), fault(c))
    bad: dict[str, Any] = {"outcome": "quarantined", "rows": 0, "faults": 1}
    entries = [_entry(A, **bad), _entry(B, faults=1), _entry(c, **bad)]
    results.commit("c1", "run-1", entries, {"quarantine": quarantine_table(faults, "run-1")})
    assert _quarantined(results) == [A.uri, B.uri, c.uri]
    results.commit("c2", "run-2", [_entry(A)])
    _mark(results, "t1", results.ledger().entry(c.uri), "removed")
    assert _quarantined(results) == [B.uri]


def _quarantined(results: ResultsStore) -> list[str]:
    tables = results.current_quarantine(results.ledger())
    return [uri for table in tables for uri in table["media_uri"].to_pylist()]


def test_scored_stems_are_those_of_one_decision(results: ResultsStore) -> None:
    assert results.scored_stems("d0") == set()
    one, two = (_commit(results, name, each).media[0].stem for name, each in [("c1", A), ("c2", B)])
    results.write_scores(one, "d00", scores_table(results.logits(one), DECISIONS, "r"))
    assert results.scored_stems("d0") == {one, two}
    assert results.scored_stems("d00") == {one}


def test_two_runs_that_commit_one_shard_with_other_bytes_leave_a_consistent_pair(open_results: Open) -> None:
    run_1, run_2 = open_results(), open_results()
    one = _commit(run_1, "c1", A, run_id="run-1")
    other = _commit(run_2, "c1", A, run_id="run-2", rows={A.uri: (segment(A, 0), segment(A, 1, (0, 0, 0, 9)))})
    assert one.media[0].stem != other.media[0].stem
    # The commit that stands names the second run's files, and the first run's are whole, too.
    assert run_1.ledger().entry(A.uri).stem == other.media[0].stem
    assert _current(run_1) == _two_rows(A)
    (table,) = run_1.current_scores(run_1.ledger(), "d0")
    assert table["run_id"].to_pylist() == ["run-2", "run-2"]
    assert table["emotion"].to_pylist() == ["sad", "sad"]
    assert run_1.logits(one.media[0].stem).num_rows == 2


def test_two_runs_that_commit_one_shard_with_the_same_bytes_share_its_files(open_results: Open) -> None:
    one, other = _commit(open_results(), "c1", A, run_id="run-1"), _commit(open_results(), "c1", A, run_id="run-2")
    assert one.media == other.media
    assert _current(open_results()) == _two_rows(A)


def test_files_of_a_run_lie_under_its_id(results: ResultsStore, local_store: Any) -> None:
    uri = results.write_run_file("run-1", "run.json", b"{}", "application/json")
    assert uri == f"{local_store.bucket.uri}/out/runs/run-1/run.json"
    assert local_store.store.get_bytes(uri) == b"{}"


# -- the index ---------------------------------------------------------------------------------------------------------


def _indexes(local_store: Any) -> list[str]:
    return [each.uri for each in local_store.store.list(local_store.bucket.join("out", "index", "config=f0"))]


def _history(results: ResultsStore) -> list[Callable[[], object]]:
    """Steps after each of which the ledger is read: new, changed, overlapping, removed and revived media."""
    changed = medium(A.uri, "e2")
    return [
        lambda: _commit(results, "c1", A, B),
        lambda: _commit(results, "c2", changed),
        lambda: _commit(results, "c3", medium("s3://media/c.wav"), B),
        lambda: _mark(results, "c4", results.ledger().entry(B.uri), "removed"),
        lambda: _commit(results, "c5", medium("s3://media/d.wav")),
        lambda: _mark(results, "c6", results.ledger().entry(B.uri).model_copy(update={"outcome": "scored"}), "scored"),
        lambda: results.commit("c7", "run-1", [_entry(medium("s3://media/e.wav"), outcome="silent", rows=0)]),
    ]


@pytest.mark.parametrize("index_every", [1, 2, 3])
def test_reading_through_the_index_equals_reading_without_it(
    open_results: Open, local_store: Any, index_every: int
) -> None:
    indexed, plain = open_results(index_every=index_every), open_results(fingerprint="f0", index_every=10**9)
    for step in _history(plain):
        step()
        through = indexed.ledger().entries.sort_index()
        without = _without_index(plain, local_store).sort_index()
        # Dtypes, too: what reads an index must not care where an entry came from.
        assert through.to_dict() == without.to_dict()
        assert through.dtypes.to_dict() == without.dtypes.to_dict()
    assert len(_indexes(local_store)) >= 2
    assert _current(indexed) == sorted([*_two_rows(medium(A.uri, "e2")), *_two_rows(B), *_rows_of("c"), *_rows_of("d")])


def _rows_of(name: str) -> list[tuple[str, str, float]]:
    return _two_rows(medium(f"s3://media/{name}.wav"))


def _without_index(results: ResultsStore, local_store: Any) -> Any:
    """The ledger as a store that never had an index gives it."""
    bare = local_store.bucket.join("bare")
    for each in local_store.store.list(local_store.bucket.join("out", "commits")):
        uri = each.uri.replace("/out/", "/bare/")
        local_store.store.put_bytes(uri, local_store.store.get_bytes(each.uri))
    return ResultsStore(local_store.store, bare, results.fingerprint, index_every=10**9).ledger().entries


def test_an_index_is_written_from_the_threshold_on_and_then_read_instead_of_the_commits(
    open_results: Open, local_store: Any
) -> None:
    results = open_results(index_every=3)
    for number in range(2):
        results.commit(f"c{number}", "run", [_entry(medium(f"s3://media/{number}.wav"))])
    results.ledger()
    assert _indexes(local_store) == []
    results.commit("c2", "run", [_entry(medium("s3://media/2.wav"))])
    results.ledger()
    assert len(_indexes(local_store)) == 1
    reading = WatchedStore(local_store.store)
    assert len(open_results(reading, index_every=3).ledger().entries) == 3
    assert [uri for uri in reading.read if "/commits/" in uri] == []


def test_a_second_index_supersedes_the_first(open_results: Open, local_store: Any) -> None:
    results = open_results(index_every=2)
    for number in range(4):
        results.commit(f"c{number}", "run", [_entry(medium(f"s3://media/{number % 3}.wav", f"e{number}"))])
        results.ledger()
    first, second = _indexes(local_store)
    assert first < second
    reading = WatchedStore(local_store.store)
    ledger = open_results(reading, index_every=2).ledger()
    assert reading.read == [second]
    assert ledger.entries["etag"].to_dict() == {
        "s3://media/0.wav": "e3",
        "s3://media/1.wav": "e1",
        "s3://media/2.wav": "e2",
    }


def test_a_commit_that_is_written_again_behind_an_index_is_read_again(open_results: Open) -> None:
    # A medium that is replaced and then put back is the same shard under the same id, later.
    results = open_results(index_every=1)
    changed = medium(A.uri, "e2")
    for name, of in [("c1", A), ("c2", changed), ("c1", A)]:
        _commit(results, name, of)
        assert results.ledger().entry(A.uri).etag == of.etag
        assert _current(results) == _two_rows(of)


# -- names -------------------------------------------------------------------------------------------------------------


def test_a_shards_id_does_not_depend_on_order_and_changes_with_each_part() -> None:
    routes: Mapping[str, str] = {"en": "1", "ko": "2"}
    rows = [("s3://m/a", "e1", 1), ("s3://m/b", "e1", 1)]
    first = shard_id("f0", routes, rows)
    assert first == shard_id("f0", dict(reversed(routes.items())), rows[::-1])
    others = [
        shard_id("f1", routes, rows),
        shard_id("f0", {"en": "1"}, rows),
        shard_id("f0", routes, rows[:1]),
        shard_id("f0", routes, [("s3://m/a", "e1", 2), rows[1]]),
        shard_id("f0", routes, [("s3://m/a", "e2", 1), rows[1]]),
    ]
    assert len({first, *others}) == 6
    assert len(first) == 32


def test_a_commit_is_json_that_others_can_read(results: ResultsStore, local_store: Any) -> None:
    results.commit("c1", "run-1", [_entry(A)], _tables(A))
    document = json.loads(local_store.store.get_bytes(f"{results.folder_uri('commits')}/c1.json"))
    assert (document["id"], document["run_id"], document["fingerprint"], document["version"]) == (
        "c1",
        "run-1",
        "f0",
        1,
    )
    assert document["media"][0]["uri"] == A.uri
    assert document["media"][0]["outcome"] == "scored"
