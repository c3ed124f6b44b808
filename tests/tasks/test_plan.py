"""tasks/plan.py: what a run has to do. Ledgers are made by the results store itself, over a store in memory."""

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

import pytest

from actors.contract import Span
from infra.location import Location
from infra.storage import ObjectInfo, Store
from tasks.config.scoring import MEDIA_SUFFIXES, MediaOptions
from tasks.labels import read_spans
from tasks.plan import Listing, Plan, list_media, make_plan, with_labels
from tasks.store import Entry, Ledger, ResultsStore
from tests.support.stores import MemoryStore, info

EN, KO, BOTH = {"en": "en-1"}, {"ko": "ko-1"}, {"en": "en-1", "ko": "ko-1"}
ROUTES = BOTH | {"fallback": "en-1"}
_numbers = itertools.count()


def _ledger(*commits: Iterable[Entry]) -> Ledger:
    """What a store says after these commits."""
    results = ResultsStore(cast(Store, MemoryStore()), Location("results"), "f0")
    for entries in commits:
        results.commit(f"commit-{next(_numbers)}", "run", tuple(entries))
    return results.ledger()


def _entry(name: str, etag: str = "e1", outcome: Any = "scored", **changes: Any) -> Entry:
    values: dict[str, Any] = {"routes": EN, "rows": 2, "stem": f"stem-{name}"} | changes
    return Entry(uri=f"s3://media/{name}", etag=etag, outcome=outcome, **values)


def _listing(*names: str, **etags: str) -> Listing:
    """Media by name, all with etag e1; `etags` has other ones for names without their suffix."""
    return list_media([info(f"s3://media/{name}", etag=etags.get(name.split(".")[0], "e1")) for name in names], ["wav"])


def _plan(listing: Listing, ledger: Ledger, routes: Mapping[str, str] = ROUTES, **options: Any) -> Plan:
    return make_plan(listing, ledger, fingerprint="f0", routes=routes, options=MediaOptions(**options))


def _todo(plan: Plan) -> dict[str, int]:
    """What is to be scored: name to attempt."""
    pairs = [pair for shard in plan.shards for pair in zip(shard.media, shard.attempts, strict=True)]
    return {medium.uri.removeprefix("s3://media/"): attempt for medium, attempt in pairs}


def _marks(entries: Iterable[Entry]) -> list[tuple[str, str]]:
    return [(entry.uri.removeprefix("s3://media/"), entry.outcome) for entry in entries]


# -- what is to be scored ----------------------------------------------------------------------------------------------


def test_all_is_new_where_nothing_was_committed() -> None:
    plan = _plan(_listing("b.wav", "a.wav"), _ledger())
    assert _todo(plan) == {"a.wav": 1, "b.wav": 1}
    assert (plan.media, plan.skipped, plan.removed, plan.revived) == (2, 0, (), ())
    assert plan.shards[0].media[0].size == 1000


@pytest.mark.parametrize("outcome", ["scored", "silent", "quarantined"])
def test_what_is_committed_is_skipped(outcome: str) -> None:
    plan = _plan(_listing("a.wav", "b.wav"), _ledger([_entry("a.wav", outcome=outcome)]))
    assert _todo(plan) == {"b.wav": 1}
    assert plan.skipped == 1


def test_a_medium_with_another_etag_is_scored_again_from_its_first_attempt() -> None:
    plan = _plan(_listing("a.wav", a="e2"), _ledger([_entry("a.wav", transient=True, attempts=2)]))
    assert _todo(plan) == {"a.wav": 1}
    assert plan.shards[0].media[0].etag == "e2"


