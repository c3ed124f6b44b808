"""tasks/labels/times.py: times as people and tools write them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.labels.problems import LineFault
from tasks.labels.times import seconds


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        (0.25, 0.25),
        ("1.5", 1.5),
        (" 1,5 ", 1.5),
        ("1e1", 10.0),
        (Decimal("0.5"), 0.5),
        (timedelta(minutes=1), 60.0),
        ("1:02.5", 62.5),
        ("75:00", 4500.0),
        ("01:01:01,250", 3661.25),
        ("30:00:00", 108_000.0),
        ("0 days 00:00:01.200000", 1.2),
        (pd.Timedelta(1281, unit="ms"), 1.281),
        ("0 days 01:00:01.281000", 3601.281),
        ("1 days 00:00:01", 86_401.0),
        ("2 days", 172_800.0),
        ("1 day, 0:00:01", 86_401.0),
    ],
)
def test_a_time_is_read_in_seconds(value: Any, expected: float) -> None:
    assert seconds(value, "start") == expected


@given(st.integers(0, 10**10))
def test_durations_as_pandas_prints_them_are_read_back(milliseconds: int) -> None:
    assert round(seconds(str(pd.Timedelta(milliseconds, unit="ms")), "end") * 1000) == milliseconds


@pytest.mark.parametrize(
    "value",
    [
        True, "", None, "soon", "NaT", "nan", "inf", "1_0", "1:60", "1:60:00", "1:2:3:4", "1,500.5", ":", " days", [1],
        10**400, float("nan"), float("inf"), 1e8, pd.NaT, "1" * 400, "9" * 400 + ":00", Decimal("nan"), Decimal("snan"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_time_is_told_as_such(value: Any) -> None:
    with pytest.raises(LineFault, match=r"^end ") as caught:
        seconds(value, "end")
    assert caught.value.kind == "not_a_number"
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("value", [-1, "-0.5", timedelta(seconds=-1)])
def test_a_negative_time_is_told_as_such(value: Any) -> None:
    with pytest.raises(LineFault) as caught:
        seconds(value, "start")
    assert caught.value.kind == "negative_time"
