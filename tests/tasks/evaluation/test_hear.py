"""Candidates hear labelled segments: what is known costs nothing, and answers are joined by the segment."""

from pathlib import Path

import numpy as np
import pytest

from actors.contract import Medium, Reason, Span
from infra.shelf import FolderShelf
from tasks.evaluation.cache import HeardCache
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.hear import NOT_HEARD, Digest, Heard, Wanted, hear, reason_counts
from tests.support.evaluation import ACCESS, PoolStandIn, alone, model, sure, system, wanted

A, B = "s3://media/a.wav", "s3://media/b.wav"
ALL = [wanted(A, 0, 2), wanted(A, 5, 7), wanted(B, 0, 2), wanted(B, 3, 4)]
MODEL = model(answer=lambda content, span: sure("sad", 100 * span.start_s + (1 if content == "ca" else 2)))


@pytest.fixture
def cache(tmp_path: Path) -> HeardCache:
    return HeardCache(FolderShelf(tmp_path))


def pool(**options: object) -> PoolStandIn:
    return PoolStandIn({A: "ca", B: "cb"}, MODEL, **options)  # type: ignore[arg-type]


def listen(
    segments: list[Wanted],
    cache: HeardCache,
    actors: PoolStandIn,
    candidate: Candidate | None = None,
    digest: Digest | None = None,
) -> Heard:
    return hear(candidate or alone(MODEL), segments, cache, ACCESS, actors, digest or (lambda each: None))


def said(heard: Heard) -> list[float | None]:
    """What the model said of each segment: its third output tells which segment it heard."""
    logits = heard.rows["logits"].to_pylist()
    return [None if row < 0 else logits[row][2] for row in heard.row.tolist()]


def test_every_segment_gets_its_own_answer(cache: HeardCache) -> None:
    heard = listen(ALL, cache, pool())

    assert said(heard) == [1.0, 501.0, 2.0, 302.0]
    assert (heard.inferred, heard.cached, heard.reasons) == (4, 0, {})


def test_answers_do_not_depend_on_the_order_of_the_segments(cache: HeardCache) -> None:
    order = np.random.default_rng(3).permutation(len(ALL)).tolist()

    heard = listen([ALL[at] for at in order], cache, pool())

    assert said(heard) == [[1.0, 501.0, 2.0, 302.0][at] for at in order]


def test_a_second_evaluation_opens_no_actors(cache: HeardCache) -> None:
    listen(ALL, cache, pool())
    actors = pool()

    heard = listen(list(reversed(ALL)), cache, actors)

    assert actors.opened == 0
    assert said(heard) == [302.0, 2.0, 501.0, 1.0]
    assert (heard.inferred, heard.cached) == (0, 4)


def test_one_new_label_asks_for_one_segment(cache: HeardCache) -> None:
    listen(ALL[:3], cache, pool())
    actors = pool()

    heard = listen(ALL, cache, actors)

    assert actors.asked == [(B, Span(3, 4))]
    assert said(heard) == [1.0, 501.0, 2.0, 302.0]
    assert (heard.inferred, heard.cached) == (1, 3)


def test_a_medium_that_was_renamed_is_known_by_its_bytes(cache: HeardCache) -> None:
    listen(ALL, cache, pool())
    actors, moved = pool(), [wanted("s3://other/z.wav", 5, 7, "e9")]
    contents = {"s3://other/z.wav": "ca"}

    heard = listen(moved, cache, actors, digest=lambda each: contents.get(each.uri))
    again = listen(moved, cache, actors)

    assert actors.opened == 0
    assert said(heard) == said(again) == [501.0]


def test_only_media_that_may_be_known_ones_are_read_to_tell(cache: HeardCache) -> None:
    listen(ALL, cache, pool())
    read: list[str] = []

    def digest(each: Medium) -> str | None:
        read.append(each.uri)
        return None

    new = [wanted("s3://other/new.wav", 1, 8), wanted("s3://other/maybe.wav", 0, 2), ALL[0]]
    contents = {"s3://other/new.wav": "cn", "s3://other/maybe.wav": "cm"}
    listen(new, cache, PoolStandIn(contents, MODEL), digest=digest)

    assert read == ["s3://other/maybe.wav"]


def test_other_bytes_under_the_same_name_are_heard_anew(cache: HeardCache) -> None:
    listen(ALL, cache, pool())
    actors = PoolStandIn({A: "changed"}, MODEL)

    heard = listen([wanted(A, 0, 2, "e2")], cache, actors)

    assert actors.asked == [(A, Span(0, 2))]
    assert said(heard) == [2.0]


