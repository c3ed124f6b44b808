"""flows/catch_up.py: which waiting runs another one makes up for."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from prefect.client.schemas.objects import FlowRun

from flows.catch_up import superseded

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
ME = UUID(int=1)
MINE: dict[str, Any] = {"request": {"media": "s3://archive/2026"}}


def run(expected: timedelta, turn: timedelta | None = None, parameters: dict[str, Any] = MINE) -> FlowRun:
    """A run that waits: meant for `expected` from now, and to be tried at `turn`."""
    return FlowRun(
        id=uuid4(), flow_id=uuid4(), parameters=parameters, expected_start_time=NOW + expected,
        next_scheduled_start_time=NOW + (expected if turn is None else turn),
    )  # fmt: skip


def test_nights_that_were_missed_are_made_up_for() -> None:
    missed = [run(timedelta(days=-days)) for days in (3, 2, 1)]
    assert superseded(ME, MINE, missed, NOW) == tuple(missed)


def test_a_night_to_come_is_not() -> None:
    assert superseded(ME, MINE, [run(timedelta(days=1))], NOW) == ()


def test_one_that_waits_for_its_turn_was_due_when_it_was_asked_for() -> None:
    waiting = run(timedelta(minutes=-5), turn=timedelta(seconds=30))
    assert superseded(ME, MINE, [waiting], NOW) == (waiting,)


def test_a_night_that_was_brought_forward_is_due() -> None:
    early = run(timedelta(days=1), turn=timedelta(minutes=-1))
    assert superseded(ME, MINE, [early], NOW) == (early,)


def test_one_with_other_parameters_does_something_else() -> None:
    other = run(timedelta(days=-1), parameters={"request": {"media": "s3://archive/2025"}})
    assert superseded(ME, MINE, [other], NOW) == ()


def test_a_run_is_not_in_its_own_way() -> None:
    me = run(timedelta(days=-1))
    assert superseded(me.id, MINE, [me], NOW) == ()
