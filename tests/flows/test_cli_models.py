"""`seraph models` as a user runs it: what it prints, its one JSON document, its exit status. No service is started."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner, Result

from flows.cli_models import app
from tests.support.checkpoints import edit_config, write_dimensional, write_ehcalabres, write_soxan, write_stock
from tests.support.hub import FakeHub, fake_hub
from tests.support.pulled import write_pulled
from tests.support.seraph import DEMO, Seraph

COMMIT = "1" * 40
AUDEERING = "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim"

CHECK_KEYS = {
    "source", "status", "reason", "family", "labels", "missing", "unexpected", "weights_sha256", "revision", "coverage",
    "label_map", "dropped", "licence", "caveats", "known_scores",
}  # fmt: skip
"""Keys that others rely on."""


@pytest.fixture
def seraph(tmp_path: Path) -> Seraph:
    return Seraph(tmp_path / "home")


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as running:
        yield running


def run(*arguments: str, expect: int = 0, **environment: str) -> Result:
    """Run a command in this process, on a wide terminal so that no line is broken."""
    result = CliRunner(env={"COLUMNS": "1000"} | environment).invoke(app, list(arguments))
    assert result.exit_code == expect, result.output
    return result


def online_at(hub: FakeHub, place: Path) -> dict[str, str]:
    """An environment in which the hub is the stand-in."""
    return {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(place / "hf"), "OMP_NUM_THREADS": "1"}


def told(*arguments: str, expect: int = 0) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(*arguments, "--json", expect=expect).stdout)
    return document


def test_a_checkpoint_that_can_be_scored_with_is_told_with_its_family_and_labels() -> None:
    document = told("check", str(DEMO / "checkpoints" / "ko-emotion"))

    assert document.keys() >= CHECK_KEYS
    assert (document["status"], document["reason"], document["missing"], document["unexpected"]) == ("ok", None, [], [])
    assert (document["family"], document["built"]) == ("soxan", True)
    assert set(document["labels"]) == {"기쁨", "당황", "분노", "불안", "슬픔", "중립", "혐오"}
    assert document["label_map"]["당황"] == "surprise"
    assert len(document["coverage"]) == 7


def test_what_is_dropped_and_what_cannot_be_said_is_told(tmp_path: Path) -> None:
    document = told("check", str(write_ehcalabres(tmp_path / "eight")))
    assert document["dropped"] == ["calm"]

    words = run("check", str(write_stock(tmp_path / "four"))).stdout
    assert "Cannot say  fear, surprise, disgust" in words


def test_a_refused_checkpoint_is_told_with_the_reason_and_exit_3(tmp_path: Path) -> None:
    folder = edit_config(write_soxan(tmp_path / "odd"), id2label={"0": "anger"})

    document = told("check", str(folder), expect=3)

    assert document["status"] == "refused"
    assert str(folder) in document["reason"]
    assert document.keys() >= CHECK_KEYS


def test_a_checkpoint_that_is_not_on_this_machine_is_not_called_faulty(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    assert run("check", gone, expect=3).stdout.startswith("refused: There is no folder")

    words = run("check", "nobody/nothing", expect=3, HF_HUB_OFFLINE="1").stdout
    assert words.startswith("not here: ")
    assert "seraph models pull nobody/nothing" in words


def test_a_renamed_head_is_refused_with_its_keys_and_the_nearest_match(tmp_path: Path) -> None:
    folder = write_soxan(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.outproj.weight"] = tensors.pop("classifier.out_proj.weight")
    save_file(tensors, folder / "model.safetensors")

    document = told("check", str(folder), expect=3)
    words = run("check", str(folder), expect=3).stdout

    assert document["missing"] == ["classifier.out_proj.weight"]
    assert document["unexpected"] == ["classifier.outproj.weight"]
    assert words.startswith("refused: ")
    assert "nearest found: classifier.outproj.weight" in words


def test_a_quick_look_reads_no_weights_and_says_so(tmp_path: Path) -> None:
    folder = write_stock(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.bias"][0] = torch.inf
    save_file(tensors, folder / "model.safetensors")

    assert told("check", str(folder), "--quick")["built"] is False
    words = run("check", str(folder), "--quick").stdout
    assert "Not checked" in words
    assert "random" not in words  # that nothing is, only the full check can tell
    assert "infinity" in told("check", str(folder), expect=3)["reason"]


def test_a_non_commercial_licence_is_said_loudly(tmp_path: Path) -> None:
    folder = write_dimensional(tmp_path)
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-sa-4.0\n---\n")

    assert told("check", str(folder), "--quick")["non_commercial"] is True
    assert "NON-COMMERCIAL USE ONLY: its licence is cc-by-nc-sa-4.0" in run("check", str(folder), "--quick").stdout


def test_known_scores_and_caveats_come_from_the_catalogue(tmp_path: Path) -> None:
    folder = write_pulled(tmp_path, source="superb/wav2vec2-large-superb-er")

    document = told("check", str(folder), "--quick")
    words = run("check", str(folder), "--quick").stdout

    assert document["known_scores"] == [
        {"metric": "accuracy", "value": 0.656, "set": "IEMOCAP, 4 classes", "source": "SUPERB benchmark"}
    ]
    assert document["revision"] == "0123456789abcdef0123456789abcdef01234567"
    assert all(caveat in words for caveat in document["caveats"])


def test_merged_and_unknown_labels_are_told_in_plain_words(tmp_path: Path) -> None:
    merged = run("check", str(write_soxan(tmp_path / "m", labels=("happy", "joy", "sad", "fear", "angry")))).stdout
    unknown = run("check", str(edit_config(write_stock(tmp_path / "u"), id2label=..., label2id=...))).stdout

    assert "2 of 5 labels become happy: a random head would say it 40% of the time" in merged
    assert "only once the configuration says what its labels mean" in unknown
    assert "LABEL_0: …" in unknown


def test_the_catalogue_names_the_checkpoints_that_must_not_be_used() -> None:
    models = {entry["source"]: entry for entry in told("list")["models"]}

    assert models["superb/wav2vec2-large-superb-er"]["status"] == "usable"
    assert models["facebook/mms-1b-all"]["status"] == "refused"
    assert {"family", "labels", "languages", "licence", "scores", "caveats", "note"} <= models[AUDEERING].keys()
    assert "NON-COMMERCIAL USE ONLY" in run("list").stdout


@pytest.mark.stack
def test_weights_that_cannot_be_fetched_are_an_error_of_one_line(seraph: Seraph) -> None:
    done = seraph.run("models", "pull", "superb/wav2vec2-large-superb-er", expect=3)

    assert "superb/wav2vec2-large-superb-er" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.stack
def test_a_pulled_checkpoint_is_found_by_its_name_afterwards(hub: FakeHub, tmp_path: Path) -> None:
    hub.add("somebody/model", write_soxan(tmp_path / "published", file="pytorch_model.bin"), sha=COMMIT, ref="v1")
    home = tmp_path / "home"
    online = Seraph(home, online_at(hub, tmp_path))

    pulled = online.json("models", "pull", "somebody/model", "--revision", "v1")
    found = Seraph(home, online_at(hub, tmp_path) | {"HF_HUB_OFFLINE": "1"}).json(
        "models", "check", "--quick", "somebody/model"
    )

    assert (pulled["revision"], pulled["asked"], pulled["fetched"], pulled["status"]) == (COMMIT, "v1", True, "ok")
    assert pulled["folder"] == str(home / "models" / "somebody" / "model" / COMMIT)
    assert [each["name"] for each in pulled["converted"]] == ["pytorch_model.bin"]
    assert (found["status"], found["revision"]) == ("ok", COMMIT)
    assert found["weights_sha256"] == pulled["weights_sha256"]
    assert all("somebody/model" in path for _, path in hub.asked)  # and nothing about who asks


@pytest.mark.stack
def test_what_was_pulled_and_cannot_be_scored_with_is_said_with_exit_3(hub: FakeHub, tmp_path: Path) -> None:
    hub.add("somebody/odd", edit_config(write_soxan(tmp_path / "odd"), id2label={"0": "anger"}), sha=COMMIT)
    online = Seraph(tmp_path / "home", online_at(hub, tmp_path))

    document = online.json("models", "pull", "somebody/odd", expect=3)

    assert (document["status"], document["fetched"]) == ("refused", True)
    assert "1 labels" in document["reason"]
