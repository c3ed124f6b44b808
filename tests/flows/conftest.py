"""What the tests of the command line share."""

from collections.abc import Iterator

import pytest

from flows import terminal

WIDE = 1000


@pytest.fixture(autouse=True)
def wide_terminal() -> Iterator[None]:
    """No line of what is printed in this process is broken, whatever was imported or set before."""
    before = [(console, console.width) for console in (terminal.out, terminal.err)]
    for console, _ in before:
        console.width = WIDE
    yield
    for console, width in before:
        console.width = width
