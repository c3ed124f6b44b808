"""`seraph score` on the real stack, as a user runs it: what it prints, stores, survives and refuses."""

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from actors.decode import decode
from actors.options import ReadOptions
from infra.location import Location
from infra.stack import Stack
from infra.storage import Store
from tests.support.media import Track, encode, mux, tone
from tests.support.seraph import DEMO, Seraph, assert_same_table

pytestmark = pytest.mark.stack

_results = iter(range(1, 1000))


@pytest.fixture(scope="module")
def seraph(stack: Stack) -> Seraph:
    assert stack.services.local_root is not None
    return Seraph(stack.services.local_root.parent)


@pytest.fixture
def results(stack: Stack) -> str:
    """A results store that no other test has."""
    bucket = f"results-{os.getpid()}-{next(_results)}"
    Store(stack.services.store).ensure_bucket(bucket)
    return f"s3://{bucket}"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Eight utterances of the demo, four of each language, under their own folder names."""
    for language in ("en", "ko"):
        folder = tmp_path / "corpus" / language
        folder.mkdir(parents=True)
        for file in sorted((DEMO / "media" / language / "utterances").iterdir())[:4]:
            shutil.copy(file, folder)
    return tmp_path / "corpus"


@pytest.fixture
def small_shards(tmp_path: Path) -> str:
    """The demo's configuration, cut into shards of one medium each."""
    return changed_demo(tmp_path, media={"shard_media": 1})


def changed_demo(folder: Path, **changes: Any) -> str:
    """The demo's configuration with some values changed, as a file."""
    config = yaml.safe_load((DEMO / "config.yaml").read_text().replace("./", f"{DEMO}/"))
    path = folder / f"config-{len(list(folder.glob('config-*')))}.yaml"
    path.write_text(yaml.safe_dump({**config, **changes}))
    return str(path)


# -- a healthy run -----------------------------------------------------------------------------------------------------


def test_a_run_prints_one_document_with_the_keys_that_others_rely_on(
    seraph: Seraph, corpus: Path, results: str
) -> None:
    record = seraph.score(corpus, results)
    assert {"run_id", "status", "media", "segments", "audio_seconds", "realtime_factor", "languages", "emotions",
            "outputs", "validation"} <= set(record)  # fmt: skip
    assert record["status"] == "completed"
    media = record["media"]
    assert {key: media[key] for key in ("planned", "scored", "silent", "skipped", "quarantined")} == {
        "planned": 8, "scored": 8, "silent": 0, "skipped": 0, "quarantined": 0,
    }  # fmt: skip
    assert record["languages"] == {"en": record["languages"]["en"], "ko": record["languages"]["ko"]}
    assert sum(record["emotions"].values()) + record["undecided"] == record["segments"] > 0
    assert record["validation"]["success"] is True
    assert record["validation"]["failed"] == []
    assert set(record["outputs"]) >= {"scores", "report", "quarantine", "run"}


def test_a_healthy_run_says_nothing_that_is_not_for_the_user(seraph: Seraph, corpus: Path, results: str) -> None:
    done = seraph.run("score", "--media", str(corpus), "--results", results, "--config", "demo")
    assert done.stderr == ""
    assert "Traceback" not in done.stdout
    assert "Report" in done.stdout


def test_each_language_is_heard_by_its_own_model_in_one_run(seraph: Seraph, corpus: Path, results: str) -> None:
    record = seraph.score(corpus, results)
    table = seraph.table(corpus, results)
    in_folder = table["media_uri"].str.extract(r"/(en|ko)/")[0]
    assert (table["language"] == in_folder).mean() >= 0.95
    sure = table[~table["flags"].map(lambda flags: "fallback_model" in flags)]
    for language in ("en", "ko"):
        heard_by = {Path(model).name for model in sure.loc[sure["language"] == language, "model"]}
        assert heard_by == {f"{language}-emotion"}
    assert record["workers"]["scorers"] == 2, "an English and a Korean worker hold their models at the same time"
    assert table["flags"].map(lambda flags: "demo_model" in flags).all()