def test_a_changed_model_rescores_only_the_media_that_it_heard() -> None:
    entries = [
        _entry("en.wav"),
        _entry("ko.wav", routes=KO),
        _entry("mixed.wav", routes=BOTH),
        _entry("silent.wav", outcome="silent", routes={}),
        _entry("broken.wav", outcome="quarantined", routes={}),
    ]
    listing = _listing("en.wav", "ko.wav", "mixed.wav", "silent.wav", "broken.wav")
    plan = _plan(listing, _ledger(entries), routes=ROUTES | {"ko": "ko-2"})
    assert _todo(plan) == {"ko.wav": 1, "mixed.wav": 1}
    assert plan.skipped == 3


def test_a_changed_fallback_rescores_what_the_fallback_heard_or_what_was_quarantined_for_want_of_one() -> None:
    doubtful = _entry("doubtful.wav", routes={"fallback": "en-1"})
    refused = _entry("refused.wav", outcome="quarantined", routes={"fallback": "quarantine"})
    listing = _listing("doubtful.wav", "refused.wav", "en.wav")
    ledger = _ledger([doubtful, refused, _entry("en.wav")])
    assert _todo(_plan(listing, ledger)) == {"refused.wav": 1}
    assert _todo(_plan(listing, ledger, routes=BOTH | {"fallback": "quarantine"})) == {"doubtful.wav": 1}


def test_media_heard_by_a_route_that_is_gone_are_scored_again() -> None:
    ledger = _ledger([_entry("ko.wav", routes=KO), _entry("en.wav")])
    assert _todo(_plan(_listing("ko.wav", "en.wav"), ledger, routes=EN)) == {"ko.wav": 1}


def test_a_transient_fault_is_tried_again_with_its_attempts_counted_up_to_the_bound() -> None:
    listing = _listing("a.wav")
    for attempts, expected in [(1, {"a.wav": 2}), (2, {"a.wav": 3}), (3, {}), (4, {})]:
        entry = _entry("a.wav", outcome="quarantined", routes={}, transient=True, attempts=attempts)
        assert _todo(_plan(listing, _ledger([entry]), attempts=3)) == expected


def test_a_scored_medium_with_a_transient_fault_in_one_segment_is_tried_again() -> None:
    assert _todo(_plan(_listing("a.wav"), _ledger([_entry("a.wav", transient=True, faults=1)]))) == {"a.wav": 2}


def test_permanent_quarantine_is_final_for_its_etag() -> None:
    ledger = _ledger([_entry("a.wav", outcome="quarantined", routes={}, attempts=1)])
    assert _todo(_plan(_listing("a.wav"), ledger)) == {}
    assert _todo(_plan(_listing("a.wav", a="e2"), ledger)) == {"a.wav": 1}


def test_only_the_newest_entry_of_a_medium_counts() -> None:
    ledger = _ledger([_entry("a.wav", "e1")], [_entry("a.wav", "e2")])
    assert _todo(_plan(_listing("a.wav", a="e2"), ledger)) == {}
    assert _todo(_plan(_listing("a.wav", a="e1"), ledger)) == {"a.wav": 1}


# -- gone and back -----------------------------------------------------------------------------------------------------


def test_a_medium_that_is_gone_gets_a_tombstone_that_remembers_what_it_was() -> None:
    entry = _entry("a.wav", outcome="silent", duration_s=7.5, faults=1, attempts=2)
    plan = _plan(_listing("b.wav"), _ledger([entry]))
    assert plan.removed == (entry.model_copy(update={"outcome": "removed", "before": "silent"}),)
    assert _todo(plan) == {"b.wav": 1}


def test_a_tombstone_is_put_up_once() -> None:
    gone = _entry("a.wav", outcome="removed", before="scored")
    assert _plan(_listing(), _ledger([_entry("a.wav")], [gone])).removed == ()


def test_a_medium_that_came_back_unchanged_is_revived_as_it_was_without_scoring() -> None:
    before = _entry("a.wav", duration_s=7.5, faults=1)
    gone = before.model_copy(update={"outcome": "removed", "before": "scored"})
    plan = _plan(_listing("a.wav"), _ledger([before], [gone]))
    assert plan.revived == (before,)
    assert (_todo(plan), plan.skipped, plan.removed) == ({}, 1, ())


