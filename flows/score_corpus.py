"""The flow `score-corpus`: plan, one task per shard, report. From Python, the command line, or a deployment.

What each step does lies in tasks/; here is only what runs when, and what Prefect sees of it: coarse steps, never a task
per segment.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, as_completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.utilities.annotations import quote
from pydantic import BaseModel, ConfigDict

from actors.pool import Pool, Progress
from actors.sizing import derive
from infra import cluster
from infra.services import is_local_bucket
from infra.settings import Settings
from infra.stack import Need, ensure
from tasks.config import ScoreConfig, load_config
from tasks.plan import Plan, Shard
from tasks.records import RunRecord
from tasks.report import markdown_summary
from tasks.run import Run, finish, open_run, plan_run, settle
from tasks.score import ShardReport, score_shard

_SHARDS_AT_ONCE = 4
"""Shards whose media share the pool: the tail of one is filled with the head of the next."""


_RUNNER: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=_SHARDS_AT_ONCE)


class ScoreRequest(BaseModel):
    """What to score. Frozen; a misspelt name is an error.

    Attributes:
        media: `s3://bucket/prefix` of the media.
        results: `s3://bucket/prefix` of the results store.
        config: A preset's name, a YAML file, or the configuration itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    media: str
    results: str
    config: str | ScoreConfig = "default"


Watch = Callable[[Plan, Progress], None]
"""Told the plan, and the counts that keep running, as soon as there is something to show."""

watching: ContextVar[Watch | None] = ContextVar("watching", default=None)
"""Who shows the progress of the run in this context."""


@flow(name="score-corpus", task_runner=_RUNNER)
def score_corpus(request: ScoreRequest) -> dict[str, Any]:
    """Score what is new under a prefix, and report on the whole of it.

    Returns:
        The run's record as JSON values (see `tasks.records.RunRecord`).
    """
    return run_corpus(request).summary()


def run_corpus(request: ScoreRequest) -> RunRecord:
    """The flow's body; needs a flow run around it."""
    folders = is_local_bucket(request.media)
    needs: frozenset[Need] = frozenset({"s3", "ray", "folders"} if folders else {"s3", "ray"})
    services = ensure(Settings.from_environment(), need=needs, say=get_run_logger().info)
    config = load_config(request.config) if isinstance(request.config, str) else request.config
    run = open_run(request.media, request.results, config, services)
    plan = planning(run)
    shards, workers = _score(run, plan) if plan.shards else ([], {})
    return reporting(run, plan, shards, workers)


@task(name="plan", cache_policy=NO_CACHE, persist_result=False)
def planning(run: Run) -> Plan:
    """List the media, subtract what is committed, mark what is gone."""
    plan = plan_run(run)
    settle(run, plan)
    return plan


@task(name="score-shard", task_run_name="score-shard-{shard.id}", cache_policy=NO_CACHE, persist_result=False)
def scoring(shard: Shard, run: Run, pool: Pool) -> ShardReport:
    """Score, decide, validate and commit one shard."""
    return score_shard(shard, pool, run.results, run.identity, run.run_id)


@task(name="report", cache_policy=NO_CACHE, persist_result=False)
def reporting(run: Run, plan: Plan, shards: list[ShardReport], workers: dict[str, Any]) -> RunRecord:
    """Decide what has no scores yet, check the whole, store the report, and show its summary in Prefect."""
    record = finish(run, plan, shards, workers)
    create_markdown_artifact(markdown_summary(record), key="score-corpus", description=f"Run {record.run_id}")
    create_link_artifact(record.outputs.report, key="score-corpus-report", link_text=f"Report of {record.run_id}")
    return record


def _score(run: Run, plan: Plan) -> tuple[list[ShardReport], dict[str, Any]]:
    """Take all shards down the road with one pool of actors; the first error that ends a shard ends the run."""
    cluster.connect(run.services)
    have = cluster.resources()
    sizes = derive(run.config.resources, cpus=have.cpus, gpus=have.gpus, routes=len(run.config.routes))
    with Pool(run.pool_options(plan), sizes) as pool:
        if watch := watching.get():
            watch(plan, pool.progress)
        futures = [_submit(shard, run, pool) for shard in plan.shards]
        return [future.result() for future in as_completed(futures)], pool.description()


def _submit(shard: Shard, run: Run, pool: Pool) -> PrefectFuture[ShardReport]:
    """Hand a shard to Prefect. Quoted, or it would look through every medium of the run for futures."""
    arguments: list[Any] = [quote(each) for each in (shard, run, pool)]
    return scoring.submit(*arguments)
