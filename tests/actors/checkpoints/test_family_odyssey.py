"""The SER-Odyssey family: its files and what it refuses. Its numbers: test_published_layouts.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import WavLMModel

from actors.checkpoints import identify, label_map, load
from actors.checkpoints.identity import examine
from actors.checkpoints.preprocessing import Preprocessing
from infra.errors import CheckpointError, LayoutError
from tests.support.checkpoints import Tensors, backbone_config, edit_config, some_signals
from tests.support.recipe_checkpoints import write_odyssey

DIMENSIONS = ("arousal", "dominance", "valence")
HUB = "/models/SER-Odyssey-Baseline-WavLM-Multi-Attributes"


def change(folder: Path, what: Callable[[Tensors], Tensors]) -> str:
    """Change the tensors of a checkpoint; gives the folder as a source."""
    save_file(what(load_file(folder / "model.safetensors")), folder / "model.safetensors")
    return str(folder)


def test_the_labels_are_the_configurations_and_mean_emotions(tmp_path: Path) -> None:
    found = identify(str(write_odyssey(tmp_path)))

    assert (found.family, found.kind) == ("odyssey", "categorical")
    assert label_map(found.labels)["angry"] == "angry"
    assert label_map(found.labels)["contempt"] is None


def test_signals_are_scaled_by_the_numbers_of_the_corpus(tmp_path: Path) -> None:
    prepare = examine(str(write_odyssey(tmp_path, mean=0.25, std=0.5))).facts.preprocessing

    assert isinstance(prepare, Preprocessing)
    assert prepare == Preprocessing(scaling="fixed", epsilon=1e-6, mean=0.25, std=0.5)
    # (0.75 − 0.25) / (0.5 + 0.000001)
    np.testing.assert_allclose(prepare(np.array([0.75], dtype=np.float32)), [0.999998], atol=1e-7)


def test_more_hidden_layers_are_all_used(tmp_path: Path) -> None:
    """A head of two hidden layers against plain torch, one signal at a time and in a padded batch."""
    weights = load_file(write_odyssey(tmp_path, head_layers=2, mean=0.1, std=0.2) / "model.safetensors")
    signals = some_signals(seconds=(0.5, 0.46, 0.3))
    backbone = WavLMModel(backbone_config("wavlm", hidden=128, layers=2, num_attention_heads=2, conv_bias=False)).eval()
    backbone.load_state_dict(
        {k.removeprefix("ssl_model."): v for k, v in weights.items() if k.startswith("ssl_model.")}
    )
    rows = []
    for signal in signals:
        with torch.inference_mode():
            states = backbone(torch.from_numpy((signal - 0.1) / np.float32(0.2 + 1e-6))[None]).last_hidden_state[0]
        scores = torch.tanh(affine(states, weights, "pool_model.sap_linear")) @ weights["pool_model.attention"]
        shares = scores.softmax(0)
        mean = (states * shares).sum(0)
        hidden = torch.cat((mean, ((states - mean) ** 2 * shares).sum(0).clamp(min=1e-5).sqrt()))
        for stem in ("ser_model.fc.0", "ser_model.fc.1"):
            hidden = affine(hidden, weights, f"{stem}.0")
            hidden = functional.layer_norm(
                hidden, (128,), weights[f"{stem}.1.weight"], weights[f"{stem}.1.bias"]
            ).relu()
        rows.append(affine(hidden, weights, "ser_model.out.0"))

    model = load(str(tmp_path), device="cpu", dtype="fp32")

    single = np.concatenate([model.logits([signal]) for signal in signals])
    np.testing.assert_allclose(single, torch.stack(rows).numpy(), atol=1e-5, rtol=0)
    np.testing.assert_allclose(model.logits(signals), single, atol=1e-4, rtol=0)


def test_bf16_stays_near_fp32(tmp_path: Path) -> None:
    write_odyssey(tmp_path)
    signals = some_signals(seconds=(0.9, 0.8, 0.3))

    low, full = (load(str(tmp_path), device="cpu", dtype=each).logits(signals) for each in ("bf16", "fp32"))

    assert 0 < np.abs(low - full).max() < 0.1


def test_a_single_dimension_is_refused_with_what_to_use(tmp_path: Path) -> None:
    write_odyssey(tmp_path, labels=("arousal",))

    with pytest.raises(CheckpointError, match=r"one number .*Use 3loi/SER-Odyssey-Baseline-WavLM-Categorical"):
        identify(str(tmp_path))


@pytest.mark.parametrize("labels", [..., {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}], ids=["absent", "unnamed"])
def test_three_unnamed_outputs_are_dimensions_only_in_the_multi_attribute_model(tmp_path: Path, labels: Any) -> None:
    edit_config(write_odyssey(tmp_path, labels=DIMENSIONS), id2label=labels)

    with pytest.raises(CheckpointError, match=r"does not say what the 3 outputs mean.*arousal, dominance, valence"):
        identify(str(tmp_path))

    found = identify(str(edit_config(tmp_path, _name_or_path=HUB)))
    assert (found.labels, found.kind) == (DIMENSIONS, "dimensional")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mean": ...}, "`mean` is 'absent', expected a number"),
        ({"mean": "0"}, "`mean`"),
        ({"std": float("nan")}, "`std`"),
        ({"std": 0}, "`std` is 0, expected a number above 0"),
        ({"std": True}, "`std`"),
        ({"sampling_rate": 16e3}, "`sampling_rate`"),
        ({"hidden_size": 768}, "`hidden_size` is 768, expected 128, as the weights have it"),
        ({"num_hidden_layers": 24}, "`num_hidden_layers`"),
        ({"num_attention_heads": 16}, "`num_attention_heads`"),
        ({"classifier_hidden_layers": 1 << 30}, "`classifier_hidden_layers`"),
        ({"id2label": {"0": "Angry", "1": "Sad"}}, "2 labels .* has 8 rows"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused_by_name(
    tmp_path: Path, values: dict[str, Any], message: str
) -> None:
    edit_config(write_odyssey(tmp_path), **values)

    with pytest.raises(CheckpointError, match=message):
        identify(str(tmp_path))


@pytest.mark.parametrize(
    "key", ["pool_model.attention", "pool_model.sap_linear.bias", "ser_model.fc.0.1.weight", "ser_model.out.0.weight"]
)
def test_a_head_that_lacks_a_tensor_is_refused_with_its_key(tmp_path: Path, key: str) -> None:
    write_odyssey(tmp_path)

    with pytest.raises(LayoutError, match="random weights") as caught:
        identify(change(tmp_path, lambda tensors: {name: each for name, each in tensors.items() if name != key}))

    assert caught.value.missing == (key,)


def test_layers_that_the_configuration_does_not_speak_of_are_refused(tmp_path: Path) -> None:
    edit_config(write_odyssey(tmp_path, head_layers=2), classifier_hidden_layers=1)

    with pytest.raises(LayoutError, match=r"unexpected ser_model\.fc\.1\.0\.bias"):
        identify(str(tmp_path))


def test_a_backbone_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    write_odyssey(tmp_path)
    key = "ssl_model.encoder.layers.1.attention.k_proj.weight"

    with pytest.raises(LayoutError, match="k_proj"):
        load(change(tmp_path, lambda tensors: {name: each for name, each in tensors.items() if name != key}))


def affine(values: torch.Tensor, weights: Tensors, stem: str) -> torch.Tensor:
    return functional.linear(values, weights[f"{stem}.weight"], weights[f"{stem}.bias"])
