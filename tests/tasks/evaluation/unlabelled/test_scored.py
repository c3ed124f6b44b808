"""tasks/evaluation/unlabelled/scored.py: the rows of one configuration, whoever else scored the media since."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from actors.checkpoints import CheckpointIdentity
from actors.contract import TAXONOMY, Medium, ModelSpec
from infra.location import Location
from tasks.config.identity import Identity
from tasks.config.scoring import ScoreConfig
from tasks.evaluation.unlabelled import Scored, scored_corpus
from tasks.numerics.decision import Decision
from tasks.run import Run
from tasks.store import Entry, ResultsStore
from tasks.tables import Decisions, logits_table
from tests.support.results import ENGLISH, KOREAN, LABEL_MAP, SPECS, medium, scored, segment
from tests.support.stores import MemoryStore

A, B = medium("s3://media/shows/a.wav"), medium("s3://media/shows/b.wav")
ELSEWHERE = medium("s3://media/else/c.wav")


@pytest.fixture
def results() -> ResultsStore:
    """An empty results store in memory."""
    return ResultsStore(cast(Any, MemoryStore()), Location.parse("s3://results"), "f0")


def _commit(
    results: ResultsStore, name: str, of: Medium, route: str, spec: ModelSpec = ENGLISH, **changes: Any
) -> None:
    """Commit a medium of two rows that a route made; no scores are written."""
    logits = (0.0, 1.0, 2.0, 3.0)[: len(spec.labels)]
    rows = [segment(of, number, logits, spec=spec) for number in (0, 1)]
    values: dict[str, Any] = {"outcome": "scored", "rows": 2, "routes": {"en": route}}
    entry = Entry(uri=of.uri, etag=of.etag, **(values | changes))
    tables = {"logits": logits_table([scored(of, *rows)], SPECS)} if entry.rows else {}
    results.commit(name, "run-1", [entry], tables)


def _run(results: ResultsStore, route: str, spec: ModelSpec = ENGLISH) -> Run:
    """A run of a configuration whose English goes this way."""
    identity = Identity(
        fingerprint="f0",
        routes={"en": route, "fallback": "quarantine"},
        checkpoints={"en": _checkpoint(spec)},
        detector_sha256="0",
        decisions=Decisions("d0", Decision(label_map=LABEL_MAP), {}),
    )
    config = ScoreConfig.model_validate({"name": f"by {route}", "routes": {"en": {"model": spec.source}}})
    nothing = cast(Any, None)
    media = Location.parse("s3://media/shows")
    return Run("run-9", datetime.now(UTC), config, identity, media, nothing, results, nothing)


def _checkpoint(spec: ModelSpec) -> CheckpointIdentity:
    return CheckpointIdentity(
        source=spec.source,
        revision=None,
        weights_sha256=spec.weights_sha256,
        preprocessing="p0",
        architecture="a0",
        family=spec.family,
        kind=spec.kind,
        labels=spec.labels,
        sampling_rate=16_000,
        demo=False,
        licence=None,
    )


def _rows(found: Scored) -> list[tuple[str, str]]:
    return sorted({(row["media_uri"], row["model"]) for table in found.tables() for row in table.to_pylist()})


def test_what_a_configuration_scored_is_decided_and_read_under_its_name(results: ResultsStore) -> None:
    _commit(results, "c1", A, "x")
    _commit(results, "c2", ELSEWHERE, "x")
    found = scored_corpus(_run(results, "x"))
    assert found.name == "by x"
    assert _rows(found) == [(A.uri, ENGLISH.source)]
    assert found.labels == {ENGLISH.source: ENGLISH.labels}
    assert [table["emotion"].to_pylist() for table in found.tables()] == [["sad", "sad"]]


def test_the_tables_can_be_opened_twice(results: ResultsStore) -> None:
    _commit(results, "c1", A, "x")
    found = scored_corpus(_run(results, "x"), "mine")
    assert found.name == "mine"
    assert _rows(found) == _rows(found) != []


def test_another_configuration_that_scored_the_media_since_does_not_hide_these_rows(results: ResultsStore) -> None:
    _commit(results, "c1", A, "x")
    _commit(results, "c2", A, "y", KOREAN)
    assert _rows(scored_corpus(_run(results, "x"))) == [(A.uri, ENGLISH.source)]
    assert _rows(scored_corpus(_run(results, "y", KOREAN))) == [(A.uri, KOREAN.source)]


def test_a_medium_that_was_replaced_since_is_left_out(results: ResultsStore) -> None:
    _commit(results, "c1", A, "x")
    _commit(results, "c2", B, "x")
    _commit(results, "c3", Medium(A.uri, "e2", 1000), "y", KOREAN)
    assert _rows(scored_corpus(_run(results, "x"))) == [(B.uri, ENGLISH.source)]


def test_a_medium_that_is_gone_is_left_out(results: ResultsStore) -> None:
    _commit(results, "c1", A, "x")
    _commit(results, "c2", A, "x", outcome="removed", before="scored", rows=0)
    assert _rows(scored_corpus(_run(results, "x"))) == []


def test_a_medium_that_another_configuration_could_not_read_keeps_its_rows(results: ResultsStore) -> None:
    _commit(results, "c1", A, "x")
    _commit(results, "c2", A, "y", outcome="quarantined", rows=0, faults=1, routes={})
    assert _rows(scored_corpus(_run(results, "x"))) == [(A.uri, ENGLISH.source)]


def test_nothing_scored_gives_no_table(results: ResultsStore) -> None:
    assert list(scored_corpus(_run(results, "x")).tables()) == []


def test_a_dimensional_model_is_known_by_the_seven_emotions(results: ResultsStore) -> None:
    run = _run(results, "x")
    spec = SPECS[ENGLISH.weights_sha256]
    checkpoint = CheckpointIdentity(**{**vars(_checkpoint(spec)), "kind": "dimensional", "labels": ("arousal",)})
    run = Run(**{**vars(run), "identity": Identity(**{**vars(run.identity), "checkpoints": {"en": checkpoint}})})
    assert scored_corpus(run).labels == {spec.source: TAXONOMY}
