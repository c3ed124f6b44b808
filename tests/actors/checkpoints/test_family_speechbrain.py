"""The SpeechBrain family: its files, what it refuses, what it hashes. Its numbers: test_published_layouts.py."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import WavLMModel

from actors.checkpoints import identify, load
from actors.checkpoints.identity import examine
from actors.checkpoints.preprocessing import Preprocessing
from infra.errors import CheckpointError, LayoutError
from tests.support.checkpoints import Tensors, backbone_config, some_signals, write_preprocessor
from tests.support.recipe_checkpoints import SPEECHBRAIN_RECIPE, write_speechbrain


def recipe(old: str, new: str) -> str:
    """The published recipe with a change."""
    assert old in SPEECHBRAIN_RECIPE
    return SPEECHBRAIN_RECIPE.replace(old, new)


def change(folder: Path, file: str, what: Callable[[Tensors], Tensors]) -> str:
    """Change the tensors of a .ckpt file; gives the folder as a source."""
    torch.save(what(torch.load(folder / file, weights_only=True)), folder / file)
    return str(folder)


def test_its_four_files_are_enough(tmp_path: Path) -> None:
    write_speechbrain(tmp_path, labels=("기쁨", "it's", 'say "no"'))
    (tmp_path / "config.json").unlink()

    model = load(str(tmp_path), device="cpu", dtype="fp32")

    assert (model.spec.family, model.spec.kind, model.spec.sampling_rate) == ("speechbrain", "categorical", 16_000)
    assert model.spec.labels == ("기쁨", "it's", 'say "no"')
    assert model.logits(some_signals()).shape == (6, 3)


def test_signals_are_normalised_as_torch_does_and_not_as_the_extractor(tmp_path: Path) -> None:
    prepare = examine(str(write_speechbrain(tmp_path))).facts.preprocessing
    quiet = some_signals()[1] / 30  # a variance of about 1e-8, far below the 1e-5 that torch adds

    assert isinstance(prepare, Preprocessing)
    expected = functional.layer_norm(torch.from_numpy(quiet), quiet.shape).numpy()
    np.testing.assert_allclose(prepare(quiet), expected, atol=1e-6)


def test_a_backbone_of_another_kind_and_norm_is_told_by_its_keys(tmp_path: Path) -> None:
    """WavLM under the same recipe, without the output norm and with a bias: a reference in plain torch."""
    text = recipe("output_norm: True", "output_norm: False").replace("bias: False", "bias: True")
    write_speechbrain(tmp_path, model_type="wavlm", norm="layer", old_names=False, recipe=text)
    change(tmp_path, "model.ckpt", lambda head: head | {"0.w.bias": torch.arange(4.0)})
    signals = some_signals(seconds=(0.5, 0.46, 0.3))
    config = backbone_config("wavlm", hidden=128, layers=2, num_attention_heads=2)
    backbone = WavLMModel(config).eval()
    stored = torch.load(tmp_path / "wav2vec2.ckpt", weights_only=True)
    backbone.load_state_dict({key.removeprefix("model."): tensor for key, tensor in stored.items()})
    head = torch.load(tmp_path / "model.ckpt", weights_only=True)
    waves = [functional.layer_norm(torch.from_numpy(each), each.shape)[None] for each in signals]
    with torch.inference_mode():
        pooled = torch.cat([backbone(wave).last_hidden_state.mean(1) for wave in waves])
    expected = pooled @ head["0.w.weight"].T + head["0.w.bias"]

    model = load(str(tmp_path), device="cpu", dtype="fp32")

    single = np.concatenate([model.logits([signal]) for signal in signals])
    np.testing.assert_allclose(single, expected.numpy(), atol=1e-5, rtol=0)
    np.testing.assert_allclose(model.logits(signals), single, atol=1e-4, rtol=0)


def test_bf16_stays_near_fp32(tmp_path: Path) -> None:
    write_speechbrain(tmp_path)
    signals = some_signals(seconds=(0.9, 0.8, 0.3))

    low, full = (load(str(tmp_path), device="cpu", dtype=each).logits(signals) for each in ("bf16", "fp32"))

    assert 0 < np.abs(low - full).max() < 0.05


def test_the_extractor_of_the_backbone_decides_where_it_lies_beside(tmp_path: Path) -> None:
    write_preprocessor(write_speechbrain(tmp_path), do_normalize=False)

    assert identify(str(tmp_path)).preprocessing == Preprocessing(scaling="none", epsilon=1e-5).digest()


def test_a_backbone_whose_extractor_is_unknown_is_refused_until_it_lies_beside(tmp_path: Path) -> None:
    write_speechbrain(tmp_path, recipe=recipe("hub: facebook/wav2vec2-base", "hub: someone/wav2vec2-dialect"))

    with pytest.raises(CheckpointError, match=r"someone/wav2vec2-dialect.*preprocessor_config\.json"):
        identify(str(tmp_path))

    write_preprocessor(tmp_path)
    assert identify(str(tmp_path)).family == "speechbrain"


def test_identity_covers_every_file_that_decides_numbers(tmp_path: Path) -> None:
    first = identify(str(write_speechbrain(tmp_path / "a")))
    other_head = identify(
        change(write_speechbrain(tmp_path / "b"), "model.ckpt", lambda t: {k: -v for k, v in t.items()})
    )
    no_norm = identify(str(write_speechbrain(tmp_path / "c", recipe=recipe("norm: True", "norm: False"))))
    remark = identify(str(write_speechbrain(tmp_path / "d", recipe="# a remark\n" + SPEECHBRAIN_RECIPE)))

    assert first.weights_sha256 != other_head.weights_sha256
    assert first.architecture == other_head.architecture
    assert first.weights_sha256 == no_norm.weights_sha256
    assert first.architecture != no_norm.architecture
    assert first.architecture == remark.architecture


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("return_std: False", "return_std: True", "avg_pool.return_std"),
        ("    return_std: False\n", "    return_mean: True\n", "avg_pool.return_std"),
        ("return_std: False", "return_std: False\n    return_mean: False", "avg_pool.return_mean"),
        ("pooling.StatisticsPooling", "pooling.AttentionPooling", "avg_pool"),
        ("freeze: True", "freeze: True\n    output_all_hiddens: True", "wav2vec2.output_all_hiddens"),
        ("freeze: True", "freeze: True\n    normalize_wav: False", "wav2vec2.normalize_wav"),
        ("    output_norm: True\n", "", "wav2vec2.output_norm"),
        ("HuggingFaceWav2Vec2\n", "HuggingFaceWav2Vec2Pretrain\n", "wav2vec2"),
        ("bias: False", "bias: False\n    combine_dims: True", "output_mlp.combine_dims"),
        ("    avg_pool: !ref <avg_pool>\n", "", "modules.avg_pool"),
        ("modules:\n", "modules:\n    enhance: !ref <softmax>\n", "modules.enhance"),
    ],
)
def test_a_setting_that_is_not_rebuilt_is_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    write_speechbrain(tmp_path, recipe=recipe(old, new))

    with pytest.raises(CheckpointError, match=rf"hyperparams\.yaml: `{named}` is .*only this is rebuilt here"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("'neu' => 0\n'ang' => 1\n'hap' => 2\n====\n'sad' => 3\n", "3 labels .* has 4 rows"),
        ("'neu' => 0\n'ang' => 1\n'hap' => 2\n'sad' => 4\n", "numbered from 0"),
        ("'neu' => 0\n'ang' => 0\n'hap' => 2\n'sad' => 3\n", "two labels have the number 0"),
        ("neu 0\n", "the line 'neu 0'"),
        ("'a' + 'b' => 0\n", "the line"),
        ("====\n'neu' => 0\n", "names no labels"),
    ],
)
def test_labels_that_do_not_number_the_rows_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (write_speechbrain(tmp_path) / "label_encoder.txt").write_text(text)

    with pytest.raises(CheckpointError, match=message) as caught:
        identify(str(tmp_path))

    assert "label_encoder.txt" in str(caught.value)


@pytest.mark.parametrize("file", ["hyperparams.yaml", "label_encoder.txt", "model.ckpt", "wav2vec2.ckpt"])
def test_a_file_that_is_absent_is_refused(tmp_path: Path, file: str) -> None:
    (write_speechbrain(tmp_path) / file).unlink()

    with pytest.raises(CheckpointError):
        load(str(tmp_path))


def test_a_head_that_does_not_fit_is_refused_with_its_keys(tmp_path: Path) -> None:
    write_speechbrain(tmp_path / "a")
    write_speechbrain(tmp_path / "b")

    with pytest.raises(LayoutError, match=r"missing 0\.w\.weight \(nearest found: 1\.w\.weight\)"):
        identify(change(tmp_path / "a", "model.ckpt", lambda t: {k.replace("0.", "1."): v for k, v in t.items()}))
    with pytest.raises(LayoutError, match=r"0\.w\.weight \[4, 64\], expected \[4, 128\]"):
        identify(change(tmp_path / "b", "model.ckpt", lambda t: {k: v[:, :64].clone() for k, v in t.items()}))
