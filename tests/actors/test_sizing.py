"""actors/sizing.py: what is derived for a cluster fits into it."""

from typing import Any

import pytest

from actors.options import Resources
from actors.sizing import Sizes, derive

CPU_CLUSTERS = [(1, 0), (2, 0), (3, 0), (4, 0), (7, 0), (8, 0), (16, 0), (64, 0), (192, 0)]
GPU_CLUSTERS = [(8, 1), (4, 1), (64, 1), (8, 8), (16, 8), (64, 8), (2, 4), (1, 1), (1, 8)]


def _derive(cpus: float, gpus: float = 0, routes: int = 2, **resources: Any) -> Sizes:
    return derive(Resources(**resources), cpus=cpus, gpus=gpus, routes=routes)


def _cpus(sizes: Sizes) -> float:
    """What all actors together ask for."""
    groups = [
        (sizes.readers, sizes.reader),
        (sizes.listeners, sizes.listener),
        (sizes.most_scorers, sizes.scorer),
    ]
    return sum(number * options["num_cpus"] for number, options in groups)


@pytest.mark.parametrize("routes", [1, 2, 5])
@pytest.mark.parametrize(("cpus", "gpus"), CPU_CLUSTERS + GPU_CLUSTERS)
def test_all_actors_fit_into_the_cluster_at_once(cpus: int, gpus: int, routes: int) -> None:
    sizes = _derive(cpus, gpus, routes)
    assert _cpus(sizes) <= cpus
    assert sizes.most_scorers * sizes.scorer["num_gpus"] <= gpus
    assert min(sizes.readers, sizes.listeners, sizes.least_scorers, sizes.most_scorers) >= 1
    assert sizes.least_scorers <= sizes.most_scorers


@pytest.mark.parametrize(("cpus", "gpus"), CPU_CLUSTERS + GPU_CLUSTERS)
def test_cpu_shares_are_above_nothing_and_whole_numbers_above_one(cpus: int, gpus: int) -> None:
    share = _derive(cpus, gpus).scorer["num_cpus"]
    assert share > 0
    assert share < 1 or share == int(share)


@pytest.mark.parametrize("cpus", [cpus for cpus, _ in CPU_CLUSTERS])
def test_the_scorers_threads_add_up_to_the_cores_at_most(cpus: int) -> None:
    sizes = _derive(cpus)
    assert 1 <= sizes.scorer_threads * sizes.most_scorers <= cpus


@pytest.mark.parametrize(
    ("cpus", "readers", "scorers", "share", "threads"),
    [
        # share: what the listener (0.25) and the readers (0.25 each) leave, by the number of scorers
        (1, 1, 1, 0.5, 1),
        (2, 1, 2, 0.75, 1),
        (4, 1, 2, 1.0, 2),
        (16, 2, 4, 3.0, 4),
    ],
)
def test_a_machine_without_gpus_has_a_worker_for_each_language_and_then_one_for_every_four_cores(
    cpus: int, readers: int, scorers: int, share: float, threads: int
) -> None:
    sizes = _derive(cpus)
    assert (sizes.readers, sizes.most_scorers, sizes.scorer_threads) == (readers, scorers, threads)
    assert sizes.scorer == {"num_cpus": share, "num_gpus": 0.0}
    assert (sizes.batch_s, sizes.model_memory_bytes) == (30.0, None)


@pytest.mark.parametrize(
    ("cpus", "gpus", "readers", "share"),
    [
        # readers: the cores, less one for each scorer and one for every four detectors
        (8, 1, 6, 1.0),
        (16, 8, 7, 1.0),
        (64, 8, 55, 1.0),
        # (8 - 4 · 0.25 - 0.25) / 8, rounded down: eight whole CPUs would leave no room for a reader
        (8, 8, 1, 0.84),
    ],
)
def test_each_gpu_has_a_worker_and_the_cores_beside_them_read(cpus: int, gpus: int, readers: int, share: float) -> None:
    sizes = _derive(cpus, gpus)
    assert (sizes.readers, sizes.most_scorers, sizes.scorer_threads) == (readers, gpus, 1)
    assert sizes.scorer == {"num_cpus": share, "num_gpus": 0.95}
    assert sizes.batch_s == 320.0


def test_where_nobody_listens_a_worker_has_its_gpu_to_itself() -> None:
    sizes = derive(Resources(), cpus=16, gpus=2, routes=1, hears=False)
    assert (sizes.scorer["num_gpus"], sizes.listener["num_gpus"]) == (1.0, 0.0)
    assert sizes.most_scorers == 2


