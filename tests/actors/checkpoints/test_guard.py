"""What is refused, and whether the refusal helps."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from actors.checkpoints import identify, load
from infra.errors import CheckpointError, LayoutError
from tests.support.checkpoints import (
    SUPERB,
    Tensors,
    backbone_config,
    edit_config,
    stirred_backbone,
    write_config,
    write_ehcalabres,
    write_preprocessor,
    write_soxan,
    write_stock,
    write_tensors,
)

STEM = "wav2vec2.encoder.layers.0.attention.k_proj.weight"


def rewrite(folder: Path, change: Callable[[Tensors], Tensors]) -> str:
    """Change the tensors of a checkpoint; gives its folder as a source."""
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path)
    return str(folder)


def without(*keys: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {key: tensor for key, tensor in tensors.items() if key not in keys}


def renamed(old: str, new: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {key.replace(old, new): tensor for key, tensor in tensors.items()}


@pytest.mark.parametrize("writer", [write_stock, write_soxan, write_ehcalabres])
def test_a_head_without_its_bias_is_refused(tmp_path: Path, writer: Callable[..., Path]) -> None:
    tensors = load_file(writer(tmp_path) / "model.safetensors")
    bias = next(key for key in tensors if key.startswith("classifier.") and key.endswith("bias"))

    with pytest.raises(LayoutError, match="random weights") as caught:
        identify(rewrite(tmp_path, without(bias)))

    assert caught.value.missing == (bias,)
    assert bias in str(caught.value)


def test_a_renamed_head_names_the_nearest_layout_and_the_nearest_key(tmp_path: Path) -> None:
    write_soxan(tmp_path)

    with pytest.raises(LayoutError) as caught:
        load(rewrite(tmp_path, renamed("classifier.out_proj", "classifier.outproj")))

    message = str(caught.value)
    assert "The nearest is soxan" in message
    assert "classifier.out_proj.weight (nearest found: classifier.outproj.weight)" in message
    assert "ehcalabres: classifier.dense.weight" in message
    assert caught.value.unexpected == ("classifier.outproj.bias", "classifier.outproj.weight")


def test_a_tensor_beside_the_head_is_refused(tmp_path: Path) -> None:
    write_stock(tmp_path)

    with pytest.raises(LayoutError, match="unexpected") as caught:
        identify(rewrite(tmp_path, lambda tensors: tensors | {"gate.weight": torch.ones(3)}))

    assert caught.value.unexpected == ("gate.weight",)


@pytest.mark.parametrize(("has", "says"), [(True, False), (False, True)])
def test_layer_weights_must_agree_with_the_configuration(tmp_path: Path, has: bool, says: bool) -> None:
    write_stock(tmp_path, weighted=has)
    edit_config(tmp_path, use_weighted_layer_sum=says)

    with pytest.raises(LayoutError, match="layer_weights"):
        identify(str(tmp_path))


def test_a_head_of_another_width_is_refused_with_both_shapes(tmp_path: Path) -> None:
    write_soxan(tmp_path)

    with pytest.raises(LayoutError, match=r"classifier\.dense\.weight \[32, 16\], expected \[32, 32\]") as caught:
        identify(rewrite(tmp_path, lambda tensors: tensors | {"classifier.dense.weight": torch.ones(32, 16)}))

    assert caught.value.mismatched == ("classifier.dense.weight",)


@pytest.mark.parametrize(
    "change",
    [without(STEM), renamed("k_proj", "key"), lambda t: t | {STEM: torch.ones(8, 8)}],
    ids=["missing", "renamed", "of another shape"],
)
def test_a_backbone_that_is_not_whole_is_refused(tmp_path: Path, change: Callable[[Tensors], Tensors]) -> None:
    write_stock(tmp_path)

    with pytest.raises(LayoutError, match="k_proj"):
        load(rewrite(tmp_path, change))


@pytest.mark.parametrize("old_names", [False, True])
def test_benign_differences_pass(tmp_path: Path, old_names: bool) -> None:
    write_stock(tmp_path, old_names=old_names)
    extra = {"quantizer.codevectors": torch.ones(1, 4, 4), "project_hid.bias": torch.ones(4)}

    source = rewrite(tmp_path, lambda tensors: without("wav2vec2.masked_spec_embed")(tensors) | extra)

    assert load(source).spec.family == "stock"


@pytest.mark.parametrize("old_names", [False, True])
def test_one_tensor_under_two_spellings_is_refused_with_both(tmp_path: Path, old_names: bool) -> None:
    tensors = load_file(write_stock(tmp_path / "other", seed=1, old_names=not old_names) / "model.safetensors")
    again = {key: tensor for key, tensor in tensors.items() if key.endswith(("weight_g", "original0"))}
    write_stock(tmp_path / "folder", old_names=old_names)

    with pytest.raises(LayoutError, match=r"two spellings.*original0.*weight_g") as caught:
        load(rewrite(tmp_path / "folder", lambda tensors: tensors | again))

    assert set(again) < set(caught.value.unexpected)


def test_a_tensor_of_a_second_backbone_is_refused(tmp_path: Path) -> None:
    write_stock(tmp_path)

    with pytest.raises(LayoutError, match="another network scored") as caught:
        identify(rewrite(tmp_path, lambda tensors: tensors | {"hubert.encoder.layer_norm.weight": torch.ones(32)}))

    assert caught.value.unexpected == ("hubert.encoder.layer_norm.weight",)


@pytest.mark.parametrize("stem", ["wav2vec2.encoder.layers.0.attention.q_proj", "base_model.model.projector"])
def test_adapters_that_are_not_merged_are_refused_with_what_to_do(tmp_path: Path, stem: str) -> None:
    write_stock(tmp_path)

    with pytest.raises(CheckpointError, match="merge them"):
        identify(rewrite(tmp_path, lambda tensors: tensors | {f"{stem}.lora_A.weight": torch.ones(4, 32)}))


def test_what_a_file_calls_a_tensor_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    write_stock(tmp_path)

    with pytest.raises(LayoutError) as caught:
        identify(rewrite(tmp_path, lambda tensors: tensors | {"gate\x1b[31m": torch.ones(3)}))

    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("count", [3, 5])
def test_labels_that_do_not_number_the_rows_are_refused(tmp_path: Path, count: int) -> None:
    write_stock(tmp_path)
    edit_config(tmp_path, id2label={str(row): f"e{row}" for row in range(count)})

    with pytest.raises(CheckpointError, match=rf"{count} labels .* has 4 rows"):
        identify(str(tmp_path))


@pytest.mark.parametrize("prefixed", [True, False])
def test_a_backbone_without_a_head_is_refused_with_what_to_do(tmp_path: Path, prefixed: bool) -> None:
    write_bare(tmp_path, prefixed)

    with pytest.raises(CheckpointError, match=r"backbone without an emotion head.*Fine-tune it"):
        load(str(tmp_path))


def test_a_speech_recognition_checkpoint_is_refused(tmp_path: Path) -> None:
    write_bare(tmp_path)

    with pytest.raises(CheckpointError, match="transcribes speech"):
        load(rewrite(tmp_path, lambda tensors: tensors | {"lm_head.weight": torch.ones(32, 32)}))


def test_a_language_model_is_refused(tmp_path: Path) -> None:
    write_tensors(tmp_path, {"model.embed_tokens.weight": torch.ones(4, 4), "lm_head.weight": torch.ones(4, 4)})
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')

    with pytest.raises(CheckpointError, match="models language"):
        load(str(tmp_path))


def test_an_unknown_network_is_refused_with_the_known_backbones(tmp_path: Path) -> None:
    write_tensors(tmp_path, {"transformer.word_embedding.weight": torch.ones(4, 4)})
    (tmp_path / "config.json").write_text('{"model_type": "xlnet"}')

    with pytest.raises(CheckpointError, match=r"model_type is xlnet.*wav2vec2, hubert, wavlm"):
        load(str(tmp_path))


def test_a_configuration_of_another_backbone_is_refused(tmp_path: Path) -> None:
    write_stock(tmp_path)
    edit_config(tmp_path, model_type="hubert")

    with pytest.raises(CheckpointError, match=r"`model_type` is 'hubert', expected 'wav2vec2'"):
        identify(str(tmp_path))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    write_stock(tmp_path)

    def spoil(tensors: Tensors) -> Tensors:
        tensors[STEM][3, 5] = value
        return tensors

    with pytest.raises(CheckpointError, match=r"k_proj\.weight holds NaN or infinity"):
        load(rewrite(tmp_path, spoil))


def test_great_but_finite_weights_pass_the_check_for_infinity(tmp_path: Path) -> None:
    write_stock(tmp_path)

    def enlarge(tensors: Tensors) -> Tensors:
        tensors["projector.bias"][:] = 3e38
        return tensors

    assert load(rewrite(tmp_path, enlarge)).spec.family == "stock"


def test_a_missing_preprocessor_configuration_is_refused_and_not_guessed(tmp_path: Path) -> None:
    write_stock(tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()

    with pytest.raises(CheckpointError, match="do_normalize"):
        identify(str(tmp_path))


def test_another_kind_of_feature_extractor_is_refused(tmp_path: Path) -> None:
    write_preprocessor(write_stock(tmp_path), feature_extractor_type="WhisperFeatureExtractor")

    with pytest.raises(CheckpointError, match="WhisperFeatureExtractor"):
        identify(str(tmp_path))


def write_bare(folder: Path, prefixed: bool = True) -> None:
    """A backbone as self-supervised training leaves it."""
    config = backbone_config("wav2vec2", hidden=32, layers=2)
    tensors = stirred_backbone(config, torch.Generator().manual_seed(0))
    if not prefixed:
        tensors = {key.removeprefix("wav2vec2."): tensor for key, tensor in tensors.items()}
    write_config(write_tensors(folder, tensors), config, SUPERB)
    write_preprocessor(folder)
