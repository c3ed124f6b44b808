"""A side in a process of its own: it answers in order, and its end is told."""

import os
from functools import partial

import pytest

from infra.errors import SeraphError
from tasks.bench.sides import Side

pytestmark = pytest.mark.slow


def test_it_answers_one_job_after_the_other() -> None:
    with Side("calculator", partial(partial, abs)) as side:
        assert [side.ask(number) for number in (-3, 4)] == [3, 4]


def test_its_end_is_an_error_with_its_name_and_status() -> None:
    with Side("quitter", partial(partial, os._exit)) as side, pytest.raises(SeraphError, match=r"quitter.*status 7"):
        side.ask(7)