@pytest.mark.parametrize(
    "gone",
    [
        _entry("a.wav", "e0", "removed", before="scored"),
        _entry("a.wav", "e1", "removed", before="scored", routes={"en": "en-0"}),
        _entry("a.wav", "e1", "removed", before="quarantined", transient=True),
    ],
    ids=["changed", "other model", "transient"],
)
def test_a_medium_that_came_back_and_is_not_done_is_scored(gone: Entry) -> None:
    plan = _plan(_listing("a.wav"), _ledger([gone]))
    assert list(_todo(plan)) == ["a.wav"]
    assert plan.revived == ()


# -- listing -----------------------------------------------------------------------------------------------------------


def _names(objects: Iterable[ObjectInfo]) -> Listing:
    return list_media(objects, MEDIA_SUFFIXES)


def test_media_are_told_by_their_suffix_in_any_case_and_others_are_counted() -> None:
    names = ["a.MP3", "b.wav", "c.Mp4", "notes.txt", "d.TXT", "README", ".mp3", "folder.mp4/x", "e.tar.gz", ".hid.ogg"]
    listing = _names(info(f"s3://media/{name}") for name in names)
    assert list(listing.media.index) == [f"s3://media/{name}" for name in [".hid.ogg", "a.MP3", "b.wav", "c.Mp4"]]
    assert listing.other == {"": 3, "gz": 1, "txt": 2}


def test_others_are_part_of_the_plan() -> None:
    listing = _names([info("s3://media/notes.txt"), info("s3://media/a.wav")])
    assert _plan(listing, _ledger()).other == {"txt": 1}


def test_an_object_that_a_listing_names_twice_is_one_medium() -> None:
    assert len(_names([info("s3://media/a.wav"), info("s3://media/a.wav")]).media) == 1


def test_an_empty_listing_is_an_empty_plan() -> None:
    plan = _plan(_names([]), _ledger())
    assert (plan.shards, plan.media, plan.skipped) == ((), 0, 0)


# -- shards ------------------------------------------------------------------------------------------------------------


def _sized(seconds: Mapping[str, float], bytes_per_second: int = 96_000) -> Listing:
    return list_media(
        [info(f"s3://media/{name}", size=round(s * bytes_per_second)) for name, s in seconds.items()], MEDIA_SUFFIXES
    )


def _cut(plan: Plan) -> list[list[str]]:
    return [[medium.uri.removeprefix("s3://media/") for medium in shard.media] for shard in plan.shards]


def test_shards_are_cut_by_the_hours_that_the_bytes_stand_for() -> None:
    listing = _sized({"a.wav": 1800, "b.wav": 1800, "c.wav": 1, "d.wav": 9000, "e.wav": 1})
    # a and b fill an hour; d is longer than one, and is a shard of its own.
    assert _cut(_plan(listing, _ledger())) == [["a.wav", "b.wav"], ["c.wav"], ["d.wav"], ["e.wav"]]
    assert _cut(_plan(listing, _ledger(), shard_hours=3)) == [["a.wav", "b.wav", "c.wav"], ["d.wav", "e.wav"]]


def test_bytes_stand_for_more_time_in_compressed_sound_than_in_pictures() -> None:
    # 24 MB: 1200 s of mp3 at 20 kB a second, 96 s of film. In turns that is 1200, 1296, 2496, 2592, and 3792 s.
    listing = _sized({f"{n}.{suffix}": 24e6 for n in range(3) for suffix in ("MP3", "mkv")}, bytes_per_second=1)
    assert [len(shard) for shard in _cut(_plan(listing, _ledger()))] == [4, 2]


def test_shards_are_cut_by_the_number_of_media() -> None:
    listing = _sized({f"{n}.wav": 1 for n in range(5)})
    assert [len(shard) for shard in _cut(_plan(listing, _ledger(), shard_media=2))] == [2, 2, 1]


