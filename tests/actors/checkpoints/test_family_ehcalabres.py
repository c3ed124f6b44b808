"""The ehcalabres family against transformers' own class, to which it is equal under other key names."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification

from actors.checkpoints import load
from tests.support.checkpoints import RAVDESS, some_signals, write_ehcalabres

NAMES = {"classifier.dense": "projector", "classifier.output": "classifier"}


def test_it_equals_the_stock_head_under_other_names(tmp_path: Path) -> None:
    write_ehcalabres(tmp_path)
    signals = some_signals()
    config = Wav2Vec2Config.from_pretrained(tmp_path, classifier_proj_size=32)
    stock = Wav2Vec2ForSequenceClassification(config).eval()
    tensors = load_file(tmp_path / "model.safetensors")
    for published, own in NAMES.items():
        tensors = {key.replace(published, own): tensor for key, tensor in tensors.items()}
    stock.load_state_dict(tensors)

    model = load(str(tmp_path), device="cpu", dtype="fp32")
    single = np.concatenate([model.logits([signal]) for signal in signals])

    assert (model.spec.family, model.spec.labels) == ("ehcalabres", RAVDESS)
    scaled = [torch.from_numpy((s - s.mean()) / np.sqrt(s.var() + 1e-7))[None] for s in signals]
    with torch.inference_mode():
        reference = torch.cat([stock(each).logits for each in scaled]).numpy()
    np.testing.assert_allclose(single, reference, atol=1e-5, rtol=0)
    np.testing.assert_allclose(model.logits(signals), single, atol=1e-4, rtol=0)
