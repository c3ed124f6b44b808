"""How many media may be on the road at once: so many, or more as long as they are small. Runs on the pool's event loop.

A bound by number alone would be wrong for somebody: thirty films fill the memory, thirty short calls no batch.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Ahead:
    """Lets media onto the road in the order in which they came.

    Args:
        media: How many may be on it, whatever their size.
        small_bytes: More may be on it as long as all of them together have fewer bytes; 0: never more than `media`.
    """

    def __init__(self, media: int, small_bytes: int) -> None:
        self._media, self._small_bytes = media, small_bytes
        self._number = self._bytes = 0
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    def allow(self, media: int) -> None:
        """Change how many may be on it. Who is on it already stays."""
        self._media = media
        self._admit()

    @asynccontextmanager
    async def admitted(self, size: int) -> AsyncIterator[None]:
        """Wait for a place, and hold it; `size` in bytes."""
        await self._enter(size)
        try:
            yield
        finally:
            self._number, self._bytes = self._number - 1, self._bytes - size
            self._admit()

    async def _enter(self, size: int) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((size, place))
        self._admit()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it had just got its place
                self._number, self._bytes = self._number - 1, self._bytes - size
                self._admit()
            raise

    def _admit(self) -> None:
        while self._queue:
            size, place = self._queue[0]
            if self._number >= self._media and self._bytes + size > self._small_bytes:
                return
            self._queue.popleft()
            if not place.done():
                place.set_result(None)
                self._number, self._bytes = self._number + 1, self._bytes + size