@pytest.mark.parametrize(("cpus", "gpus"), GPU_CLUSTERS)
def test_language_is_detected_on_gpus_where_there_are_any(cpus: int, gpus: int) -> None:
    sizes = _derive(cpus, gpus)
    assert sizes.listener["num_gpus"] > 0
    assert sizes.listener_threads == 1


@pytest.mark.parametrize("own", [None, 0.9, 0.3, 0.95])
@pytest.mark.parametrize(("gpus", "most"), [(1, None), (8, None), (100, None), (0, 100), (2, 400)])
def test_all_detectors_that_there_may_ever_be_fit_beside_the_scorers_of_one_gpu(
    own: float | None, gpus: int, most: int | None
) -> None:
    sizes = _derive(64, gpus, num_gpus=own, max_workers=most)
    share = sizes.scorer["num_gpus"]
    if share == 0:  # nothing says that there will be GPUs
        assert sizes.listener["num_gpus"] == 0
        return
    grown = max(500, sizes.most_scorers)  # nodes may come that nobody knew of
    assert sizes.listener["num_gpus"] > 0
    assert sizes.listeners_for(grown) * sizes.listener["num_gpus"] + int(1 / share) * share <= 1.0 + 1e-9


def test_detectors_stay_on_the_cpu_where_the_scorers_leave_nothing_of_a_gpu() -> None:
    for own in (0.25, 0.5, 1, 2):
        sizes = _derive(16, 2, num_gpus=own)
        assert sizes.listener["num_gpus"] == 0
        assert sizes.listener_threads == 4
        assert sizes.listeners == min(2, sizes.most_scorers)


def test_a_worker_is_never_counted_on_parts_of_two_gpus() -> None:
    assert _derive(64, 20).most_scorers == 20  # 20 / 0.95 would be 21
    assert _derive(64, 2, num_gpus=0.4).most_scorers == 4  # 2 / 0.4 would be 5


def test_only_a_worker_on_a_gpu_takes_two_batches_at_once() -> None:
    assert (_derive(16, 1).scorer_calls, _derive(16).scorer_calls, _derive(16, 1, num_gpus=0).scorer_calls) == (2, 1, 1)


def test_a_fraction_of_a_gpu_makes_several_workers_share_one() -> None:
    sizes = _derive(16, 2, num_gpus=0.25)
    assert sizes.most_scorers == 8
    assert sizes.scorer["num_gpus"] == 0.25
    assert _cpus(sizes) <= 16


def test_several_gpus_for_one_worker_make_fewer_workers() -> None:
    assert _derive(16, 8, num_gpus=2).most_scorers == 4
    assert _derive(16, 1, num_gpus=2).most_scorers == 1


def test_gpus_are_left_alone_where_none_are_asked_for() -> None:
    assert _derive(16, 8, num_gpus=0) == _derive(16, 0)


def test_what_is_configured_is_what_is_asked_for() -> None:
    sizes = _derive(
        16,
        readers=5,
        min_workers=2,
        max_workers=3,
        num_cpus=4,
        batch_seconds=12,
        media_in_flight=7,
        model_memory_gb=1.5,
    )
    assert (sizes.readers, sizes.least_scorers, sizes.most_scorers) == (5, 2, 3)
    assert (sizes.scorer["num_cpus"], sizes.scorer_threads) == (4, 4)
    assert (sizes.batch_s, sizes.media_in_flight, sizes.model_memory_bytes) == (12, 7, 1_500_000_000)


def test_fewer_workers_than_cores_share_the_cores_as_threads() -> None:
    assert _derive(16, max_workers=2).scorer_threads == 8
    assert _derive(16, max_workers=2, num_cpus=0.5).scorer_threads == 1


def test_the_least_number_of_workers_is_never_above_the_most() -> None:
    assert _derive(2, min_workers=9).least_scorers == 2


def test_many_workers_on_few_cores_still_fit() -> None:
    assert _cpus(_derive(2, max_workers=40)) <= 2


def test_media_in_flight_are_two_for_each_reader_and_scorer() -> None:
    assert _derive(16).media_in_flight == 2 * (2 + 4)


@pytest.mark.parametrize(
    ("cpus", "gpus", "listeners"), [(64, 0, 1), (8, 1, 1), (16, 2, 1), (16, 8, 4), (192, 8, 4), (1, 8, 1)]
)
def test_on_gpus_there_is_a_listener_for_every_two_workers(cpus: int, gpus: int, listeners: int) -> None:
    assert _derive(cpus, gpus).listeners == listeners


