"""emotion2vec: what is checked without the optional package, and with it that its own class answers alike."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import yaml

from actors.checkpoints import identify, load
from actors.checkpoints.document import Document
from actors.checkpoints.family import families
from actors.checkpoints.family_emotion2vec import conv_layers, read_emotion2vec
from actors.checkpoints.files import open_checkpoint
from actors.contract import Signal
from infra.errors import CheckpointError, LayoutError
from tests.support.checkpoints import some_signals
from tests.support.funasr_checkpoints import EMOTION2VEC, write_emotion2vec

HERE = find_spec("funasr") is not None
WITH = pytest.mark.skipif(not HERE, reason="the optional package funasr is absent")
WITHOUT = pytest.mark.skipif(HERE, reason="the optional package funasr is here")
SIGNALS = some_signals(seconds=(0.9, 0.31, 0.9, 0.055, 0.75))


def edit_model(folder: Path, audio: bool = False, **changes: object) -> Path:
    config = yaml.safe_load((folder / "config.yaml").read_text())
    part = config["model_conf"]["modalities"]["audio"] if audio else config["model_conf"]
    part.update(changes)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def reference(folder: Path, signals: list[Signal]) -> npt.NDArray[np.float32]:
    """The scores of funasr's own class, one signal at a time, by its own `inference`."""
    from actors.checkpoints.funasr_extra import part

    config = yaml.safe_load((folder / "config.yaml").read_text())["model_conf"]
    config["modalities"]["audio"]["decoder"] = None
    tokens = (folder / "tokens.txt").read_text(encoding="utf-8").splitlines()
    model: Any = part("models.emotion2vec.model", "Emotion2vec")(model_conf=config, vocab_size=len(tokens))
    state = torch.load(folder / "model.pt", weights_only=True)["model"]
    used = {key.removeprefix("d2v_model."): tensor for key, tensor in state.items() if ".decoder." not in key}
    model.load_state_dict(used, strict=True)
    tokenizer = type("Tokenizer", (), {"token_list": tokens})()
    options = {"key": ["a"], "tokenizer": tokenizer, "device": "cpu", "extract_embedding": False}
    with torch.inference_mode():
        rows = [model.eval().inference([torch.from_numpy(each)], **options) for each in signals]
    return np.array([found[0]["scores"] for found, _ in rows], dtype=np.float32)


@WITH
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.filterwarnings("ignore")  # the package's own
def test_softmax_gives_the_scores_of_the_package(tmp_path: Path, normalize: bool) -> None:
    write_emotion2vec(tmp_path, normalize=normalize)
    model = load(str(tmp_path), device="cpu", dtype="fp32")

    single = np.concatenate([model.logits([signal]) for signal in SIGNALS])

    assert (model.spec.family, model.spec.labels) == ("emotion2vec", EMOTION2VEC)
    np.testing.assert_allclose(_softmax(single), reference(tmp_path, SIGNALS), atol=1e-5, rtol=0)
    np.testing.assert_allclose(model.logits(SIGNALS), single, atol=1e-4, rtol=0)
    assert np.abs(np.diff(single, axis=0)).max() > 0.01


@WITH
@pytest.mark.filterwarnings("ignore")
def test_unused_outputs_are_no_labels(tmp_path: Path) -> None:
    tokens = ("生气/angry", "unuse_0", "开心/happy", "unuse_1", "中立/neutral")
    write_emotion2vec(tmp_path, tokens=tokens)
    model = load(str(tmp_path), device="cpu", dtype="fp32")

    logits = model.logits(SIGNALS)

    assert model.spec.labels == ("生气/angry", "开心/happy", "中立/neutral")
    np.testing.assert_allclose(_softmax(logits), reference(tmp_path, SIGNALS), atol=1e-4, rtol=0)


@WITH
@pytest.mark.filterwarnings("ignore")
def test_bf16_stays_near_fp32(tmp_path: Path) -> None:
    write_emotion2vec(tmp_path)

    low = load(str(tmp_path), device="cpu", dtype="bf16").logits(SIGNALS)

    full = load(str(tmp_path), device="cpu", dtype="fp32").logits(SIGNALS)
    assert 0 < np.abs(_softmax(low) - _softmax(full)).max() < 0.02


