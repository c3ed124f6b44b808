"""Who is compared with whom, by hand: the best of each side, and the pipeline's answers one at a time."""

import numpy as np
import pytest

from tasks.bench.against_pipeline import Ours, Theirs, figures
from tasks.bench.loop import Scored
from tasks.bench.pipeline import Setting, settings_for
from tasks.bench.road import Lap
from tasks.bench.sides import Pass

ONE, FOUR, HALF = Setting(), Setting("fp32", 4), Setting("fp16", 4)


def heard(seconds: float, *posterior: float) -> Scored:
    return Scored(Pass(seconds, seconds), np.array([posterior or (0.5, 0.5)]))


def lap(seconds: float) -> Lap:
    return Lap(seconds, {}, {}, segments=3, audio_s=100.0)


def ours(fed: float, memory: float, road: float) -> Ours:
    return Ours(heard(fed, 0.75, 0.25), lap(memory), lap(road))


@pytest.fixture
def theirs() -> Theirs:
    found = Theirs()
    found.add(ONE, heard(30.0, 0.74, 0.26))
    found.add(FOUR, heard(22.0, 0.1, 0.9))
    found.add(HALF, heard(11.0, 0.2, 0.8))
    found.add(FOUR, heard(20.0, 0.1, 0.9))
    return found


def test_the_least_seconds_of_each_side_count(theirs: Theirs) -> None:
    found = figures([ours(8.0, 12.0, 16.0), ours(9.0, 10.0, 18.0)], theirs)
    assert found["best"] == {"pipeline": 20.0, "pipeline_one": 30.0, "fed": 8.0, "memory": 10.0, "road": 16.0}
    against = found["ratio_pipeline"]
    assert (against.model, against.memory, against.road) == (2.5, 2.0, 1.25)
    assert found["ratio_fed"] == pytest.approx({"memory": 0.8, "road": 0.5})
    assert found["realtime_factor"]["pipeline"] == pytest.approx(5.0)


def test_lower_precisions_count_in_a_ratio_of_their_own(theirs: Theirs) -> None:
    found = figures([ours(8.0, 10.0, 16.0)], theirs)
    assert found["ratio_pipeline_any"].memory == pytest.approx(1.1)
    assert found["ratio_pipeline"].memory == pytest.approx(2.0)


def test_the_difference_is_from_its_answers_one_at_a_time(theirs: Theirs) -> None:
    assert figures([ours(8.0, 10.0, 16.0)], theirs)["difference"] == pytest.approx(0.01)


def test_later_rounds_try_the_best_in_full_precision_and_the_best_of_all(theirs: Theirs) -> None:
    assert theirs.best() == [FOUR, HALF]
    alone = Theirs()
    alone.add(ONE, heard(3.0))
    assert alone.best() == [ONE]


def test_half_precision_is_tried_on_a_gpu_only() -> None:
    assert settings_for((1, 4), gpu=False) == (ONE, FOUR)
    assert {each.dtype for each in settings_for((1, 4), gpu=True)} == {"fp32", "bf16", "fp16"}
    assert len(settings_for((1, 4), gpu=True)) == 6