def test_shards_do_not_depend_on_the_order_of_the_listing() -> None:
    objects = [info(f"s3://media/{n}.wav") for n in range(9)]
    one = _plan(_names(objects), _ledger(), shard_media=2)
    other = _plan(_names(reversed(objects)), _ledger(), shard_media=2)
    assert one == other


def test_a_shards_id_changes_with_all_that_its_results_depend_on() -> None:
    listing = _listing("a.wav")
    tried = _ledger([_entry("a.wav", outcome="quarantined", routes={}, transient=True)])
    plans = [
        _plan(listing, _ledger()),
        _plan(_listing("b.wav"), _ledger()),
        _plan(_listing("a.wav", a="e2"), _ledger()),
        _plan(listing, _ledger(), routes=ROUTES | {"ko": "ko-2"}),
        _plan(listing, tried),
        make_plan(listing, _ledger(), fingerprint="f1", routes=ROUTES, options=MediaOptions()),
    ]
    assert len({plan.shards[0].id for plan in plans}) == len(plans)


def test_two_runs_that_plan_the_same_get_the_same_ids() -> None:
    ledgers = [_ledger([_entry("done.wav")], [_entry("a.wav", "e0")]) for _ in range(2)]
    plans = [_plan(_listing("a.wav", "b.wav", "done.wav"), ledger) for ledger in ledgers]
    assert plans[0] == plans[1]
    assert _todo(plans[0]) == {"a.wav": 1, "b.wav": 1}


# -- a part of the store -----------------------------------------------------------------------------------------------


def _known(ledger: Ledger, uri: str) -> list[str]:
    return sorted(name.removeprefix("s3://media/") for name in ledger.under(Location.parse(uri)).entries.index)


def test_a_ledger_under_a_prefix_never_holds_a_siblings_media() -> None:
    ledger = _ledger([_entry("p/a.wav"), _entry("pq/a.wav"), _entry("p.wav"), _entry("q/p/a.wav"), _entry("p/x/b.wav")])
    assert _known(ledger, "s3://media/p") == ["p/a.wav", "p/x/b.wav"]
    assert _known(ledger, "s3://media/p/") == ["p/a.wav", "p/x/b.wav"]
    assert len(_known(ledger, "s3://media")) == 5
    assert _known(ledger, "s3://med") == []


def test_a_ledger_under_a_single_object_holds_that_object() -> None:
    ledger = _ledger([_entry("p/a.wav"), _entry("p/a.wav2")])
    assert _known(ledger, "s3://media/p/a.wav") == ["p/a.wav"]


def test_a_run_over_a_prefix_removes_nothing_of_its_siblings() -> None:
    ledger = _ledger([_entry("p/a.wav"), _entry("pq/a.wav")]).under(Location.parse("s3://media/p"))
    assert _marks(_plan(_listing(), ledger).removed) == [("p/a.wav", "removed")]


# -- segments of a label file ------------------------------------------------------------------------------------------


def test_given_segments_are_matched_among_all_listed_media_and_names_that_fit_none_or_several_are_told() -> None:
    lines = [{"media": name, "start": 0, "end": 1} for name in ("new.wav", "known.wav", "lost.wav", "same.wav")]
    labels = read_spans("\n".join(map(json.dumps, lines)).encode(), "labels.jsonl")
    listing = _listing("new.wav", "known.wav", "1/same.wav", "2/same.wav")
    plan = with_labels(_plan(listing, _ledger([_entry("known.wav"), _entry("1/same.wav")])), labels, listing)
    assert plan.given == {f"s3://media/{name}": (Span(0, 1),) for name in ("new.wav", "known.wav")}
    told = " | ".join(plan.unfit)
    assert "lost.wav" in told
    assert "1/same.wav" in told
    assert "2/same.wav" in told
