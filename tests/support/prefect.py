"""The Prefect server of a stack, asked as its own clients ask it: with its password."""

import httpx

from infra.services import Services
from infra.settings import basic_auth


def prefect_client(services: Services) -> httpx.Client:
    """A client of the server's API; paths are relative to it."""
    headers = basic_auth(services.prefect_auth)
    return httpx.Client(base_url=f"{services.prefect_api_url}/", headers=headers, trust_env=False, timeout=60)


def prefect_environment(services: Services) -> dict[str, str]:
    """What a process needs in its environment to use the server."""
    return {"PREFECT_API_URL": services.prefect_api_url, "PREFECT_API_AUTH_STRING": services.prefect_auth or ""}
