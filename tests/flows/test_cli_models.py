"""`seraph models` as a user runs it: no service is started for it."""

from pathlib import Path

import pytest

from tests.support.checkpoints import edit_config, write_soxan
from tests.support.seraph import DEMO, Seraph


@pytest.fixture
def seraph(tmp_path: Path) -> Seraph:
    return Seraph(tmp_path / "home")


def test_a_checkpoint_that_can_be_scored_with_is_told_with_its_family_and_labels(seraph: Seraph) -> None:
    told = seraph.json("models", "check", str(DEMO / "checkpoints" / "ko-emotion"))
    assert (told["status"], told["reason"], told["missing"], told["unexpected"]) == ("ok", None, [], [])
    assert told["family"] == "soxan"
    assert set(told["labels"]) == {"기쁨", "당황", "분노", "불안", "슬픔", "중립", "혐오"}


def test_a_refused_checkpoint_is_told_with_the_reason_and_exit_3(seraph: Seraph, tmp_path: Path) -> None:
    folder = edit_config(write_soxan(tmp_path / "odd"), id2label={"0": "anger"})
    told = seraph.json("models", "check", str(folder), expect=3)
    assert told["status"] == "refused"
    assert str(folder) in told["reason"]
    assert {"source", "family", "labels", "missing", "unexpected"} <= set(told)


def test_weights_that_cannot_be_fetched_are_an_error_of_one_line(seraph: Seraph) -> None:
    done = seraph.run("models", "pull", "superb/wav2vec2-large-superb-er", expect=3)
    assert "superb/wav2vec2-large-superb-er" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_catalogue_names_the_checkpoints_that_must_not_be_used(seraph: Seraph) -> None:
    models = {entry["source"]: entry["status"] for entry in seraph.json("models", "list")["models"]}
    assert models["superb/wav2vec2-large-superb-er"] == "usable"
    assert models["facebook/mms-1b-all"] == "refused"
