"""Merging: which shards, and what the merged one holds."""

import pytest

from actors.contract import Medium
from infra.errors import InputError
from tasks.housekeeping.compaction import Compaction, Sizes, compact, plan_compactions, stem_of
from tasks.housekeeping.inventory import Limits, take_inventory
from tasks.housekeeping.shards import Shards, read_shards
from tasks.tables import model_specs
from tests.support.house import RESULTS, HouseStore, as_store, commit, mark, opened, readable
from tests.support.results import SPECS


def _medium(number: int) -> Medium:
    return Medium(f"s3://media/{number}.wav", "e1", 1000)


def _store(shards: int, **options: object) -> HouseStore:
    store = HouseStore()
    for number in range(shards):
        commit(store, f"c{number}", [_medium(number)], **options)  # type: ignore[arg-type]
    return store


def _read(store: HouseStore) -> tuple[Shards, list[Compaction]]:
    return _planned(store, Sizes(at_least=2))


def _planned(store: HouseStore, sizes: Sizes) -> tuple[Shards, list[Compaction]]:
    limits = Limits(store.now)
    inventory = take_inventory(as_store(store), RESULTS)
    shards = read_shards(as_store(store), inventory, "f0", limits)
    return shards, plan_compactions(shards, inventory.of("f0"), limits, sizes)


def test_settled_small_shards_become_one_and_readers_see_the_same() -> None:
    store = _store(5, texts=True)
    store.pass_hours(50)
    before = readable(store)
    shards, (planned,) = _read(store)
    assert (planned.media, planned.rows, planned.texts, planned.decisions) == (5, 10, ("t0",), ("d0",))
    made = compact(as_store(store), shards, planned, "tidied")
    assert readable(store) == before
    assert set(opened(store).ledger().entries["stem"]) == {stem_of(made.id, made.sha256)}
    assert model_specs(opened(store).logits(made.media[0].stem)) == {"ab" * 32: SPECS["ab" * 32]}
    assert _read(store)[1] == []


def test_the_commit_is_written_last() -> None:
    store = _store(2)
    store.pass_hours(50)
    shards, (planned,) = _read(store)
    known = set(store.objects)
    compact(as_store(store), shards, planned, "tidied")
    fresh = [uri.split("/out/")[1].split("/")[0] for uri in store.objects if uri not in known]
    assert fresh == ["logits", "scores", "commits"]


def test_shards_of_the_last_two_days_are_left_alone() -> None:
    store = _store(3)
    store.pass_hours(50)
    commit(store, "young", [_medium(9)])
    (planned,) = _read(store)[1]
    assert planned.media == 3


def test_a_shard_of_which_one_medium_was_marked_lately_is_left_alone() -> None:
    store = _store(3)
    store.pass_hours(50)
    entry = opened(store).ledger().entry(_medium(0).uri)
    removed = entry.model_copy(update={"outcome": "removed", "before": "scored"})
    mark(store, "gone", [removed])
    assert _read(store)[1][0].media == 2


def test_too_few_shards_are_not_worth_it_and_large_ones_stay() -> None:
    store = _store(4)
    store.pass_hours(50)
    assert _planned(store, Sizes(at_least=5))[1] == []
    assert _planned(store, Sizes(at_least=2, small_bytes=10))[1] == []


def test_a_merged_shard_has_no_more_rows_than_it_may() -> None:
    store = _store(7)
    store.pass_hours(50)
    packs = _planned(store, Sizes(at_least=2, large_rows=6))[1]
    assert [each.rows for each in packs] == [6, 6]  # two rows a shard; the seventh is alone, and stays


def test_shards_with_texts_are_not_mixed_with_those_without() -> None:
    store = _store(2, texts=True)
    for number in (7, 8):
        commit(store, f"c{number}", [_medium(number)])
    store.pass_hours(50)
    assert sorted(each.texts for each in _read(store)[1]) == [(), ("t0",)]


def test_scores_are_copied_only_where_every_shard_has_them() -> None:
    store = _store(2, decisions=("d0", "d1"))
    commit(store, "c7", [_medium(7)], decisions=("d0",))
    commit(store, "c8", [_medium(8)], faults=True)
    store.pass_hours(50)
    (planned,) = _read(store)[1]
    assert planned.decisions == ("d0",)


def test_files_that_do_not_hold_what_their_commits_say_are_not_merged() -> None:
    store = _store(2)
    store.pass_hours(1)
    results = opened(store)
    entry = results.ledger().entry(_medium(0).uri)
    mark(store, "wrong", [entry.model_copy(update={"rows": 5})])
    store.pass_hours(50)
    shards, (planned,) = _read(store)
    commits = sum("/commits/" in uri for uri in store.objects)
    with pytest.raises(InputError, match="has 2 rows in its files, 5 by its commit"):
        compact(as_store(store), shards, planned, "tidied")
    assert sum("/commits/" in uri for uri in store.objects) == commits
