"""Every checkpoint of the earlier evaluation, in its published layout at its real width, against a reference.

The references (tests.support.references) follow the published descriptions, on transformers' bare backbone; for the
stock layout transformers' own class is the reference. The weights are random and stirred, the layers few. What plain
transformers makes of the same files is shown beside it: a random head, mostly.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from transformers import AutoModelForAudioClassification, Wav2Vec2FeatureExtractor

from actors.checkpoints import load
from actors.contract import EmotionModel, Signal
from infra.errors import CheckpointError
from tests.support.checkpoints import (
    BASE,
    GREEK,
    LARGE,
    RAVDESS,
    SUPERB,
    Tensors,
    backbone_config,
    edit_config,
    some_signals,
    stirred_backbone,
    write_config,
    write_dimensional,
    write_ehcalabres,
    write_preprocessor,
    write_soxan,
    write_stock,
    write_tensors,
)
from tests.support.recipe_checkpoints import IEMOCAP, MSP_PODCAST, write_odyssey, write_speechbrain
from tests.support.references import Reference, ehcalabres, odyssey, soxan, speechbrain, stock, stored

pytestmark = pytest.mark.slow

Logits = npt.NDArray[np.float32]

KOREAN = ("기쁨", "당황", "분노", "불안", "슬픔")
DIMENSIONS = ("arousal", "dominance", "valence")
MEAN, STD = -8e-05, 0.085

FINE_TUNED: Mapping[str, Any] = {
    "attention_dropout": 0.1, "ctc_loss_reduction": "mean", "final_dropout": 0.0, "layerdrop": 0.1, "pad_token_id": 0,
    "mask_time_prob": 0.05, "problem_type": "single_label_classification", "torch_dtype": "float32", "vocab_size": 45,
}  # fmt: skip
"""What config.json of fine-tuned XLSR checkpoints has besides."""
SOXAN = {**FINE_TUNED, "architectures": ["Wav2Vec2ForSpeechClassification"], "finetuning_task": "wav2vec2_clf"}
AUDEERING = {**SOXAN, "problem_type": "regression", "vocab_size": None, "pooling_mode": "mean"}


@dataclass(frozen=True)
class Layout:
    """A published checkpoint: how it is written, its reference, and what Seraph should tell of it."""

    write: Callable[..., Path]
    reference: Callable[[Path], Reference]
    family: str
    labels: Sequence[str]
    kind: str = "categorical"
    config: Mapping[str, Any] = field(default_factory=dict)


scaled = partial(odyssey, mean=MEAN, std=STD)
large = {**LARGE, "layers": 1}
LAYOUTS = {
    "superb": Layout(
        partial(write_stock, weighted=True, projection=256, old_names=True, layers=2, **LARGE),
        stock,
        "stock",
        SUPERB,
        config={**FINE_TUNED, "architectures": ["Wav2Vec2ForSequenceClassification"]},
    ),
    "ehcalabres": Layout(
        partial(write_ehcalabres, old_names=True, file="pytorch_model.bin", **large),
        ehcalabres,
        "ehcalabres",
        RAVDESS,
        config=SOXAN,
    ),
    "jungjongho": Layout(partial(write_soxan, labels=KOREAN, **large), soxan, "soxan", KOREAN, config=SOXAN),
    "harshit345": Layout(partial(write_soxan, old_names=True, **large), soxan, "soxan", GREEK, config=SOXAN),
    "m3hrdadfi": Layout(
        partial(write_soxan, old_names=True, file="pytorch_model.bin", seed=1, **large),
        soxan,
        "soxan",
        GREEK,
        config=SOXAN,
    ),
    "audeering": Layout(
        partial(write_dimensional, old_names=True, **large), soxan, "soxan", DIMENSIONS, "dimensional", AUDEERING
    ),
    "speechbrain": Layout(
        partial(write_speechbrain, layers=1, **BASE), speechbrain, "speechbrain", IEMOCAP
    ),
    "odyssey": Layout(
        partial(write_odyssey, old_names=True, mean=MEAN, std=STD, layers=1, **LARGE), scaled, "odyssey", MSP_PODCAST
    ),
    "odyssey, attributes": Layout(
        partial(write_odyssey, labels=DIMENSIONS, mean=MEAN, std=STD, layers=1, **LARGE),
        scaled,
        "odyssey",
        DIMENSIONS,
        "dimensional",
    ),
}  # fmt: skip
FOREIGN = ("ehcalabres", "jungjongho", "harshit345", "m3hrdadfi", "audeering")


@dataclass(frozen=True)
class Loaded:
    """A checkpoint on disk and in memory."""

    layout: Layout
    folder: Path
    model: EmotionModel
    signals: Sequence[Signal]
    single: Logits


@pytest.fixture(scope="module", params=LAYOUTS)
def loaded(request: pytest.FixtureRequest) -> Iterator[Loaded]:
    """One layout at a time: written (about 100 MB), loaded, and its signals scored one by one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    layout = LAYOUTS[request.param]
    signals = some_signals(seconds=(0.8, 0.75, 1.0, 0.5, 0.9, 0.95))
    with TemporaryDirectory() as folder:
        layout.write(Path(folder))
        if layout.config:
            edit_config(Path(folder), **layout.config)
        model = load(folder, device="cpu", dtype="fp32")
        single = np.concatenate([model.logits([signal]) for signal in signals])
        yield Loaded(layout, Path(folder), model, signals, single)
    torch.set_num_threads(threads)


