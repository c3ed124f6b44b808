"""actors/weights.py: models reach every node once, those that join later as well."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from actors.options import Route
from actors.weights import Spread, prefetch
from infra.cluster import Node
from infra.settings import StoreAccess

HUB, STORED = Route(model="owner/name"), Route(model="s3://models/small")
ACCESS = StoreAccess(endpoint_url="http://store")


def node(name: str) -> Node:
    return Node(name, 8, 1)


class Starts:
    """Notes what is started where."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.asked: set[Any] = set()

    def __call__(self, there: Node, work: Callable[..., object], *arguments: object) -> str:
        self.nodes.append(there.id)
        self.asked.add((work, *arguments))
        return there.id


def spread(*routes: Route) -> tuple[Spread, Starts]:
    starts = Starts()
    return Spread(routes, ACCESS, starts), starts


def test_every_node_gets_the_models_once_and_one_that_joins_later_as_well() -> None:
    models, starts = spread(HUB, STORED)
    models.to([node("a"), node("b")])
    models.to([node("b"), node("a")])
    assert starts.nodes == ["a", "b"]
    models.to([node("a"), node("c")])
    assert starts.nodes == ["a", "b", "c"]
    assert starts.asked == {(prefetch, (HUB, STORED), ACCESS)}


def test_on_a_node_that_is_alone_its_first_worker_is_as_quick() -> None:
    models, starts = spread(HUB)
    models.to([])
    models.to([node("a")])
    models.to([node("a")])
    assert starts.nodes == []
    models.to([node("a"), node("b")])
    assert starts.nodes == ["b"]


def test_models_that_are_folders_lie_on_every_node_already(tmp_path: Path) -> None:
    models, starts = spread(Route(model=str(tmp_path)))
    models.to([node("a"), node("b")])
    assert starts.nodes == []
    models, starts = spread(Route(model=str(tmp_path)), HUB)
    models.to([node("a"), node("b")])
    assert starts.asked == {(prefetch, (HUB,), ACCESS)}
