"""`seraph score` on the real stack, as a user runs it: what it prints, stores, survives and refuses."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from actors.decode import decode
from actors.options import ReadOptions
from flows.alarms import corpus_id
from infra.location import Location
from infra.stack import Stack
from infra.storage import Store
from tests.support.demo import audio_only, utterances
from tests.support.media import Track, encode, mux, tone
from tests.support.prefect import prefect_client
from tests.support.seraph import Seraph, assert_same_table

pytestmark = pytest.mark.stack

_results = iter(range(1, 1000))


@pytest.fixture(scope="module")
def seraph(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Seraph:
    assert stack.services.local_root is not None
    return Seraph(stack.services.local_root.parent, config=audio_only(tmp_path_factory.mktemp("config")))


def new_results(stack: Stack) -> str:
    """A results store that no other test has."""
    bucket = f"results-{os.getpid()}-{next(_results)}"
    Store(stack.services.store).ensure_bucket(bucket)
    return f"s3://{bucket}"


@pytest.fixture
def results(stack: Stack) -> str:
    return new_results(stack)


def copy_utterances(folder: Path, number: int) -> Path:
    """So many of the demo's utterances of each language, under `en` and `ko`."""
    for language in ("en", "ko"):
        (folder / language).mkdir(parents=True)
        for file in utterances(language)[:number]:
            shutil.copy(file, folder / language)
    return folder


@dataclass(frozen=True)
class ScoredCorpus:
    """Eight utterances, scored once by an undisturbed run: read, not changed, by many tests."""

    media: Path
    results: str
    record: dict[str, Any]
    stderr: str
    table: pd.DataFrame


