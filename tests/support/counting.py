"""A way to a store that keeps count of what each process of this machine takes from there."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import urlsplit

import psutil

from infra.settings import StoreAccess

_PIECE = 1 << 16


@contextmanager
def counting(access: StoreAccess) -> Iterator[tuple[StoreAccess, Counter[int]]]:
    """The same store behind a relay, and the bytes that each process (by its id) took through it."""
    there = urlsplit(access.endpoint_url or "")
    taken: Counter[int] = Counter()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_serve, args=(server, (there.hostname, there.port), taken), daemon=True).start()
        yield replace(access, endpoint_url=f"http://127.0.0.1:{port}"), taken


def _serve(server: socket.socket, there: tuple[str | None, int | None], taken: Counter[int]) -> None:
    while True:
        try:
            here, peer = server.accept()
        except OSError:  # it was closed
            return
        pid = _owner(peer[1])
        beyond = socket.create_connection((there[0] or "", there[1] or 0))
        for one, other, who in ((here, beyond, None), (beyond, here, pid)):
            threading.Thread(target=_pass_on, args=(one, other, who, taken), daemon=True).start()


def _owner(port: int) -> int:
    """Who connects from that port; -1: nobody knows."""
    found = (each.pid for each in psutil.net_connections("tcp") if each.laddr and each.laddr.port == port)
    return next((pid for pid in found if pid), -1)


def _pass_on(one: socket.socket, other: socket.socket, who: int | None, taken: Counter[int]) -> None:
    with suppress(OSError):
        while data := one.recv(_PIECE):
            other.sendall(data)
            if who is not None:
                taken[who] += len(data)
    for each in (one, other):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
    other.close()
