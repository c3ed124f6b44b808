"""HyperPyYAML as plain values: what is read, and that nothing in it runs."""

from pathlib import Path

import pytest

from actors.checkpoints.hyperparams import MAX_BYTES, read_hyperparams, read_text
from infra.errors import CheckpointError
from tests.support.recipe_checkpoints import SPEECHBRAIN_RECIPE


def written(folder: Path, text: str) -> Path:
    path = folder / "hyperparams.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_published_form_gives_parts_settings_and_references(tmp_path: Path) -> None:
    values = read_hyperparams(written(tmp_path, SPEECHBRAIN_RECIPE)).values

    assert values["wav2vec2"] == "speechbrain.lobes.models.huggingface_wav2vec.HuggingFaceWav2Vec2"
    assert values["wav2vec2.source"] == "facebook/wav2vec2-base"
    assert values["wav2vec2.output_norm"] is True
    assert values["avg_pool.return_std"] is False
    assert values["output_mlp.input_size"] == 768
    assert values["modules.avg_pool"] == "<avg_pool>"


def test_a_reference_follows_a_reference_and_a_circle_ends(tmp_path: Path) -> None:
    text = "a: !ref <b>\nb: !ref <c>\nc: 5\nd: !ref <d>\npath: !ref <c>/x\nnone: !ref <missing>"

    values = read_hyperparams(written(tmp_path, text)).values

    assert values["a"] == 5
    assert values["path"] == "<c>/x"
    assert values["none"] == "<missing>"
    assert "d" in values


@pytest.mark.parametrize(
    "line", ["!new:os.system [touch {}]", "!apply:os.system [touch {}]", "!name:pathlib.Path.touch {{self: {}}}"]
)
def test_tags_run_nothing(tmp_path: Path, line: str) -> None:
    trace = tmp_path / "trace"

    values = read_hyperparams(written(tmp_path, "x: " + line.format(trace))).values

    assert not trace.exists()
    assert "x" in values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "not YAML"),
        ("x: !!python/object/apply:os.getcwd []", "not YAML"),
        ("a: &x [1]\nb: [*x, *x]", "aliases"),
        ("a: 2001-99-99", "not YAML"),
        ("[" * 5000, "not YAML"),
        ("- a\n- b", "no settings by name"),
        ("5: a", "no settings by name"),
        ("", "no settings by name"),
        ("#" * (MAX_BYTES + 1), "expected at most"),
    ],
    ids=["cut", "python", "aliases", "no date", "deep", "list", "number", "empty", "large"],
)
def test_what_is_no_plain_yaml_is_refused_with_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        read_hyperparams(written(tmp_path, text))

    assert "hyperparams.yaml" in str(caught.value)


def test_a_file_that_is_absent_or_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is absent"):
        read_text(tmp_path / "label_encoder.txt")

    (tmp_path / "label_encoder.txt").write_bytes(b"'\xff' => 0")

    with pytest.raises(CheckpointError, match="not UTF-8"):
        read_text(tmp_path / "label_encoder.txt")
