"""What a run records of what there was and of how segments lie in media: made in tasks/plan.py and tasks/score.py."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tasks.plan import list_media, snapshot_of
from tasks.records.parts import Snapshot, Spread
from tasks.score import spread_of
from tests.support.stores import info
from tests.support.tables import score_row, scores


def table(*media: tuple[str, list[str | None]]) -> pa.Table:
    rows = [
        score_row(uri=f"s3://media/{name}.wav", start_s=5.0 * n, end_s=5.0 * n + 4, emotion=emotion)
        for name, emotions in media
        for n, emotion in enumerate(emotions)
    ]
    return scores(*rows)


def test_the_spread_counts_segments_by_medium_and_emotion() -> None:
    found = spread_of(table(("a", ["sad", "sad", "happy"]), ("b", ["sad", None])))
    # Media of 3 and 2: 9 + 4. Sad 2 and 1: Σ x² = 4 + 1, Σ x n = 6 + 2.
    assert found == Spread(media=2, squares=13, emotions={"sad": (5, 8), "happy": (1, 3), "undecided": (1, 2)})


def test_no_rows_have_no_spread() -> None:
    assert spread_of(scores()) == Spread()


@given(st.lists(st.lists(st.sampled_from(["sad", "happy", None]), min_size=1, max_size=6), min_size=2, max_size=5))
def test_the_spread_of_a_table_is_the_sum_of_its_medias(media: list[list[str | None]]) -> None:
    named = [(str(index), each) for index, each in enumerate(media)]
    assert spread_of(table(*named)) == sum((spread_of(table(each)) for each in named), Spread())


def snapshot(*objects: tuple[str, str]) -> Snapshot:
    return snapshot_of(list_media([info(f"s3://media/{name}", 100, etag) for name, etag in objects], ("wav",)))


def test_a_snapshot_is_of_the_media_and_their_versions_in_whatever_order_they_are_listed() -> None:
    found = snapshot(("a.wav", "1"), ("b.wav", "2"))
    assert (found.media, found.bytes) == (2, 200)
    assert found == snapshot(("b.wav", "2"), ("a.wav", "1"), ("notes.txt", "3"))
    assert found.sha256 != snapshot(("a.wav", "1"), ("b.wav", "3")).sha256
    assert found.sha256 != snapshot(("a.wav", "1"), ("c.wav", "2")).sha256


def test_names_that_run_into_each_other_are_other_media() -> None:
    assert snapshot(("a.wav", '1"')).sha256 != snapshot(('a.wav"1.wav', "")).sha256
    assert snapshot().media == 0
