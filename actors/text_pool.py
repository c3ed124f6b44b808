"""The text pool: text workers on Ray, a call for each medium. A death or a timeout becomes a reason in the rows.

It lives after the pool that hears, never beside it: text must not make audio wait. A checkpoint that cannot be loaded,
or a cluster that gives no worker, ends it with its error.
"""

from collections.abc import Sequence
from typing import Any

import ray

from actors.contract import Reason
from actors.crew import Crew
from actors.faults import CallFailedError, InputLostError, WorkerLostError
from actors.following import Following
from actors.life import Life
from actors.options import Resources
from actors.sizing import Sizes
from actors.text_worker import TextWorker
from actors.texts import TextAnswer, TextSetup, TextWork, failed
from actors.usage import Held
from infra import cluster

_TRIES = 2
"""How often a medium is tried whose worker dies."""

_MOVES = 10
"""The same where it is nodes that go."""


class TextPool(Life):
    """Text workers for one run. A context manager: the actors live between enter and exit.

    `read` may be called from several threads at once.

    Args:
        setup: What the workers need to know.
        sizes: How many there may be at most, and what each asks of Ray: those of the scoring workers.
        resources: How long to wait for a start and for an answer.
        worker: The class of the workers; tests put their own in.
    """

    def __init__(self, setup: TextSetup, sizes: Sizes, resources: Resources, worker: type = TextWorker) -> None:
        super().__init__("the text pool", resources.idle_s)
        self._setup, self._sizes, self._resources, self._worker = setup, sizes, resources, worker

    def read(self, works: Sequence[TextWork]) -> list[TextAnswer]:
        """Find and read the texts of media.

        Returns:
            One answer for each, in order, with a row for every segment; what went wrong stands in its rows.

        Raises:
            RayError: The cluster gives no worker, or they die as they start.
            CheckpointError: A worker cannot load a model.
        """
        return self._on_loop(self._gathered(self._read(work) for work in works))

    @property
    def peak(self) -> int:
        """How many workers there were at most."""
        return self._crew.peak

    def held(self) -> Held:
        """What the workers have held so far, those that are gone included."""
        return self._crew.held(self._loop.time())

    async def _open(self) -> None:
        worker: Any = ray.remote(self._worker).options(**self._sizes.scorer)
        self._crew = self._engage(
            Crew(
                "text workers",
                lambda: worker.remote(self._setup, self._sizes.scorer_threads),
                needs=self._sizes.scorer,
                most=self._sizes.most_scorers,
                depth=1,
                resources=self._resources,
                changed=lambda: None,
                fatal=self._fail,
                warn=self._note,
            )
        )
        self._following = Following(self._sizes, self._resources, cluster.room(self._sizes.scorer))
        self._crew.start(1)

    def _tend(self) -> None:
        places = self._following.look(cluster.room(self._sizes.scorer))
        self._crew.most, self._crew.due = places.most, places.held
        self._crew.tend()

    async def _read(self, work: TextWork) -> TextAnswer:
        tries = moves = 0
        while True:
            member = await self._crew.claim()
            try:
                answer: TextAnswer = await self._crew.call(member, "read", work)
            except WorkerLostError as error:
                # Whoever has taken all of its time once would take it again.
                tries, moves = tries + (not error.node), moves + error.node
                if tries >= _TRIES or moves >= _MOVES or error.reason is Reason.TIMEOUT:
                    return failed(work, f"{error.reason}: {error.detail}")
            except (CallFailedError, InputLostError) as error:
                return failed(work, str(error))
            else:
                return answer
