"""The flow `score-corpus`: plan, one task per shard, texts, report. From Python, the command line, or a deployment.

What each step does lies in tasks/; here is only what runs when, and what Prefect sees of it: coarse steps, never a task
per segment.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.utilities.annotations import quote
from pydantic import BaseModel, ConfigDict

from actors.clerks import Clerks
from actors.pool import Pool, Progress
from actors.sizing import Sizes, derive
from actors.text_pool import TextPool
from actors.texts import Cue
from actors.usage import Held
from flows.alarms import announce
from flows.catch_up import catch_up_once
from flows.in_turn import in_turn
from infra import cluster
from infra.errors import SeraphError
from infra.location import Location
from infra.services import Services, is_local_bucket
from infra.settings import Settings
from infra.shelf import StoreShelf
from infra.stack import Need, ensure
from infra.storage import Store
from tasks.config.operations import Alarms, Price
from tasks.config.scoring import CURRENT, ScoreConfig
from tasks.plan import Plan, Shard
from tasks.promotion.current import Chosen, choose
from tasks.records.run import Promotion, RunRecord
from tasks.report import markdown_summary
from tasks.run import Run, finish, open_run, plan_run, settle
from tasks.score import HERE, Calls, ShardReport, decide_missing, score_shard
from tasks.texts.stage import TextShardReport, TextStage, read_shard, text_setup, texts_missing
from tasks.validate import prepare


class ScoreRequest(BaseModel):
    """What to score. Frozen; a misspelt name is an error.

    Attributes:
        media: `s3://bucket/prefix` of the media.
        results: `s3://bucket/prefix` of the results store.
        config: `current` (what is promoted in the results), a preset's name, a YAML file, or the configuration itself;
            `promotion`: what made that one current, where it was read already.
        alarms: When the finished run is to be looked at; None: as `Alarms()` has it.
        price: Of computing, for the cost in the record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    media: str
    results: str
    config: str | ScoreConfig = CURRENT
    promotion: Promotion | None = None
    alarms: Alarms | None = None
    price: Price | None = None


Watch = Callable[[Plan, Progress], None]
"""Told the plan, and the counts that keep running, as soon as there is something to show."""

watching: ContextVar[Watch | None] = ContextVar("watching", default=None)
"""Who shows the progress of the run in this context."""


@flow(name="score-corpus", on_running=[catch_up_once])
def score_corpus(request: ScoreRequest) -> dict[str, Any]:
    """Score what is new under a prefix, and report on the whole of it.

    Returns:
        The run's record as JSON values (see `tasks.records.run.RunRecord`).
    """
    return run_corpus(request).summary()


def run_corpus(request: ScoreRequest) -> RunRecord:
    """The flow's body; needs a flow run around it."""
    folders = is_local_bucket(request.media)
    needs: frozenset[Need] = frozenset({"s3", "ray", "folders"} if folders else {"s3", "ray"})
    services = ensure(Settings.from_environment(), need=needs, say=get_run_logger().info)
    chosen = _chosen(request, services)
    run = open_run(
        request.media,
        request.results,
        chosen.config,
        services,
        chosen.promotion,
        alarms=request.alarms,
        price=request.price,
    )
    plan = planning(run)
    held: list[Held] = []
    with _clerks(run, plan) as clerks:
        shards, workers = _score(run, plan, clerks, held) if plan.shards else ([], {})
        texts = _texts(run, clerks, held) if run.config.text else None
        record = reporting(run, plan, shards, workers, texts, sum(held, Held()) if held else None, clerks)
    announce(record, get_run_logger().warning)
    return record


@task(name="plan", cache_policy=NO_CACHE, persist_result=False)
def planning(run: Run) -> Plan:
    """List the media, subtract what is committed, mark what is gone."""
    plan = plan_run(run)
    settle(run, plan)
    return plan


@task(name="score-shard", task_run_name="score-shard-{shard.id}", cache_policy=NO_CACHE, persist_result=False)
def scoring(shard: Shard, run: Run, pool: Pool, clerks: Calls) -> ShardReport:
    """Score, decide, validate and commit one shard."""
    return score_shard(shard, pool, run.results, run.identity, run.run_id, clerks)


@task(name="texts", cache_policy=NO_CACHE, persist_result=False)
def missing_texts(run: Run, text_id: str, clerks: Calls) -> tuple[list[str], int]:
    """See that all that is scored is decided, and find the shards whose texts are not there.

    Returns:
        The shards' stems, and how many segments were decided anew.
    """
    ledger = run.results.ledger().under(run.media)
    redecided = decide_missing(run.results, ledger, run.identity, run.run_id, clerks=clerks)
    return texts_missing(run.results, ledger, text_id), redecided