def test_bytes_that_a_store_without_etags_may_have_replaced_are_heard_anew(cache: HeardCache) -> None:
    unnamed = [wanted(A, 0, 2, etag="")]
    listen(unnamed, cache, pool())
    actors = PoolStandIn({A: "changed"}, MODEL)

    heard = listen(unnamed, cache, actors)

    assert said(heard) == [2.0]
    assert actors.asked == [(A, Span(0, 2))]


def test_another_key_knows_nothing_of_the_first(cache: HeardCache) -> None:
    listen(ALL, cache, pool())
    actors = pool()

    listen(ALL, cache, actors, alone(MODEL, key="bf16"))

    assert len(actors.asked) == len(ALL)


def test_a_label_that_reaches_beyond_the_end_is_heard_up_to_it_and_known_by_its_own_times(cache: HeardCache) -> None:
    beyond = [wanted(A, 5, 99)]

    heard = listen(beyond, cache, pool(duration_s=8.0))
    again = listen(beyond, cache, actors := pool(duration_s=8.0))

    assert said(heard) == said(again) == [501.0]
    assert heard.rows["end_s"].to_pylist() == [8.0]
    assert actors.opened == 0


def test_two_labels_that_become_one_segment_share_its_answer(cache: HeardCache) -> None:
    beyond = [wanted(A, 5, 9), wanted(A, 5, 12)]

    heard = listen(beyond, cache, pool(duration_s=8.0))

    assert said(heard) == [501.0, 501.0]
    assert heard.reasons == {}


def test_two_segments_with_the_same_start_are_two(cache: HeardCache) -> None:
    ends = model(answer=lambda content, span: sure("sad", span.end_s))
    both = [wanted(A, 5, 7), wanted(A, 5, 9)]

    heard = listen(both, cache, PoolStandIn({A: "ca"}, ends))

    assert said(heard) == [7.0, 9.0]


def test_a_medium_that_cannot_be_read_is_no_fault_of_the_candidate_and_is_tried_again(cache: HeardCache) -> None:
    actors = pool(unreadable={A: Reason.STORE_ERROR})

    first = listen(ALL, cache, actors)
    actors.unreadable.clear()
    actors.asked.clear()
    second = listen(ALL, cache, actors)

    assert said(first) == [None, None, 2.0, 302.0]
    assert first.reasons == {0: "store_error", 1: "store_error"}
    assert first.of_medium == {0, 1}
    assert {uri for uri, _ in actors.asked} == {A}
    assert said(second) == [1.0, 501.0, 2.0, 302.0]


def test_a_failure_of_the_model_is_its_own_and_counted_by_reason(cache: HeardCache) -> None:
    broken = model(answer=lambda content, span: Reason.NON_FINITE if span.start_s > 2 else sure("sad"))

    heard = listen(ALL, cache, PoolStandIn({A: "ca", B: "cb"}, broken))

    assert reason_counts(heard) == {"non_finite": 2}
    assert heard.of_medium == frozenset()


def test_a_segment_that_never_comes_back_is_not_heard(cache: HeardCache) -> None:
    actors = pool()
    actors.missing.add(B)

    heard = listen(ALL, cache, actors)

    assert heard.reasons == {2: NOT_HEARD, 3: NOT_HEARD}


def test_a_segment_in_doubt_of_its_language_is_told_apart(cache: HeardCache) -> None:
    both = system("both", {"en": MODEL})
    actors = pool(languages={A: "en", B: "?"})

    heard = listen(ALL, cache, actors, both)

    assert heard.in_doubt == {2, 3}
    assert heard.of_medium == frozenset()


def test_a_configuration_hears_a_medium_whole_since_its_language_depends_on_all_of_it(cache: HeardCache) -> None:
    both = system("both", {"en": MODEL})
    listen(ALL[:3], cache, pool(languages={A: "en", B: "en"}), both)
    actors = pool(languages={A: "en", B: "en"})

    heard = listen(ALL, cache, actors, both)

    assert sorted(actors.asked) == [(B, Span(0, 2)), (B, Span(3, 4))]
    assert (heard.inferred, heard.cached) == (2, 2)


def test_a_configuration_that_asks_for_each_segment_hears_only_the_new_one(cache: HeardCache) -> None:
    each = system("each", {"en": MODEL}, per_segment=True)
    listen(ALL[:3], cache, pool(languages={A: "en", B: "en"}), each)
    actors = pool(languages={A: "en", B: "en"})

    listen(ALL, cache, actors, each)

    assert actors.asked == [(B, Span(3, 4))]
