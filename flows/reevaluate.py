"""The flow `reevaluate`: all labels, the current configuration and its rivals; compare, recommend, store a report.

The evaluation is the flow `evaluate-models`, run inside this one. What each other step does lies in tasks/reevaluation.
"""

from datetime import UTC, datetime
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote

from flows.catch_up import catch_up_once
from flows.evaluate_models import EvaluateModelsRequest, evaluate_models
from infra.services import Services, is_local_bucket
from infra.settings import Settings
from infra.stack import Need, ensure
from tasks.evaluation.result import Evaluation
from tasks.reevaluation.open import Opened, open_reevaluation
from tasks.reevaluation.request import ReevaluateRequest
from tasks.reevaluation.result import Reevaluation
from tasks.reevaluation.run import conclude_reevaluation
from tasks.reevaluation.tune import tuned_on
from tasks.report.reevaluation import markdown_reevaluation

__all__ = ["ReevaluateRequest", "reevaluate"]


@flow(name="reevaluate", on_running=[catch_up_once])
def reevaluate(request: ReevaluateRequest) -> dict[str, Any]:
    """Evaluate the current configuration and the candidates on all labels, tune, compare, and say what to do.

    Does nothing where neither labels nor configuration nor candidates changed since the last time.

    Returns:
        The record as JSON values (see `tasks.reevaluation.result.Reevaluation.document`).
    """
    log = get_run_logger()
    local = any(is_local_bucket(each) for each in (request.labels, request.media))
    needs: frozenset[Need] = frozenset({"s3", "folders"} if local else {"s3"})
    services = ensure(Settings.from_environment(), need=needs, say=log.info)
    opened = opening(request, services)
    if isinstance(opened, Reevaluation):
        log.info("nothing changed since re-evaluation %s: nothing is done", opened.reevaluation_id)
        return opened.document(unchanged=True)
    document = evaluate_models(EvaluateModelsRequest(evaluate=opened.evaluate, results=request.results))
    found = concluding(quote(opened), Evaluation.model_validate(document), services)
    log.info("%s", found.recommendation[0].text)
    return found.document()


@task(name="read-labels-and-candidates", cache_policy=NO_CACHE, persist_result=False)
def opening(request: ReevaluateRequest, services: Services) -> Opened | Reevaluation:
    """What is to be done; or the last re-evaluation, where nothing is."""
    return open_reevaluation(request, services)


@task(name="tune-and-compare", cache_policy=NO_CACHE, persist_result=False)
def concluding(opened: Any, evaluation: Evaluation, services: Services) -> Reevaluation:
    """Tune, compare, promote where that was asked for, store the report, and show its summary in Prefect."""
    found = conclude_reevaluation(opened, evaluation, tuned_on(opened, evaluation), datetime.now(UTC), services)
    create_markdown_artifact(
        markdown_reevaluation(found), key="reevaluate", description=f"Re-evaluation {found.reevaluation_id}"
    )
    link = f"Report of {found.reevaluation_id}"
    create_link_artifact(found.outputs.report, key="reevaluate-report", link_text=link)
    return found
