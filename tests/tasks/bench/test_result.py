"""What a benchmark is asked: how much audio it takes on which device."""

import pytest

from tasks.bench.findings import PipelineOptions, RayDataOptions
from tasks.bench.result import BenchOptions


@pytest.mark.parametrize("kind", [BenchOptions, PipelineOptions, RayDataOptions])
def test_a_gpu_hears_more_than_a_cpu_unless_the_minutes_are_given(kind: type[BenchOptions]) -> None:
    options = kind(preset="large")

    assert sum(options.on(gpu=True).media_s()) >= 10 * sum(options.on(gpu=False).media_s())
    assert options.on(gpu=False) == options
    assert kind(preset="large", minutes=3).on(gpu=True).minutes == 3


def test_a_trial_stays_a_trial_on_a_gpu() -> None:
    assert BenchOptions(preset="tiny").on(gpu=True).minutes is None