def only(*names: str) -> pytest.MarkDecorator:
    """The tests of some layouts."""
    return pytest.mark.parametrize("loaded", names, indirect=True, scope="module")


def test_it_is_recognised_with_its_labels(loaded: Loaded) -> None:
    found = loaded.model.spec

    assert (found.family, found.kind, found.labels) == (
        loaded.layout.family,
        loaded.layout.kind,
        tuple(loaded.layout.labels),
    )


def test_one_at_a_time_equals_the_published_forward(loaded: Loaded) -> None:
    reference = loaded.layout.reference(loaded.folder)

    with torch.inference_mode():
        expected = torch.stack([reference(signal) for signal in loaded.signals]).numpy()

    assert np.abs(np.diff(expected, axis=0)).max() > 0.1  # signals that all give the same would prove nothing
    np.testing.assert_allclose(loaded.single, expected, atol=1e-5 * max(1.0, np.abs(expected).max()), rtol=0)


def test_a_padded_batch_equals_one_at_a_time(loaded: Loaded) -> None:
    together = loaded.model.logits(loaded.signals)

    np.testing.assert_allclose(together, loaded.single, atol=1e-4, rtol=0)


@only(*FOREIGN)
def test_plain_transformers_loads_it_without_an_error_and_scores_it_at_random(loaded: Loaded) -> None:
    head = {key for key in stored(loaded.folder) if key.startswith("classifier.")}

    first, second = (plain(loaded.folder, loaded.signals[0]) for _ in range(2))

    for _, missing, unexpected in (first, second):
        assert missing >= {"projector.weight", "projector.bias", "classifier.weight", "classifier.bias"}
        assert unexpected >= head
    assert (first[0] - second[0]).abs().max() > 1e-3


@only("superb")
def test_plain_transformers_loads_superb_right(loaded: Loaded) -> None:
    model = AutoModelForAudioClassification.from_pretrained(loaded.folder)
    extract = Wav2Vec2FeatureExtractor.from_pretrained(loaded.folder)

    with torch.inference_mode():
        plain = model(**extract(loaded.signals, sampling_rate=16_000, return_tensors="pt", padding=True)).logits

    np.testing.assert_allclose(loaded.model.logits(loaded.signals), plain.numpy(), atol=1e-4, rtol=0)


@only("speechbrain", "odyssey")
def test_plain_transformers_cannot_load_it(loaded: Loaded) -> None:
    with pytest.raises(ValueError, match=r"model_type|does not recognize|Unrecognized"):
        AutoModelForAudioClassification.from_pretrained(loaded.folder)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({"lm_head.weight": torch.zeros(154, 128), "lm_head.bias": torch.zeros(154)}, "transcribes speech"),
        ({}, "backbone without an emotion head"),
    ],
    ids=["with its CTC head", "bare"],
)
def test_mms_is_refused_adapters_and_all(tmp_path: Path, head: Tensors, message: str) -> None:
    config = backbone_config("wav2vec2", hidden=128, layers=1, adapter_attn_dim=16)  # narrow: only the keys matter
    tensors = stirred_backbone(config, torch.Generator().manual_seed(0)) | head
    write_config(write_tensors(tmp_path, tensors), config, [], architectures=["Wav2Vec2ForCTC"], vocab_size=154)
    write_tensors(tmp_path, {"lm_head.weight": torch.zeros(154, 128)}, "adapter.kor.safetensors")
    write_preprocessor(tmp_path)

    with pytest.raises(CheckpointError, match=rf"{message}.*fine-tuned"):
        load(str(tmp_path), device="cpu")


def plain(folder: Path, signal: Signal) -> tuple[torch.Tensor, set[str], set[str]]:
    """What plain transformers gives, and the keys that it missed and did not expect."""
    model, info = AutoModelForAudioClassification.from_pretrained(folder, output_loading_info=True)
    with torch.inference_mode():
        logits = model.eval()(torch.from_numpy(signal)[None]).logits
    return logits, set(info["missing_keys"]), set(info["unexpected_keys"])
