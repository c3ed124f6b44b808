"""tasks/labelling/queue.py: a scored corpus passes by, and a few segments are proposed, each with its reason."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from infra.errors import InputError, UsageError
from infra.location import Location
from tasks.evaluation.unlabelled import Scored
from tasks.labelling.done import Done, done_of
from tasks.labelling.queue import Logits, Queue, QueueRequest, propose, stored_logits
from tasks.labelling.segment import ToLabel
from tasks.labels import read_labelled
from tasks.numerics.queue_near import Heard
from tasks.store import Entry, ResultsStore
from tasks.tables import logits_table
from tests.support.results import SPECS, medium, scored, segment
from tests.support.stores import MemoryStore
from tests.support.tables import corpus, score_row, scores

URIS = [f"s3://media/shows/episode {number:03}.mp4" for number in range(30)]


def _tables(seed: int = 0, per_table: int = 10) -> list[pa.Table]:
    """Tables with an etag for each medium, as stores have it."""
    return [_with_etags(table) for table in corpus(URIS, segments=20, seed=seed, per_table=per_table)]


def _with_etags(table: pa.Table) -> pa.Table:
    etags = pa.array([f"etag of {uri}" for uri in table["media_uri"].to_pylist()])
    return table.set_column(table.schema.get_field_index("media_etag"), "media_etag", etags)


def _scored(tables: Iterable[pa.Table], name: str = "default") -> Scored:
    kept = list(tables)
    return Scored(name, lambda: kept, {})


def _propose(*corpora: Scored, done: Done | None = None, logits: Logits | None = None, **request: Any) -> Queue:
    return propose(corpora, done or Done(), QueueRequest(**request), logits)


def _other(change: Callable[[dict[str, Any]], dict[str, Any]], name: str = "other") -> Scored:
    return _scored([scores(*(change(row) for row in table.to_pylist())) for table in _tables()], name)


def _surprised(row: dict[str, Any]) -> dict[str, Any]:
    """Sure of surprise, in the odd media."""
    if int(row["media_uri"][-5]) % 2 == 0:
        return row
    sure = score_row(row["media_uri"], row["start_s"], row["end_s"], "surprise", 0.9)
    return sure | {"segment_id": row["segment_id"]}


def _apart(segments: Sequence[ToLabel], gap_s: float) -> bool:
    return all(
        max(a.start_s, b.start_s) - min(a.end_s, b.end_s) >= gap_s
        for a, b in combinations(segments, 2)
        if a.uri == b.uri
    )


def test_as_many_are_proposed_as_were_wanted_none_near_another_each_with_a_reason() -> None:
    found = _propose(_scored(_tables()), wanted=40)
    assert (len(found.segments), found.passed, found.labelled) == (40, 600, 0)
    assert len({each.segment_id for each in found.segments}) == 40
    assert _apart(found.segments, 10.0)
    assert found.picks == {"random": 8, "uncertainty": 8, "emotion": 8, "language": 8, "source": 8}
    for each in found.segments:
        assert each.why is not None
        assert each.why.reason.en.endswith((".", ")"))
        assert any("가" <= letter <= "힣" for letter in each.why.reason.ko)


def test_neither_the_order_of_rows_nor_the_cut_into_shards_changes_what_is_proposed() -> None:
    whole = pa.concat_tables(_tables())
    shuffled = whole.take(pa.array(np.random.default_rng(1).permutation(whole.num_rows)))
    expected = _propose(_scored(_tables(per_table=3)), wanted=30).segments
    assert _propose(_scored([shuffled]), wanted=30).segments == expected


def test_a_segment_on_which_configurations_differ_is_proposed_with_what_each_says() -> None:
    found = _propose(_scored(_tables()), _other(_surprised), wanted=30, random_share=0)
    first = found.segments[0]
    assert first.why is not None
    assert first.why.pick == "disagreement"
    assert first.why.reason.en.startswith(f"The models differ: default hears {first.emotion} (")
    assert first.why.reason.en.endswith("other hears surprise (0.90).")
    assert "other: 놀람(0.90)" in first.why.reason.ko


def test_a_configuration_that_scored_other_segments_is_no_reason_to_differ() -> None:
    elsewhere = _other(lambda row: row | {"segment_id": f"x{row['segment_id']}"})
    assert "disagreement" not in _propose(_scored(_tables()), elsewhere, wanted=30).picks
    assert "disagreement" not in _propose(_scored(_tables()), _scored([], "empty"), wanted=30).picks


def _labels(rows: Iterable[dict[str, Any]], label: str = "sad") -> bytes:
    lines = [f"{row['media_uri'].rsplit('/', 1)[1]},{row['start_s']},{row['end_s']},{label}" for row in rows]
    return "\n".join(["media,start,end,label", *lines]).encode()


@pytest.mark.parametrize("etag", ["etag", ""], ids=["with etags", "without"])
def test_labelled_segments_are_never_proposed_again(etag: str) -> None:
    rows = [row | {"media_etag": etag and row["media_etag"]} for row in pa.concat_tables(_tables()).to_pylist()]
    labelled = [row for row in rows if row["media_uri"] in URIS[:25]]
    done = done_of([read_labelled(_labels(labelled), "labels.csv")], [], URIS)
    found = _propose(_scored([scores(*rows)]), done=done, wanted=100, gap_s=0.0)
    assert found.labelled == len(labelled)
    assert {each.uri for each in found.segments} == set(URIS[25:])


def test_a_copy_of_a_labelled_recording_is_not_proposed() -> None:
    first, second = (f"s3://media/{name}.wav" for name in "ab")
    rows = [score_row(uri, start, start + 4.0) for uri in (first, second) for start in (0.0, 50.0, 100.0)]
    done = done_of([read_labelled(_labels(rows[:2]), "labels.csv")], [], [first, second])
    found = _propose(_scored([scores(*rows)]), done=done, wanted=6)
    assert [each.start_s for each in found.segments] == [100.0]


def test_beside_a_labelled_segment_only_chance_picks() -> None:
    rows = [score_row(start_s=start, end_s=start + 4.0) for start in (0.0, 5.0)]
    done = done_of([read_labelled(_labels(rows[:1]), "labels.csv")], [], [rows[0]["media_uri"]])
    assert _propose(_scored([scores(*rows)]), done=done, wanted=5, random_share=0).segments == ()
    assert len(_propose(_scored([scores(*rows)]), done=done, wanted=5, random_share=1).segments) == 1


def test_labels_count_towards_what_there_is_little_of() -> None:
    rows = pa.concat_tables(_tables()).to_pylist()
    sad = [row for row in rows if row["media_uri"] in URIS[:10]]
    done = done_of([read_labelled(_labels(sad), "labels.csv")], [], URIS)
    found = _propose(_scored(_tables()), done=done, wanted=60, random_share=0)
    said = [each.emotion for each in found.segments if each.why and each.why.pick == "emotion"]
    assert said
    assert "sad" not in said
    sources = [each.uri for each in found.segments if each.why and each.why.pick == "source"]
    assert set(sources) <= set(URIS[10:])


def test_a_filter_says_what_may_be_proposed() -> None:
    found = _propose(_scored(_tables()), wanted=30, where="language == 'ko' and duration_s >= 1")
    assert {each.language for each in found.segments} == {"ko"}
    assert "language" not in found.picks


def test_two_encodings_of_one_recording_are_proposed_once() -> None:
    rows = [score_row(f"s3://media/{n}.wav", 0, 4, media_etag=f"e{n}") for n in range(4)]
    heard = {row["segment_id"]: Heard("m", np.array([n // 2, 0.01 * n, 2.0])) for n, row in enumerate(rows)}
    found = _propose(_scored([scores(*rows)]), wanted=4, logits=lambda _, segment: heard[segment])
    assert len(found.segments) == 2
    assert len({each.uri in ("s3://media/0.wav", "s3://media/1.wav") for each in found.segments}) == 2


def test_undecided_segments_may_be_drawn_and_have_no_prediction() -> None:
    rows = [score_row(f"s3://media/{n}.wav", emotion=None, media_etag=f"e{n}") for n in range(5)]
    found = _propose(_scored([scores(*rows)]), wanted=5, random_share=1)
    assert len(found.segments) == 5
    assert {(each.emotion, each.confidence, len(each.posterior)) for each in found.segments} == {(None, None, 0)}


def test_a_corpus_that_was_thinned_out_on_the_way_gives_the_same() -> None:
    request, expected = QueueRequest(wanted=3), _propose(_scored(_tables()), wanted=3).segments
    thinned = propose([_scored(_tables(per_table=1))], Done(), request, waiting=50)
    assert (thinned.passed, thinned.segments) == (600, expected)


def test_a_corpus_without_scores_a_bad_filter_and_a_bad_request_are_told() -> None:
    with pytest.raises(InputError, match="score the media first"):
        _propose(_scored([]))
    with pytest.raises(InputError, match="with confidence > 2"):
        _propose(_scored(_tables()), where="confidence > 2")
    with pytest.raises(UsageError, match="there is no column"):
        _propose(_scored(_tables()), where="colour == 'red'")
    with pytest.raises(ValidationError):
        QueueRequest(wanted=0)


def test_stored_logits_are_found_by_medium_and_segment() -> None:
    results = ResultsStore(cast(Any, MemoryStore()), Location.parse("s3://results"), "f0")
    one = medium("s3://media/a.wav")
    row = segment(one, 1, (3.0, 0.0, 0.0, 0.5))
    entry = Entry(uri=one.uri, etag=one.etag, outcome="scored", rows=1, routes={"en": "r"})
    results.commit("c", "run", [entry], {"logits": logits_table([scored(one, row)], SPECS)})
    heard = stored_logits(results, results.ledger())(one.uri, row.segment_id)
    assert heard is not None
    assert (heard.model, heard.logits.tolist()) == (row.weights_sha256, [3.0, 0.0, 0.0, 0.5])
    assert stored_logits(results, results.ledger())("s3://media/unknown.wav", row.segment_id) is None


def test_the_middle_half_of_a_segment_decides_whether_it_is_labelled() -> None:
    done = done_of([read_labelled(b"media,start,end,label\na.wav,10,14,sad", "l.csv")], [], ["s3://m/a.wav"])
    starts = np.array([10.0, 13.5, 6.5, 11.0, 8.0])
    ends = np.array([14.0, 17.5, 10.5, 12.0, 16.0])
    assert done.covers("s3://m/a.wav", starts, ends).tolist() == [True, False, False, True, True]
    assert done.beside("s3://m/a.wav", np.array([23.9, 24.1]), np.array([30.0, 30.0]), 10.0).tolist() == [True, False]
    assert not done.covers("s3://m/b.wav", starts, ends).any()
