"""The flows as Prefect deployments, so that a Prefect server can run them on request.

    python -m flows.deployments        register them, and run what is asked for, until interrupted

Needs PREFECT_API_URL, or a local stack that is up. Where the object store and Ray are, a run reads from its own
environment (infra/settings.py).
"""

from typing import cast

from prefect import serve
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType

from flows.score_corpus import score_corpus


def deployments() -> list[RunnerDeployment]:
    """What `serve` registers: `score-corpus/on-demand`, whose one parameter is a `ScoreRequest`."""
    on_demand = score_corpus.to_deployment(
        name="on-demand",
        description="Score what is new under a prefix, and report on the whole of it.",
        # By module: the flow is an installed package, wherever the worker's folder is.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return [cast(RunnerDeployment, on_demand)]


if __name__ == "__main__":
    serve(*deployments())
