"""The whole of housekeeping on stores with all kinds of histories: readers see the same before, during and after."""

import itertools
from datetime import timedelta

import hypothesis
import pytest
from hypothesis import strategies as st

from actors.contract import Medium
from infra.errors import StoreError
from infra.storage import UploadInfo
from tasks.housekeeping.compaction import Sizes
from tasks.housekeeping.inventory import Limits
from tasks.housekeeping.plan import Done, Plan, apply_plan, make_plan, reopen_lost
from tasks.store import Entry
from tests.support.house import RESULTS, HouseStore, as_store, commit, mark, opened, others, readable, write_run

SMALL = Sizes(at_least=2)
NAMES = ["s3://media/a.wav", "s3://media/b.wav", "s3://media/드라마 1.mp4", "s3://media/d.wav"]

Step = tuple[str, int, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["score", "score", "score", "faults", "texts", "stale", "gone", "back", "killed", "wait"]),
        st.integers(1, 15),
        st.integers(1, 2),
        st.integers(1, 2),
    ),
    min_size=2,
    max_size=6,
)


def plan(store: HouseStore, **options: object) -> Plan:
    return make_plan(as_store(store), RESULTS, Limits(store.now, 30, 48), sizes=SMALL, **options)  # type: ignore[arg-type]


def tidy(store: HouseStore) -> Done:
    return apply_plan(as_store(store), plan(store), "tidied")


def live(store: HouseStore, steps: list[Step], first: int = 0) -> None:
    """A history: shards of some media, in two versions, by two models; removals, kills, and time."""
    numbers = itertools.count(first)
    for kind, chosen, version, route in steps:
        uris = [uri for bit, uri in enumerate(NAMES) if chosen & (1 << bit)]
        media = [Medium(uri, f"e{version}", 1000) for uri in uris]
        # Without a number: the same media in the same version have the same id, and are written over.
        name = f"c{chosen}{version}{route}" if chosen % 2 else f"n{next(numbers)}"
        if kind == "wait":
            store.pass_hours(40 * chosen)
        elif kind in ("gone", "back"):
            _mark(store, kind, uris, name)
        elif kind == "killed":
            store.put_bytes(RESULTS.join(f"logits/config=f0/shard={name}.deadbeef.parquet").uri, b"orphan")
        else:
            names = ("d0", "d9") if kind == "stale" else ("d0",)
            commit(
                store, name, media, route=f"r{route}", faults=kind == "faults", texts=kind == "texts", decisions=names
            )


def _mark(store: HouseStore, kind: str, uris: list[str], name: str) -> None:
    ledger = opened(store).ledger()
    entries: list[Entry] = []
    for entry in (ledger.entry(uri) for uri in uris if uri in ledger.entries.index):
        if kind == "gone" and entry.outcome != "removed":
            entries.append(entry.model_copy(update={"outcome": "removed", "before": entry.outcome}))
        if kind == "back" and entry.outcome == "removed":
            entries.append(entry.model_copy(update={"outcome": entry.before, "before": None}))
    if entries:
        mark(store, f"m{name}", entries)


def furnished(steps: list[Step]) -> HouseStore:
    """A store with a history, and with what is none of housekeeping's business."""
    store = HouseStore()
    for name in (
        "labels/l.jsonl",
        "configs/0123456789abcdef.yaml",
        "evaluations/e/evaluation.json",
        "cache/media/1.parquet",
    ):
        store.put_bytes(RESULTS.join(name).uri, b"{}")
    store.put_bytes("s3://media/a.wav", b"RIFF")
    store.put_bytes(RESULTS.join("logits/config=f0/mine.parquet").uri, b"a user's own")
    live(store, steps)
    return store


@pytest.mark.slow
@hypothesis.given(STEPS, st.integers(0, 200), STEPS)
# Not shrunk: that takes minutes, and a history of nine steps can be read.
@hypothesis.settings(max_examples=5, phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate])
def test_whatever_the_store_holds_readers_see_the_same_and_twice_is_once(
    steps: list[Step], hours: int, later: list[Step]
) -> None:
    store = furnished(steps)
    store.pass_hours(hours)
    never_tidied, untouched = store.copy(), others(store)
    before = readable(store)
    tidy(store)
    assert readable(store) == before
    after = dict(store.objects)
    assert tidy(store) == Done()
    assert store.objects == after
    # A run goes on from there, and time passes: what was superseded goes, and still nobody misses anything.
    live(store, later, first=100)
    live(never_tidied, later, first=100)
    expected = readable(never_tidied)
    assert readable(store) == expected
    for _ in range(2):
        store.pass_hours(1000)
        tidy(store)
    assert readable(store) == expected
    assert plan(store, deep=True).faults == ()
    assert others(store).items() >= untouched.items()


