"""Where a checkpoint is looked for, and what is said when it is not there."""

import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from actors.checkpoints import identify, locate
from actors.checkpoints.source import resolved_revision
from infra.errors import CheckpointError, WeightsAbsentError
from tests.support.checkpoints import write_stock
from tests.support.hub import fake_hub
from tests.support.pulled import write_pulled

pytestmark = pytest.mark.slow

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert locate(str(tmp_path)) == tmp_path
    assert resolved_revision(tmp_path) is None


def test_a_mistyped_folder_says_so_and_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "my-model").mkdir()

    with pytest.raises(CheckpointError, match=r"There is no folder .*my-modle\. Did you mean .*my-model\?") as caught:
        locate(str(tmp_path / "my-modle"))

    assert not isinstance(caught.value, WeightsAbsentError)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()

    with pytest.raises(CheckpointError, match="is a file"):
        locate(str(tmp_path / "model.safetensors"))


@pytest.mark.parametrize("source", ["", "wav2vec2", "a/b/c", "owner/na me", "-x/y", "owner/a..b", "owner/name."])
def test_what_is_neither_folder_nor_hub_id_is_an_error(source: str) -> None:
    with pytest.raises(CheckpointError):
        locate(source, network=False)


def test_absent_weights_say_where_was_looked_and_what_to_do() -> None:
    with pytest.raises(WeightsAbsentError) as caught:
        locate("nobody/nothing-at-all", network=False)

    message = str(caught.value)
    assert str(constants.HF_HUB_CACHE) in message
    assert "seraph models pull nobody/nothing-at-all" in message
    assert "--config demo" in message
    assert caught.value.exit_code == 3


def test_a_relative_folder_that_is_not_there_is_mentioned_beside_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "korean").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(WeightsAbsentError, match=r"There is no folder models/koraen\. Did you mean models/korean\?"):
        locate("models/koraen", network=False)


@pytest.mark.parametrize(
    ("source", "instead"),
    [
        ("facebook/wav2vec2-large-robust-24-ft-emotion-recognition", "audeering/"),
        ("facebook/mms-1b-all", "Fine-tune it"),
        ("tiantiaf/whisper-large-v3-msp-podcast-emotion", "emotions yet: .*adapters.*Use 3loi/"),
    ],
)
def test_checkpoints_known_to_be_of_no_use_are_refused_by_name(source: str, instead: str) -> None:
    with pytest.raises(CheckpointError, match=instead):
        locate(source, network=False)


def test_a_snapshot_in_the_hubs_cache_is_found_without_the_network(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--somebody--model"
    write_stock(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)

    for revision in ("None", repr(COMMIT)):
        assert _in_a_fresh_process(tmp_path, revision) == f"{COMMIT} stock"


def test_a_snapshot_without_its_weights_counts_as_absent(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--somebody--model"
    write_stock(repository / "snapshots" / COMMIT)
    (repository / "snapshots" / COMMIT / "model.safetensors").unlink()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)

    assert _in_a_fresh_process(tmp_path, "None") == "WeightsAbsentError"


def test_a_pulled_folder_comes_before_the_hubs_cache_and_the_newest_pull_before_older_ones(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--somebody--model"
    write_stock(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    old, new = "a" * 40, "b" * 40
    write_pulled(tmp_path / "home" / "models" / "somebody" / "model" / old, sha=old, asked="v1", day=1)
    write_pulled(tmp_path / "home" / "models" / "somebody" / "model" / new, sha=new, asked=None, day=2)

    found = {revision: _in_a_fresh_process(tmp_path, repr(revision)) for revision in (None, old, "v1", COMMIT)}

    assert found == {None: f"{new} stock", old: f"{old} stock", "v1": f"{old} stock", COMMIT: f"{COMMIT} stock"}


def test_a_half_pulled_folder_is_not_found(tmp_path: Path) -> None:
    write_stock(tmp_path / "home" / "models" / "somebody" / "model" / f".{COMMIT}.partial")
    write_stock(tmp_path / "home" / "models" / "somebody" / "model" / COMMIT)  # without a record

    assert _in_a_fresh_process(tmp_path, "None") == "WeightsAbsentError"


def test_a_snapshot_cannot_vouch_for_itself(tmp_path: Path) -> None:
    folder = tmp_path / "snapshots" / COMMIT
    write_pulled(folder, sha="a" * 40)

    assert identify(str(folder)).revision == COMMIT


def test_labels_that_contradict_the_catalogue_stop_the_load_and_name_both(tmp_path: Path) -> None:
    source = "superb/wav2vec2-large-superb-er"
    write_pulled(tmp_path, source=source, labels=("neu", "ang", "hap", "sad"))

    with pytest.raises(CheckpointError, match=r"has the labels neu, ang, hap, sad; .* neu, hap, ang, sad"):
        identify(str(tmp_path))


@pytest.mark.stack
def test_what_is_fetched_into_the_cache_is_one_spelling_of_the_weights_and_found_offline_later(tmp_path: Path) -> None:
    published = write_stock(tmp_path / "published", file="pytorch_model.bin")
    write_stock(published)
    write_stock(published / "checkpoint-500")
    (published / "trainer_state.json").write_text("{}")
    with fake_hub() as hub:
        hub.add("somebody/model", published, sha=COMMIT)
        online = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub.url}

        assert _in_a_fresh_process(tmp_path, "None", **online) == f"{COMMIT} stock"

    assert sorted(hub.fetched()) == ["config.json", "model.safetensors", "preprocessor_config.json"]
    assert _in_a_fresh_process(tmp_path, "None") == f"{COMMIT} stock"


@pytest.mark.stack
def test_bytes_that_are_not_what_the_hub_announced_do_not_stay_in_the_cache(tmp_path: Path) -> None:
    with fake_hub() as hub:
        hub.add("somebody/model", write_stock(tmp_path / "published"), sha=COMMIT)
        hub.spoiled.add("model.safetensors")
        online = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub.url}

        assert _in_a_fresh_process(tmp_path, "None", **online) == "CheckpointError"
        hub.spoiled.clear()
        assert _in_a_fresh_process(tmp_path, "None", **online) == f"{COMMIT} stock"


def test_a_hub_checkpoint_records_its_commit_as_revision(tmp_path: Path) -> None:
    folder = write_stock(tmp_path / "snapshots" / COMMIT)

    assert identify(str(folder)).revision == COMMIT


def _in_a_fresh_process(home: Path, revision: str, **changes: str) -> str:
    """Identify `somebody/model` offline; the hub's library reads its environment when it is imported."""
    code = (
        "from actors.checkpoints import identify\n"
        "try:\n"
        f"    found = identify('somebody/model', {revision}); print(found.revision, found.family)\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    environment = {"HF_HOME": str(home), "SERAPH_HOME": str(home / "home"), "HF_HUB_OFFLINE": "1", "PATH": ""} | changes
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()
