"""Which runs may go: those that nothing refers to, and that are old."""

import json
from collections.abc import Iterable

from infra.location import Location
from tasks.housekeeping.inventory import Limits, take_inventory
from tasks.housekeeping.retention import Runs, old_runs
from tests.support.house import RESULTS, HouseStore, as_store, write_run


def _runs(store: HouseStore, keep: tuple[str, ...] = ()) -> Runs:
    return old_runs(as_store(store), take_inventory(as_store(store), RESULTS), Limits(store.now, 30, 48), keep)


def _id(day: int) -> str:
    return f"202601{day:02}T000000-abcdef"


def _aged(days: Iterable[int], segments: int = 0) -> HouseStore:
    """A run a day over the same media with the same configuration, all of them long ago."""
    store = HouseStore()
    for day in days:
        write_run(store, _id(day), segments=segments)
    store.pass_hours(24 * 60)
    return store


def _gone(runs: Runs) -> set[str]:
    return {each.uri.split("/runs/")[1].split("/")[0] for each in runs.removals}


def test_of_old_runs_the_newest_of_its_media_and_configuration_stays() -> None:
    store = _aged((1, 2, 3))
    for day, changes in ((4, {"media_uri": "s3://media/other"}), (5, {"decision": "d1"}), (6, {"fingerprint": "f1"})):
        write_run(store, _id(day), segments=0, **changes)
    store.pass_hours(24 * 60)
    assert _gone(_runs(store)) == {_id(1), _id(2)}


def test_runs_that_alarms_may_compare_with_stay() -> None:
    assert _gone(_runs(_aged((1, 2, 3), segments=10))) == set()
    store = HouseStore()
    for number in range(33):
        write_run(store, f"20260101T0000{number:02}-abcdef", segments=5)
    store.pass_hours(24 * 60)
    assert _gone(_runs(store)) == {f"20260101T0000{number:02}-abcdef" for number in range(3)}


def test_a_young_run_stays_and_so_does_what_it_mentions() -> None:
    store = _aged((1, 2, 3))
    write_run(store, _id(9), config={"compared_with": _id(1)}, segments=0)
    assert _gone(_runs(store)) == {_id(2), _id(3)}


def test_what_records_of_promotions_evaluations_and_tunings_mention_stays() -> None:
    store = _aged((1, 2, 3, 4, 5))
    for number, name in enumerate(
        ("configs/history/x.json", "evaluations/e/evaluation.json", "reevaluations/r/r.json"), 1
    ):
        text = json.dumps({"report": f"{RESULTS.uri}/runs/{_id(number)}/report.html"})
        store.put_bytes(RESULTS.join(name).uri, text.encode())
    assert _gone(_runs(store)) == {_id(4)}


def test_a_run_that_was_asked_to_be_kept_stays() -> None:
    assert _gone(_runs(_aged((1, 2, 3)), keep=(_id(1),))) == {_id(2)}


def test_a_record_that_cannot_be_read_stays_and_is_named() -> None:
    store = _aged((1, 2))
    store.objects[RESULTS.join("runs", _id(1), "run.json").uri] = (b'{"new": "shape"}', store.now)
    store.pass_hours(24 * 60)
    assert _runs(store).unread == (_id(1),)
    assert _gone(_runs(store)) == set()


def test_the_record_of_a_run_goes_before_its_other_files() -> None:
    uris = [each.uri for each in _runs(_aged((1, 2))).removals]
    assert [uri.rsplit("/", 1)[-1] for uri in uris] == ["run.json", "report.html", "c1.json"]


def test_a_killed_run_without_a_record_goes_when_it_is_old() -> None:
    store = HouseStore()
    store.put_bytes(RESULTS.join("runs", _id(1), "validation", "c1.json").uri, b"{}")
    store.pass_hours(24 * 29)
    assert _gone(_runs(store)) == set()
    store.pass_hours(48)
    assert _gone(_runs(store)) == {_id(1)}


def test_only_names_that_seraph_writes_are_runs() -> None:
    store = HouseStore()
    for name in ("runs/mine/notes.txt", "runs/20260101/run.json", "other/runs/20260101T000000-abcdef/run.json"):
        store.put_bytes(RESULTS.join(name).uri, b"{}")
    store.put_bytes(Location("results", f"runs/{_id(1)}/run.json").uri, b"{}")
    store.pass_hours(24 * 400)
    assert _runs(store).removals == ()


def test_a_record_that_lies_in_another_runs_folder_counts_as_one_that_cannot_be_read() -> None:
    store = _aged((1, 2))
    copied = store.get_bytes(f"{RESULTS.uri}/runs/{_id(1)}/run.json")
    store.put_bytes(f"{RESULTS.uri}/runs/{_id(3)}/run.json", copied, "application/json")
    store.pass_hours(24 * 60)
    runs = _runs(store)
    assert runs.unread == (_id(3),)
    assert [each.run_id for each in runs.kept] == [_id(1), _id(2)], "the damaged record mentions the first"
