"""Pulling, against the hub's own client and a stand-in for the hub: what is fetched, kept, converted and recorded."""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from actors.checkpoints import identify, load
from actors.checkpoints.hub import Hub, choose_files
from actors.checkpoints.pull import Pulled, pull
from actors.checkpoints.pulled import RECORD, PullRecord, read_record
from infra.errors import CheckpointError, WeightsAbsentError
from infra.settings import Settings
from tests.support.checkpoints import some_signals, write_soxan, write_stock
from tests.support.hub import FakeHub

pytestmark = pytest.mark.slow

FIRST, SECOND = "1" * 40, "2" * 40
SOURCE = "somebody/model"


class Puller:
    """Pulls `SOURCE` from the stand-in into a home of its own."""

    def __init__(self, hub: FakeHub, home: Path) -> None:
        self.hub, self.home = hub, home
        self.said: list[str] = []

    def __call__(self, revision: str | None = None, *, offline: bool = False, output: Path | None = None) -> Pulled:
        settings = Settings(home=self.home, hub_offline=offline)
        return pull(
            SOURCE, revision=revision, output=output, settings=settings, hub=Hub(self.hub.url), say=self.said.append
        )


@pytest.fixture
def pulls(hub: FakeHub, tmp_path: Path) -> Puller:
    return Puller(hub, tmp_path / "home")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_pull_lands_under_its_commit_and_says_which_it_is(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)

    pulled = pulls()

    assert pulled.fetched
    assert pulled.folder == pulls.home / "models" / SOURCE / FIRST
    assert (pulled.record.source, pulled.record.revision, pulled.record.asked) == (SOURCE, FIRST, None)
    assert any(FIRST in line for line in pulls.said)


def test_only_weights_and_configuration_are_fetched_and_never_code(pulls: Puller, tmp_path: Path) -> None:
    published = write_stock(tmp_path / "published", file="pytorch_model.bin")
    write_stock(published)
    for name in ("modeling.py", "training_args.bin", "optimizer.pt", "hap.wav", "seraph.json", ".gitattributes"):
        (published / name).write_text("{}")
    write_stock(published / "checkpoint-500")
    pulls.hub.add(SOURCE, published, sha=FIRST)

    folder = pulls().folder

    assert sorted(pulls.hub.fetched()) == ["config.json", "model.safetensors", "preprocessor_config.json"]
    assert {path.name for path in folder.iterdir()} == {*pulls.hub.fetched(), RECORD}


