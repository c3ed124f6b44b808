"""tasks/texts/stage.py: the text branch on a store in memory, with a pool that has its answers ready."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from actors.contract import Medium
from actors.texts import Cue, TextAnswer, TextFlag, TextWork
from infra.errors import WeightsAbsentError
from infra.location import Location
from infra.services import Services
from infra.settings import StoreAccess
from tasks.config.identity import Identity
from tasks.config.scoring import ScoreConfig
from tasks.config.text import TextIdentity
from tasks.numerics.decision import Decision
from tasks.score import decide_missing
from tasks.store import Entry, ResultsStore
from tasks.tables import Decisions, logits_table, scores_table
from tasks.texts.stage import TextStage, count_texts, read_shard, resolve_texts, text_setup, texts_missing
from tasks.texts.tables import TextDecisions
from tests.support.checkpoints import write_stock
from tests.support.identities import checkpoint_identity
from tests.support.quiet import import_great_expectations
from tests.support.results import LABEL_MAP, SPECS, medium, scored
from tests.support.stores import MemoryStore
from tests.support.text_checkpoints import write_text
from tests.support.texts import READER, TEXT_MAPS, answer, said

A, B, C = (medium(f"s3://media/{name}.wav") for name in "abc")
SERVICES = Services(StoreAccess(), None, "", "")


class ReadyPool:
    """Answers at once, as `changes` of a medium's uri say; notes what it was asked."""

    def __init__(self, **changes: Any) -> None:
        self.asked: list[TextWork] = []
        self._changes = changes

    def read(self, works: Sequence[TextWork]) -> list[TextAnswer]:
        self.asked += works
        return [self._changes.get(work.medium.uri[-5], answer)(work) for work in works]


def identity(weight: float = 0.5, text: str | None = "t1") -> Identity:
    plain = Decision(label_map=LABEL_MAP, audio_weight=weight)
    found = (
        None if text is None else TextIdentity(text, {"en": checkpoint_identity(source="models/text")}, None, TEXT_MAPS)
    )
    fused = None if text is None else TextDecisions(f"fused-{text}", TEXT_MAPS)
    return Identity("f0", {}, {}, "whisper", Decisions("heard", plain, {}, fused), found)


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    import_great_expectations()


@pytest.fixture
def results() -> ResultsStore:
    return ResultsStore(cast(Any, MemoryStore()), Location("out"), "f0")


def commit(results: ResultsStore, name: str, *media: Medium) -> str:
    """Commit media of two rows each as a run does, scored by audio alone; returns their stem."""
    logits = logits_table([scored(each) for each in media], SPECS)
    entries = [Entry(uri=each.uri, etag=each.etag, outcome="scored", rows=2) for each in media]
    stem = results.commit(name, "run-1", entries, {"logits": logits}).media[0].stem
    results.write_scores(stem, "heard", scores_table(logits, identity().decisions, "run-1"))
    return stem


def current(results: ResultsStore, who: Identity | None = None) -> list[tuple[str, str | None, str | None]]:
    tables = results.current_scores(results.ledger(), *(who or identity()).decisions.names)
    rows = [row for table in tables for row in table.to_pylist()]
    return [(row["decision"], row["emotion"], row["emotion_text"]) for row in rows]


HEARD = [("heard", "sad", None), ("heard", "neutral", None)]
FUSED = [("fused-t1", "sad", "angry"), ("fused-t1", "neutral", "angry")]


# -- the stage ---------------------------------------------------------------------------------------------------------


def test_a_shards_texts_are_asked_by_medium_and_written_whole(results: ResultsStore) -> None:
    stem, pool = commit(results, "c1", A, B), ReadyPool()
    cues = {B.uri: (Cue(0, 1, "labelled"),)}
    assert texts_missing(results, results.ledger(), "t1") == [stem]
    report = read_shard(stem, pool, results, "t1", cues)
    assert (report.segments, report.problem) == (4, None)
    assert [(work.medium.uri, work.medium.etag, len(work.asked), work.labels) for work in pool.asked] == [
        (A.uri, "e1", 2, ()),
        (B.uri, "e1", 2, cues[B.uri]),
    ]
    assert texts_missing(results, results.ledger(), "t1") == []
    assert results.texts(stem, "t1")["segment_id"].to_pylist() == results.logits(stem)["segment_id"].to_pylist()
    assert texts_missing(results, results.ledger(), "t2") == [stem], "other texts are other files"