@pytest.mark.parametrize(("cpus", "gpus", "listeners"), [(8, 1, 1), (16, 8, 2), (64, 8, 8), (192, 8, 8)])
def test_on_cpus_beside_gpus_there_is_a_listener_for_every_eight_cores(cpus: int, gpus: int, listeners: int) -> None:
    assert _derive(cpus, gpus, num_gpus=1).listeners == listeners


def test_more_workers_than_the_cluster_has_room_for_are_asked_for_where_one_says_what_it_takes() -> None:
    sizes = _derive(16, 2, num_gpus=0.25, max_workers=100)
    # Two GPUs hold eight, and their share of the CPUs is as if there were no more.
    assert (sizes.most_scorers, sizes.scorer) == (100, _derive(16, 2, num_gpus=0.25).scorer)
    assert _derive(4, max_workers=8, num_cpus=2).scorer == {"num_cpus": 2, "num_gpus": 0.0}


def test_a_cluster_whose_gpus_are_yet_to_come_is_asked_for_whole_ones() -> None:
    sizes = _derive(4, 0, num_gpus=1, max_workers=8)
    assert (sizes.most_scorers, sizes.least_scorers) == (8, 1)
    assert sizes.scorer == {"num_cpus": 1.0, "num_gpus": 1}
    assert sizes.batch_s == 320.0
    # No GPU to go by: seven readers to each.
    assert [sizes.readers_for(scorers) for scorers in (0, 1, 8)] == [3, 7, 56]


def test_readers_and_listeners_keep_step_with_workers_that_come_later() -> None:
    sizes = _derive(16, 2, num_gpus=1, max_workers=16)
    assert (sizes.readers, sizes.listeners) == (12, 2)
    assert [(sizes.readers_for(n), sizes.listeners_for(n)) for n in (0, 2, 4, 16)] == [
        (12, 2),
        (12, 2),
        (24, 4),
        (96, 16),
    ]


def test_what_is_configured_keeps_step_with_nobody() -> None:
    sizes = _derive(16, 2, num_gpus=1, max_workers=16, readers=3, listeners=1)
    assert (sizes.readers_for(16), sizes.listeners_for(16)) == (3, 1)


def test_on_cpus_alone_readers_grow_only_where_the_cluster_may() -> None:
    assert _derive(16).readers_for(4) == 2
    assert _derive(16, num_cpus=4, max_workers=40).readers_for(40) == 20


def test_where_a_worker_is_said_to_take_so_much_there_are_as_many_as_the_cores_hold_beside_who_reads_and_hears() -> (
    None
):
    assert [_derive(cpus, num_cpus=1).most_scorers for cpus in (1, 2, 16)] == [1, 1, 15]
    assert _derive(16, num_cpus=4).most_scorers == 3
    assert _derive(16, num_cpus=0.25).most_scorers == 15, "one for a core: threads of many would only take turns"


def test_more_small_media_are_read_ahead_unless_a_number_is_configured() -> None:
    assert _derive(16).small_bytes == 64 << 20
    assert _derive(1600, 100).small_bytes == 25 * (64 << 20), "short calls, too, must fill the batches of many GPUs"
    assert _derive(16, media_in_flight=7).small_bytes == 0


def test_the_listener_gets_half_of_the_cores_and_at_most_four_threads() -> None:
    assert [_derive(cpus).listener_threads for cpus in (1, 2, 4, 16)] == [1, 1, 2, 4]


def test_the_description_names_what_a_run_record_needs() -> None:
    assert _derive(2).description() == {
        "max_scorers": 2,
        "scorer_threads": 1,
        "num_cpus": 0.75,
        "num_gpus": 0.0,
        "batch_seconds": 30.0,
        "media_in_flight": 6,
    }


def test_shards_follow_the_scoring_workers_within_bounds() -> None:
    at_once = [_derive(16, 8, num_gpus=1, max_workers=workers).shards_at_once for workers in (1, 4, 30, 100, 1000)]
    assert at_once == [4, 4, 30, 100, 128]


def test_another_shard_sets_out_while_there_are_few_of_them_or_few_media_in_them() -> None:
    sizes = _derive(2, media_in_flight=10)
    assert sizes.shards_at_once == 4
    assert [sizes.wants_shard(shards, media) for shards, media in ((3, 900), (4, 19), (4, 20), (127, 19))] == [
        True,
        True,
        False,
        True,
    ]
    assert not sizes.wants_shard(128, 0)