def test_the_record_has_the_digest_of_every_file_the_licence_and_what_was_converted(
    pulls: Puller, tmp_path: Path
) -> None:
    published = write_soxan(tmp_path / "published", file="pytorch_model.bin")
    (published / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    pulls.hub.add(SOURCE, published, sha=FIRST)

    folder = pulls().folder

    record = PullRecord.model_validate_json((folder / RECORD).read_bytes())
    assert record.licence == "cc-by-nc-4.0"
    assert {each.name: each.sha256 for each in record.files} == {
        path.name: sha256(path) for path in folder.iterdir() if path.name != RECORD
    }
    assert [(each.name, each.sha256) for each in record.converted] == [
        ("pytorch_model.bin", sha256(published / "pytorch_model.bin"))
    ]


def test_converted_weights_are_the_same_tensors_and_give_the_same_logits(pulls: Puller, tmp_path: Path) -> None:
    published = write_soxan(tmp_path / "published", file="pytorch_model.bin", dtype=torch.float16)
    pulls.hub.add(SOURCE, published, sha=FIRST)

    folder = pulls().folder

    original = torch.load(published / "pytorch_model.bin", weights_only=True)
    kept = load_file(folder / "model.safetensors")
    assert kept.keys() == original.keys()
    assert all(torch.equal(kept[key], original[key]) and kept[key].dtype == torch.float16 for key in kept)
    signals = some_signals(seconds=(0.3, 0.5))
    assert (load(str(folder), dtype="fp32").logits(signals) == load(str(published), dtype="fp32").logits(signals)).all()


def test_tensors_that_share_memory_are_each_written_out(pulls: Puller, tmp_path: Path) -> None:
    published = write_soxan(tmp_path / "published", file="pytorch_model.bin")
    tensors = torch.load(published / "pytorch_model.bin", weights_only=True)
    tied = torch.randn(40, 32)
    tensors |= {"quantizer.codevectors": tied, "project_hid.weight": tied[:8], "project_q.weight": tied.T}
    torch.save(tensors, published / "pytorch_model.bin")
    pulls.hub.add(SOURCE, published, sha=FIRST)

    kept = load_file(pulls().folder / "model.safetensors")

    assert torch.equal(kept["quantizer.codevectors"], tied)
    assert torch.equal(kept["project_hid.weight"], tied[:8])
    assert torch.equal(kept["project_q.weight"], tied.T)


def test_pickled_shards_become_one_file(pulls: Puller, tmp_path: Path) -> None:
    published = write_soxan(tmp_path / "published", file="pytorch_model.bin")
    shard(published)
    pulls.hub.add(SOURCE, published, sha=FIRST)

    pulled = pulls()

    assert {each.name for each in pulled.record.converted} == {
        "pytorch_model-1.bin", "pytorch_model-2.bin", "pytorch_model.bin.index.json"
    }  # fmt: skip
    assert identify(str(pulled.folder)).family == "soxan"
    assert not list(pulled.folder.glob("*.bin*"))


def test_the_two_files_of_speechbrain_stay_as_they_are() -> None:
    names = ["wav2vec2.ckpt", "model.ckpt", "hyperparams.yaml", "label_encoder.txt", "custom_interface.py", "hap.wav"]

    assert set(choose_files(names)) == {"wav2vec2.ckpt", "model.ckpt", "hyperparams.yaml", "label_encoder.txt"}


def test_a_second_pull_of_the_same_commit_fetches_nothing(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)
    pulls()
    pulls.hub.asked.clear()

    again, pinned = pulls(), pulls(FIRST)

    assert not again.fetched
    assert not pinned.fetched
    assert pulls.hub.fetched() == []
    assert len(pulls.hub.asked) == 1  # what main is now; a commit needs no question


def test_a_tag_is_resolved_to_its_commit_and_found_again_by_either(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "one", seed=1), sha=FIRST, ref="v1")
    pulls.hub.add(SOURCE, write_stock(tmp_path / "two", seed=2), sha=SECOND)

    pulled = pulls("v1")

    assert (pulled.record.revision, pulled.record.asked) == (FIRST, "v1")
    assert [pulls(word, offline=True).folder for word in ("v1", FIRST)] == [pulled.folder] * 2
    with pytest.raises(WeightsAbsentError):
        pulls(SECOND, offline=True)


def test_a_branch_that_moved_is_pulled_anew_beside_the_old_commit(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "one", seed=1), sha=FIRST)
    first = pulls().folder
    pulls.hub.add(SOURCE, write_stock(tmp_path / "two", seed=2), sha=SECOND)

    second = pulls().folder

    assert (first.name, second.name) == (FIRST, SECOND)
    assert first.is_dir()
    assert pulls(offline=True).folder == second


def test_a_copied_folder_loads_by_path_with_the_same_identity(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)
    pulled = pulls().folder
    copied = Path(shutil.copytree(pulled, tmp_path / "elsewhere"))

    identity = identify(str(copied))

    assert identity == identify(str(pulled))
    assert (identity.source, identity.revision) == (SOURCE, FIRST)
    assert load(str(copied), dtype="fp32").spec.source == SOURCE


def test_a_file_that_changed_since_the_pull_is_refused_by_name(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)
    folder = pulls().folder
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    with pytest.raises(CheckpointError, match=rf"model\.safetensors is not what was pulled.*--revision {FIRST}"):
        load(str(folder))


def test_weights_that_came_after_the_pull_are_refused(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, published_bin(tmp_path), sha=FIRST)
    folder = pulls().folder
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    record = json.loads((folder / RECORD).read_text())
    record["files"] = [each for each in record["files"] if each["name"] != "model.safetensors"]
    (folder / RECORD).write_text(json.dumps(record))

    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin was not pulled with the rest"):
        identify(str(folder))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 2}', "[" * 100_000])