def test_two_identical_files_under_two_names_are_two_media(seraph: Seraph, tmp_path: Path, results: str) -> None:
    folder = tmp_path / "twins"
    folder.mkdir()
    file = next((DEMO / "media" / "en" / "utterances").iterdir())
    for name in ("a", "b"):
        shutil.copy(file, folder / f"{name}{file.suffix}")
    assert seraph.score(folder, results)["media"]["scored"] == 2
    assert seraph.table(folder, results)["media_uri"].nunique() == 2


# -- again -------------------------------------------------------------------------------------------------------------


def test_a_rerun_infers_nothing_and_a_changed_corpus_only_what_changed(
    seraph: Seraph, corpus: Path, results: str
) -> None:
    seraph.score(corpus, results)
    before = seraph.table(corpus, results)
    again = seraph.score(corpus, results)
    assert (again["media"]["planned"], again["media"]["skipped"], again["segments"]) == (0, 8, 0)
    assert again["workers"] == {}, "no worker is started where nothing is new"
    assert again["realtime_factor"] is None
    assert again["undefined"].keys() == {"realtime_factor"}
    assert_same_table(seraph.table(corpus, results), before)

    gone, changed = sorted((corpus / "en").iterdir())[:2]
    kept = gone.rename(gone.parent.parent / "kept.bin")
    replacement = sorted((DEMO / "media" / "ko" / "utterances").glob(f"*{changed.suffix}"))[-1]
    shutil.copy(replacement, changed)
    third = seraph.score(corpus, results)
    assert (third["media"]["planned"], third["media"]["removed"], third["media"]["skipped"]) == (1, 1, 6)
    table = seraph.table(corpus, results)
    assert not table["media_uri"].str.endswith(gone.name).any()
    assert table.loc[table["media_uri"].str.endswith(changed.name), "language"].eq("ko").all()

    kept.rename(gone)
    fourth = seraph.score(corpus, results)
    assert (fourth["media"]["planned"], fourth["media"]["removed"]) == (0, 0)
    back = seraph.table(corpus, results)
    assert back["media_uri"].str.endswith(gone.name).any(), "it came back unchanged, and needs no scoring"


def test_a_changed_decision_is_applied_to_stored_logits_without_a_model(
    seraph: Seraph, corpus: Path, results: str, tmp_path: Path
) -> None:
    seraph.score(corpus, results)
    before = seraph.table(corpus, results)
    config = changed_demo(tmp_path, decision={"neutral_floor": 0.99})
    record = seraph.score(corpus, results, config=config)
    assert record["media"]["planned"] == 0
    assert record["workers"] == {}
    assert record["redecided"] == len(before)
    after = seraph.table(corpus, results, config)
    assert (after["emotion"] == "neutral").all()
    assert not (before["emotion"] == "neutral").all()
    assert set(after["segment_id"]) == set(before["segment_id"])
    assert_same_table(seraph.table(corpus, results), before)


def test_a_dry_run_prints_the_plan_and_changes_nothing(
    seraph: Seraph, corpus: Path, results: str, stack: Stack
) -> None:
    (corpus / "notes.txt").write_text("no media")
    plan = seraph.score(corpus, results, "--dry-run")
    assert plan["media"] == {"planned": 8, "skipped": 0, "removed": 0, "other": {"txt": 1}}
    assert list(Store(stack.services.store).list(Location.parse(results))) == []