@pytest.fixture(scope="module")
def scored(seraph: Seraph, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> ScoredCorpus:
    media, results = copy_utterances(tmp_path_factory.mktemp("scored"), 4), new_results(stack)
    done = seraph.run("score", "--media", str(media), "--results", results, "--config", seraph.config, "--json")
    return ScoredCorpus(media, results, json.loads(done.stdout), done.stderr, seraph.table(media, results))


@pytest.fixture
def small_shards(tmp_path: Path) -> str:
    """The demo's configuration, cut into shards of one medium each: the same results, many commits."""
    return audio_only(tmp_path, media={"shard_media": 1})


# -- a healthy run -----------------------------------------------------------------------------------------------------


def test_a_run_prints_one_document_with_the_keys_that_others_rely_on(scored: ScoredCorpus) -> None:
    record = scored.record
    assert {"run_id", "status", "media", "segments", "audio_seconds", "realtime_factor", "languages", "emotions",
            "outputs", "validation"} <= set(record)  # fmt: skip
    assert record["status"] == "completed"
    expected = {"planned": 8, "scored": 8, "silent": 0, "skipped": 0, "quarantined": 0}
    assert {key: record["media"][key] for key in expected} == expected
    assert set(record["languages"]) == {"en", "ko"}
    assert sum(record["emotions"].values()) + record["undecided"] == record["segments"] == len(scored.table)
    assert (record["validation"]["success"], record["validation"]["failed"]) == (True, [])
    assert set(record["outputs"]) >= {"scores", "report", "quarantine", "run"}
    assert Path(record["outputs"]["report_file"]).is_file()


def test_a_run_records_what_there_was_and_what_it_took_and_tells_prefect(scored: ScoredCorpus, stack: Stack) -> None:
    record = scored.record
    assert (record["snapshot"]["media"], record["spread"]["media"], record["seeds"]) == (8, 8, {})
    assert record["spent"]["cpu_seconds"] > 0
    assert (record["alarms"], record["reference"]) == ([], []), "a first run is compared with nothing"
    wanted = {"filter": {"resource": {"id": [corpus_id(record["media_uri"], record["results_uri"])]}}}

    def told() -> list[dict[str, Any]]:
        with prefect_client(stack.services) as api:
            answer = api.post("events/filter", json=wanted)
        events = answer.raise_for_status().json()["events"]
        return [each for each in events if each["payload"]["run_id"] == record["run_id"]]

    wait_for(lambda: bool(told()), lambda: None, seconds=30)  # the server writes events down every few seconds
    (event,) = told()
    assert event["event"] == "seraph.run.completed"
    assert {"flow-run", "flow"} <= {each["prefect.resource.role"] for each in event["related"]}


def test_a_healthy_run_says_nothing_that_is_not_for_the_user(seraph: Seraph, scored: ScoredCorpus) -> None:
    assert scored.stderr == ""
    done = seraph.run("score", "--media", str(scored.media), "--results", scored.results, "--config", seraph.config)
    assert done.stderr == ""
    assert "0 media" in done.stdout
    assert "Report" in done.stdout


def test_without_labels_a_scored_corpus_has_warning_lights_and_a_page_and_no_accuracy(
    seraph: Seraph, scored: ScoredCorpus
) -> None:
    where = ("--media", str(scored.media), "--results", scored.results, "--models", seraph.config)
    survey = seraph.json("evaluate", *where, "--reference", scored.record["run_id"])
    (demo,) = survey["configurations"]
    assert demo["figures"]["segments"] == len(scored.table)
    assert {light["level"] for light in survey["lights"]} <= {"green", "amber", "red", "grey"}
    assert "only labels can tell" in survey["standing"]
    assert "accuracy" not in json.dumps({key: survey[key] for key in survey if key != "standing"}).lower()
    assert survey["outputs"]["report"].startswith(scored.results)
    shown = seraph.run("evaluate", *where).stdout
    assert "None of this is accuracy" in shown


def test_each_language_is_heard_by_its_own_model_in_one_run(scored: ScoredCorpus) -> None:
    table = scored.table
    in_folder = table["media_uri"].str.extract(r"/(en|ko)/")[0]
    assert (table["language"] == in_folder).mean() >= 0.85, "7 of 8: how good the toy is, its own figures say"
    sure = table[~table["flags"].map(lambda flags: "fallback_model" in flags)]
    for language in ("en", "ko"):
        heard_by = {Path(model).name for model in sure.loc[sure["language"] == language, "model"]}
        assert heard_by == {f"{language}-emotion"}
    assert scored.record["workers"]["scorers"] == 2, "an English and a Korean worker hold their models at the same time"
    assert table["flags"].map(lambda flags: "demo_model" in flags).all()


# -- again -------------------------------------------------------------------------------------------------------------


def test_a_rerun_infers_nothing(seraph: Seraph, scored: ScoredCorpus) -> None:
    again = seraph.score(scored.media, scored.results)
    assert (again["media"]["planned"], again["media"]["skipped"], again["segments"]) == (0, 8, 0)
    assert again["workers"] == {}, "no worker is started where nothing is new"
    assert again["realtime_factor"] is None
    assert again["undefined"].keys() == {"realtime_factor"}
    assert_same_table(seraph.table(scored.media, scored.results), scored.table)


def test_a_changed_decision_is_applied_to_stored_logits_without_a_model(
    seraph: Seraph, scored: ScoredCorpus, tmp_path: Path
) -> None:
    config = audio_only(tmp_path, decision={"neutral_floor": 0.99})
    record = seraph.score(scored.media, scored.results, config=config)
    assert (record["media"]["planned"], record["workers"]) == (0, {})
    assert record["redecided"] == len(scored.table)
    after = seraph.table(scored.media, scored.results, config)
    assert (after["emotion"] == "neutral").all()
    assert not (scored.table["emotion"] == "neutral").all()
    assert set(after["segment_id"]) == set(scored.table["segment_id"])
    assert_same_table(seraph.table(scored.media, scored.results), scored.table)


def test_only_what_changed_is_scored_again_and_what_is_gone_is_marked(
    seraph: Seraph, results: str, tmp_path: Path
) -> None:
    corpus = copy_utterances(tmp_path / "corpus", 2)
    seraph.score(corpus, results)
    gone, changed = sorted((corpus / "en").iterdir())
    kept = gone.rename(tmp_path / "kept")
    shutil.copy(sorted((corpus / "ko").iterdir())[0], changed)
    second = seraph.score(corpus, results)
    assert (second["media"]["planned"], second["media"]["removed"], second["media"]["skipped"]) == (1, 1, 2)
    table = seraph.table(corpus, results)
    assert not table["media_uri"].str.endswith(gone.name).any()
    twins = table.groupby("media_uri")["media_etag"].first()
    assert twins.nunique() < len(twins), "two identical files under two names are two media"

    kept.rename(gone)
    third = seraph.score(corpus, results)
    assert (third["media"]["planned"], third["media"]["removed"], third["workers"]) == (0, 0, {})
    assert seraph.table(corpus, results)["media_uri"].str.endswith(gone.name).any(), "it came back unchanged"


def test_a_dry_run_prints_the_plan_and_changes_nothing(
    seraph: Seraph, results: str, stack: Stack, tmp_path: Path
) -> None:
    corpus = copy_utterances(tmp_path / "corpus", 1)
    (corpus / "notes.txt").write_text("no media")
    plan = seraph.score(corpus, results, "--dry-run")
    assert plan["media"] == {"planned": 2, "skipped": 0, "removed": 0, "other": {"txt": 1}}
    assert list(Store(stack.services.store).list(Location.parse(results))) == []


# -- killed, and two at once -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before the first commit", "after a few commits"])
def test_a_run_killed_at_any_point_and_run_again_gives_the_undisturbed_table(
    seraph: Seraph, scored: ScoredCorpus, results: str, stack: Stack, small_shards: str, moment: str
) -> None:
    assert stack.services.local_root is not None
    folder = stack.services.local_root / results.removeprefix("s3://")
    process = seraph.start("score", "--media", str(scored.media), "--results", results, "--config", small_shards)
    pattern, number = ("logits/*/*", 1) if moment == "before the first commit" else ("commits/*/*.json", 3)
    wait_for(lambda: len(list(folder.glob(pattern))) >= number, process.poll)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(list(folder.glob("commits/*/*.json"))) < 8, "it was killed too late to show anything"

    seraph.score(scored.media, results, config=small_shards)
    assert_same_table(seraph.table(scored.media, results, small_shards), scored.table)


def test_two_runs_at_once_over_one_prefix_give_one_table(
    seraph: Seraph, scored: ScoredCorpus, results: str, small_shards: str
) -> None:
    arguments = ("score", "--media", str(scored.media), "--results", results, "--config", small_shards, "--json")
    runs = [seraph.start(*arguments), seraph.start(*arguments)]
    said = [run.communicate(timeout=300) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert_same_table(seraph.table(scored.media, results, small_shards), scored.table)


def wait_for(condition: Callable[[], bool], ended: Callable[[], int | None], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert ended() is None, "it ended before the moment to kill it"
        assert time.monotonic() < deadline
        time.sleep(0.005)


HOSTILE = "<img src=x onerror=document.title='owned'>.wav"

# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def bad_corpus(tmp_path: Path) -> Path:
    """Good media, and one of every fault that media have."""
    corpus = copy_utterances(tmp_path / "corpus", 1)
    good = utterances("en")[0]
    with good.open("rb") as file:
        speech = decode(file, ReadOptions()).signal[None]
    episode = encode(np.tile(speech, 10), 16_000, "matroska", "aac")
    both = [Track("aac", 16_000, speech), Track("aac", 16_000, tone(16_000, 2.0), default=False)]
    silence = np.zeros((1, 16_000 * 130), np.float32)
    files = {
        "empty.wav": b"",
        "text.mp4": b"This is no film at all, only some words.\n" * 50,
        "noise.mp3": np.random.default_rng(1).bytes(20_000),
        "picture-only.mp4": mux("mp4", [], video_s=2.0),
        "truncated.mkv": episode[: len(episode) // 2],
        "silence.wav": encode(silence[:, : 16_000 * 3], 16_000, "wav", "pcm_s16le"),
        "long.wav": encode(silence, 16_000, "wav", "pcm_s16le"),
        "two-tracks.mkv": mux("matroska", both),
        HOSTILE: good.read_bytes(),
    }
    (corpus / "bad").mkdir()
    for name, data in files.items():
        (corpus / "bad" / name).write_bytes(data)
    return corpus


def test_every_fault_has_its_own_reason_and_the_rest_goes_on(
    seraph: Seraph, bad_corpus: Path, results: str, tmp_path: Path, stack: Stack
) -> None:
    config = audio_only(tmp_path, reading={"max_duration_s": 120}, on_unrouted="fallback")
    record = seraph.score(bad_corpus, results, config=config, expect=4)  # far more than a tenth of the media failed
    assert (record["status"], record["validation"]["success"]) == ("completed", True)
    media = record["media"]
    assert media["planned"] == media["scored"] + media["silent"] + media["quarantined"] == 11
    quarantine = read_quarantine(stack, record)
    names = [Path(uri).name for uri in quarantine["media_uri"]]
    assert dict(zip(names, quarantine["reason"], strict=True)) == {
        "empty.wav": "empty",
        "text.mp4": "not_media",
        "noise.mp3": "not_media",
        "picture-only.mp4": "no_audio_track",
        "long.wav": "too_long",
    }
    assert media["silent"] == 1
    table = seraph.table(bad_corpus, results, config)
    flags = {Path(uri).name: set(each) for uri, each in zip(table["media_uri"], table["flags"], strict=True)}
    assert "truncated" in flags["truncated.mkv"]
    assert "several_tracks" in flags["two-tracks.mkv"]
    assert sum(name.startswith(("en-", "ko-")) for name in flags) == 2
    assert HOSTILE in flags
    assert "<img src=x" not in Path(record["outputs"]["report_file"]).read_text()

    again = seraph.score(bad_corpus, results, config=config)
    assert again["media"]["planned"] == 0, "a permanent fault is final for these bytes"


def read_quarantine(stack: Stack, record: dict) -> pd.DataFrame:
    assert stack.services.local_root is not None
    folder = stack.services.local_root / record["outputs"]["quarantine"].removeprefix("s3://")
    return pd.concat([pd.read_parquet(file) for file in folder.glob("shard=*.parquet")])


# -- wrong use ---------------------------------------------------------------------------------------------------------


def test_absent_weights_are_named_with_what_to_do(seraph: Seraph, tmp_path: Path) -> None:
    done = seraph.run("score", "--media", str(tmp_path), "--config", "superb", expect=3)
    assert "superb/wav2vec2-large-superb-er" in done.stderr
    assert "seraph models pull" in done.stderr
    assert "--config demo" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--media", "/nowhere/at/all", "--config", "demo"), 3, "/nowhere/at/all"),
        (("--media", "s3://no-such-bucket/x", "--config", "demo"), 5, "no-such-bucket"),
        (("--media", ".", "--config", "no-such.yaml"), 3, "no-such.yaml"),
        (("--media", "s3:/x", "--config", "demo"), 3, "s3:/x"),
        (("--config", "demo"), 2, "--media"),
    ],
)
def test_wrong_use_is_one_line_that_names_it(
    seraph: Seraph, arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = seraph.run("score", *arguments, expect=status)
    assert words in done.stderr.replace("\n", " ").replace("│", "")
    assert "Traceback" not in done.stderr


def test_an_error_is_a_document_too_where_json_is_asked_for(seraph: Seraph) -> None:
    error = json.loads(seraph.run("score", "--media", "/nowhere", "--config", "demo", "--json", expect=3).stdout)[
        "error"
    ]
    assert "/nowhere" in error["message"]


@pytest.mark.parametrize(
    "named",
    [
        {"RAY_ADDRESS": "127.0.0.1:1"},
        {"PREFECT_API_URL": "http://127.0.0.1:1/api"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "hush-hush"},
    ],
)
def test_a_service_that_does_not_answer_is_exit_5(
    seraph: Seraph, tmp_path: Path, results: str, named: dict[str, str]
) -> None:
    corpus = copy_utterances(tmp_path / "corpus", 1)
    arguments = ("score", "--media", str(corpus), "--config", "demo", "--results", results)
    done = Seraph(seraph.home, named).run(*arguments, expect=5)
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hush-hush" not in done.stderr