@WITH
@pytest.mark.parametrize("key", ["d2v_model.blocks.1.mlp.fc1.weight", "d2v_model.modality_encoders.AUDIO.extra_tokens"])
@pytest.mark.filterwarnings("ignore")
def test_a_tensor_that_is_missing_is_never_random(tmp_path: Path, key: str) -> None:
    write_emotion2vec(tmp_path)
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    del content["model"][key]
    torch.save(content, tmp_path / "model.pt")

    with pytest.raises(LayoutError) as caught:
        load(str(tmp_path))

    assert caught.value.missing == (key.removeprefix("d2v_model."),)


@WITH
@pytest.mark.filterwarnings("ignore")
def test_a_setting_that_the_package_looks_at_only_when_it_computes_is_refused(tmp_path: Path) -> None:
    edit_model(write_emotion2vec(tmp_path), norm_eps="x")

    with pytest.raises(CheckpointError, match="cannot compute"):
        load(str(tmp_path))


@WITHOUT
def test_without_the_package_it_is_said_what_to_install(tmp_path: Path) -> None:
    write_emotion2vec(tmp_path)

    for door in (identify, load):
        with pytest.raises(CheckpointError, match=r"emotion2vec.*pip install 'seraph\[funasr\]'"):
            door(str(tmp_path))


@pytest.mark.parametrize("prefix", ["d2v_model.", ""])
@pytest.mark.parametrize("nested", ["model", "state_dict", None])
def test_it_is_known_by_its_keys_and_its_labels_are_those_of_its_tokens(
    tmp_path: Path, prefix: str, nested: str | None
) -> None:
    checkpoint = open_checkpoint("source", write_emotion2vec(tmp_path, prefix=prefix, nested=nested))

    names = [each.name for each in families() if each.recognises(checkpoint.tensors.keys(), checkpoint.config)]

    assert names == ["emotion2vec"]
    assert read_emotion2vec(checkpoint).labels == EMOTION2VEC


@pytest.mark.parametrize(
    ("audio", "changes", "message"),
    [
        (False, {"depth": 1_000_000}, "depth"),
        (False, {"num_heads": 10**9}, "num_heads"),
        (True, {"prenet_depth": 3}, "prenet_depth"),
        (True, {"num_alibi_heads": 10**9}, "num_alibi_heads"),
        (True, {"feature_encoder_spec": "__import__('os').getpid()"}, "feature_encoder_spec"),
        (True, {"feature_encoder_spec": "[(512, 10, 5)] * 99"}, "feature_encoder_spec"),
        (False, {"modalities": "audio"}, "modalities"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    tmp_path: Path, audio: bool, changes: dict[str, object], message: str
) -> None:
    checkpoint = open_checkpoint("source", edit_model(write_emotion2vec(tmp_path), audio, **changes))

    with pytest.raises(CheckpointError, match=message):
        read_emotion2vec(checkpoint)


def test_tokens_that_do_not_number_the_outputs_are_refused(tmp_path: Path) -> None:
    (write_emotion2vec(tmp_path) / "tokens.txt").write_text("angry\nhappy\n")

    with pytest.raises(CheckpointError, match=r"2 lines.*9 rows"):
        read_emotion2vec(open_checkpoint("source", tmp_path))


def test_features_without_a_head_are_refused(tmp_path: Path) -> None:
    write_emotion2vec(tmp_path)
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    del content["model"]["proj.weight"]
    torch.save(content, tmp_path / "model.pt")

    with pytest.raises(CheckpointError, match="without an emotion head"):
        read_emotion2vec(open_checkpoint("source", tmp_path))


def test_the_text_of_the_convolutions_is_parsed_and_never_evaluated() -> None:
    text = "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]"

    layers = conv_layers(Document(Path("config.yaml"), {"feature_encoder_spec": text}))

    assert layers == [(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512, 2, 2)] * 2


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)