# -- killed, and two at once -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("commits", [0, 1, 4])
def test_a_run_killed_at_any_point_and_run_again_gives_the_undisturbed_table(
    seraph: Seraph, corpus: Path, results: str, stack: Stack, small_shards: str, commits: int
) -> None:
    assert stack.services.local_root is not None
    undisturbed = "s3://" + results.removeprefix("s3://") + "-whole"
    Store(stack.services.store).ensure_bucket(undisturbed.removeprefix("s3://"))
    arguments = ("score", "--media", str(corpus), "--results", results, "--config", small_shards)
    process = seraph.start(*arguments)
    written = stack.services.local_root / results.removeprefix("s3://")
    wait_for(lambda: len(list(written.rglob("commits/*/*.json"))) >= commits, process_alive=process.poll)
    if commits == 0:
        time.sleep(4)  # somewhere in the start of Prefect, Ray and the workers
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    seraph.score(corpus, results, config=small_shards)
    seraph.score(corpus, undisturbed, config=small_shards)
    assert_same_table(seraph.table(corpus, results, small_shards), seraph.table(corpus, undisturbed, small_shards))


def test_two_runs_at_once_over_one_prefix_give_one_table(
    seraph: Seraph, corpus: Path, results: str, small_shards: str
) -> None:
    arguments = ("score", "--media", str(corpus), "--results", results, "--config", small_shards, "--json")
    first, second = seraph.start(*arguments), seraph.start(*arguments)
    outputs = [process.communicate(timeout=300) for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    table = seraph.table(corpus, results, small_shards)
    assert table["segment_id"].is_unique
    assert table["media_uri"].nunique() == 8
    assert seraph.score(corpus, results, config=small_shards)["media"]["planned"] == 0


def wait_for(condition, process_alive, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process_alive() is None, "it ended before the moment to kill it"
        assert time.monotonic() < deadline
        time.sleep(0.02)


HOSTILE = "<img src=x onerror=document.title='owned'>.wav"

# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def bad_corpus(corpus: Path) -> Path:
    """Good media, and one of every fault that media have."""
    good = sorted((DEMO / "media" / "en" / "utterances").iterdir())[0]
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
    config = changed_demo(tmp_path, reading={"max_duration_s": 120}, on_unrouted="fallback")
    record = seraph.score(bad_corpus, results, "--max-quarantined", "1", config=config)
    assert record["validation"]["success"] is True
    media = record["media"]
    assert media["planned"] == 17
    assert media["planned"] == media["scored"] + media["silent"] + media["quarantined"]
    quarantine = read_quarantine(stack, record)
    reasons = {
        Path(uri).name: reason for uri, reason in zip(quarantine["media_uri"], quarantine["reason"], strict=True)
    }
    assert reasons == {
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
    assert sum(name.startswith(("en-", "ko-")) for name in flags) == 8
    report = Path(record["outputs"]["report_file"]).read_text()
    assert "<img src=x" not in report
    assert HOSTILE in {Path(uri).name for uri in table["media_uri"]}

    again = seraph.score(bad_corpus, results, config=config)
    assert again["media"]["planned"] == 0, "a permanent fault is final for these bytes"


def test_too_many_faults_make_the_exit_status_4(seraph: Seraph, bad_corpus: Path, results: str) -> None:
    shutil.rmtree(bad_corpus / "ko")
    record = seraph.score(bad_corpus, results, expect=4)
    assert record["status"] == "completed"


def read_quarantine(stack: Stack, record: dict) -> pd.DataFrame:
    assert stack.services.local_root is not None
    folder = stack.services.local_root / record["outputs"]["quarantine"].removeprefix("s3://")
    return pd.concat([pd.read_parquet(file) for file in folder.glob("shard=*.parquet")])


# -- wrong use ---------------------------------------------------------------------------------------------------------


def test_absent_weights_are_named_with_what_to_do(seraph: Seraph, corpus: Path, results: str) -> None:
    done = seraph.run("score", "--media", str(corpus), "--results", results, "--config", "superb", expect=3)
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


def test_a_service_that_does_not_answer_is_exit_5(seraph: Seraph, corpus: Path) -> None:
    elsewhere = Seraph(seraph.home, {"RAY_ADDRESS": "127.0.0.1:1"})
    done = elsewhere.run("score", "--media", str(corpus), "--config", "demo", expect=5)
    assert "127.0.0.1:1" in done.stderr
