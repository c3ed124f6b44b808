"""`seraph promote` as a user runs it, and `current` in every command that names a configuration.

Most run in this process, on a local store that is only a folder; one scores on the real stack.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows import terminal
from infra.errors import ConfigError, InputError, UsageError
from infra.location import Location
from infra.shelf import Shelf, StoreShelf
from infra.stack import Stack
from infra.storage import Store
from tasks.promotion.current import Promotions
from tasks.records.run import ConfigUsed, Promotion
from tests.support.demo import audio_only
from tests.support.desk import Desk
from tests.support.promotions import TUNED, store_tuning
from tests.support.records import run_record
from tests.support.seraph import DEMO, Seraph, assert_same_table


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


# -- promoting ---------------------------------------------------------------------------------------------------------


def test_the_document_says_what_is_current_now_and_what_was_before(desk: Desk) -> None:
    first = desk.json("promote", "demo", "--why", "a start", "--who", "ann")
    store_tuning(desk.shelf, evaluation_id="e1")
    second = desk.json("promote", TUNED)
    assert set(first) == {"hash", "current", "before", "config_uri", "forced"}
    assert (first["before"], second["before"]) == (None, first["hash"])
    assert (first["current"]["who"], first["current"]["why"], first["forced"]) == ("ann", "a start", False)
    current = second["current"]
    assert (current["tuning_id"], current["evaluation_id"], current["verdict"]) == (TUNED, "e1", "adopt")
    assert Path(second["config_uri"]).read_text().count("neutral_suppression: 0.5") == 1
    standing = Promotions(desk.shelf).current()
    assert standing is not None
    assert standing.model_dump(mode="json") == current


def test_who_promotes_is_by_default_the_user_of_the_system(desk: Desk) -> None:
    import pwd

    who = desk.json("promote", "demo", "--why", "a start", "--who", "  ")["current"]["who"]
    assert who == pwd.getpwuid(os.getuid()).pw_name


def test_a_verdict_other_than_adopt_is_refused_and_force_is_recorded(desk: Desk) -> None:
    store_tuning(desk.shelf, verdict="keep-default", reason="The gain is luck.", labels_to_decide=300)
    with pytest.raises(InputError, match=r"`keep-default`.*The gain is luck.*About 300 more") as refused:
        desk.run("promote", TUNED, "--base", "demo")
    assert refused.value.exit_code == 3
    assert Promotions(desk.shelf).current() is None, "nothing was written"
    forced = desk.json("promote", TUNED, "--base", "demo", "--force")
    assert (forced["forced"], forced["current"]["verdict"]) == (True, "keep-default")
    shown = desk.run("promote", "--history").stdout
    assert "verdict keep-default; forced" in shown


def test_a_person_reads_what_is_current_why_and_where_it_lies(desk: Desk) -> None:
    shown = desk.run("promote", "demo", "--why", "a [bold] start", "--who", "ann").stdout
    for words in ("demo (", "nothing was promoted before", "ann, 2", "a [bold] start", "/configs/"):
        assert words in shown


def test_where_nothing_is_promoted_the_base_is_the_default_and_that_is_one_line_on_stderr(desk: Desk) -> None:
    store_tuning(desk.shelf)
    found = desk.run("promote", TUNED, "--json")
    assert json.loads(found.stdout)["current"]["name"] == f"default+{TUNED}"
    (line,) = found.stderr.splitlines()
    assert "`current` is the preset `default`" in line


# -- history and rollback ----------------------------------------------------------------------------------------------


def test_the_history_is_a_list_and_begins_with_the_newest(desk: Desk) -> None:
    assert desk.json("promote", "--history") == {"history": []}
    assert "No configuration was promoted yet" in desk.run("promote", "--history").stdout
    hashes = [desk.json("promote", name, "--why", "x")["hash"] for name in ("demo", "superb")]
    listed = desk.json("promote", "--history")["history"]
    assert [each["hash"] for each in listed] == hashes[::-1]
    shown = desk.run("promote", "--history").stdout
    assert all(each in shown for each in (*hashes, "superb", "demo"))


def test_a_rollback_goes_to_the_one_before_or_to_the_hash_that_is_named(desk: Desk) -> None:
    hashes = [desk.json("promote", name, "--why", "x")["hash"] for name in ("demo", "superb", "default")]
    back = desk.json("promote", "--rollback", "--who", "bob", "--why", "a mistake")
    assert (back["hash"], back["before"]) == (hashes[1], hashes[2])
    assert (back["current"]["rolled_back"], back["current"]["who"], back["current"]["why"]) == (
        True,
        "bob",
        "a mistake",
    )
    named = desk.json("promote", "--rollback", hashes[0][:10])
    assert named["hash"] == hashes[0]
    assert len(desk.json("promote", "--history")["history"]) == 5
    assert "rolled back" in desk.run("promote", "--history").stdout


# -- wrong use ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "CONFIG is needed"),
        (("demo",), "rests on no tuning: say --why"),
        (("demo", "--why", " "), "rests on no tuning: say --why"),
        (("demo", "--why", "x", "--base", "superb"), "--base goes with a tuning"),
        (("demo", "--history"), "--history only shows"),
        (("--history", "--rollback"), "--history only shows"),
        (("--rollback", "--force"), "--rollback takes a configuration as it was"),
        (("--rollback", "--base", "demo"), "--rollback takes a configuration as it was"),
    ],
)
def test_wrong_use_is_said_in_a_line(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        desk.run("promote", *arguments)


def test_a_configuration_that_is_not_there_is_named(desk: Desk) -> None:
    with pytest.raises(InputError, match=r"no configuration '20200101T000000-abcdef'.*seraph tune"):
        desk.run("promote", "20200101T000000-abcdef")


# -- current -----------------------------------------------------------------------------------------------------------


def test_an_evaluation_that_names_current_says_once_where_nothing_is_promoted(desk: Desk, tmp_path: Path) -> None:
    line = {"video": "a.wav", "start": 0, "end": 2, "label": "sad", "audio_scores": {"neutral": 0.6, "sad": 0.4}}
    (tmp_path / "labels.jsonl").write_text(json.dumps(line))
    evaluate = ("evaluate", "--recorded", "--labels", str(tmp_path / "labels.jsonl"), "--config", "current", "--json")
    (said,) = desk.run(*evaluate).stderr.splitlines()
    assert "`current` is the preset `default`" in said
    desk.run("promote", "demo", "--why", "x")
    promoted = desk.run(*evaluate)
    assert promoted.stderr == ""
    assert json.loads(promoted.stdout)["settings"]["config"]["name"] == "demo"


@pytest.mark.parametrize("command", ["score", "export"])
def test_what_is_promoted_is_the_default_of_the_commands(desk: Desk, tmp_path: Path, command: str) -> None:
    desk.run("promote", "demo", "--why", "x")
    configs = desk.home / "s3" / "results" / "configs"
    (file,) = set(configs.glob("*.yaml")) - {configs / "current.yaml"}
    file.write_text("changed: by hand")
    output = ("--output", str(tmp_path / "table.parquet")) if command == "export" else ()
    with pytest.raises(ConfigError, match="was changed since it was promoted"):
        desk.run(command, "--media", str(tmp_path), *output)


def test_a_person_is_told_which_promoted_configuration_a_run_used(capsys: pytest.CaptureFixture[str]) -> None:
    made = Promotion(
        hash="0" * 16,
        name="demo",
        who="ann",
        why=None,
        source="t1",
        forced=True,
        promoted_at="2026-01-01T00:00:00+00:00",
    )
    terminal.show_run(run_record(configuration=ConfigUsed(name="demo", hash=made.hash, promotion=made)))
    assert f"Configured  demo ({made.hash}), promoted by ann, by force" in capsys.readouterr().out
    terminal.show_run(run_record(configuration=ConfigUsed(name="demo", hash=made.hash)))
    assert "Configured" not in capsys.readouterr().out


# -- current, on the real stack ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Corpus:
    """Two utterances of each language, scored by a promoted configuration that nobody named."""

    seraph: Seraph
    media: Path
    results: str
    shelf: Shelf
    promoted: dict[str, Any]
    record: dict[str, Any]
    table: pd.DataFrame

    @property
    def base(self) -> str:
        return self.seraph.config

    def promote(self, *arguments: str) -> dict[str, Any]:
        return self.seraph.json("promote", *arguments, "--results", self.results)

    def score(self) -> dict[str, Any]:
        return self.seraph.json("score", "--media", str(self.media), "--results", self.results)

    def read(self) -> pd.DataFrame:
        return self.seraph.table(self.media, self.results, "current")


@pytest.fixture(scope="module")
def corpus(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    assert stack.services.local_root is not None
    media = tmp_path_factory.mktemp("promoted")
    for language in ("en", "ko"):
        files = sorted((DEMO / "media" / language / "utterances").iterdir())
        for file in [each for each in files if each.suffix not in (".srt", ".vtt")][:2]:
            (media / file.name).write_bytes(file.read_bytes())
    results = f"s3://promoted-{os.getpid()}"
    store = Store(stack.services.store)
    store.ensure_bucket(results.removeprefix("s3://"))
    shelf = StoreShelf(store, Location.parse(results))
    seraph = Seraph(stack.services.local_root.parent, config=audio_only(tmp_path_factory.mktemp("config")))
    empty = Corpus(seraph, media, results, shelf, {}, {}, pd.DataFrame())
    promoted = empty.promote(empty.base, "--why", "a start", "--who", "ann")
    record = empty.score()
    return Corpus(empty.seraph, media, results, shelf, promoted, record, empty.read())


@pytest.mark.stack
def test_scoring_takes_what_is_promoted_and_the_record_and_the_report_name_it(corpus: Corpus) -> None:
    used = corpus.record["configuration"]
    assert (corpus.record["media"]["scored"], used["name"], used["hash"]) == (4, "demo", corpus.promoted["hash"])
    assert used["promotion"] == corpus.promoted["current"]
    page = Path(corpus.record["outputs"]["report_file"]).read_text()
    assert corpus.promoted["hash"] in page
    assert "ann, a start" in page


@pytest.mark.stack
def test_a_promoted_decision_decides_stored_scores_anew_and_a_rollback_brings_the_old_ones_back(
    corpus: Corpus,
) -> None:
    store_tuning(corpus.shelf, decision={"neutral_floor": 0.99}, verdict="undecided")
    made = corpus.promote(TUNED, "--force")
    record = corpus.score()
    assert (record["media"]["planned"], record["workers"]) == (0, {}), "nothing is inferred"
    assert record["redecided"] == len(corpus.table)
    promotion = record["configuration"]["promotion"]
    assert (promotion["hash"], promotion["tuning_id"], promotion["forced"]) == (made["hash"], TUNED, True)
    after = corpus.read()
    assert (after["emotion"] == "neutral").all()
    assert not (corpus.table["emotion"] == "neutral").all()

    back = corpus.promote("--rollback")
    assert back["hash"] == corpus.promoted["hash"]
    again = corpus.score()
    assert (again["media"]["planned"], again["redecided"]) == (0, 0)
    assert again["configuration"]["promotion"]["rolled_back"] is True
    assert_same_table(corpus.read(), corpus.table)


@pytest.mark.stack
def test_the_bundled_biased_set_is_adopted_promoted_without_force_and_used_by_the_next_run(corpus: Corpus) -> None:
    labels = str(DEMO / "recorded-biased.jsonl")
    tuned = corpus.seraph.json("tune", "--labels", labels, "--recorded", "--results", corpus.results)
    assert tuned["verdict"] == "adopt"
    made = corpus.promote(tuned["tuning_id"], "--base", corpus.base)
    assert (made["forced"], made["current"]["verdict"]) == (False, "adopt")
    record = corpus.score()
    assert record["configuration"]["promotion"]["tuning_id"] == tuned["tuning_id"]
    chosen = tuned["apparent"]["params"]["neutral_suppression"]
    assert record["config"]["decision"]["neutral_suppression"] == chosen < 1.0