def test_a_damaged_record_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (write_stock(tmp_path) / RECORD).write_text(content)

    with pytest.raises(CheckpointError, match=r"seraph\.json is damaged"):
        identify(str(tmp_path))


def test_another_revision_than_the_folder_holds_is_refused(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)
    folder = pulls().folder

    with pytest.raises(CheckpointError, match=rf"at commit {FIRST}, not at {SECOND}"):
        identify(str(folder), SECOND)


def test_bytes_that_are_not_what_the_hub_announced_leave_nothing_behind(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)
    pulls.hub.spoiled.add("model.safetensors")

    with pytest.raises(CheckpointError, match=r"model\.safetensors of somebody/model arrived damaged"):
        pulls()

    assert not (pulls.home / "models" / SOURCE / FIRST).exists()
    pulls.hub.spoiled.clear()
    assert pulls().fetched


@pytest.mark.stack
def test_a_killed_pull_leaves_nothing_half_and_the_next_one_takes_it_up(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)
    pulls.hub.go_on.clear()
    code = (
        "from pathlib import Path; from actors.checkpoints.pull import pull; from actors.checkpoints.hub import Hub\n"
        "from infra.settings import Settings\n"
        f"pull({SOURCE!r}, settings=Settings(home=Path({str(pulls.home)!r})), hub=Hub({pulls.hub.url!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while "model.safetensors" not in pulls.hub.fetched() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.1)  # the small files are fetched beside it
    process.kill()
    process.wait()
    pulls.hub.go_on.set()

    assert [path for path in (pulls.home / "models" / SOURCE).iterdir() if not path.name.startswith(".")] == []

    pulls.hub.asked.clear()
    folder = pulls().folder
    assert identify(str(folder)).revision == FIRST
    assert "config.json" not in pulls.hub.fetched()
    assert [path.name for path in (pulls.home / "models" / SOURCE).iterdir()] == [FIRST]


def test_an_output_folder_is_filled_only_where_it_is_empty_or_holds_the_same(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)
    output = tmp_path / "given" / "place"

    assert pulls(output=output).folder == output
    assert not pulls(output=output).fetched
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="no pull made it"):
        pulls(output=tmp_path / "taken")
    pulls.hub.add(SOURCE, write_stock(tmp_path / "two", seed=2), sha=SECOND)
    with pytest.raises(CheckpointError, match=f"holds commit {FIRST}"):
        pulls(output=output)


def test_a_folder_that_changed_since_is_not_called_pulled(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)
    (pulls().folder / "config.json").write_text("{}")

    for offline in (False, True):
        with pytest.raises(CheckpointError, match=r"config\.json is not what was pulled"):
            pulls(offline=offline)


def test_a_place_that_cannot_be_written_is_an_error_that_names_it(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)
    (tmp_path / "file").write_text("mine")

    with pytest.raises(CheckpointError, match=r"file/model could not be written.*give another --output"):
        pulls(output=tmp_path / "file" / "model")


def test_a_checkpoint_known_to_be_of_no_use_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="Fine-tune it"):
        pull("facebook/mms-1b-all", settings=Settings(home=tmp_path), hub=Hub("http://127.0.0.1:9"))


def test_files_that_the_hub_keeps_small_are_still_recorded(pulls: Puller, tmp_path: Path) -> None:
    pulls.hub.add(SOURCE, write_stock(tmp_path / "published"), sha=FIRST)

    record = read_record(pulls().folder)

    assert record is not None
    assert [each.name for each in record.files] == ["config.json", "model.safetensors", "preprocessor_config.json"]


def published_bin(tmp_path: Path) -> Path:
    return write_stock(tmp_path / "published", file="pytorch_model.bin")


def shard(folder: Path) -> None:
    """Split pytorch_model.bin into two shards with an index, as transformers does."""
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    files = {key: f"pytorch_model-{1 + number % 2}.bin" for number, key in enumerate(sorted(tensors))}
    for file in set(files.values()):
        torch.save({key: tensors[key] for key in tensors if files[key] == file}, folder / file)
    (folder / "pytorch_model.bin").unlink()
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
