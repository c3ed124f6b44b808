"""Whether the store holds what the records say: each way in which it may not, with the media and the remedy."""

import pytest

from actors.contract import Medium
from infra.shelf import StoreShelf
from tasks.config.scoring import load_config
from tasks.housekeeping.inventory import Limits
from tasks.housekeeping.plan import make_plan
from tasks.housekeeping.verification import Fault
from tasks.promotion.current import Promotions
from tasks.records.run import Grounds
from tasks.tables import from_parquet, to_parquet
from tests.support.house import RESULTS, HouseStore, as_store, commit, opened, write_run
from tests.support.promotions import NOW

A, B = Medium("s3://media/a.wav", "e1", 1000), Medium("s3://media/b.wav", "e1", 1000)


@pytest.fixture
def store() -> HouseStore:
    """Two shards, and a run that made them."""
    store = HouseStore()
    commit(store, "c1", [A])
    commit(store, "c2", [B], faults=True)
    write_run(store, "20260101T000000-abcdef")
    store.pass_hours(100)
    return store


def _faults(store: HouseStore, *, deep: bool = False) -> tuple[Fault, ...]:
    return make_plan(as_store(store), RESULTS, Limits(store.now), deep=deep).faults


def _uri(store: HouseStore, table: str, medium: Medium, name: str | None = None) -> str:
    results = opened(store)
    return results.table_uri(table, str(results.ledger().entries.loc[medium.uri, "stem"]), name)


def test_a_store_that_holds_everything_has_no_faults(store: HouseStore) -> None:
    assert _faults(store, deep=True) == ()


@pytest.mark.parametrize(("table", "medium"), [("logits", A), ("quarantine", B)])
def test_a_file_that_is_gone_is_named_with_its_media_and_the_remedy(
    store: HouseStore, table: str, medium: Medium
) -> None:
    uri = _uri(store, table, medium)
    del store.objects[uri]
    (fault,) = _faults(store)
    assert (fault.kind, fault.what, fault.media) == ("lost", f"{uri} is not there", (medium.uri,))
    assert "seraph score" in fault.remedy


def test_other_bytes_are_found_where_everything_is_read(store: HouseStore) -> None:
    uri = _uri(store, "logits", A)
    data = store.objects[uri][0]
    store.objects[uri] = (to_parquet(from_parquet(data).slice(0, 1)), store.objects[uri][1])
    assert _faults(store) == ()
    (fault,) = _faults(store, deep=True)
    assert (fault.kind, fault.media) == ("lost", (A.uri,))
    assert "other bytes" in fault.what


def test_rows_are_counted_where_a_commit_says_more_than_its_file_has(store: HouseStore) -> None:
    results = opened(store)
    entry = results.ledger().entry(A.uri)
    store.pass_hours(1)
    results.commit("c9", "run-9", [entry.model_copy(update={"rows": 3})])
    (fault,) = _faults(store, deep=True)
    assert "has 2 rows of s3://media/a.wav, not 3" in fault.what


def test_a_shard_that_is_committed_behind_the_listing_is_no_fault(store: HouseStore) -> None:
    class Late(HouseStore):
        """Whose listing of logits does not have the last file yet."""

        def list(self, location):  # type: ignore[no-untyped-def]
            found = list(super().list(location))
            return iter(found[:-1] if location.key.endswith("logits") else found)

    late = Late()
    late.objects, late.now = store.objects, store.now
    assert _faults(late) == ()


def test_an_index_that_says_something_else_than_the_commits_is_a_fault(store: HouseStore) -> None:
    for number in range(5):
        commit(store, f"i{number}", [Medium(f"s3://media/{number}.wav", "e1", 1)])
    opened(store).ledger()  # writes the index
    indexed = [uri for uri in store.objects if "/index/" in uri]
    assert len(indexed) == 1
    forgotten = next(uri for uri in store.objects if uri.endswith("/i3.json"))
    del store.objects[forgotten]
    store.pass_hours(100)
    (fault,) = _faults(store)
    assert (fault.kind, fault.media) == ("index", ("s3://media/3.wav",))


def test_a_run_without_its_report_or_its_scores_is_a_fault(store: HouseStore) -> None:
    write_run(store, "20260102T000000-abcdef", decision="d7", corpus={"segments": 5})
    del store.objects[RESULTS.join("runs/20260102T000000-abcdef/report.html").uri]
    found = _faults(store)
    assert [each.kind for each in found] == ["run", "run"]
    assert "has no report.html" in found[0].what
    assert "the decision d7, and there are none" in found[1].what


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_current_configuration_that_is_gone_or_changed_is_a_fault(store: HouseStore, damage: str) -> None:
    promotions = Promotions(StoreShelf(as_store(store), RESULTS))
    promoted = promotions.promote(load_config("superb"), Grounds(who="me", why="try", source="superb"), NOW)
    assert _faults(store) == ()
    uri = promotions.address(promoted.hash)
    if damage == "gone":
        del store.objects[uri]
    else:
        store.objects[uri] = (b"name: other", store.now)
    (fault,) = _faults(store)
    assert fault.kind == "current"
    assert promoted.hash in fault.what