@task(name="text-shard", task_run_name="text-shard-{stem}", cache_policy=NO_CACHE, persist_result=False)
def reading(stem: str, text_id: str, run: Run, pool: TextPool, cues: dict[str, tuple[Cue, ...]]) -> TextShardReport:
    """Find and read the texts of one shard."""
    return read_shard(stem, pool, run.results, text_id, cues)


@task(name="report", cache_policy=NO_CACHE, persist_result=False)
def reporting(
    run: Run,
    plan: Plan,
    shards: list[ShardReport],
    workers: dict[str, Any],
    texts: TextStage | None = None,
    held: Held | None = None,
    clerks: Calls = HERE,
) -> RunRecord:
    """Decide what has no scores yet, check the whole, store the report, and show its summary in Prefect."""
    record = finish(run, plan, shards, workers, texts, held, clerks)
    create_markdown_artifact(markdown_summary(record), key="score-corpus", description=f"Run {record.run_id}")
    create_link_artifact(record.outputs.report, key="score-corpus-report", link_text=f"Report of {record.run_id}")
    return record


def _chosen(request: ScoreRequest, services: Services) -> Chosen:
    if isinstance(request.config, ScoreConfig):
        return Chosen(request.config, request.promotion)
    place = request.results
    shelf = lambda: StoreShelf(Store(services.access_for(place)), Location.parse(place))  # noqa: E731
    return choose(request.config, shelf, get_run_logger().info)


def _clerks(run: Run, plan: Plan) -> AbstractContextManager[Calls]:
    """Who seals and decides. Where nothing is to be scored or read, hardly anything is left to do: then nobody else."""
    if not plan.shards and run.identity.text is None:
        return nullcontext(HERE)
    cluster.connect(run.services)
    return Clerks(run.config.resources, prepare)


def _score(run: Run, plan: Plan, clerks: Calls, held: list[Held]) -> tuple[list[ShardReport], dict[str, Any]]:
    """Take all shards down the road with one pool of actors; the first error that ends a shard ends the run.

    What the actors held is added to `held`.
    """
    with Pool(run.pool_options(plan), _sizes(run)) as pool:
        if watch := watching.get():
            watch(plan, pool.progress)

        def submit(shard: Shard) -> PrefectFuture[ShardReport]:
            return scoring.submit(*_quoted(shard, run, pool, clerks))

        reports = list(in_turn(plan.shards, submit, lambda shard: len(shard.media), pool.wants_shard))
        held.append(pool.held())
        return reports, pool.description()


def _quoted(*arguments: object) -> list[Any]:
    """Quoted, or Prefect would look through every medium of the run for futures."""
    return [quote(each) for each in arguments]


def _sizes(run: Run, routes: int | None = None) -> Sizes:
    """Connect, and see how many actors fit; by default for the routes of the configuration."""
    cluster.connect(run.services)
    have = cluster.awake(run.config.resources.first_needs, run.config.resources.ready_s)
    number = len(run.config.routes) if routes is None else routes
    return derive(run.config.resources, cpus=have.cpus, gpus=have.gpus, routes=number, hears=routes is None)


def _texts(run: Run, clerks: Calls, held: list[Held]) -> TextStage:
    """Find and read the texts that are not there yet, when the audio is done. Nothing here ends the run."""
    if run.identity.text is None:
        return TextStage((run.identity.text_problem or "there are none",))
    redecided, told = 0, list[str]()
    try:
        stems, redecided = missing_texts(run, run.identity.text.id, clerks)
        reports = _read(run, run.identity.text.id, stems, held, told) if stems else []
        return TextStage.of(reports, redecided).with_problems(told)
    except SeraphError as error:
        return TextStage((str(error),), redecided=redecided)
    except Exception as error:  # noqa: BLE001 - whatever befalls the texts, the audio results stand
        return TextStage((f"{type(error).__name__}: {error}",), redecided=redecided)


def _read(run: Run, text_id: str, stems: list[str], held: list[Held], told: list[str]) -> list[TextShardReport]:
    """What the workers held is added to `held`, what the cluster did not give to `told`."""
    sizes = _sizes(run, routes=1)
    setup = text_setup(run.config, run.identity, run.services, run.media.uri)
    cues = {} if run.label_texts is None else run.label_texts.fitted(run.results.ledger().current.index)
    with TextPool(setup, sizes, run.config.resources) as pool:

        def submit(stem: str) -> PrefectFuture[TextShardReport]:
            return reading.submit(stem, *_quoted(text_id, run, pool, cues))

        reports = list(in_turn(stems, submit, lambda _: 1, lambda number, _: number < sizes.shards_at_once))
        held.append(pool.held())
        told.extend(pool.warnings)
        return reports