def test_a_store_that_does_not_answer_leaves_the_shard_to_the_next_run(results: ResultsStore) -> None:
    stem = commit(results, "c1", A, B)
    silent = ReadyPool(b=lambda work: answer(work, transient="the store answered 503"))
    assert read_shard(stem, silent, results, "t1", {}).problem == "the store answered 503"
    assert texts_missing(results, results.ledger(), "t1") == [stem]


def test_a_stage_adds_up_its_shards_and_says_each_problem_once(results: ResultsStore) -> None:
    slow = ReadyPool(a=lambda work: answer(work, seconds={"text": 1.5}, transient="503"))
    reports = [read_shard(commit(results, name, A), slow, results, "t1", {}) for name in ("c1", "c2")]
    assert TextStage.of(reports, 5) == TextStage(("503",), {"text": 3.0}, redecided=5, fresh=0)
    assert TextStage(("503",)).with_problems(["b", "503", "a"]).problems == ("503", "a", "b")
    written = read_shard(commit(results, "c3", B), ReadyPool(), results, "t1", {})
    assert TextStage.of([*reports, written]).fresh == 2


# -- deciding ----------------------------------------------------------------------------------------------------------


def test_scores_are_by_audio_until_the_texts_are_there_and_fused_then(results: ResultsStore) -> None:
    first, second = commit(results, "c1", A), commit(results, "c2", B)
    assert decide_missing(results, results.ledger(), identity(), "r") == 0
    assert current(results) == HEARD * 2
    read_shard(first, ReadyPool(), results, "t1", {})
    assert decide_missing(results, results.ledger(), identity(), "r") == 2
    assert sorted(current(results)) == sorted(FUSED + HEARD)
    read_shard(second, ReadyPool(), results, "t1", {})
    assert decide_missing(results, results.ledger(), identity(), "r") == 2
    assert current(results) == FUSED * 2
    assert decide_missing(results, results.ledger(), identity(), "r") == 0


def test_other_texts_are_another_decision_and_no_text_is_the_audios_own(results: ResultsStore) -> None:
    stem = commit(results, "c1", A)
    read_shard(stem, ReadyPool(), results, "t1", {})
    read_shard(
        stem,
        ReadyPool(a=lambda work: answer(work, *(said(each.segment_id, "x", (9, 0, 0)) for each in work.asked))),
        results,
        "t2",
        {},
    )
    for who in (identity(), identity(text="t2"), identity(text=None)):
        decide_missing(results, results.ledger(), who, "r")
    assert current(results) == FUSED
    assert [row[2] for row in current(results, identity(text="t2"))] == ["happy", "happy"]
    assert current(results, identity(text=None)) == HEARD


def unsound(work: TextWork) -> TextAnswer:
    """Answers that no model can have given: to a text that is not there."""
    return answer(work, *(replace(said(each.segment_id), text=None) for each in work.asked))


def test_scores_with_text_that_fail_the_checks_are_told_each_time_and_the_audio_stands(results: ResultsStore) -> None:
    good, bad = commit(results, "c1", A), commit(results, "c2", B)
    read_shard(good, ReadyPool(), results, "t1", {})
    read_shard(bad, ReadyPool(b=unsound), results, "t1", {})
    told: list[str] = []
    assert decide_missing(results, results.ledger(), identity(), "r", told.append) == 2
    assert sorted(current(results)) == sorted(FUSED + HEARD)
    # Nothing is left to decide, but what the table lacks is told once more.
    assert decide_missing(results, results.ledger(), identity(), "r", told.append) == 0
    assert told[0] == told[1]
    assert told[0].startswith(f"shard {bad[:8]}: audio alone decides its 2 segments, since the scores with text fail")
    assert "read_nothing" in told[0]
    stage = TextStage(("503",)).with_unsound(told[:1])
    counts = count_texts(results, results.ledger(), 4, identity(), stage)
    assert (counts.unsound, counts.warnings) == ((told[0],), ("texts: 503", f"texts: {told[0]}"))


def test_audio_scores_that_are_missing_too_are_made_where_those_with_text_fail(results: ResultsStore) -> None:
    logits = logits_table([scored(A)], SPECS)
    entries = [Entry(uri=A.uri, etag=A.etag, outcome="scored", rows=2)]
    stem = results.commit("c1", "run-1", entries, {"logits": logits}).media[0].stem
    read_shard(stem, ReadyPool(a=unsound), results, "t1", {})
    assert decide_missing(results, results.ledger(), identity(), "r", [].append) == 2
    assert current(results) == HEARD


