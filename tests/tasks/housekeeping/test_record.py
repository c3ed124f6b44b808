"""Housekeeping against a real S3 server, and its record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.housekeeping import HousekeepingRecord, Limits, keep_house, markdown_housekeeping
from tasks.store import Entry, ResultsStore
from tasks.tables import logits_table
from tests.support.results import SPECS, medium, scored

pytestmark = pytest.mark.stack


def test_a_real_store_is_looked_at_first_and_then_tidied(local_store: Any) -> None:
    store, place = local_store.store, local_store.bucket.join("out")
    results = ResultsStore(store, place, "f0")
    for number in range(8):
        each = medium(f"s3://media/{number}.wav")
        entry = Entry(uri=each.uri, etag=each.etag, outcome="scored", rows=2, routes={"en": "r"})
        results.commit(f"c{number}", "run-1", [entry], {"logits": logits_table([scored(each)], SPECS)})
    orphan = results.table_uri("logits", "killed.0")
    store.put_bytes(orphan, b"orphan")
    store.put_bytes(place.join("labels/l.jsonl").uri, b"{}")
    later = Limits(datetime.now(UTC) + timedelta(hours=72))

    looked = keep_house(store, place, later)
    assert [(each.reason, each.files, each.size) for each in looked.totals] == [("no commit names it", 1, 6)]
    assert [len(each.stems) for each in looked.compactions] == [8]
    assert store.exists(orphan)

    done = keep_house(store, place, later, apply=True)
    assert done.removals == looked.removals
    assert not store.exists(orphan)
    assert results.ledger().entries["stem"].nunique() == 1
    # As much later again, what was merged is superseded.
    again = keep_house(store, place, later, apply=True, deep=True)
    assert [(each.reason, each.files) for each in again.totals] == [("superseded by a later commit", 8)]
    assert [each.key.rsplit("/", 1)[0].split("/")[1] for each in store.list(place.join("logits"))] == ["logits"]
    assert sum(results.logits(stem).num_rows for stem in set(results.ledger().current["stem"])) == 16
    assert keep_house(store, place, later, verify_only=True, deep=True).faults == ()
    assert store.exists(place.join("labels/l.jsonl").uri)

    stored = HousekeepingRecord.model_validate_json(store.get_bytes(str(done.output)))
    assert stored == done
    assert "| removed: no commit names it | 1 | 0.0 |" in markdown_housekeeping(stored)
    assert "| would be merged | 8 into 1 | 0.0 |" in markdown_housekeeping(looked)
