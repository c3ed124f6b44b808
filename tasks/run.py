"""One run from its opening to its record: what `flows/score_corpus.py` schedules, as plain functions.

Owns the order of the steps around the shards (plan, settle what is gone, decide, report); the shards themselves are
tasks/score.py's part.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from actors.contract import Flag
from actors.options import Route
from actors.road import PoolOptions
from actors.usage import Held
from infra.errors import InputError
from infra.location import Location
from infra.services import Services
from infra.shelf import StoreShelf
from infra.storage import Store
from tasks.alarms.raising import raised, references_of
from tasks.config.identity import Identity
from tasks.config.operations import Alarms, Price
from tasks.config.scoring import ScoreConfig
from tasks.labels import LabelledSpans, read_spans
from tasks.plan import Plan, list_media, make_plan, with_labels
from tasks.records.run import Promotion, RunRecord, Validation, new_run_id
from tasks.report import Summary, build_pages
from tasks.runs.account import corpus_of, outputs_of, what_came_of_it, what_it_took, what_was_used
from tasks.runs.history import History
from tasks.score import HERE, Calls, ShardReport, decide_missing
from tasks.store import ResultsStore, shard_id
from tasks.tables import QUARANTINE
from tasks.texts.labels import LabelTexts
from tasks.texts.stage import TextStage, count_texts, resolve_texts
from tasks.validate import check_summary

_log = logging.getLogger(__name__)

_MOST_PROBLEMS = 10


@dataclass(frozen=True)
class Run:
    """An opened run: what it scores, with what, where results go, when it raises alarms, and what computing costs."""

    run_id: str
    started: datetime
    config: ScoreConfig
    identity: Identity
    media: Location
    media_store: Store
    results: ResultsStore
    services: Services
    labels: LabelledSpans | None = None
    label_texts: LabelTexts | None = None
    promotion: Promotion | None = None
    alarms: Alarms = field(default_factory=Alarms)
    price: Price | None = None

    def pool_options(self, plan: Plan) -> PoolOptions:
        """What the actors of this run need to know."""
        config = self.config
        return PoolOptions(
            media=self.services.access_for(self.media.uri),
            routes={key: self._pinned(key, route) for key, route in config.routes.items()},
            route_ids=self.identity.routes,
            fallback=config.fallback,
            on_uncertain=config.on_uncertain,
            on_unrouted=config.on_unrouted,
            reading=config.reading,
            segments=config.segments,
            language=config.language,
            precision=config.precision,
            resources=config.resources,
            models=self.services.store,
            given=plan.given,
        )

    def _pinned(self, key: str, route: Route) -> Route:
        """The route at the commit that this run found: a worker elsewhere must not fetch a newer one."""
        return route.model_copy(update={"revision": self.identity.checkpoints[key].revision or route.revision})


def open_run(
    media: str,
    results: str,
    config: ScoreConfig,
    services: Services,
    promotion: Promotion | None = None,
    *,
    alarms: Alarms | None = None,
    price: Price | None = None,
) -> Run:
    """Resolve a configuration to the bytes it depends on, and open the stores.

    Args:
        media, results: `s3://bucket/prefix` of each.
        config: What to score with; `promotion`: what made it current.
        services: Where the stores are.
        alarms: When the finished run is to be looked at; by default as `Alarms()` has it.
        price: Of computing, for the record.

    Raises:
        ConfigError, CheckpointError, WeightsAbsentError: The configuration or a checkpoint is wrong or not here.
        StoreError: A store cannot be reached, or a bucket is missing.
    """
    media_at, results_at = Location.parse(media), Location.parse(results)
    labels = read_labels(config, services)
    identity, label_texts = resolve_texts(config, None if labels is None else labels.sha256, services)
    results_store = Store(services.access_for(results))
    return Run(
        run_id=new_run_id(),
        started=datetime.now(UTC),
        config=config,
        identity=identity,
        media=media_at,
        media_store=Store(services.access_for(media)),
        results=ResultsStore(results_store, results_at, identity.fingerprint),
        services=services,
        labels=labels,
        label_texts=label_texts,
        promotion=promotion,
        alarms=alarms or Alarms(),
        price=price,
    )


def read_labels(config: ScoreConfig, services: Services) -> LabelledSpans | None:
    """The segments of the label file, where the configuration names one: a path or an s3:// URI."""
    source = config.segments.labels
    if source is None:
        return None
    if source.startswith("s3://"):
        return read_spans(Store(services.access_for(source)).get_bytes(source), source)
    path = Path(source)
    if not path.is_file():
        raise InputError(f"no label file {source}: give a path or an s3:// URI")
    return read_spans(path.read_bytes(), source)


def plan_run(run: Run, *, compact: bool = True) -> Plan:
    """List the media and subtract what is committed. Writes at most a new index, and with `compact` off nothing."""
    config = run.config
    # The ledger first: a medium that another run commits in between is then scored twice, and not taken for removed.
    ledger = run.results.ledger(compact=compact).under(run.media)
    listing = list_media(run.media_store.list(run.media), config.media.suffixes)
    plan = make_plan(
        listing, ledger, fingerprint=run.identity.fingerprint, routes=run.identity.routes, options=config.media
    )
    return plan if run.labels is None else with_labels(plan, run.labels, listing)


