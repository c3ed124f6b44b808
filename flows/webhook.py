"""The webhook receiver: whoever has the secret may say that there may be new labels. It is a hint to look, no more.

Owns who is let in, how much is read, and how often Prefect is asked. What a hook says is not looked at: which labels
there are is found out by the run that it asks for, which looks at regular times anyway. So a lost hook costs a delay,
and a forged one a look.
"""

import asyncio
import hmac
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from infra.errors import ConfigError, PrefectError, UsageError

SECRET_HEADER = "X-Seraph-Secret"  # noqa: S105 - the header's name, not a secret
MAX_BODY = 2**20
"""Bytes of a hook that are read; Label Studio's are some kilobytes."""

BODY_S = 10.0
"""How long a hook may take to arrive."""

AT_ONCE = 500
"""Connections at once; further ones are answered 503 unread. A burst of hooks is far smaller."""

ASK_S = 20.0
"""How long Prefect may take to answer."""

LEAST_SECRET = 16
"""Characters of the secret, at least: shorter ones can be guessed."""

Ask = Callable[[], Awaitable[None]]


def create_app(
    secret: str | None,
    ask: Ask,
    *,
    every_s: float,
    clock: Callable[[], float] = time.monotonic,
    body_s: float = BODY_S,
    ask_s: float = ASK_S,
) -> FastAPI:
    """The receiver: `POST /label-studio` and `GET /healthz`.

    Args:
        secret: What a hook must have in `X-Seraph-Secret`, or behind `Bearer` or `Token` in `Authorization`.
        ask: Asks Prefect to look. Raises PrefectError where it cannot.
        every_s: Seconds between two questions, at least.
        clock: Seconds.
        body_s: How long a hook may take to arrive. ask_s: How long asking may take.

    Raises:
        ConfigError: There is no secret, or a short one.
    """
    known = check_secret(secret)
    hint = Hint(ask, every_s, clock, ask_s)
    # No pages: they would tell anybody what there is, and load scripts from elsewhere.
    app = FastAPI(title="Seraph", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.post("/label-studio")
    async def hook(request: Request) -> JSONResponse:
        if not _may(request, known):
            return _refused(401, f"expected the secret in the header {SECRET_HEADER}")
        try:
            async with asyncio.timeout(body_s):
                if not await _fits(request):
                    return _refused(413, f"a hook may have {MAX_BODY:,} bytes")
        except TimeoutError:
            return _refused(408, "the hook took too long to arrive")
        try:
            return JSONResponse({"asked": await hint()}, status_code=202)
        except PrefectError as error:
            return _refused(503, str(error))

    return app


class Hint:
    """Asks at most once in so many seconds. Hooks that come while it asks wait for the same answer."""

    def __init__(self, ask: Ask, every_s: float, clock: Callable[[], float], ask_s: float) -> None:
        self._ask, self._every_s, self._clock, self._ask_s = ask, every_s, clock, ask_s
        self._asked: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self) -> bool:
        """Whether it asked, and did not have to wait for the time between two questions. Raises PrefectError."""
        if self._asked is not None and self._clock() - self._asked < self._every_s:
            return False
        if self._asking is None:
            self._asking = asyncio.create_task(self._once())
        # Shielded: who sent the first hook may hang up, and the others still wait.
        await asyncio.shield(self._asking)
        return True

    async def _once(self) -> None:
        try:
            async with asyncio.timeout(self._ask_s):
                await self._ask()
            # After the answer: a question that failed is asked again at the next hook.
            self._asked = self._clock()
        except TimeoutError as error:
            raise PrefectError(f"the Prefect server did not answer within {self._ask_s:.0f} s") from error
        finally:
            self._asking = None


def asks_prefect(deployment: str) -> Ask:
    """Ask the Prefect server that PREFECT_API_URL names to run a deployment, such as `watch-labels/every`."""

    async def ask() -> None:
        from prefect.client.orchestration import get_client
        from prefect.exceptions import ObjectNotFound

        try:
            async with get_client() as client:
                found = await client.read_deployment_by_name(deployment)
                await client.create_flow_run_from_deployment(found.id, tags=["webhook"])
        except ObjectNotFound as error:
            raise PrefectError(f"there is no deployment {deployment}: register it with `seraph deploy`") from error
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            # Not the error's own words: they hold the server's address, which is no business of whoever sends hooks.
            raise PrefectError(f"the Prefect server cannot be asked ({type(error).__name__}): is it up?") from error

    return ask


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; any free port for 0.

    Raises:
        UsageError: The address cannot be had.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error}; choose another --host or --port") from error


def server(app: FastAPI) -> uvicorn.Server:
    """What serves the app; `run(sockets=[…])` until it is told to end."""
    options: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False}
    bounds: dict[str, Any] = {"limit_concurrency": AT_ONCE, "timeout_keep_alive": 5, "timeout_graceful_shutdown": 5}
    return uvicorn.Server(uvicorn.Config(app, ws="none", lifespan="off", **options, **bounds))


def check_secret(secret: str | None) -> bytes:
    """The secret, if it is one. Raises ConfigError where there is none, or a short one."""
    if secret is None or len(secret) < LEAST_SECRET:
        what = "not set" if secret is None else f"{len(secret)} characters long"
        raise ConfigError(
            f"SERAPH_WEBHOOK_SECRET is {what}; expected {LEAST_SECRET} characters or more, for example from "
            "`openssl rand -hex 32`: without it anybody could ask for runs"
        )
    return secret.encode()


def _may(request: Request, secret: bytes) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    shown = request.headers.get(SECRET_HEADER) or (token if scheme.lower() in ("bearer", "token") else "")
    # Headers come as Latin-1; in constant time, so that how long it takes tells nothing.
    return hmac.compare_digest(shown.encode("latin-1"), secret)


async def _fits(request: Request) -> bool:
    """Read the body in pieces, keep none, and stop where there is too much, whatever its length was said to be."""
    read = 0
    async for piece in request.stream():
        read += len(piece)
        if read > MAX_BODY:
            return False
    return True


def _refused(status: int, why: str) -> JSONResponse:
    return JSONResponse({"error": why}, status_code=status)
