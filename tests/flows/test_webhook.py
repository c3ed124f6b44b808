"""flows/webhook.py: who is let in, how much is read, and how often Prefect is asked."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI

from flows.webhook import MAX_BODY, SECRET_HEADER, create_app, listen, server
from infra.errors import ConfigError, PrefectError, UsageError

SECRET = "0123456789abcdef가"
KNOWN = {SECRET_HEADER: SECRET.encode()}


class Prefect:
    """Counts how often it is asked; refuses while it is down; may take its time."""

    def __init__(self, *, down: bool = False, takes_s: float = 0.0) -> None:
        self.asked = 0
        self.down, self.takes_s = down, takes_s

    async def __call__(self) -> None:
        self.asked += 1
        await asyncio.sleep(self.takes_s)
        if self.down:
            raise PrefectError("the Prefect server cannot be asked")


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _with(app: FastAPI, work: Callable[[httpx.AsyncClient], Awaitable[list[httpx.Response]]]) -> list[httpx.Response]:
    async def run() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await work(client)

    return asyncio.run(run())


def _post(app: FastAPI, times: int = 1, **request: object) -> list[httpx.Response]:
    sent: dict = {"headers": KNOWN, "content": b'{"action": "ANNOTATION_CREATED"}'} | request

    async def work(client: httpx.AsyncClient) -> list[httpx.Response]:
        return list(await asyncio.gather(*(client.post("/label-studio", **sent) for _ in range(times))))

    return _with(app, work)


@pytest.mark.parametrize("headers", [KNOWN, {"Authorization": b"Bearer " + SECRET.encode()},
                                     {"Authorization": b"Token " + SECRET.encode()}])  # fmt: skip
def test_a_hook_with_the_secret_asks_for_a_look(headers: dict) -> None:
    prefect = Prefect()
    (answer,) = _post(create_app(SECRET, prefect, every_s=30), headers=headers)
    assert (answer.status_code, answer.json(), prefect.asked) == (202, {"asked": True}, 1)


@pytest.mark.parametrize(
    "headers",
    [{}, {SECRET_HEADER: "wrong"}, {SECRET_HEADER: ""}, {"Authorization": b"Basic " + SECRET.encode()},
     {SECRET_HEADER: SECRET.encode()[:-1]}],
    ids=["none", "wrong", "empty", "another scheme", "all but the end"],
)  # fmt: skip
def test_without_the_secret_nothing_is_asked_and_nothing_is_read(headers: dict) -> None:
    prefect, read = Prefect(), []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"x"

    (answer,) = _post(create_app(SECRET, prefect, every_s=30), headers=headers, content=body())
    assert (answer.status_code, prefect.asked) == (401, 0)
    assert SECRET_HEADER in answer.json()["error"]


def test_a_burst_of_a_hundred_hooks_asks_once() -> None:
    prefect = Prefect(takes_s=0.01)
    answers = _post(create_app(SECRET, prefect, every_s=30), times=100)
    assert ({each.status_code for each in answers}, prefect.asked) == ({202}, 1)


def test_the_next_look_is_asked_for_when_the_time_between_two_has_passed() -> None:
    prefect, clock = Prefect(), Clock()
    app = create_app(SECRET, prefect, every_s=30, clock=clock)
    asked = []
    for now in (100.0, 129.0, 130.0, 131.0):
        clock.now = now
        asked.append(_post(app)[0].json()["asked"])
    assert (asked, prefect.asked) == ([True, False, True, False], 2)


def test_while_prefect_is_down_every_hook_is_told_so_and_the_first_one_after_it_asks() -> None:
    prefect = Prefect(down=True)
    app = create_app(SECRET, prefect, every_s=30)
    assert [_post(app)[0].status_code for _ in range(2)] == [503, 503]
    prefect.down = False
    assert _post(app)[0].status_code == 202
    assert prefect.asked == 3


def test_of_hooks_that_come_together_while_prefect_is_down_one_asks_and_all_are_told() -> None:
    prefect = Prefect(down=True, takes_s=0.01)
    answers = _post(create_app(SECRET, prefect, every_s=30), times=20)
    assert ({each.status_code for each in answers}, prefect.asked) == ({503}, 1)


def test_a_prefect_that_does_not_answer_is_not_waited_for() -> None:
    (answer,) = _post(create_app(SECRET, Prefect(takes_s=60), every_s=30, ask_s=0.05))
    assert (answer.status_code, "did not answer" in answer.json()["error"]) == (503, True)


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 202), (MAX_BODY + 1, 413)])
def test_a_body_is_read_up_to_the_limit_whatever_its_length_is_said_to_be(size: int, status: int) -> None:
    prefect = Prefect()
    headers = KNOWN | {"Content-Length": b"3"}
    (answer,) = _post(create_app(SECRET, prefect, every_s=30), headers=headers, content=b"x" * size)
    assert (answer.status_code, prefect.asked) == (status, int(status == 202))


def test_of_an_endless_body_no_more_is_read_than_the_limit() -> None:
    pieces = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pieces
        while True:
            pieces += 1
            yield b"x" * 2**16

    (answer,) = _post(create_app(SECRET, Prefect(), every_s=30), content=endless())
    assert answer.status_code == 413
    assert pieces <= MAX_BODY // 2**16 + 2


def test_a_body_that_drips_is_cut_off() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(5)
        yield b"x"

    (answer,) = _post(create_app(SECRET, Prefect(), every_s=30, body_s=0.05), content=slow())
    assert answer.status_code == 408


@pytest.mark.parametrize("secret", [None, "", "short"])
def test_without_a_secret_or_with_a_short_one_there_is_no_receiver(secret: str | None) -> None:
    with pytest.raises(ConfigError, match="SERAPH_WEBHOOK_SECRET") as error:
        create_app(secret, Prefect(), every_s=30)
    assert secret is None or secret == "" or secret not in str(error.value)


def test_health_needs_no_secret_and_there_are_no_pages() -> None:
    async def work(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.get(path) for path in ("/healthz", "/docs", "/openapi.json", "/label-studio")]

    answers = _with(create_app(SECRET, Prefect(), every_s=30), work)
    assert [each.status_code for each in answers] == [200, 404, 404, 405]
    assert answers[0].json() == {"status": "ok"}


@pytest.fixture
def served() -> Iterator[tuple[str, Prefect]]:
    """The receiver on a real socket."""
    prefect = Prefect()
    with listen("127.0.0.1", 0) as listener:
        runner = server(create_app(SECRET, prefect, every_s=30))
        thread = threading.Thread(target=runner.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", prefect
        runner.should_exit = True
        thread.join(timeout=10)
    assert not thread.is_alive()


def test_over_a_real_socket_hooks_are_answered(served: tuple[str, Prefect]) -> None:
    address, prefect = served
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as client:
        deadline = time.monotonic() + 10
        while client.get("/healthz").status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.01)
        hook = {"action": "ANNOTATIONS_CREATED", "annotation": {"id": 1, "result": []}}
        answers = [client.post("/label-studio", json=hook, headers=KNOWN) for _ in range(3)]
        refused = client.post("/label-studio", content=b"x" * (MAX_BODY + 1), headers=KNOWN)
        unknown = client.post("/label-studio", json=hook)
    assert [each.json()["asked"] for each in answers] == [True, False, False]
    assert (refused.status_code, unknown.status_code, prefect.asked) == (413, 401, 1)
    assert "server" not in answers[0].headers


def test_two_hundred_hooks_over_as_many_sockets_are_all_answered(served: tuple[str, Prefect]) -> None:
    address, prefect = served
    host, port = address.removeprefix("http://").split(":")
    hook = f"POST /label-studio HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n{SECRET_HEADER}: {SECRET}\r\n\r\n{{}}"
    with contextlib.ExitStack() as opened:
        lines = [opened.enter_context(socket.create_connection((host, int(port)), timeout=10)) for _ in range(200)]
        for line in lines:
            line.sendall(hook.encode())
        statuses = {line.recv(4096).split(b" ")[1] for line in lines}
    assert (statuses, prefect.asked) == ({b"202"}, 1)


def test_a_port_that_is_taken_is_told() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}"):
            listen("127.0.0.1", port)
