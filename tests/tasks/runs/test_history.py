"""tasks/runs/history.py: the runs of a store, read back whatever wrote them."""

import json
from pathlib import Path

import pytest

from infra.errors import InputError
from infra.shelf import FolderShelf
from tasks.config.operations import Price
from tasks.records.parts import Spent
from tasks.records.run import RunRecord
from tasks.runs.history import History, priced
from tests.support.records import run_record

ADDED = ("code_revision", "snapshot", "seeds", "spent", "cost", "spread", "alarms", "reference")


@pytest.fixture
def shelf(tmp_path: Path) -> FolderShelf:
    return FolderShelf(tmp_path)


def store(shelf: FolderShelf, *ids: str) -> None:
    for name in ids:
        shelf.put(f"runs/{name}/run.json", run_record(run_id=name).model_dump_json().encode())
        shelf.put(f"runs/{name}/report.html", b"<html>")
        shelf.put(f"runs/{name}/validation/0.json", b"{}")


def _changed(**changes: object) -> bytes:
    """A whole record, of another run, but for these values."""
    return json.dumps({**run_record().model_dump(mode="json"), **changes}).encode()


def test_runs_come_the_newest_first_and_no_more_than_asked_for(shelf: FolderShelf) -> None:
    store(shelf, "20260101T020000-aaaaaa", "20260103T020000-cccccc", "20260102T020000-bbbbbb")
    found = History(shelf).newest(2)
    assert [each.run_id[6:8] for each in found.records] == ["03", "02"]
    assert (found.unreadable, found.more) == ((), 1)


def test_a_run_that_has_no_record_yet_is_none(shelf: FolderShelf) -> None:
    shelf.put("runs/20260101T020000-aaaaaa/validation/0.json", b"{}")
    assert History(shelf).newest(5).records == ()


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (b"{broken", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[]", "an object"),
        (json.dumps({**run_record().model_dump(mode="json"), "from_the_future": 1}).encode(), "from_the_future"),
        (_changed(finished="yesterday"), "finished: "),
        (_changed(finished="2026-01-02T02:00:00"), "no time zone"),
        (_changed(audio_seconds=-1.0), "audio_seconds: "),
        (_changed(emotions={"happy": -5}), "emotions.happy: "),
        (_changed(run_id="20260102T020000-bbbbbb", seconds=float("inf")), "not JSON compliant"),
        (_changed(), "the record of another run, '20260101T000000-abcdef'"),
    ],
)
def test_a_record_that_cannot_be_read_is_named_and_hides_no_other(
    shelf: FolderShelf, written: bytes, reason: str
) -> None:
    store(shelf, "20260101T020000-aaaaaa")
    shelf.put("runs/20260102T020000-bbbbbb/run.json", written)
    found = History(shelf).newest(5)
    assert [each.run_id for each in found.records] == ["20260101T020000-aaaaaa"]
    (bad,) = found.unreadable
    assert bad.run_id == "20260102T020000-bbbbbb"
    assert reason in bad.reason
    assert [each.run_id for each in History(shelf).backwards()] == ["20260101T020000-aaaaaa"]
    with pytest.raises(InputError, match="20260102T020000-bbbbbb cannot be read"):
        History(shelf).get("20260102")


def test_a_record_of_an_older_version_is_read_and_says_nothing_of_what_it_did_not_know(shelf: FolderShelf) -> None:
    older = {key: value for key, value in run_record().model_dump(mode="json").items() if key not in ADDED}
    shelf.put("runs/20260101T000000-abcdef/run.json", json.dumps(older).encode())
    record = History(shelf).get("latest")
    assert (record.snapshot, record.spent, record.seeds, record.alarms) == (None, None, None, ())


def test_a_run_is_named_by_its_id_its_beginning_or_as_the_latest(shelf: FolderShelf) -> None:
    store(shelf, "20260101T020000-aaaaaa", "20260102T020000-bbbbbb")
    history = History(shelf)
    for name in ("20260102T020000-bbbbbb", "20260102", "latest"):
        assert history.get(name).run_id == "20260102T020000-bbbbbb"
    for name, why in (("2026", "2 runs begin so"), ("1999", "there is none"), ("", "there is none")):
        with pytest.raises(InputError, match=why):
            history.get(name)


def test_looking_backwards_reads_no_further_than_asked(shelf: FolderShelf, tmp_path: Path) -> None:
    store(shelf, *(f"202601{day:02}T020000-aaaaaa" for day in range(1, 29)))
    backwards = History(shelf).backwards()
    assert next(backwards).run_id[6:8] == "28"
    (tmp_path / "runs/20260101T020000-aaaaaa/run.json").write_bytes(b"{")
    assert next(backwards).run_id[6:8] == "27"


def test_a_price_may_come_later_and_needs_what_was_counted() -> None:
    record: RunRecord = run_record(spent=Spent(gpu_seconds=7200, cpu_seconds=3600), audio_seconds=36_000)
    cost = priced(record, Price(gpu_hour=2.5, cpu_hour=0.1)).cost
    # 2 h · 2.5 + 1 h · 0.1 = 5.1 for 10 hours of speech.
    assert cost is not None
    assert (cost.total, cost.per_1000_audio_hours, cost.currency) == (pytest.approx(5.1), pytest.approx(510), "USD")
    assert priced(record, None) == record
    assert priced(run_record(), Price(gpu_hour=2.5)) == run_record()
    nothing = priced(record.model_copy(update={"audio_seconds": 0.0}), Price(gpu_hour=1)).cost
    assert nothing is not None
    assert nothing.per_1000_audio_hours is None
