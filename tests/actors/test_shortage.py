"""actors/shortage.py: how long a crew waits for the cluster, and what is said."""

from collections.abc import Mapping

from actors.options import Resources
from actors.shortage import Shortage
from infra.cluster import Node, Room

NEEDS = {"num_cpus": 1.0, "num_gpus": 0.25}
RESOURCES = Resources(ready_s=180, queue_s=600)
NODES = (Node("a", 8, 0), Node("b", 4, 2))


def shortage(*fitting: Node) -> tuple[Shortage, list[str]]:
    said: list[str] = []

    def room(needs: Mapping[str, float]) -> Room:
        return Room(NODES, fitting)

    return Shortage("scoring workers", NEEDS, RESOURCES, room, said.append), said


def test_a_cluster_without_such_a_node_ends_the_run_and_says_what_there_is() -> None:
    short, said = shortage()
    error = short.of_all(180)
    assert str(error) == (
        "the Ray cluster can start no scoring workers: it has 12 CPUs and 2 GPUs in all, on 2 nodes, and each takes "
        "1 CPUs and 0.25 GPUs; ask for less in `resources`, or raise `ready_s` where nodes are still to come"
    )
    assert said == []


def test_a_place_that_something_else_holds_is_waited_for_said_once_and_not_for_ever() -> None:
    short, said = shortage(NODES[1])
    assert [short.of_all(waited) for waited in (180, 360, 540)] == [None, None, None]
    assert len(said) == 1
    assert "something else holds it, or it starts slowly" in said[0]
    error = short.of_all(600)
    assert "no place in the Ray cluster within 600 s" in str(error)
    assert "raise `queue_s`" in str(error)


def test_with_some_of_what_was_asked_for_the_run_goes_on_and_says_so_once() -> None:
    short, said = shortage(NODES[1])
    short.of_some(3, 8)
    short.of_some(4, 8)
    (line,) = said
    assert line.startswith("the Ray cluster gave 3 of 8 scoring workers within 180 s; the run went on with those.")
    assert line.endswith("Each takes 1 CPUs and 0.25 GPUs")
