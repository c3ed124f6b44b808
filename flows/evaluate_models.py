"""The flow `evaluate-models`: read the labels, let each candidate hear them, and read what is said, conclude.

One Prefect task a candidate for each.

What each step does lies in tasks/evaluation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote
from pydantic import BaseModel, ConfigDict

from actors.options import Resources
from actors.pool import Pool
from actors.road import PoolOptions
from actors.sizing import derive
from actors.text_pool import TextPool
from actors.texts import TextSetup
from infra import cluster
from infra.services import Services, is_local_bucket
from infra.settings import Settings
from infra.stack import Need, ensure
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.hear import Heard
from tasks.evaluation.read_texts import unread
from tasks.evaluation.request import EvaluateRequest
from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import ModelResult
from tasks.evaluation.run import Opened, conclude, hear_candidate, open_evaluation
from tasks.evaluation.run_texts import read_candidate
from tasks.report.evaluation import markdown_evaluation


class EvaluateModelsRequest(BaseModel):
    """What to evaluate, and where the results go. Frozen; a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evaluate: EvaluateRequest
    results: str


@flow(name="evaluate-models")
def evaluate_models(request: EvaluateModelsRequest) -> dict[str, Any]:
    """Evaluate candidates on labelled media, and store a report.

    Returns:
        The record as JSON values (see `tasks.evaluation.result.Evaluation`).
    """
    assert request.evaluate.media is not None, "recorded scores need no flow: see tasks.evaluation.run"
    folders = is_local_bucket(request.evaluate.media)
    needs: frozenset[Need] = frozenset({"s3", "ray", "folders"} if folders else {"s3", "ray"})
    services = ensure(Settings.from_environment(), need=needs, say=get_run_logger().info)
    opened = opening(request, services)
    # One after the other: each has the whole cluster, and one that breaks its workers harms no other.
    found = [each for each in opened.candidates if isinstance(each, Candidate)]
    heard = {each.name: hearing(quote(opened), each) for each in found if each.hears}
    # Texts last: they never make audio wait.
    heard |= {each.name: reading(quote(opened), each, quote(heard.get(each.name))) for each in found if each.reads}
    return concluding(quote(opened), quote(heard)).model_dump(mode="json")


@task(name="read-labels", cache_policy=NO_CACHE, persist_result=False)
def opening(request: EvaluateModelsRequest, services: Services) -> Opened:
    """Read the labels, find their media, and look at every candidate."""
    return open_evaluation(request.evaluate, request.results, services)


@task(name="hear", task_run_name="hear-{candidate.name}", cache_policy=NO_CACHE, persist_result=False)
def hearing(opened: Any, candidate: Candidate) -> Heard | ModelResult:
    """Let one candidate hear what it has not heard before."""

    @contextmanager
    def open_pool(options: PoolOptions) -> Iterator[Pool]:
        cluster.connect(opened.services)
        have = cluster.awake(options.resources.first_needs, options.resources.ready_s)
        hears = options.language is not None
        sizes = derive(options.resources, cpus=have.cpus, gpus=have.gpus, routes=len(options.routes), hears=hears)
        with Pool(options, sizes) as pool:
            yield pool

    return hear_candidate(opened, candidate, open_pool)


@task(name="read", task_run_name="read-{candidate.name}", cache_policy=NO_CACHE, persist_result=False)
def reading(opened: Any, candidate: Candidate, heard: Any = None) -> Heard | ModelResult:
    """Let one candidate read what it has not read before; of one that only reads, nothing was heard."""

    @contextmanager
    def open_texts(setup: TextSetup, resources: Resources) -> Iterator[TextPool]:
        cluster.connect(opened.services)
        have = cluster.awake(resources.first_needs, resources.ready_s)
        sizes = derive(resources, cpus=have.cpus, gpus=have.gpus, routes=1, hears=False)
        with TextPool(setup, sizes, resources) as pool:
            yield pool

    return read_candidate(opened, candidate, heard or unread(len(opened.wanted)), open_texts)


@task(name="conclude", cache_policy=NO_CACHE, persist_result=False)
def concluding(opened: Any, heard: Any) -> Evaluation:
    """Make figures of it, store the report, and show its summary in Prefect."""
    evaluation = conclude(opened, heard)
    create_markdown_artifact(
        markdown_evaluation(evaluation), key="evaluate-models", description=f"Evaluation {evaluation.evaluation_id}"
    )
    if evaluation.outputs:
        link = f"Report of {evaluation.evaluation_id}"
        create_link_artifact(evaluation.outputs.report, key="evaluate-models-report", link_text=link)
    return evaluation
