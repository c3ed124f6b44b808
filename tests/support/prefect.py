"""The Prefect server of a stack, asked as its own clients ask it: with its password."""

import time

import httpx

from infra.services import Services
from infra.settings import basic_auth


def prefect_client(services: Services) -> httpx.Client:
    """A client of the server's API; paths are relative to it."""
    headers, transport = basic_auth(services.prefect_auth), Patient(httpx.HTTPTransport(trust_env=False))
    return httpx.Client(
        base_url=f"{services.prefect_api_url}/", headers=headers, transport=transport, trust_env=False, timeout=60
    )


class Patient(httpx.BaseTransport):
    """Asks again where the server says 503, as Prefect's clients do: its database was locked, and nothing was done."""

    def __init__(self, inner: httpx.BaseTransport, tries: int = 10, wait_s: float = 1.0) -> None:
        self._inner, self._tries, self._wait_s = inner, tries, wait_s

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(self._tries - 1):
            response = self._inner.handle_request(request)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return response
            response.close()
            time.sleep(self._wait_s)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def prefect_environment(services: Services) -> dict[str, str]:
    """What a process needs in its environment to use the server."""
    return {"PREFECT_API_URL": services.prefect_api_url, "PREFECT_API_AUTH_STRING": services.prefect_auth or ""}
