"""actors/stall.py: whose time is lost, and to what."""

import pytest

from actors.stall import Cause, Stall, Standing, cause_of


@pytest.mark.parametrize(
    ("standing", "cause"),
    [
        ({"reading": 3, "hearing": 1}, Cause.READERS),
        ({"reading": 1, "hearing": 3}, Cause.LANGUAGE),
        ({"reading": 0, "hearing": 1}, Cause.LANGUAGE),
        ({"ahead": 9, "scoring": 2}, Cause.READERS),
        ({"reading": 5, "segments": 1}, Cause.MODELS),
        ({"scoring": 1}, Cause.NOTHING_LEFT),
        ({}, None),
    ],
)
def test_an_idle_worker_waits_for_the_fuller_queue(standing: dict[str, int], cause: Cause | None) -> None:
    nobody = {"ahead": 0, "reading": 0, "hearing": 0, "segments": 0, "scoring": 0}
    assert cause_of(**nobody | standing) is cause


def test_shares_are_of_the_workers_time_while_there_was_work() -> None:
    stall = Stall()
    stall.note(100.0, Standing(ready=2, idle=2, cause=None))  # nobody has asked for anything yet
    stall.note(110.0, Standing(ready=2, idle=2, cause=Cause.READERS))
    stall.note(111.0, Standing(ready=2, idle=1, cause=Cause.LANGUAGE))
    stall.note(113.0, Standing(ready=4, idle=0, cause=Cause.LANGUAGE))
    stall.note(116.0, Standing(ready=4, idle=2, cause=Cause.NOTHING_LEFT))
    stall.note(117.0, Standing(ready=4, idle=4, cause=None))
    stall.note(200.0, Standing())
    # 2·1 + 2·2 + 4·3 + 4·1 = 22 worker-seconds; idle: readers 2·1, language 1·2, nothing left 2·1
    assert stall.worker_s == pytest.approx(22)
    assert stall.description() == pytest.approx(
        {"share": 6 / 22, "readers": 2 / 22, "language": 2 / 22, "models": 0, "nothing_left": 2 / 22}, abs=1e-4
    )


def test_a_pool_that_had_no_work_has_no_shares() -> None:
    stall = Stall()
    stall.note(1.0, Standing(ready=3, idle=3))
    stall.note(9.0, Standing())
    assert stall.description() == {}
