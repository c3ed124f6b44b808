"""The figures against Ray Data, by hand. That it runs is shown by running it: it is no part of what users rely on."""

import numpy as np
import pytest

from tasks.bench.ray_data import Timed, figures


def timed(seconds: float, started_s: float, *posterior: float) -> Timed:
    return Timed(seconds, started_s, np.array([posterior or (0.5, 0.5)]))


def test_with_starting_up_and_without_the_best_of_each_side_counts() -> None:
    theirs = {4: [timed(40.0, 20.0, 0.6, 0.4), timed(36.0, 18.0)], 8: [timed(44.0, 12.0)]}
    found = figures([timed(25.0, 16.0), timed(24.0, 15.0)], theirs, "bf16")
    assert found["ratio"] == pytest.approx(1.5)
    assert found["ratio_started"] == pytest.approx(0.8)
    assert found["pool_s"] == (25.0, 24.0)
    assert [(each.batch_size, each.seconds) for each in found["variants"]] == [(4, (40.0, 36.0)), (8, (44.0,))]
    assert found["difference"] == pytest.approx(0.1)
