"""tasks/housekeeping/inventory.py: how old what may go must be."""

from datetime import UTC, datetime

import pytest

from infra.errors import UsageError
from tasks.housekeeping.inventory import Limits

NOW = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("limits", [{"keep_days": float("nan")}, {"grace_hours": float("inf")}, {"keep_days": -1.0}])
def test_a_limit_that_is_no_time_is_refused_by_its_name(limits: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(limits))):
        Limits(NOW, **limits)


def test_what_has_been_kept_long_enough_is_settled_too() -> None:
    assert Limits(NOW, keep_days=1, grace_hours=48).expired == Limits(NOW, grace_hours=48).settled
