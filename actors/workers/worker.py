"""What every actor can say of itself."""

from actors.usage import Usage, usage_here


class Worker:
    """Base of the actors: it counts what its process uses."""

    def __init__(self) -> None:
        self._cpu_s: dict[str, float] = {}

    def usage(self) -> Usage:
        """What its process has used so far."""
        return usage_here(self._cpu_s)
