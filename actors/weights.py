"""Models reach each node once: found there, or fetched by whoever comes first. The copies are actors/checkpoints' part.

Imports no torch: it also runs where no model is loaded.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from actors.options import Route
from infra.cluster import Node, on_node
from infra.errors import SeraphError
from infra.location import SCHEME
from infra.settings import StoreAccess


class Spread:
    """Has models on every node that a worker may come to, once for each node, before a worker asks for them.

    Args:
        routes: The models. Those that are paths lie on every node already.
        access: Where models in a store are fetched from; None: where the environment says.
        start: Starts a function on a node.
    """

    def __init__(
        self, routes: Iterable[Route], access: StoreAccess | None, start: Callable[..., Any] = on_node
    ) -> None:
        self._routes = tuple(route for route in routes if not Path(route.model).is_dir())
        self._access = access
        self._start = start
        self._known: set[str] = set()
        self._fetching: list[Any] = []

    def to(self, nodes: Sequence[Node]) -> None:
        """Have the models there too; on a first node that is alone its first worker is as quick."""
        new = [node for node in nodes if node.id not in self._known]
        alone = not self._known and len(new) == 1
        self._known.update(node.id for node in new)
        if self._routes and not alone:
            self._fetching += [self._start(node, prefetch, self._routes, self._access) for node in new]


def model_here(source: str, access: StoreAccess | None) -> str:
    """A source that can be loaded on this node: of a model in a store its copy here, made at the first call."""
    from actors.checkpoints import is_stored, local_copy

    return str(local_copy(source, access)) if is_stored(source) else source


def detector_here(source: str, access: StoreAccess | None) -> str:
    """The same for a Whisper: the file on this node of one in a store."""
    from actors.detector_file import find_detector

    return str(find_detector(source, access=access)[0]) if source.startswith(SCHEME) else source


def prefetch(routes: Sequence[Route], access: StoreAccess | None) -> None:
    """Have models on this node before a worker asks for them. What goes wrong, the worker will meet and tell."""
    from actors.checkpoints import locate

    for route in routes:
        with suppress(SeraphError):
            locate(model_here(route.model, access), route.revision)
