"""How many scoring workers a cluster has places for, as its nodes come and go. Pure: told of the nodes, it asks nobody.

What each worker takes stays as it was derived at the start of the run (actors/sizing.py); only their number follows.
"""

from dataclasses import dataclass

from actors.gpu_shares import places as on_gpus
from actors.options import Resources
from actors.sizing import Sizes
from infra.cluster import Node, Room

_AGAIN = 2
"""Times as many workers as there are places, where a node comes for a worker that waits for one."""


@dataclass(frozen=True)
class Places:
    """What a look at the nodes gave.

    Attributes:
        held: Scoring workers that the cluster has places for.
        most: How many there may be. More than `held` where those without a place make an autoscaler add nodes.
    """

    held: int
    most: int


class Following:
    """Of one run.

    Args:
        sizes: As derived at its start.
        resources: Where they name `max_workers`, the bound stays as it is.
        start: The nodes then.
    """

    def __init__(self, sizes: Sizes, resources: Resources, start: Room) -> None:
        self._sizes, self._fixed = sizes, resources.max_workers is not None
        # Sized by the cores of all nodes together, the start may have fewer than these have places for one by one.
        self._left_free = max(0, self._places(start) - sizes.most_scorers)
        self._grows = not start.fits or any(node.group for node in start.nodes)

    def look(self, room: Room) -> Places:
        """What these nodes mean. The bound never falls below the start's: what is lost may come again."""
        if self._fixed:
            return Places(self._sizes.most_scorers, self._sizes.most_scorers)
        here = self._places(room)
        held = min(here, max(self._sizes.most_scorers, here - self._left_free))
        wanted = _AGAIN * max(1, held) if self._grows else held
        return Places(held, max(self._sizes.most_scorers, wanted))

    def _places(self, room: Room) -> int:
        return sum(places(node, self._sizes) for node in room.fitting)


def places(node: Node, sizes: Sizes) -> int:
    """How many scoring workers a node has places for: by its GPUs, or by its cores, a thread of theirs on each."""
    gpus, cpus = sizes.scorer["num_gpus"], sizes.scorer["num_cpus"]
    by_cpus = int(node.cpus / cpus) if cpus else int(node.cpus)
    if not gpus:
        return min(by_cpus, max(1, int(node.cpus / sizes.scorer_threads)))
    return min(by_cpus, on_gpus(node.gpus, gpus)) if cpus else on_gpus(node.gpus, gpus)
