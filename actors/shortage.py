"""What the cluster does not give: how long a crew waits for it, and what is said. Knows no actors."""

from collections.abc import Callable, Mapping

from actors.options import Resources
from infra.cluster import Room, shown
from infra.errors import RayError


class Shortage:
    """Of one crew. Each thing is said once.

    Args:
        name: Of the crew, for messages.
        needs: What one of it asks of Ray: `num_cpus`, `num_gpus`.
        resources: How long to wait.
        room: What the cluster has.
        warn: Told what is said.
    """

    def __init__(
        self,
        name: str,
        needs: Mapping[str, float],
        resources: Resources,
        room: Callable[[Mapping[str, float]], Room],
        warn: Callable[[str], None],
    ) -> None:
        self._name, self._needs, self._resources, self._room, self._warn = name, needs, resources, room, warn
        self._said: set[str] = set()

    def of_some(self, ready: int, asked: int) -> None:
        """Some have had no place for `ready_s`: the run goes on with the others."""
        self._say_once(
            "some",
            f"the Ray cluster gave {ready} of {asked} {self._name} within {self._resources.ready_s:g} s; "
            f"the run went on with those. Each takes {shown(self._needs)}",
        )

    def of_all(self, waited_s: float) -> RayError | None:
        """Not one has had a place for `ready_s` or longer: what ends the run, or None where it may still wait."""
        room, each = self._room(self._needs), shown(self._needs)
        if not room.fits:
            remedy = "ask for less in `resources`, or raise `ready_s` where nodes are still to come"
            return RayError(f"the Ray cluster can start no {self._name}: {room}, and each takes {each}; {remedy}")
        held = f"{room}, each of the {self._name} takes {each}, and something else holds it, or it starts slowly"
        if waited_s >= self._resources.queue_s:
            return RayError(
                f"no place in the Ray cluster within {waited_s:.0f} s: {held}; run later, or raise `queue_s`"
            )
        self._say_once("all", f"waited for a place in the Ray cluster: {held}")
        return None

    def _say_once(self, subject: str, message: str) -> None:
        if subject not in self._said:
            self._said.add(subject)
            self._warn(message)
