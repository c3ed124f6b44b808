"""Label files in a store, read into a snapshot."""

import pytest

from infra.errors import ObjectChanged, StoreError
from tasks.watch.reading import take_snapshot
from tasks.watch.snapshot import Snapshot, difference
from tests.support.watched import LABELS, CountingStore, lines, some

_CSV = b"media,start,end,label,rater\nm0.wav,0,1.5,Sadness,\nm1.wav,4,5.5,sad,\n"


def taken(store: CountingStore, known: Snapshot | None = None, **aliases: str | None) -> Snapshot:
    return take_snapshot(store, LABELS, aliases, known)


def test_every_format_says_the_same() -> None:
    as_lines, as_csv = CountingStore(a_jsonl=lines(*some(2))), CountingStore(z_csv=_CSV)
    assert taken(as_lines).content == taken(as_csv).content


def test_what_has_not_changed_is_not_read_again() -> None:
    store = CountingStore(a_jsonl=lines(*some(3)), b_jsonl=lines(*some(3, first=3)))
    first = taken(store)
    store.read.clear()
    store.drop("b.jsonl", lines(*some(4, first=3)))
    second = taken(store, first)
    assert store.read == ["b.jsonl"]
    assert len(difference(first, second).added) == 1


def test_other_label_words_mean_that_all_is_read_again() -> None:
    store = CountingStore(a_jsonl=lines(("m0.wav", 0.0, "blue"), *some(5, first=1)))
    first = taken(store)
    second = taken(store, first, blue="sad")
    assert store.read == ["a.jsonl", "a.jsonl"]
    assert len(difference(first, second).added) == 1
    assert "1 lines cannot be used" in next(first.problems)


def test_a_file_that_cannot_be_read_is_named_and_loses_nothing_else() -> None:
    good = CountingStore(a_jsonl=lines(*some(3)))
    both = CountingStore(a_jsonl=lines(*some(3)), b_json=b"[{", c_parquet=b"PAR1 and then nothing")
    assert taken(both).content == taken(good).content
    told = list(taken(both).problems)
    assert [each.partition(": ")[0] for each in told] == [f"{LABELS}/b.json", f"{LABELS}/c.parquet"]
    assert [each.uri for each in taken(both).usable] == [f"{LABELS}/a.jsonl"]


def test_a_file_with_too_many_broken_lines_is_no_label_file() -> None:
    found = taken(CountingStore(a_jsonl=lines(*some(3)) + b'{"video": 3}\n'))
    assert not found.said
    assert "1 of 4 lines cannot be used" in next(found.problems)


def test_a_file_that_awaits_its_labels_is_no_problem_and_says_nothing() -> None:
    found = taken(CountingStore(queue_jsonl=lines(("m0.wav", 0.0, None), ("m1.wav", 4.0, None))))
    assert not list(found.problems)
    assert not found.usable


def test_lines_that_contradict_each_other_count_for_nothing_in_whatever_order() -> None:
    agreed = some(9, first=1)
    there = taken(CountingStore(a_jsonl=lines(("m0.wav", 0.0, "sad"), ("m0.wav", 0.0, "happy"), *agreed)))
    back = taken(CountingStore(a_jsonl=lines(("m0.wav", 0.0, "happy"), ("m0.wav", 0.0, "sad"), *agreed)))
    assert len(there.said) == 9
    assert there.content == back.content


def test_objects_that_are_no_label_files_are_left_alone_and_so_are_our_own() -> None:
    store = CountingStore(a_jsonl=lines(*some(3)), one_wav=b"RIFF", readme_md=b"# labels")
    store.drop("labels/0123456789abcdef/seen.json", b"{}")
    taken(store)
    assert store.read == ["a.jsonl"]


def test_a_file_replaced_while_it_is_read_keeps_what_it_said_until_the_next_look() -> None:
    class Replaced(CountingStore):
        def get_bytes(self, uri: str, *, if_match: str | None = None) -> bytes:
            raise ObjectChanged(uri)

    first = taken(CountingStore(a_jsonl=lines(*some(3))))
    busy = Replaced(a_jsonl=lines(*some(4)))
    between = taken(busy, first)
    assert between.content == first.content
    assert "replaced" in next(between.problems)
    assert len(taken(CountingStore(a_jsonl=lines(*some(4))), between).said) == 4


def test_a_store_that_fails_is_no_empty_store() -> None:
    class Failing(CountingStore):
        def get_bytes(self, uri: str, *, if_match: str | None = None) -> bytes:
            raise StoreError("no answer")

    with pytest.raises(StoreError):
        taken(Failing(a_jsonl=lines(*some(3))))
