"""What is to be done: the labels as they lie there, the configuration, the candidates; and whether it was done before.

An event is a hint to look: the truth is listed here.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from infra.errors import ConfigError, InputError
from infra.location import Location
from infra.services import Services
from infra.shelf import Shelf, StoreShelf
from infra.storage import Store
from tasks.evaluation.candidates import Candidate, prepare
from tasks.evaluation.request import EvaluateRequest
from tasks.evaluation.result_model import ModelResult
from tasks.hashes import short_hash
from tasks.labels.media import match_names
from tasks.plan import list_media
from tasks.promotion.current import Chosen, choose, config_hash
from tasks.reevaluation.archive import ReevaluationArchive
from tasks.reevaluation.request import ReevaluateRequest
from tasks.reevaluation.result import Reevaluation, Row
from tasks.watch.archive import WatchArchive
from tasks.watch.reading import LabelStore, take_snapshot
from tasks.watch.snapshot import Snapshot, hash_of_aliases

_Prepared = Candidate | ModelResult | ConfigError
"""A candidate, one that cannot be had, or one whose configuration is wrong."""


@dataclass(frozen=True)
class Opened:
    """A re-evaluation that is to be made.

    Attributes:
        asked: See `Reevaluation.asked`.
        chosen: The configuration as it is now.
        unusable: Candidates that no evaluation can be asked about, with the reason.
        last: The re-evaluation before this one on the same labels and media.
        started: Of `time.perf_counter`.
    """

    request: ReevaluateRequest
    shelf: Shelf
    snapshot: Snapshot
    asked: str
    chosen: Chosen
    evaluate: EvaluateRequest
    unusable: tuple[Row, ...]
    last: Reevaluation | None
    started: float

    @property
    def config_hash(self) -> str:
        return self.chosen.used.hash


def open_reevaluation(request: ReevaluateRequest, services: Services) -> Opened | Reevaluation:
    """Look at labels, configuration and candidates in the stores. See `opened_on`."""
    shelf = StoreShelf(Store(services.access_for(request.results)), Location.parse(request.results))
    labels, media = (Store(services.access_for(each)) for each in (request.labels, request.media))
    return opened_on(request, labels, media, shelf)


def opened_on(request: ReevaluateRequest, labels: LabelStore, media: LabelStore, shelf: Shelf) -> Opened | Reevaluation:
    """What is to be done; or the last re-evaluation, where nothing changed since.

    Args:
        request: What is asked.
        labels, media: The stores of the label files and of what they are about; of the latter only the listing.
        shelf: The results.

    Raises:
        InputError: There is no label that can be used.
        ConfigError: The configuration is wrong. (A wrong candidate is a row with its reason.)
        StoreError: A store cannot be reached.
    """
    started = time.perf_counter()
    snapshot = _snapshot(request, labels, shelf)
    chosen = choose(request.config, lambda: shelf)
    prepared = {name: _prepared(name, chosen, shelf) for name in request.candidates}
    own = _prepared(request.config, chosen, shelf)
    if isinstance(own, ConfigError):
        raise own
    there = _labelled_media(request, snapshot, chosen, media)
    asked = _asked(request, snapshot, there, own, list(prepared.values()))
    last = ReevaluationArchive(shelf).last(request.labels, request.media)
    if last and not request.force and last.asked == asked and chosen.used.hash in last.configurations:
        return last
    unusable = tuple(_unusable(name, each) for name, each in prepared.items() if isinstance(each, ConfigError))
    wanted = [name for name, each in prepared.items() if not isinstance(each, ConfigError)]
    evaluate = _evaluate(request, snapshot, wanted)
    return Opened(request, shelf, snapshot, asked, chosen, evaluate, unusable, last, started)


def _snapshot(request: ReevaluateRequest, labels: LabelStore, shelf: Shelf) -> Snapshot:
    seen = WatchArchive(shelf, request.labels).seen()
    snapshot = take_snapshot(labels, request.labels, request.aliases, seen.snapshot if seen else None)
    if not snapshot.said:
        told = "; ".join(list(snapshot.problems)[:3]) or f"{len(snapshot.files)} label files, without a label"
        raise InputError(f"no label under {request.labels} can be used ({told}): put label files there")
    return snapshot


def _prepared(name: str, chosen: Chosen, shelf: Shelf) -> _Prepared:
    try:
        return prepare(name, chosen.config, lambda each: choose(each, lambda: shelf).config)
    except ConfigError as error:
        return error


def _labelled_media(
    request: ReevaluateRequest, snapshot: Snapshot, chosen: Chosen, media: LabelStore
) -> list[list[str]]:
    """URI and etag of the labelled media that are there: labels may come before them."""
    listed = list_media(media.list(Location.parse(request.media)), chosen.config.media.suffixes).media
    found = match_names(sorted({each.media for each in snapshot.said.values()}), listed.index.tolist())
    return [[uri, str(listed.at[uri, "etag"])] for uri in sorted(set(found.uris.values()))]


def _asked(
    request: ReevaluateRequest,
    snapshot: Snapshot,
    there: list[list[str]],
    own: Candidate | ModelResult,
    others: Sequence[_Prepared],
) -> str:
    """Hash over what the answer depends on; weights that change in their place are another question.

    Not the decision of the configuration in question: that is told by `Reevaluation.configurations`, so that a
    promotion that a re-evaluation made itself is no reason for another.
    """
    how = [request.media.rstrip("/"), hash_of_aliases(request.aliases), request.tune, request.promote, request.seed]
    candidates = [_told_apart(own), *([*_told_apart(each), _whole(each)] for each in others)]
    return short_hash([snapshot.content, there, request.config, *how, *candidates])


def _told_apart(each: _Prepared) -> list[str]:
    if isinstance(each, ConfigError):
        return ["wrong", str(each)]
    if isinstance(each, ModelResult):
        return [each.status, each.model]
    read = each.reads.identity if each.reads else None
    return [each.name, each.key, read.id if read else ""]


def _whole(each: _Prepared) -> str | None:
    """Of another configuration its hash, decision and all; a model is decided as the configuration in question."""
    return config_hash(each.config) if isinstance(each, Candidate) and each.kind == "system" else None


def _unusable(name: str, error: ConfigError) -> Row:
    return Row(model=name, kind="system", named=True, status="failed", reason=str(error))


def _evaluate(request: ReevaluateRequest, snapshot: Snapshot, candidates: Sequence[str]) -> EvaluateRequest:
    return EvaluateRequest(
        labels=tuple(each.uri for each in snapshot.usable),
        models=(request.config, *candidates),
        media=request.media,
        config=request.config,
        aliases=request.aliases,
        seed=request.seed,
    )
