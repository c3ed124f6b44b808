"""One look after another: what settles, what is enough, and what was told before."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from infra.shelf import FolderShelf
from tasks.reevaluation.archive import ReevaluationArchive
from tasks.watch.archive import Told, WatchArchive
from tasks.watch.look import Look, keep, look, record_told
from tasks.watch.request import WatchLabelsRequest
from tests.support.reevaluations import labels as about
from tests.support.reevaluations import reevaluation
from tests.support.watched import LABELS, CountingStore, at, lines, some, watching


@dataclass
class Watch:
    """Label files, and looks at them; `now` makes each as the flow does, up to the record of what was told."""

    folder: Path
    store: CountingStore = field(default_factory=CountingStore)

    @property
    def shelf(self) -> FolderShelf:
        return FolderShelf(self.folder)

    def look(self, when: datetime, **changes: Any) -> Look:
        return look(watching(**changes), self.store, self.shelf, when)

    def tell(self, when: datetime, *, crash: bool = False, **changes: Any) -> Look:
        found = self.look(when, **changes)
        if found.status in {"new", "again"}:
            keep(watching(), self.shelf, found)
            if not crash:
                record_told(watching(), self.shelf, found, when)
        return found


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path)


def test_what_has_settled_is_told_once(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    looks = [watch.tell(at(seconds)) for seconds in (0, 60, 121, 300)]
    assert [each.status for each in looks] == ["settling", "settling", "new", "unchanged"]
    assert [len(each.difference.added) for each in looks] == [12, 12, 12, 0]
    assert looks[1].wait_s == 60


def test_every_change_of_a_burst_begins_the_wait_anew(watch: Watch) -> None:
    for number in range(10):
        watch.store.drop(f"{number}.jsonl", lines(*some(2, first=2 * number)))
        assert watch.tell(at(100 * number)).status == "settling"
    assert watch.tell(at(1000)).status == "settling"
    assert watch.tell(at(1020)).difference.total == 20


def test_the_same_file_dropped_again_under_any_name_is_nothing_new(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    watch.tell(at(0))
    watch.tell(at(200))
    watch.store.drop("a.jsonl", lines(*some(12)) + b"\n")
    watch.store.drop("copy.jsonl", lines(*some(12)))
    assert watch.tell(at(400)).status == "unchanged"


def test_the_same_file_dropped_again_does_not_delay_what_is_settling(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    watch.tell(at(0))
    watch.store.drop("copy.jsonl", lines(*some(12)))
    watch.tell(at(100))
    assert watch.tell(at(121)).status == "new"


def test_too_few_labels_wait_for_more_and_are_not_forgotten(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(9)))
    assert [watch.tell(at(seconds)).status for seconds in (0, 200, 4000)] == ["settling", "too-few", "too-few"]
    watch.store.drop("b.jsonl", lines(*some(1, first=9)))
    assert [watch.tell(at(seconds)).status for seconds in (5000, 5200)] == ["settling", "new"]


def test_changes_and_withdrawals_count_as_labels_do(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    watch.tell(at(0), settle_s=0)
    watch.store.drop("a.jsonl", lines(*some(6, "happy"), *some(2, first=6)))
    found = watch.tell(at(10), settle_s=0)
    assert (found.status, len(found.difference.changed), len(found.difference.withdrawn)) == ("new", 6, 4)


def test_a_crash_between_telling_and_recording_leads_to_one_more_and_never_to_none(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    watch.tell(at(0))
    assert watch.tell(at(200), crash=True).status == "new"
    assert [watch.tell(at(seconds)).status for seconds in (300, 400)] == ["new", "unchanged"]


def test_what_was_told_and_led_to_nothing_is_told_again_a_few_times(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    hours = [0, 0.9, 1, 2, 3, 6, 7, 100, 1000]
    found = [watch.tell(at(3600 * each), settle_s=0).status for each in hours]
    assert found == ["new", "unchanged", "again", "unchanged", "again", "unchanged", "again", "unchanged", "unchanged"]
    watch.store.drop("a.jsonl", lines(*some(24)))
    assert [watch.tell(at(3600 * each), settle_s=0).status for each in (1001, 1002)] == ["new", "again"]


@pytest.mark.parametrize(
    ("labels", "snapshot", "created", "status"),
    [
        (f"{LABELS}/", None, -60, "unchanged"),
        (LABELS, "of-a-later-look", 60, "unchanged"),
        (LABELS, "of-an-earlier-look", -60, "again"),
        ("s3://labels/other", None, 60, "again"),
    ],
    ids=["on what was told", "on what came later", "before it was told", "on other labels"],
)
def test_what_a_re_evaluation_stands_on_is_not_told_again(
    watch: Watch, labels: str, snapshot: str | None, created: float, status: str
) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    told = watch.tell(at(0), settle_s=0).snapshot.content
    stands_on = about(uri=labels, snapshot=snapshot or told)
    record = reevaluation(labels=stands_on, created=at(created).isoformat())
    ReevaluationArchive(watch.shelf).save(record, "<html>")
    assert watch.tell(at(3600), settle_s=0).status == status


def test_labels_that_come_and_go_again_before_they_are_told_are_nothing(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    watch.tell(at(0), settle_s=0)
    watch.store.drop("b.jsonl", lines(*some(20, first=12)))
    assert watch.tell(at(10)).status == "settling"
    del watch.store.objects[f"{LABELS}/b.jsonl"]
    assert watch.tell(at(500)).status == "unchanged"


def test_a_look_that_finds_nothing_changed_reads_and_writes_nothing(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    watch.tell(at(0), settle_s=0)
    watch.store.read.clear()
    before = {path: path.stat().st_mtime_ns for path in watch.folder.rglob("*.json")}
    watch.tell(at(10))
    assert watch.store.read == []
    assert {path: path.stat().st_mtime_ns for path in watch.folder.rglob("*.json")} == before


def test_a_clock_that_is_ahead_does_not_make_others_wait(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    watch.look(at(100_000))
    assert watch.look(at(0)).status == "new"


@pytest.mark.parametrize("damage", [b"{", b'{"version": 2}'])
def test_state_that_cannot_be_read_costs_one_more_telling(watch: Watch, damage: bytes) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    watch.tell(at(0), settle_s=0)
    for path in watch.folder.rglob("*.json"):
        path.write_bytes(damage)
    assert [watch.tell(at(seconds), settle_s=0).status for seconds in (10, 20)] == ["new", "unchanged"]


def test_what_was_told_but_is_gone_from_the_store_is_told_again(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    watch.tell(at(0), settle_s=0)
    WatchArchive(watch.shelf, LABELS).save_told(Told(snapshot="0" * 16, told_at=at(0)))
    assert watch.look(at(500)).status == "new"


def test_two_prefixes_are_watched_apart(watch: Watch) -> None:
    watch.store.drop("a.jsonl", lines(*some(12)))
    watch.tell(at(0), settle_s=0)
    assert WatchArchive(watch.shelf, f"{LABELS}/").told() is not None
    assert WatchArchive(watch.shelf, "s3://labels/other").told() is None


def test_the_results_store_itself_is_no_place_to_watch() -> None:
    with pytest.raises(ValidationError, match="give the label files a prefix"):
        WatchLabelsRequest(labels="s3://results/", results="s3://results")


def test_labels_and_results_have_one_resource_however_they_are_written() -> None:
    assert watching().resource == watching(labels=f"{LABELS}/", results="s3://results/").resource
    assert watching().resource.startswith("seraph.labels.")
    assert watching().resource != watching(results="s3://others").resource
