"""Times as label files write them: numbers, clocks, durations. Owns no order between start and end."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tasks.labels.problems import LineFault, ProblemKind, shown

MAX_SECONDS = 1e7
"""Beyond this (115 days) it is no time within a medium; a date in seconds since 1970 is."""

_DECIMALS = 9
"""Sums are rounded to nanoseconds: `00:00:01.281` is the number 1.281, whatever it is made of."""

_CLOCK = re.compile(
    r"(?:(?P<days>[0-9]{1,6}) days?)?[ ,+]*"
    r"(?:(?:(?P<hours>[0-9]{1,6}):)?(?P<minutes>[0-9]{1,6}):(?P<seconds>[0-9]{1,2}(?:[.,][0-9]{1,20})?))?"
)


def seconds(value: Any, what: str) -> float:
    """Read a time.

    Args:
        value: Seconds as a number or as text (`1.5`, `1,5`), a clock (`mm:ss.mmm`, `hh:mm:ss,mmm`), a duration as
            pandas prints it (`0 days 00:00:01.5`), or a `timedelta`.
        what: Its name, for messages.

    Raises:
        LineFault: It is none of these, not finite, negative, or beyond `MAX_SECONDS`.
    """
    if value is None or value == "":
        raise LineFault(ProblemKind.NOT_A_NUMBER, f"{what} is missing: start and end (seconds) are needed")
    number = _number(value)
    if number is None or not abs(number) <= MAX_SECONDS:
        expected = f"seconds (up to {MAX_SECONDS:.0f}), mm:ss.mmm or hh:mm:ss.mmm"
        raise LineFault(ProblemKind.NOT_A_NUMBER, f"{what} must be a number of {expected}, not {shown(value)}")
    if number < 0:
        raise LineFault(ProblemKind.NEGATIVE_TIME, f"{what} must not be negative, as {shown(value)} is")
    return number


def _number(value: Any) -> float | None:
    """The value in seconds, or None where it is no time. May be NaN or infinite."""
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, timedelta):
        return round(value.total_seconds(), _DECIMALS)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        return float(value)
    except (OverflowError, ValueError):
        return None


def _from_text(text: str) -> float | None:
    plain = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    try:
        return None if "_" in text else float(plain)
    except ValueError:
        return _from_clock(text)


def _from_clock(text: str) -> float | None:
    found = _CLOCK.fullmatch(text)
    if found is None or not (found["days"] or found["minutes"]):
        return None
    days, hours, minutes = (int(found[unit] or 0) for unit in ("days", "hours", "minutes"))
    second = float((found["seconds"] or "0").replace(",", "."))
    if second >= 60 or (found["hours"] and minutes >= 60):
        return None
    return round(days * 86_400 + hours * 3_600 + minutes * 60 + second, _DECIMALS)