def test_audio_scores_that_a_killed_run_did_not_write_are_made_up_for(results: ResultsStore) -> None:
    logits = logits_table([scored(A)], SPECS)
    results.commit("c1", "run-1", [Entry(uri=A.uri, etag=A.etag, outcome="scored", rows=2)], {"logits": logits})
    assert decide_missing(results, results.ledger(), identity(), "r") == 2
    assert current(results) == HEARD


# -- counting ----------------------------------------------------------------------------------------------------------


def test_counts_say_where_texts_are_from_what_failed_and_what_is_still_to_be_read(results: ResultsStore) -> None:
    stem = commit(results, "c1", A, B)
    commit(results, "c2", C)
    lost = {"flags": (TextFlag.TEXT_FAILED,), "reason": "timeout"}
    pool = ReadyPool(
        a=lambda work: answer(work, said(work.asked[0].segment_id), said(work.asked[1].segment_id, None)),
        b=lambda work: answer(
            work, said(work.asked[0].segment_id, source="whisper"), said(work.asked[1].segment_id, None, **lost)
        ),
    )
    read_shard(stem, pool, results, "t1", {})
    counts = count_texts(results, results.ledger(), 6, identity(), TextStage(("503",)))
    assert (counts.id, counts.segments, counts.sources) == ("t1", 2, {"sidecar": 1, "whisper": 1})
    assert (counts.without, counts.waiting, counts.failed, counts.reasons) == (2, 2, 1, {"timeout": 1})
    assert (counts.problems, counts.warnings, counts.nothing_read) == (("503",), ("texts: 503",), False)
    assert counts.models["en"].source == READER.source


def test_where_nothing_was_read_all_are_waiting(results: ResultsStore) -> None:
    counts = count_texts(results, results.ledger(), 6, identity(text=None), TextStage(("no weights",)))
    assert (counts.id, counts.segments, counts.waiting, counts.nothing_read) == (None, 0, 6, True)


# -- what a run asks for -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest checkpoints, and a file that passes for Whisper's."""
    place = tmp_path_factory.mktemp("checkpoints")
    write_stock(place / "en", hidden=16, layers=1, conv_dim=[8] * 7)
    write_text(place / "text", hidden=16, layers=1)
    (place / "whisper.pt").write_bytes(b"whisper")
    return place


def config(folder: Path, **text: Any) -> ScoreConfig:
    return ScoreConfig.model_validate(
        {
            "routes": {"en": {"model": str(folder / "en")}},
            "language": {"model": str(folder / "whisper.pt")},
            "text": {"models": {"en": {"model": str(folder / "text")}}, **text},
        }
    )


def test_workers_are_told_the_sources_the_models_and_the_whisper(folder: Path) -> None:
    asked = config(folder, source=["sidecar", "whisper"])
    who, labels = resolve_texts(asked, None, SERVICES)
    pinned = replace(who.text, checkpoints={"en": checkpoint_identity(revision="1" * 40)}) if who.text else None
    setup = text_setup(asked, replace(who, text=pinned), SERVICES, "s3://media/x")
    assert labels is None
    assert (setup.sources, setup.whisper) == (("sidecar", "whisper"), str(folder / "whisper.pt"))
    assert (setup.models["en"].model, setup.models["en"].revision) == (str(folder / "text"), "1" * 40)


def test_a_label_file_counts_by_its_bytes(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    ids = []
    for text in ("hello", "hello", "bye"):
        file.write_text(f'{{"video": "a.wav", "start": 0, "end": 1, "text": "{text}"}}\n')
        who, labels = resolve_texts(config(folder, source="labels", labels=str(file)), None, SERVICES)
        assert labels is not None
        assert who.text is not None
        ids.append(who.text.id)
    assert ids[0] == ids[1] != ids[2]
    assert labels.fitted([A.uri]) == {A.uri: (Cue(0.0, 1.0, "bye"),)}


def test_a_label_file_that_is_not_there_keeps_texts_out_and_audio_in(folder: Path) -> None:
    who, _ = resolve_texts(config(folder, source="labels", labels="/nowhere.jsonl"), None, SERVICES)
    assert who.text is None
    assert "no label file /nowhere.jsonl" in (who.text_problem or "")
    assert who.decisions.name == who.decisions.heard_name


def test_audio_weights_that_are_absent_still_end_the_run(folder: Path) -> None:
    plain = config(folder, source="whisper")
    absent = plain.model_copy(update={"language": plain.language.model_copy(update={"model": "absent.pt"})})
    with pytest.raises(WeightsAbsentError, match=r"absent\.pt"):
        resolve_texts(absent, None, SERVICES)
