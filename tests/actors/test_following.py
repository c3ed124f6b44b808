"""actors/following.py: how many scoring workers there may be as nodes come and go."""

from typing import Any

import pytest

from actors.following import Following, Places, places
from actors.options import Resources
from actors.sizing import derive
from infra.cluster import Node, Room

HEAD = Node("head", 0, 0)


def looks(*rooms: tuple[Node, ...], **resources: Any) -> list[Places]:
    """What is seen of each of these clusters in turn, by a run that starts on the first."""
    asked, start = Resources(**resources), rooms[0]
    sizes = derive(asked, cpus=sum(node.cpus for node in start), gpus=sum(node.gpus for node in start), routes=2)

    def room(nodes: tuple[Node, ...]) -> Room:
        needs = sizes.scorer
        fitting = [node for node in nodes if node.cpus >= needs["num_cpus"] and node.gpus >= needs["num_gpus"]]
        return Room(nodes, tuple(fitting))

    following = Following(sizes, asked, room(start))
    return [following.look(room(nodes)) for nodes in rooms]


def nodes(number: int, cpus: float, gpus: float = 0, group: str | None = None) -> tuple[Node, ...]:
    return tuple(Node(str(each), cpus, gpus, group) for each in range(number))


@pytest.mark.parametrize(("cpus", "gpus"), [(1, 0), (2, 0), (3, 0), (16, 0), (64, 0), (8, 1), (64, 8)])
def test_a_cluster_that_stays_as_it_is_has_what_was_derived_for_it(cpus: float, gpus: float) -> None:
    derived = derive(Resources(), cpus=cpus, gpus=gpus, routes=2).most_scorers
    assert looks(nodes(1, cpus, gpus)) == [Places(derived, derived)]


def test_each_node_that_joins_adds_what_it_holds() -> None:
    # A worker of 4 threads for every 4 of 16 cores: four on a node.
    assert [found.most for found in looks(nodes(1, 16), nodes(2, 16), nodes(5, 16))] == [4, 8, 20]
    assert [found.most for found in looks(nodes(1, 8, 1), (*nodes(1, 8, 1), Node("big", 64, 8)))] == [1, 9]


def test_a_node_that_is_too_small_for_a_worker_adds_none() -> None:
    assert [found.most for found in looks(nodes(1, 16), (*nodes(1, 16), Node("small", 2, 0), HEAD))] == [4, 4]


def test_what_no_single_node_has_a_place_for_is_not_due() -> None:
    # Five for 21 cores, of which each takes four: nodes of seven cores hold one, and three cores are left over.
    assert looks(nodes(3, 7), num_cpus=4) == [Places(held=3, most=5)]


def test_as_nodes_go_less_is_due_but_the_bound_stays_that_of_the_start() -> None:
    assert looks(nodes(3, 16), nodes(1, 16), nodes(4, 16), nodes(3, 16)) == [
        Places(held=12, most=12),
        Places(held=4, most=12),
        Places(held=16, most=16),
        Places(held=12, most=12),
    ]


def test_nodes_with_more_places_than_the_start_used_hold_as_many_until_they_are_too_few() -> None:
    # One of 32 places is left for who reads and hears, and none where half of them go.
    found = looks(nodes(2, 16), nodes(1, 16), nodes(1, 6), nodes(3, 16), num_cpus=1)
    assert [each.held for each in found] == [31, 16, 6, 47]


def test_a_bound_that_is_configured_stays() -> None:
    assert looks(nodes(1, 16), nodes(9, 16), max_workers=3) == [Places(3, 3)] * 2


def test_where_nodes_come_for_those_who_wait_twice_as_many_workers_may_be_asked_for() -> None:
    group = {"group": "workers"}
    assert looks((HEAD, *nodes(1, 16, **group)), (HEAD, *nodes(3, 16, **group))) == [  # type: ignore[arg-type]
        Places(held=4, most=8),
        Places(held=12, most=24),
    ]


def test_a_cluster_whose_gpus_are_yet_to_come_begins_with_a_worker_or_two_and_goes_on_from_there() -> None:
    gpus = nodes(2, 8, 1, "gpu")
    assert looks((HEAD,), (HEAD, *gpus[:1]), (HEAD, *gpus), num_gpus=1) == [
        Places(held=0, most=2),
        Places(held=1, most=2),
        Places(held=2, most=4),
    ]


@pytest.mark.parametrize(
    ("num_gpus", "node", "held"),
    [
        (0.25, Node("a", 8, 2), 8),
        (0.4, Node("a", 8, 2), 4),  # a fraction lies within one GPU: two on each
        (0.9, Node("a", 16, 8), 8),
        (2, Node("a", 8, 8), 4),
        (1, Node("a", 2, 8), 2),  # its cores are at an end first
    ],
)
def test_places_on_gpus_are_whole_workers(num_gpus: float, node: Node, held: int) -> None:
    sizes = derive(Resources(num_gpus=num_gpus, num_cpus=1), cpus=16, gpus=8, routes=2)
    assert places(node, sizes) == held
