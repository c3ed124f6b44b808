"""The flow `tune-decision`: search decision parameters on recorded scores or a stored evaluation, and store the report.

What it does lies in tasks/tuning; it needs no media, no model and no Ray.
"""

from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict

from infra.location import Location
from infra.services import Services
from infra.settings import Settings
from infra.shelf import StoreShelf
from infra.stack import ensure
from infra.storage import Store
from tasks.evaluation.run import read_label_file
from tasks.report.tuning import markdown_tuning
from tasks.tuning.request import TuneRequest
from tasks.tuning.result import Tuning
from tasks.tuning.run import tune


class TuneDecisionRequest(BaseModel):
    """What to tune, and where evaluations are and the tuning goes. Frozen; a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tune: TuneRequest
    results: str


@flow(name="tune-decision")
def tune_decision(request: TuneDecisionRequest) -> dict[str, Any]:
    """Tune, and store the report.

    Returns:
        The record as JSON values (see `tasks.tuning.result.Tuning`).
    """
    services = ensure(Settings.from_environment(), need=frozenset({"s3"}), say=lambda _: None)
    return tuning(request, services).model_dump(mode="json")


@task(name="tune", cache_policy=NO_CACHE, persist_result=False)
def tuning(request: TuneDecisionRequest, services: Services) -> Tuning:
    """Search, validate, store, and show the summary in Prefect."""
    shelf = StoreShelf(Store(services.access_for(request.results)), Location.parse(request.results))
    found = tune(request.tune, lambda s: read_label_file(s, lambda uri: Store(services.access_for(uri))), shelf)
    create_markdown_artifact(markdown_tuning(found), key="tune-decision", description=f"Tuning {found.tuning_id}")
    return found