def settle(run: Run, plan: Plan) -> None:
    """Commit what needs no scoring: tombstones of removed media, and media that came back unchanged."""
    entries = [*plan.removed, *plan.revived]
    if entries:
        marks = [(entry.uri, entry.etag, entry.outcome, run.run_id) for entry in entries]
        run.results.commit(shard_id(run.identity.fingerprint, run.identity.routes, marks), run.run_id, entries)


def finish(
    run: Run,
    plan: Plan,
    shards: Sequence[ShardReport],
    workers: Mapping[str, Any],
    texts: TextStage | None = None,
    held: Held | None = None,
    clerks: Calls = HERE,
) -> RunRecord:
    """Decide what has no scores yet, check the whole, and store the run's record and its report.

    Args:
        held: What the workers held; None where none was started.
        clerks: Who decides and checks.
    """
    ledger = run.results.ledger().under(run.media)
    unsound: list[str] = []
    redecided = decide_missing(run.results, ledger, run.identity, run.run_id, unsound.append, clerks)
    texts = texts and texts.with_unsound(unsound)
    summary = Summary.fold(run.results.current_scores(ledger, *run.identity.decisions.names))
    text = None if texts is None else count_texts(run.results, ledger, summary.segments, run.identity, texts)
    # Where no text is there, all scores are by audio alone, and lie under that name.
    decision = run.identity.decisions.heard_name if text and text.nothing_read else run.identity.decisions.name
    quarantine = pa.concat_tables([QUARANTINE.empty_table(), *run.results.current_quarantine(ledger)])
    checked = clerks.call(check_summary, _shares(summary), run.config.warnings)
    failed = tuple(line for shard in shards for line in shard.failed)
    told = (*_label_problems(run, plan), *workers.get("warnings", ()))
    warnings = (*checked.failed, *told, *(text.warnings if text else ()))
    record = RunRecord(
        **what_was_used(run, plan, workers),
        **what_came_of_it(run, plan, shards, texts),
        **what_it_took(run, shards, held),
        decision=decision,
        redecided=redecided + (texts.redecided - texts.fresh if texts else 0),
        validation=Validation(success=not failed, failed=failed, warnings=warnings),
        corpus=corpus_of(run, summary, quarantine.num_rows),
        text=text,
        outputs=outputs_of(run, decision),
    )
    record = with_alarms(record, _history(run), run.alarms)
    checks = {
        "failed": failed,
        "summary": checked.results,
        "shards": [f"validation/{each.shard}.json" for each in shards],
    }
    _write(run, "validation.json", json.dumps(checks, default=str), "application/json")
    for name, page in build_pages(record, summary, quarantine).items():
        _write(run, name, page, "text/html; charset=utf-8")
    # Last: a run whose record stands has its report, too.
    _write(run, "run.json", record.model_dump_json(indent=1), "application/json")
    return record


def with_alarms(record: RunRecord, history: History, options: Alarms) -> RunRecord:
    """The record with its alarms, and with the runs that it was compared with for them."""
    references = _references(record, history, options)
    found = raised(record, references, options)
    return record.model_copy(update={"alarms": found, "reference": tuple(each.run_id for each in references)})


def _references(record: RunRecord, history: History, options: Alarms) -> tuple[RunRecord, ...]:
    if options.reference is not None:
        try:
            return (history.get(options.reference),)
        except InputError as error:
            # A name that fits no run must not cost the night's results, nor the comparison.
            _log.warning("alarms.reference is left aside, and the newest earlier runs are taken: %s", error)
    return references_of(record, history.backwards())


def _history(run: Run) -> History:
    place = run.results.location
    return History(StoreShelf(Store(run.services.access_for(place.uri)), place))


def _label_problems(run: Run, plan: Plan) -> tuple[str, ...]:
    """What was wrong with the label file whose segments were scored: the first few, and how many more."""
    problems = (*plan.unfit, *(run.labels.problems if run.labels else ()))
    more = (f"… and {len(problems) - _MOST_PROBLEMS} more lines of it",) if len(problems) > _MOST_PROBLEMS else ()
    return (*problems[:_MOST_PROBLEMS], *more)


def _shares(summary: Summary) -> dict[str, float]:
    """The shares that a finished run is checked on; those that are undefined are left out."""
    if not summary.segments:
        return {}
    shares = {
        "neutral_rate": summary.neutral_rate,
        "undecided_rate": summary.undecided / summary.segments,
        "short_rate": summary.short_rate,
        "uncertain_language_rate": summary.flags.get(Flag.UNCERTAIN_LANGUAGE, 0) / summary.segments,
    }
    return {name: share for name, share in shares.items() if share is not None}


def _write(run: Run, name: str, text: str, content_type: str) -> None:
    run.results.write_run_file(run.run_id, name, text.encode(), content_type)