EVERYTHING: list[Step] = [
    ("score", 1, 1, 1), ("faults", 2, 1, 1), ("wait", 15, 1, 1), ("score", 3, 2, 2), ("texts", 4, 1, 1),
    ("gone", 4, 1, 1), ("stale", 8, 1, 1), ("killed", 2, 1, 1), ("texts", 2, 1, 1), ("wait", 15, 2, 2),
    ("wait", 15, 1, 1),
]  # fmt: skip


def busy() -> HouseStore:
    """Something to do of every kind."""
    store = furnished(EVERYTHING)
    for number in range(1, 4):
        write_run(store, f"20260{number}01T000000-abcdef", segments=0)
    store.uploads = [UploadInfo(RESULTS.join("logits/config=f0/x").uri, "u1", store.now)]
    store.pass_hours(24 * 60)
    return store


def test_everything_that_may_go_goes_and_the_rest_is_what_it_was() -> None:
    store = busy()
    before, untouched = readable(store), others(store)
    done = tidy(store)
    reasons = {each.reason for each in done.removed}
    assert reasons == {
        "old run", "no commit names it", "superseded by a later commit", "scores of a decision that no kept run names",
    }  # fmt: skip
    assert len(done.merged) == 2
    assert done.uploads == 1
    assert store.uploads == []
    assert readable(store) == before
    assert others(store) == untouched


@pytest.mark.slow
def test_a_crash_between_any_two_changes_leaves_what_readers_see_and_the_next_time_goes_on() -> None:
    start = busy()
    before, whole = readable(start), start.copy()
    tidy(whole)
    assert whole.changes > 15
    for crash in range(whole.changes):
        store = start.copy()
        store.crash_after = crash
        with pytest.raises(StoreError):
            tidy(store)
        assert readable(store) == before, crash
        if crash % 4 == 0:
            store.crash_after = None
            tidy(store)
            assert store.objects.keys() == whole.objects.keys(), crash


def test_a_plan_changes_nothing() -> None:
    store = busy()
    before = dict(store.objects)
    assert plan(store).removals != ()
    assert store.objects == before


def test_young_files_stay_whoever_they_belong_to() -> None:
    store = furnished([("score", 3, 1, 1), ("score", 3, 2, 1), ("killed", 2, 1, 1)])
    store.uploads = [UploadInfo(RESULTS.join("logits/config=f0/x").uri, "u1", store.now)]
    store.pass_hours(47)
    assert (plan(store).removals, plan(store).uploads, plan(store).compactions) == ((), (), ())
    store.pass_hours(2)
    assert {each.reason for each in plan(store).removals} == {"no commit names it", "superseded by a later commit"}
    assert len(plan(store).uploads) == 1


def test_a_commit_made_while_shards_are_merged_stands() -> None:
    store = furnished([("score", 1, 1, 1), ("score", 2, 1, 1), ("wait", 15, 1, 1)])
    planned = plan(store)
    commit(store, "late", [Medium(NAMES[0], "e9", 1000)])
    apply_plan(as_store(store), planned, "tidied")
    assert opened(store).ledger().entry(NAMES[0]).etag == "e9"


def test_a_store_that_lost_rows_is_not_tidied_but_mended() -> None:
    store = busy()
    lost = str(opened(store).ledger().entries.loc[NAMES[3], "stem"])
    del store.objects[opened(store).table_uri("logits", lost)]
    planned = plan(store)
    assert [(each.kind, each.media) for each in planned.faults] == [("lost", (NAMES[3],))]
    objects = dict(store.objects)
    done = apply_plan(as_store(store), planned, "tidied")
    assert "nothing was changed" in done.warnings[0]
    assert store.objects == objects
    assert reopen_lost(planned, "mended") == 1
    entry = opened(store).ledger().entry(NAMES[3])
    assert (entry.outcome, entry.transient, entry.attempts, entry.rows) == ("quarantined", True, 0, 0)
    assert [each.kind for each in plan(store).faults] == ["lost_earlier"]
    commit(store, "again", [Medium(NAMES[3], "e1", 1000)])
    assert plan(store).faults == ()


def test_a_commit_that_cannot_be_read_holds_everything_back() -> None:
    store = busy()
    store.put_bytes(RESULTS.join("commits/config=f1/c1.json").uri, b'{"version": 9}')
    planned = plan(store)
    assert [(each.kind, each.fingerprint) for each in planned.faults] == [("unreadable", "f1")]
    assert planned.held_back


def test_a_store_that_does_not_tell_of_uploads_is_tidied_all_the_same() -> None:
    class Silent(HouseStore):
        def list_uploads(self, location: object) -> object:  # type: ignore[override]
            raise StoreError("the store answered NotImplemented")

    store = Silent()
    store.put_bytes(RESULTS.join("logits/config=f0/shard=x.1.parquet").uri, b"orphan")
    store.now += timedelta(days=3)
    planned = plan(store)
    assert len(planned.removals) == 1
    assert "NotImplemented" in planned.warnings[0]
