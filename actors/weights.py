"""Models reach each node once: found there, or fetched by whoever comes first. The copies are actors/checkpoints' part.

Imports no torch: it also runs where no model is loaded.
"""

from collections.abc import Sequence
from contextlib import suppress

from actors.options import Route
from infra.errors import SeraphError
from infra.settings import StoreAccess


def model_here(source: str, access: StoreAccess | None) -> str:
    """A source that can be loaded on this node: of a model in a store its copy here, made at the first call."""
    from actors.checkpoints import is_stored, local_copy

    return str(local_copy(source, access)) if is_stored(source) else source


def prefetch(routes: Sequence[Route], access: StoreAccess | None) -> None:
    """Have models on this node before a worker asks for them. What goes wrong, the worker will meet and tell."""
    from actors.checkpoints import locate

    for route in routes:
        with suppress(SeraphError):
            locate(model_here(route.model, access), route.revision)
