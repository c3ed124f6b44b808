"""SenseVoice: what is checked without the optional package, and with it that its own classes answer alike."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import yaml

from actors.checkpoints import identify, load
from actors.checkpoints.family import families
from actors.checkpoints.family_sensevoice import TAGS, encoder_settings, read_fbank, read_tags
from actors.checkpoints.files import Checkpoint, open_checkpoint
from actors.contract import Signal
from infra.errors import CheckpointError, LayoutError
from tests.support.checkpoints import some_signals
from tests.support.funasr_checkpoints import PIECES, sentencepiece_model, write_sensevoice

HERE = find_spec("funasr") is not None
WITH = pytest.mark.skipif(not HERE, reason="the optional package funasr is absent")
WITHOUT = pytest.mark.skipif(HERE, reason="the optional package funasr is here")
SIGNALS = some_signals(seconds=(0.9, 0.31, 0.9, 0.055, 0.75))


def edit_part(folder: Path, part: str, **changes: object) -> Path:
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config[part].update(changes)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def reference(folder: Path, signals: list[Signal]) -> npt.NDArray[np.float32]:
    """Log-probabilities of all tokens at the second frame, from funasr's own `inference`, one signal at a time."""
    from actors.checkpoints.funasr_extra import part

    config = yaml.safe_load((folder / "config.yaml").read_text())
    settings = config["frontend_conf"] | {"cmvn_file": str(folder / "am.mvn"), "dither": 0.0}
    frontend: Any = part("frontends.wav_frontend", "WavFrontend")(**settings)
    network: Any = part("models.sense_voice.model", "SenseVoiceSmall")
    model = network(encoder=config["encoder"], encoder_conf=config["encoder_conf"], input_size=60, vocab_size=16).eval()
    model.load_state_dict(torch.load(folder / "model.pt", weights_only=True), strict=True)
    seen: list[torch.Tensor] = []
    plain = model.ctc.log_softmax
    model.ctc.log_softmax = lambda states: (seen.append(plain(states)), plain(states))[1]
    tokenizer = type("Tokenizer", (), {"decode": lambda self, numbers: ""})()
    with torch.inference_mode():
        for each in signals:
            model.inference([torch.from_numpy(each)], key=["a"], tokenizer=tokenizer, frontend=frontend, device="cpu")
    return torch.stack([each[0, 1] for each in seen]).numpy()


@WITH
@pytest.mark.filterwarnings("ignore")  # the package's own
def test_the_tags_have_the_probabilities_of_the_package(tmp_path: Path) -> None:
    write_sensevoice(tmp_path)
    model = load(str(tmp_path), device="cpu", dtype="fp32")

    single = np.concatenate([model.logits([signal]) for signal in SIGNALS])

    tags = reference(tmp_path, SIGNALS)[:, [PIECES.index(tag) for tag in TAGS.values()]]
    assert (model.spec.family, model.spec.labels) == ("sensevoice", tuple(TAGS))
    np.testing.assert_allclose(_softmax(single), _softmax(tags), atol=1e-5, rtol=0)
    np.testing.assert_allclose(model.logits(SIGNALS), single, atol=1e-4, rtol=0)
    assert np.abs(np.diff(single, axis=0)).max() > 0.01


@WITH
@pytest.mark.filterwarnings("ignore")
def test_bf16_stays_near_fp32(tmp_path: Path) -> None:
    write_sensevoice(tmp_path)

    low = load(str(tmp_path), device="cpu", dtype="bf16").logits(SIGNALS)

    full = load(str(tmp_path), device="cpu", dtype="fp32").logits(SIGNALS)
    assert 0 < np.abs(_softmax(low) - _softmax(full)).max() < 0.02


@WITH
@pytest.mark.parametrize("key", ["encoder.encoders.0.feed_forward.w_1.bias", "encoder.after_norm.weight"])
@pytest.mark.filterwarnings("ignore")
def test_a_tensor_that_is_missing_is_never_random(tmp_path: Path, key: str) -> None:
    write_sensevoice(tmp_path)
    tensors = torch.load(tmp_path / "model.pt", weights_only=True)
    del tensors[key]
    torch.save(tensors, tmp_path / "model.pt")

    with pytest.raises(LayoutError) as caught:
        load(str(tmp_path))

    assert caught.value.missing == (key,)


@WITH
@pytest.mark.parametrize("content", ["", "<Nnet>\n", "<AddShift> 1 1\n<LearnRateCoef> 0 [ a ]\n"])
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_scaling_of_the_features_is_refused(tmp_path: Path, content: str) -> None:
    (write_sensevoice(tmp_path) / "am.mvn").write_text(content)

    with pytest.raises(CheckpointError, match=r"am\.mvn"):
        load(str(tmp_path))


@WITHOUT
def test_without_the_package_it_is_said_what_to_install(tmp_path: Path) -> None:
    write_sensevoice(tmp_path)

    for door in (identify, load):
        with pytest.raises(CheckpointError, match=r"SenseVoice.*pip install 'seraph\[funasr\]'"):
            door(str(tmp_path))


def test_it_is_known_by_its_keys_and_its_tags_are_found_in_the_vocabulary(tmp_path: Path) -> None:
    checkpoint = open_checkpoint("source", write_sensevoice(tmp_path))

    names = [each.name for each in families() if each.recognises(checkpoint.tensors.keys(), checkpoint.config)]

    assert names == ["sensevoice"]
    assert [PIECES[number] for number in read_tags(checkpoint)] == list(TAGS.values())


def test_the_settings_of_the_features_are_part_of_the_preprocessing(tmp_path: Path) -> None:
    plain = read_fbank(open_checkpoint("source", write_sensevoice(tmp_path / "a")))
    edited = write_sensevoice(tmp_path / "b")
    (edited / "am.mvn").write_text((edited / "am.mvn").read_text().replace("-8.3", "-8.2"))

    other = read_fbank(open_checkpoint("source", edited))

    assert (plain.bands, plain.stacked, plain.stride) == (20, 3, 2)
    assert plain.digest() != other.digest()


@pytest.mark.parametrize(
    ("read", "part", "changes", "message"),
    [
        (encoder_settings, "encoder_conf", {"num_blocks": 1_000_000}, "num_blocks"),
        (encoder_settings, "encoder_conf", {"tp_blocks": 2}, "tp_blocks"),
        (encoder_settings, "encoder_conf", {"output_size": 10**9}, "output_size"),
        (read_fbank, "frontend_conf", {"upsacle_samples": False}, "upsacle_samples"),
        (read_fbank, "frontend_conf", {"n_mels": "many"}, "n_mels"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    tmp_path: Path, read: Callable[[Checkpoint], object], part: str, changes: dict[str, object], message: str
) -> None:
    checkpoint = open_checkpoint("source", edit_part(write_sensevoice(tmp_path), part, **changes))

    with pytest.raises(CheckpointError, match=message):
        read(checkpoint)


@pytest.mark.parametrize("pieces", [PIECES[:-1], (*PIECES[:-4], "a", "b", "c", "d")])
def test_a_vocabulary_that_does_not_fit_is_refused(tmp_path: Path, pieces: tuple[str, ...]) -> None:
    write_sensevoice(tmp_path, pieces=PIECES)

    (tmp_path / "tiny.bpe.model").write_bytes(sentencepiece_model(pieces))

    with pytest.raises(CheckpointError, match="expected 16"):
        read_tags(open_checkpoint("source", tmp_path))


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)
