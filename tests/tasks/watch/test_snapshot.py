"""What label files say together, and what changed between two moments."""

import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from actors.contract import TAXONOMY
from tasks.watch.snapshot import Said, Snapshot, difference
from tests.support.watched import said, snapshot

_labels = st.builds(
    said,
    media=st.sampled_from(("a.wav", "b.wav")),
    start_ms=st.sampled_from((0, 1000, 2000)),
    emotion=st.sampled_from(TAXONOMY),
    rater=st.sampled_from((None, "anna", "ben")),
    speaker=st.sampled_from((None, "11aa")),
)
_file = st.lists(_labels, max_size=6, unique_by=lambda each: each.key)
_files = st.lists(_file, max_size=4)


def test_what_is_new_changed_and_gone_is_told_apart() -> None:
    before = snapshot([said("a.wav", 0, "sad"), said("a.wav", 1000, "happy")])
    now = snapshot([said("a.wav", 0, "angry"), said("b.wav", 0, "fear")])
    found = difference(before, now)
    assert [each.media for each in found.added] == ["b.wav"]
    assert [(old.emotion, new.emotion) for old, new in found.changed] == [("sad", "angry")]
    assert [each.emotion for each in found.withdrawn] == ["happy"]
    assert found.total == 3


def test_a_second_rater_of_a_segment_is_a_new_label() -> None:
    found = difference(snapshot([said(rater="anna")]), snapshot([said(rater="anna"), said(rater="ben")]))
    assert [each.rater for each in found.added] == ["ben"]


def test_where_two_files_disagree_the_one_whose_name_sorts_last_holds() -> None:
    now = snapshot([said(emotion="sad")], [said(emotion="happy")])
    assert [each.emotion for each in now.said.values()] == ["happy"]


def test_a_file_that_knows_less_of_a_segment_takes_nothing_away() -> None:
    full = said(speaker="11aa", text="22bb")
    assert snapshot([full], [said()]).content == snapshot([full]).content


def test_who_spoke_is_part_of_what_is_said() -> None:
    assert len(difference(snapshot([said()]), snapshot([said(speaker="11aa")])).changed) == 1


@given(_files, _file)
def test_the_same_labels_in_one_more_file_are_nothing_new(files: list[list[Said]], again: list[Said]) -> None:
    before = snapshot(again, *files)
    now = snapshot(again, *files, list(before.said.values()))
    assert difference(before, now).total == 0
    assert now.content == before.content


@given(_file, st.randoms(use_true_random=False))
def test_how_labels_are_spread_over_files_and_in_which_order_does_not_matter(rows: list[Said], random) -> None:
    shuffled = random.sample(rows, len(rows))
    cut = random.randint(0, len(rows))
    spread = snapshot(shuffled[:cut], shuffled[cut:])
    assert spread.content == snapshot(rows).content
    assert list(spread.said.values()) == list(snapshot(rows).said.values())


@given(_files, _files)
def test_a_difference_leads_from_one_snapshot_to_the_other(first: list[list[Said]], second: list[list[Said]]) -> None:
    before, now = snapshot(*first), snapshot(*second)
    found = difference(before, now)
    applied = {**before.said, **{each.key: each for each in (*found.added, *(new for _, new in found.changed))}}
    for each in found.withdrawn:
        del applied[each.key]
    assert applied == dict(now.said)
    assert (found.total == 0) == (before.content == now.content)


@given(_files, _files)
def test_a_difference_backwards_is_the_same_with_its_sides_changed(
    first: Sequence[Sequence[Said]], second: Sequence[Sequence[Said]]
) -> None:
    there, back = difference(snapshot(*first), snapshot(*second)), difference(snapshot(*second), snapshot(*first))
    assert there.added == back.withdrawn
    assert there.changed == tuple((old, new) for new, old in back.changed)


@given(_files)
def test_a_snapshot_reads_back_as_it_was_written(files: list[list[Said]]) -> None:
    written = snapshot(*files)
    read = Snapshot.model_validate_json(written.model_dump_json())
    assert read == written
    assert read.content == written.content
    assert json.loads(written.model_dump_json())["version"] == 1
