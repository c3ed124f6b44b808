"""The pool on a real Ray, with stand-ins for the workers: routing, bounds, and everything that can die."""

import io
import os
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import ray

from actors.contract import Language, Medium, MediumResult, Reading, Reason, Span
from actors.options import Resources, Route, SegmentOptions
from actors.pool import Cast, Pool
from actors.road import PoolOptions
from actors.sizing import Sizes, derive
from actors.workers import Reader
from infra.errors import RayError
from infra.settings import StoreAccess
from tests.support import cast as stubs
from tests.support.counting import counting

pytestmark = pytest.mark.stack

CAST = Cast(stubs.StubReader, stubs.StubListener, stubs.StubScorer)
OPTIONS = PoolOptions(
    media=StoreAccess(),
    routes={"en": Route(model="english"), "ko": Route(model="k")},
    route_ids={"en": "id-en", "ko": "id-ko", "fallback": "id-en"},
)


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A Ray of four (pretended) CPUs on this machine."""
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, configure_logging=False)
    ray.cloudpickle.register_pickle_by_value(stubs)
    yield
    ray.shutdown()


def sizes(**resources: object) -> Sizes:
    return derive(Resources(**{"batch_seconds": 4.0, "max_workers": 2, **resources}), cpus=4, gpus=0, routes=2)


def media(*names: str) -> list[Medium]:
    return [Medium(f"s3://bucket/{number}/{name}", "e", 1) for number, name in enumerate(names)]


def score(*names: str, options: PoolOptions = OPTIONS) -> list[MediumResult]:
    with Pool(options, sizes(), CAST) as pool:
        return pool.score(media(*names))


def test_every_medium_gets_its_result_in_order_with_its_own_logits() -> None:
    results = score("plain-3", "silent", "plain-5", "broken", "plain-1")
    assert [len(result.rows) for result in results] == [3, 0, 5, 0, 1]
    assert [result.medium.uri.rsplit("/", 1)[1] for result in results] == [
        "plain-3",
        "silent",
        "plain-5",
        "broken",
        "plain-1",
    ]
    for result in results:
        assert all(row.logits[0] == pytest.approx(len(result.rows) / 1000) for row in result.rows)
        assert [row.segment_id for row in result.rows] == list(result.planned)
    assert results[3].rejections[0].reason is Reason.UNDECODABLE


@pytest.mark.parametrize("poison", ["poison", "sigkill"])
def test_a_segment_that_kills_its_worker_is_quarantined_alone(poison: str) -> None:
    results = score("plain-3", f"{poison}-1", "plain-4", "plain-2")
    assert [len(result.rows) for result in results] == [3, 0, 4, 2]
    rejection = results[1].rejections[0]
    assert rejection.reason is Reason.WORKER_DIED
    assert rejection.segment_id == results[1].planned[0]


def test_a_medium_that_kills_its_reader_is_quarantined_and_the_rest_goes_on() -> None:
    results = score("plain-2", "kill", "plain-1")
    assert [len(result.rows) for result in results] == [2, 0, 1]
    assert results[1].rejections[0].reason is Reason.WORKER_DIED


def test_a_segment_the_model_fails_on_is_quarantined_with_what_it_said() -> None:
    results = score("plain-3", "error-1", "plain-2")
    assert [len(result.rows) for result in results] == [3, 0, 2]
    assert results[1].rejections[0].reason is Reason.MODEL_ERROR
    assert "no such sound" in results[1].rejections[0].detail


def test_logits_that_are_no_numbers_are_quarantined() -> None:
    results = score("nan-2", "plain-2")
    assert [each.reason for each in results[0].rejections] == [Reason.NON_FINITE, Reason.NON_FINITE]
    assert len(results[1].rows) == 2


def test_a_batch_that_is_too_much_for_the_memory_is_halved() -> None:
    results = score("oom-4")
    assert len(results[0].rows) == 4
    assert max(row.logits[2] for row in results[0].rows) <= 2


def test_each_language_goes_to_its_own_model_and_is_recorded() -> None:
    with Pool(OPTIONS, sizes(), CAST) as pool:
        spans = tuple(Span(float(i), float(i + 1)) for i in range(4))
        pairs = []
        for number, language in enumerate(["en", "ko", "en", "ko"]):
            medium = Medium(f"s3://bucket/{language}-{number}", "e", 1)
            signal = stubs.np.full(4 * stubs.SECOND, number / 1000, stubs.np.float32)
            pairs.append((Reading(medium, 4.0, spans), signal, Language(language, 0.9, 0.8, language)))
        results = pool.score_signals(pairs)
        assert {spec.source for spec in pool.specs.values()} == {"english", "k"}
    assert [result.routes for result in results] == [{"en": "id-en"}, {"ko": "id-ko"}] * 2
    assert [{row.model for row in result.rows} for result in results] == [{"english"}, {"k"}] * 2


def test_a_cluster_that_cannot_give_the_actors_is_told_of_in_time() -> None:
    greedy = replace(sizes(), scorer={"num_cpus": 64, "num_gpus": 0})
    options = replace(OPTIONS, resources=Resources(ready_s=3))
    with pytest.raises(RayError, match="4 CPUs"), Pool(options, greedy, CAST) as pool:
        pool.score(media("plain-1"))


def test_a_cluster_that_something_else_holds_is_not_waited_for_for_ever() -> None:
    holder = ray.remote(num_cpus=4)(_Holder).remote()
    ray.get(holder.ready.remote())
    options = replace(OPTIONS, resources=Resources(ready_s=0.5, queue_s=1))
    with pytest.raises(RayError, match="no place in the Ray cluster"), Pool(options, sizes(), CAST) as pool:
        pool.score(media("plain-1"))
    ray.kill(holder)


def test_with_fewer_workers_than_asked_for_the_run_goes_on_and_its_record_says_so() -> None:
    asked = {"min_workers": 3, "max_workers": 3, "num_cpus": 2.0, "ready_s": 3.0}
    with Pool(replace(OPTIONS, resources=Resources(**asked)), sizes(**asked), CAST) as pool:
        (result,) = pool.score(media("plain-2"))
        # Readers and Whisper take half a CPU of the four.
        _wait_until(lambda: any("gave 1 of 3 scoring workers within 3 s" in line for line in pool.warnings))
        told = pool.description()
    assert len(result.rows) == 2
    assert told["warnings"] == list(pool.warnings)


def test_workers_come_with_the_work_and_go_when_there_is_none() -> None:
    elastic = replace(OPTIONS, resources=Resources(idle_s=0.5))
    with Pool(elastic, sizes(), CAST) as pool:
        assert len(pool.usage()["scorers"]) <= 1
        signal = stubs.np.full(40 * stubs.SECOND, 0.001, stubs.np.float32)
        spans = tuple(Span(float(i), float(i + 1)) for i in range(40))
        languages = [Language(each, 0.9, 0.8, each) for each in ("en", "ko")]
        pool.score_signals([(Reading(Medium("s3://b/a", "e", 1), 40.0, spans), signal, each) for each in languages])
        _wait_until(lambda: pool.description()["scorers"] == 2)
        _wait_until(lambda: len(pool.usage()["scorers"]) == 1)
        assert len(pool.score(media("plain-1"))[0].rows) == 1


def test_the_record_says_what_workers_waited_for() -> None:
    with Pool(OPTIONS, sizes(), CAST) as pool:
        pool.score(media(*["plain-3"] * 8))
        told = pool.description()
    causes = ("readers", "language", "models", "nothing_left")
    assert 0 <= told["stall"]["share"] <= 1
    assert sum(told["stall"][cause] for cause in causes) == pytest.approx(told["stall"]["share"], abs=1e-3)
    assert (told["lost"], told["lost_with_nodes"], told["warnings"]) == (0, 0, [])


def test_media_are_fetched_by_the_workers_and_never_by_the_driver(local_store: Any) -> None:
    wav = io.BytesIO()
    with wave.open(wav, "wb") as file:
        file.setparams((1, 2, stubs.SECOND, 0, "NONE", ""))
        file.writeframes(bytes(2 * 60 * stubs.SECOND))
    uris = [local_store.bucket.join(f"{number}.wav").uri for number in range(3)]
    for uri in uris:
        local_store.store.put_bytes(uri, wav.getvalue())
    found = [Medium(each.uri, each.etag, each.size) for each in local_store.store.list(local_store.bucket)]
    with counting(local_store.access) as (access, taken):
        options = replace(OPTIONS, media=access, segments=SegmentOptions(method="windows", window_s=2.0))
        with Pool(options, sizes(), Cast(Reader, stubs.StubListener, stubs.StubScorer)) as pool:
            results = pool.score(found)
    assert [len(result.rows) for result in results] == [30, 30, 30]
    assert os.getpid() not in taken
    assert sum(taken.values()) > 3 * len(wav.getvalue())


def test_two_threads_may_score_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with Pool(OPTIONS, sizes(), CAST) as pool, ThreadPoolExecutor(2) as threads:
        first, second = threads.map(pool.score, [media("plain-3"), media("plain-2", "plain-1")])
    assert [len(result.rows) for result in (*first, *second)] == [3, 2, 1]


def test_a_closed_pool_refuses_work_at_once() -> None:
    with Pool(OPTIONS, sizes(), CAST) as pool:
        pass
    with pytest.raises(RayError, match="closed"):
        pool.score(media("plain-1"))


def test_without_listening_one_model_hears_every_segment_and_media_are_known_by_their_content() -> None:
    alone = replace(OPTIONS, routes={"": Route(model="only")}, route_ids={"": "id"}, language=None, digest=True)
    with Pool(alone, sizes(), Cast(stubs.StubReader, _NeverListens, stubs.StubScorer)) as pool:
        (result,) = pool.score(media("plain-2"))
        assert pool.description()["language_workers"] == 0
    assert [(row.model, row.language.language) for row in result.rows] == [("only", ""), ("only", "")]
    assert result.routes == {"": "id"}
    assert result.sha256 == "c0ffee"


def _wait_until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class _Holder:
    def ready(self) -> None: ...


class _NeverListens:
    def __init__(self, *_: object) -> None:
        raise AssertionError("nobody asked for the language")
