"""Run what is due on this machine: the process behind `seraph serve`.

Owns how that process is begun and ended. A run is a process of its own; what it does stands in its flow.
"""

import asyncio
from typing import Any, cast
from uuid import UUID

from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner


class LocalRunner(Runner):
    """A runner that ends in order on SIGTERM, too. Its runs end with it: found dead, they are started again later."""

    def __init__(self) -> None:
        # Paused on shutdown, a schedule would owe nothing for the time away: what is missed is to be caught up.
        super().__init__(name="seraph", pause_on_shutdown=False)
        self._work: asyncio.Task[Any] | None = None

    def handle_sigterm(self, *_: object) -> None:
        """Prefect's own leaves the event loop by force: with tracebacks, and with its runs left behind."""
        if self._work is not None:
            self._work.get_loop().call_soon_threadsafe(self._work.cancel)

    def serve(self, deployment: RunnerDeployment) -> UUID:
        """Register a deployment, and run what it owes from now on."""
        return cast(UUID, self.add_deployment(deployment))

    def run(self) -> None:
        """Run what its deployments owe, until interrupted (SIGINT, SIGTERM)."""
        try:
            asyncio.run(self._run())
        except (KeyboardInterrupt, asyncio.CancelledError):
            return

    async def _run(self) -> None:
        self._work = asyncio.current_task()
        await self.start()
