"""The subject `batches`: what is heard in which batches, when it stops, and which size it calls best."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from actors.contract import ModelSpec, Signal
from infra.settings import Settings
from tasks.bench.batch_findings import BatchesOptions, best_of
from tasks.bench.batches import hear, noise, run_batches
from tests.support.benchmarks import batches_result, budget


class Ear:
    """A model that keeps count of the seconds in each batch, and has memory for so many."""

    spec = ModelSpec("ear", None, "0" * 64, "stub", "categorical", ("a", "b"), 100, "", "fp32")

    def __init__(self, most_s: float = 1e9) -> None:
        self.heard: list[float] = []
        self._most_s = most_s

    def logits(self, signals: Sequence[Signal]) -> npt.NDArray[np.float32]:
        self.heard.append(sum(map(len, signals)) / 100)
        if self.heard[-1] > self._most_s:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return np.zeros((len(signals), 2), np.float32)


def test_the_noise_is_segments_of_one_to_ten_seconds_that_add_up() -> None:
    signals = noise(0.5, 100, np.random.default_rng(0))

    assert sum(map(len, signals)) == 30 * 100
    assert all(100 <= len(signal) <= 1000 for signal in signals[:-1])
    assert {signal.dtype for signal in signals} == {np.dtype(np.float32)}


def test_every_pass_hears_everything_in_batches_of_the_size() -> None:
    ear, signals = Ear(), noise(1.0, 100, np.random.default_rng(0))

    found = hear(ear, signals, 20, repetitions=2)

    assert max(ear.heard) <= 20
    assert sum(ear.heard[-found.budget.batches :]) == pytest.approx(60)
    assert len(ear.heard) == 2 + 2 * found.budget.batches  # two to get warm
    assert len(found.budget.seconds) == 2
    assert found.budget.realtime_factor == pytest.approx(60 / min(found.budget.seconds))
    assert 0 < found.budget.padding < 0.5
    assert (found.segments, found.audio_s, found.precision) == (len(signals), 60, "fp32")


def test_where_memory_runs_out_there_is_no_speed() -> None:
    found = hear(Ear(most_s=20), noise(1.0, 100, np.random.default_rng(0)), 40, repetitions=2)

    assert (found.budget.seconds, found.budget.realtime_factor) == ((), None)


def test_the_best_is_the_smallest_of_those_that_are_as_fast() -> None:
    assert best_of((budget(80, 900.0), budget(160, 990.0), budget(320, 1000.0), budget(640, None))) == 160
    assert best_of((budget(80, None),)) is None


def test_sizes_and_minutes_are_the_devices_unless_they_are_given() -> None:
    assert BatchesOptions(preset="large").on(gpu=False) == ((5, 15, 30, 60), 2.0)
    assert BatchesOptions().on(gpu=True) == ((80, 160, 320, 640, 1280), 90.0)
    assert BatchesOptions(seconds=(60, 10), minutes=3).on(gpu=True) == ((10, 60), 3.0)


def test_the_terminal_shows_every_size_and_the_best(capsys: pytest.CaptureFixture[str]) -> None:
    from flows.terminal_bench import show_batches

    show_batches(batches_result(budget(80, 1000.0), budget(160, None)), Path("result.json"))

    shown = capsys.readouterr().out
    for each in ("1000.0", "out of memory", "5,432", "batch_seconds: 80"):
        assert each in shown, each


@pytest.mark.slow
def test_a_trial_runs_to_its_stored_result(tmp_path: Path) -> None:
    options = BatchesOptions(preset="tiny", seconds=(5, 10), minutes=0.3, repetitions=1)
    told: list[str] = []

    result, path = run_batches(options, Settings.from_environment({"SERAPH_HOME": str(tmp_path)}), told.append)

    assert path.read_text(encoding="utf-8").strip() == result.model_dump_json(indent=1)
    assert [each.batch_s for each in result.budgets] == [5, 10]
    assert result.best in (5, 10)
    assert result.audio_seconds == pytest.approx(18)
    assert result.command == "seraph bench batches --preset tiny --repetitions 1 --seconds 5,10 --minutes 0.3"
    assert len(told) == 2
