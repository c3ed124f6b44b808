"""One actor as its crew and the dispatcher know it: what it does now, what it holds, what it can take. No behaviour."""

from dataclasses import dataclass, field
from typing import Any

from actors.options import Route


@dataclass(eq=False)
class Member:
    """One actor of a crew."""

    handle: Any
    started: float
    ready: bool = False
    since: float | None = None
    """When it became ready, on the loop's clock."""
    in_flight: int = 0
    holds: set[Route] = field(default_factory=set)
    """Models that it has been given work of. It may have let some go since, where memory is bounded."""
    latest: Route | None = None
    """The model of its last batch: that one it has in any case."""
    in_a_row: int = 0
    """How many batches of that model it has had one after the other."""
    idle_since: float = 0.0
    budgets: dict[Route, float] = field(default_factory=dict)
    """Padded seconds of a batch at most, of models that ran out of memory here."""
    exclusive: bool = False
    """Holds suspicious work: nothing is queued behind it, so that a death is blamed on the right batch."""
