"""actors/retries.py: who is suspected of what, and ends where."""

import asyncio
from collections.abc import Iterator

import pytest

from actors.contract import Language, Medium, Reason, Rejection, Span
from actors.faults import CallFailedError, InputLostError, WorkerLostError
from actors.options import Route
from actors.retries import Retries, Waiting

ROUTE = Route(model="m")


def anybody(_: Route) -> bool:
    return True


DIED = WorkerLostError(Reason.WORKER_DIED, "signal 9")
NODE = WorkerLostError(Reason.WORKER_DIED, "its node has died", node=True)
TOO_MUCH = CallFailedError(MemoryError("4 GiB"))
BROKEN = CallFailedError(ValueError("no such sound"))


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def batch(loop: asyncio.AbstractEventLoop, number: int, signal: bytes = b"\x01") -> list[Waiting]:
    language = Language("en", 0.9, 0.8, "en")
    medium = Medium("s3://b/a", "e", 1)
    return [
        Waiting(f"{signal.hex()}-{n}", medium, Span(n, n + 1), signal, language, ROUTE, (), loop.create_future())
        for n in range(number)
    ]


def rejection(segment: Waiting) -> Rejection:
    answer = segment.answer.result()
    assert isinstance(answer, Rejection)
    return answer


def test_a_batch_whose_worker_died_is_halved_until_the_guilty_segment_is_alone_and_given_up(
    loop: asyncio.AbstractEventLoop,
) -> None:
    segments = batch(loop, 8)
    guilty, retries, deaths = segments[5], Retries(), 0
    retries.lost(segments, DIED)
    while len(retries):
        tried = retries.take(anybody)
        if guilty in tried:
            deaths += 1
            retries.lost(tried, DIED)
    # Of 8: then 4, 2, and twice alone, the third blame in all.
    assert deaths == 4
    assert rejection(guilty).reason is Reason.WORKER_DIED
    assert [each.answer.done() for each in segments] == [each is guilty for each in segments]


def test_a_batch_whose_node_went_moves_on_unsplit_and_unblamed(loop: asyncio.AbstractEventLoop) -> None:
    segments, retries = batch(loop, 4), Retries()
    for _ in range(2):
        retries.lost(segments, NODE)
        assert retries.take(anybody) == segments
    assert {each.tries for each in segments} == {0}


def test_a_batch_under_which_node_after_node_goes_is_suspected_in_the_end(loop: asyncio.AbstractEventLoop) -> None:
    (segment,), retries = batch(loop, 1), Retries()
    losses = 0
    retries.lost([segment], NODE)
    while len(retries):
        losses += 1
        retries.lost(retries.take(anybody), NODE)
    assert losses == 4
    assert rejection(segment).detail == "its node has died"


def test_a_batch_that_is_too_large_for_the_memory_is_halved_without_suspicion(loop: asyncio.AbstractEventLoop) -> None:
    segments, retries = batch(loop, 4), Retries()
    retries.failed(segments, TOO_MUCH)
    assert [retries.take(anybody), retries.take(anybody)] == [segments[:2], segments[2:]]
    assert {each.tries for each in segments} == {0}


def test_a_lone_segment_that_is_too_large_may_fare_better_in_another_run(loop: asyncio.AbstractEventLoop) -> None:
    (segment,), retries = batch(loop, 1), Retries()
    for _ in range(3):
        retries.failed([segment], TOO_MUCH)
    assert rejection(segment).reason.transient
    assert "4 GiB" in rejection(segment).detail


def test_an_error_of_the_model_is_believed_the_second_time(loop: asyncio.AbstractEventLoop) -> None:
    (segment,), retries = batch(loop, 1), Retries()
    retries.failed([segment], BROKEN)
    assert not segment.answer.done()
    retries.failed(retries.take(anybody), BROKEN)
    assert (rejection(segment).reason, rejection(segment).segment_id) == (Reason.MODEL_ERROR, segment.id)


def test_only_the_medium_whose_signal_is_gone_is_read_again(loop: asyncio.AbstractEventLoop) -> None:
    gone, other = batch(loop, 2, b"\x0a"), batch(loop, 2, b"\x0b")
    retries = Retries()
    retries.input_lost([*gone, *other], InputLostError("object lost", "0a"))
    assert all(isinstance(each.answer.exception(), InputLostError) for each in gone)
    assert retries.take(anybody) == other
    assert {each.tries for each in other} == {0}


def test_where_ray_does_not_say_which_signal_is_gone_all_are_read_again(loop: asyncio.AbstractEventLoop) -> None:
    segments, retries = batch(loop, 2), Retries()
    retries.input_lost(segments, InputLostError("object lost"))
    assert all(isinstance(each.answer.exception(), InputLostError) for each in segments)
    assert len(retries) == 0


def test_a_segment_that_was_given_up_meanwhile_is_answered_by_nobody(loop: asyncio.AbstractEventLoop) -> None:
    (segment,), retries = batch(loop, 1), Retries()
    segment.answer.cancel()
    for _ in range(3):
        retries.lost([segment], DIED)
    retries.input_lost([segment], InputLostError("object lost"))
    assert segment.answer.cancelled()
