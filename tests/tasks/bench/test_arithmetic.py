"""The arithmetic behind the figures of the benchmarks, by hand."""

import pytest

from tasks.bench.arithmetic import best_of, command_of, efficiency_of, growth_of
from tasks.bench.findings import Against, GrowthOptions, PipelineOptions, Scale, Variant
from tests.support.benchmarks import scale, size


def test_a_ratio_is_their_seconds_over_ours() -> None:
    found = Against.over(20.0, fed_s=8.0, memory_s=10.0, road_s=16.0)
    assert (found.model, found.memory, found.road) == (2.5, 2.0, 1.25)


def test_the_best_variant_is_that_with_the_least_seconds_of_all_its_passes() -> None:
    variants = [
        Variant(dtype="fp32", batch_size=1, seconds=(9.0, 6.0)),
        Variant(dtype="fp32", batch_size=4, seconds=(7.0, 7.0)),
        Variant(dtype="fp16", batch_size=4, seconds=(2.0,)),
    ]
    assert best_of(variants) == variants[2]
    assert best_of(variants, ["fp32"]) == variants[0]


def test_efficiency_is_the_rate_for_each_node_over_that_of_the_first_number_of_nodes() -> None:
    # 10 a second on one node; 18 on two are 9 each; 30 on four are 7.5 each.
    assert efficiency_of([scale(1, 10.0), scale(2, 18.0), scale(4, 30.0)]) == pytest.approx({1: 1.0, 2: 0.9, 4: 0.75})
    assert efficiency_of([scale(2, 18.0), scale(4, 36.0)]) == pytest.approx({2: 1.0, 4: 1.0})


@pytest.mark.parametrize(
    ("ms", "peak_mb", "flat"), [(2.3, 690.0, True), (2.5, 690.0, False), (1.6, 690.0, False), (2.0, 701.0, False)]
)
def test_growth_is_flat_within_200_mb_and_a_fifth_of_the_time(ms: float, peak_mb: float, flat: bool) -> None:
    found = growth_of([size(100_000, ms=ms, peak_mb=peak_mb), size(10_000, ms=2.0, peak_mb=500.0)])
    assert found["flat"] is flat
    assert found["growth_mb"] == pytest.approx(peak_mb - 500)
    assert found["spread"] == pytest.approx(max(ms, 2.0) / min(ms, 2.0) - 1)


def test_one_size_says_nothing_of_growth() -> None:
    assert growth_of([size(10_000)]) == {"growth_mb": 0.0, "spread": 0.0, "flat": None}


def test_a_scale_tells_its_rate() -> None:
    assert Scale.of(2, workers=2, segments=360, seconds=20.0).segments_per_s == pytest.approx(18.0)


def test_the_command_names_what_is_not_a_default() -> None:
    assert command_of("pipeline", PipelineOptions()) == "seraph bench pipeline"
    asked = PipelineOptions(preset="large", minutes=4.0, batch_sizes=(1, 4))
    assert command_of("pipeline", asked) == "seraph bench pipeline --preset large --minutes 4 --batch-sizes 1,4"
    assert command_of("growth", GrowthOptions(segments=(1_000_000,))) == "seraph bench growth --segments 1000000"
