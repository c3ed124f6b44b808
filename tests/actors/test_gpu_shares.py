"""actors/gpu_shares.py: what is left of a GPU, and who fits on it."""

import pytest

from actors.gpu_shares import listener_share, listeners_beside, places, scorer_share


def test_a_scorer_takes_what_is_configured_else_nearly_all_of_a_gpu_where_there_is_one() -> None:
    assert scorer_share(0.25, gpus=8, hears=True) == 0.25
    assert scorer_share(0.0, gpus=8, hears=True) == 0.0
    assert scorer_share(None, gpus=8, hears=True) == 0.95
    assert scorer_share(None, gpus=8, hears=False) == 1.0
    assert scorer_share(None, gpus=0, hears=True) == 0.0


@pytest.mark.parametrize(
    ("scorer", "listeners", "share"),
    [
        (0.95, 1, 0.05),
        (0.95, 3, 0.0166),  # rounded down, or three would not fit
        (0.3, 2, 0.05),  # three scorers leave a tenth
        (0.95, None, 0.0002),  # 250 of them
        (0.25, 1, 0.0),
        (1.0, 1, 0.0),
        (2.0, 1, 0.0),
        (0.0, 1, 0.0),
        (0.95, 501, 0.0),  # less than Ray can count
    ],
)
def test_detectors_share_what_the_scorers_leave_of_one_gpu(scorer: float, listeners: int | None, share: float) -> None:
    assert listener_share(scorer, most=8, listeners=listeners) == share


def test_there_is_a_detector_for_every_two_scorers() -> None:
    assert [listeners_beside(number) for number in (0, 1, 2, 3, 8)] == [1, 1, 1, 2, 4]


@pytest.mark.parametrize(
    ("gpus", "scorer", "number"), [(8, 1.0, 8), (20, 0.95, 20), (2, 0.4, 4), (1, 0.1, 10), (8, 2, 4), (1, 2, 0)]
)
def test_no_scorer_has_parts_of_two_gpus(gpus: float, scorer: float, number: int) -> None:
    assert places(gpus, scorer) == number
