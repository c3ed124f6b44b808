"""What a planner learns of a checkpoint, and what that costs."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from actors.checkpoints import identify, load, load_text
from tests.support.checkpoints import edit_config, write_dimensional, write_ehcalabres, write_soxan, write_stock
from tests.support.text_checkpoints import write_text
from tests.support.whisper_checkpoints import write_whisper

ROOT = Path(__file__).parents[3]
WRITERS = pytest.mark.parametrize("writer", [write_stock, write_soxan, write_ehcalabres, write_dimensional])


@WRITERS
def test_it_says_what_the_loaded_model_says(tmp_path: Path, writer) -> None:  # type: ignore[no-untyped-def]
    writer(tmp_path, demo=True)

    identity = dataclasses.asdict(identify(str(tmp_path)))

    spec = dataclasses.asdict(load(str(tmp_path), dtype="fp32").spec)
    assert spec.pop("precision") == "fp32"
    assert identity.pop("architecture")
    assert spec == identity
    assert identity["demo"] is True


def test_the_digest_is_that_of_the_weight_file(tmp_path: Path) -> None:
    write_stock(tmp_path)

    expected = hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest()

    assert identify(str(tmp_path)).weights_sha256 == expected


def test_the_digest_follows_a_file_that_changes(tmp_path: Path) -> None:
    before = identify(str(write_stock(tmp_path, seed=1))).weights_sha256

    after = identify(str(write_stock(tmp_path, seed=2))).weights_sha256

    assert before != after


@pytest.mark.parametrize("writer", [write_soxan, write_whisper, write_text])
def test_neither_torch_nor_transformers_is_imported(tmp_path: Path, writer) -> None:  # type: ignore[no-untyped-def]
    writer(tmp_path)
    code = (
        "import sys; from actors.checkpoints import identify, known, label_map; "
        f"label_map(identify({str(tmp_path)!r}).labels); known(); "
        "print(sorted({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"


def test_the_licence_is_that_of_the_model_card(tmp_path: Path) -> None:
    write_stock(tmp_path)
    assert identify(str(tmp_path)).licence is None

    (tmp_path / "README.md").write_text("---\nlanguage: en\nlicense: cc-by-nc-4.0\n---\n# A model\n")

    assert identify(str(tmp_path)).licence == "cc-by-nc-4.0"


@pytest.mark.parametrize("card", ["---\n: : [\n---\n", "no front matter", "---\nlicense: {a: b}\n---\n"])
def test_a_card_without_a_licence_is_no_fault(tmp_path: Path, card: str) -> None:
    (write_stock(tmp_path) / "README.md").write_text(card)

    assert identify(str(tmp_path)).licence is None


def test_a_demo_mark_that_is_no_truth_value_is_refused(tmp_path: Path) -> None:
    edit_config(write_stock(tmp_path), demo_model="perhaps")

    with pytest.raises(Exception, match="demo_model"):
        identify(str(tmp_path))


@pytest.mark.parametrize(("writer", "door"), [(write_whisper, load), (write_text, load_text)], ids=["whisper", "text"])
def test_it_knows_the_window_and_the_modality(tmp_path: Path, writer, door) -> None:  # type: ignore[no-untyped-def]
    writer(tmp_path)

    identity = identify(str(tmp_path))

    assert identity.spec("fp32") == door(str(tmp_path), dtype="fp32").spec
    assert (identity.modality, identity.window_s) == (("audio", 1.0) if door is load else ("text", None))


@pytest.mark.stack
def test_every_family_loads_with_the_repository_on_the_path(tmp_path: Path) -> None:
    """The folder `datasets/` there must not pass for Hugging Face's package."""
    write_stock(tmp_path / "stock", weighted=True)
    write_stock(tmp_path / "hubert", model_type="hubert")
    write_stock(tmp_path / "wavlm", model_type="wavlm")
    write_stock(tmp_path / "data2vec", model_type="data2vec-audio")
    write_soxan(tmp_path / "soxan")
    write_ehcalabres(tmp_path / "ehcalabres")
    write_whisper(tmp_path / "whisper")
    for model_type in ("bert", "distilbert", "electra", "roberta"):
        write_text(tmp_path / model_type, model_type)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from actors.checkpoints import identify, load, load_text\n"
        f"for folder in sorted(Path({str(tmp_path)!r}).iterdir()):\n"
        "    reads = identify(str(folder)).modality == 'text'\n"
        "    model = (load_text if reads else load)(str(folder), dtype='fp32')\n"
        "    print(folder.name, len(model.logits(['words'] if reads else [np.ones(800, np.float32)])))\n"
    )

    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=one_thread, capture_output=True, text=True, check=False, timeout=120)

    assert done.stderr == ""
    assert (
        done.stdout.split()
        == (
            "bert 1 data2vec 1 distilbert 1 ehcalabres 1 electra 1 hubert 1 roberta 1 soxan 1 stock 1 wavlm 1 whisper 1"
        ).split()
    )


def test_the_architecture_changes_with_the_pooling_and_not_with_a_note(tmp_path: Path) -> None:
    write_soxan(tmp_path, pooling="mean")
    mean = identify(str(tmp_path))
    edit_config(tmp_path, transformers_version="9.9.9")
    assert identify(str(tmp_path)).architecture == mean.architecture
    edit_config(tmp_path, pooling_mode="sum")
    summed = identify(str(tmp_path))
    assert summed.weights_sha256 == mean.weights_sha256
    assert summed.architecture != mean.architecture
