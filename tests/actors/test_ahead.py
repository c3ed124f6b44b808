"""actors/ahead.py: how many media are on the road at once."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from actors.ahead import Ahead


async def _let_in(
    ahead: Ahead, sizes: Sequence[int]
) -> tuple[list[asyncio.Event], list[int], list[asyncio.Task[None]]]:
    """Media of these sizes want in; each stays until its event is set. Who has come in stands in the list."""
    leave, inside = [asyncio.Event() for _ in sizes], list[int]()

    async def stay(number: int) -> None:
        async with ahead.admitted(sizes[number]):
            inside.append(number)
            await leave[number].wait()

    tasks = [asyncio.create_task(stay(number)) for number in range(len(sizes))]
    await _settle()
    return leave, inside, tasks


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_large_media_go_so_many_at_a_time_in_order() -> None:
    async def scenario() -> None:
        leave, inside, tasks = await _let_in(Ahead(2, 100), [1000] * 4)
        assert inside == [0, 1]
        leave[1].set()
        await _settle()
        assert inside == [0, 1, 2]
        await _end(tasks)

    asyncio.run(scenario())


def test_small_media_go_together_until_they_are_large() -> None:
    async def scenario() -> None:
        leave, inside, tasks = await _let_in(Ahead(2, 100), [30] * 5)
        assert inside == [0, 1, 2]
        leave[0].set()
        await _settle()
        assert inside == [0, 1, 2, 3]
        await _end(tasks)

    asyncio.run(scenario())


def test_without_an_allowance_for_small_ones_the_number_alone_counts() -> None:
    async def scenario() -> None:
        _, inside, tasks = await _let_in(Ahead(2, 0), [1] * 5)
        assert inside == [0, 1]
        await _end(tasks)

    asyncio.run(scenario())


def test_who_gives_up_waiting_takes_nobodys_place() -> None:
    async def scenario() -> None:
        leave, inside, tasks = await _let_in(Ahead(1, 0), [1, 1, 1])
        tasks[1].cancel()
        await _settle()
        leave[0].set()
        await _settle()
        assert inside == [0, 2]
        await _end(tasks)

    asyncio.run(scenario())


def test_who_gives_up_as_it_gets_its_place_gives_it_back() -> None:
    async def scenario() -> None:
        leave, inside, tasks = await _let_in(Ahead(1, 0), [1, 1, 1])
        leave[0].set()
        tasks[1].cancel()
        await _settle()
        assert inside == [0, 2]
        await _end(tasks)

    asyncio.run(scenario())


def test_a_bound_that_rises_lets_in_who_waits_and_one_that_falls_sends_nobody_away() -> None:
    async def scenario() -> None:
        ahead = Ahead(1, 0)
        leave, inside, tasks = await _let_in(ahead, [1000] * 4)
        assert inside == [0]
        ahead.allow(3)
        await _settle()
        assert inside == [0, 1, 2]
        ahead.allow(1)
        leave[0].set()
        await _settle()
        assert inside == [0, 1, 2]
        await _end(tasks)

    asyncio.run(scenario())
