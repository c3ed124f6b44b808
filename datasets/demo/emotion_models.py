"""The two emotion checkpoints: small wav2vec2 models, trained from nothing on synthetic speech, and saved.

English has the stock layout of transformers (`Wav2Vec2ForSequenceClassification`), Korean the "soxan" layout that many
published checkpoints have, and that transformers has no class for.
"""

import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from emotions import EMOTIONS
from mediafiles import SAMPLING_RATE
from safetensors.torch import load_file, save_file
from speech import Espeak
from torch import nn
from training_speech import utterances, with_margins, worn
from transformers import (
    AutoModelForAudioClassification,
    Wav2Vec2Config,
    Wav2Vec2ForSequenceClassification,
    Wav2Vec2Model,
)

# A checkpoint's own words for the seven emotions, in the checkpoint's own order.
LABELS = {
    "en": {"angry": "angry", "disgust": "disgust", "fear": "fear", "happy": "happy", "neutral": "neutral",
           "sad": "sad", "surprise": "surprise"},
    "ko": {"기쁨": "happy", "당황": "surprise", "분노": "angry", "불안": "fear", "슬픔": "sad",
           "중립": "neutral", "혐오": "disgust"},
}  # fmt: skip
_ARCHITECTURES = {"en": "Wav2Vec2ForSequenceClassification", "ko": "Wav2Vec2ForSpeechClassification"}
_TRAINING_UTTERANCES, _EPOCHS, _BATCH, _PEAK_RATE = 2590, 10, 8, 1e-3
_SHORTEST, _LONGEST = 1.2, 3.2  # seconds of a training utterance that are heard at once


class SoxanModel(nn.Module):
    """wav2vec2, the mean over the valid frames, then dense, tanh, out_proj.

    Keys of its state dict: `wav2vec2.*`, `classifier.dense.*`, `classifier.out_proj.*`.
    """

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__()
        self.wav2vec2 = Wav2Vec2Model(config)
        self.classifier = nn.ModuleDict(
            {
                "dense": nn.Linear(config.hidden_size, config.hidden_size),
                "out_proj": nn.Linear(config.hidden_size, config.num_labels),
            }
        )
        self.dropout = nn.Dropout(config.final_dropout)

    def forward(self, input_values: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Signals (n, samples) and their mask, in; logits (n, labels), out."""
        states = self.wav2vec2(input_values, attention_mask=attention_mask).last_hidden_state
        mask = self.wav2vec2._get_feature_vector_attention_mask(states.shape[1], attention_mask).unsqueeze(-1)
        pooled = (states * mask).sum(1) / mask.sum(1)
        hidden = torch.tanh(self.classifier["dense"](self.dropout(pooled)))
        return self.classifier["out_proj"](self.dropout(hidden))


class StockModel(nn.Module):
    """transformers' own class, called the same way as `SoxanModel`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_values: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Signals (n, samples) and their mask, in; logits (n, labels), out."""
        return self.model(input_values, attention_mask=attention_mask).logits


def build(folder: Path, language: str, espeak: Espeak, seed: int) -> None:
    """Train one language's checkpoint, and save it to `folder`."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    words = list(LABELS[language])
    order = [words.index(next(w for w in words if LABELS[language][w] == emotion)) for emotion in EMOTIONS]
    spoken = [(worn(signal, rng), order[EMOTIONS.index(emotion)])
              for signal, emotion in utterances(espeak, language, _TRAINING_UTTERANCES, rng)]  # fmt: skip
    config = _config(language)
    model = StockModel(Wav2Vec2ForSequenceClassification(config)) if language == "en" else SoxanModel(config)
    _start_as_filters(model)
    _train(model, spoken, rng)
    _save(folder, model.model if isinstance(model, StockModel) else model, config)


def load(folder: Path) -> tuple[nn.Module, list[str]]:
    """A saved checkpoint, as its layout asks for, and its labels in order.

    Raises:
        RuntimeError: the weights do not fit the layout.
    """
    config = Wav2Vec2Config.from_pretrained(folder)
    labels = [config.id2label[index] for index in range(config.num_labels)]
    if config.architectures == [_ARCHITECTURES["en"]]:
        return StockModel(AutoModelForAudioClassification.from_pretrained(folder, dtype=torch.float32)).eval(), labels
    model = SoxanModel(config)
    model.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
    return model.eval(), labels


def normalised(signal: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance over the signal, as preprocessor_config.json promises."""
    return (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)


def _config(language: str) -> Wav2Vec2Config:
    soxan = {"pooling_mode": "mean", "finetuning_task": "wav2vec2_clf"} if language == "ko" else {}
    return Wav2Vec2Config(
        hidden_size=96, num_hidden_layers=3, num_attention_heads=4, intermediate_size=256, classifier_proj_size=96,
        conv_dim=(96, 96, 96), conv_kernel=(512, 4, 2), conv_stride=(80, 4, 2), num_feat_extract_layers=3,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
        feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True, layerdrop=0.0, apply_spec_augment=False,
        vocab_size=32, problem_type="single_label_classification", architectures=[_ARCHITECTURES[language]],
        id2label=dict(enumerate(LABELS[language])), label2id={word: i for i, word in enumerate(LABELS[language])},
        demo_model=True, dtype="float32", hidden_dropout=0.1, attention_dropout=0.1, feat_proj_dropout=0.0,
        activation_dropout=0.0, final_dropout=0.1, **soxan,
    )  # fmt: skip


def _start_as_filters(model: nn.Module) -> None:
    """Start the convolutions as a bank of filters, equally wide in octaves, and its average over 20 ms.

    From noise, a net this small takes hundreds of steps to find pitch at all. Filters 2i and 2i + 1 are the cosine and
    the sine of one frequency between 80 and 5,000 Hz, under a Hann window of 8 periods or the kernel's length.
    """
    layers = next(m for m in model.modules() if isinstance(m, Wav2Vec2Model)).feature_extractor.conv_layers
    first, second, third = (layer.conv.weight.data for layer in layers)
    count, length = first.shape[0] // 2, first.shape[2]
    time_ = torch.arange(length) - (length - 1) / 2  # in signal values
    for i, hertz in enumerate(80.0 * (5000 / 80) ** np.linspace(0, 1, count)):
        width = min(length, 8 * SAMPLING_RATE / hertz)
        window = torch.where(time_.abs() < width / 2, 0.5 + 0.5 * torch.cos(2 * torch.pi * time_ / width), 0.0)
        for offset, wave in enumerate((torch.cos, torch.sin)):
            first[2 * i + offset, 0] = window / window.norm() * wave(2 * torch.pi * hertz / SAMPLING_RATE * time_)
    layers[0].layer_norm.weight.data.fill_(2.0)
    second[:count] *= 0.1
    third[:count] *= 0.3
    for i in range(count):
        second[i, 2 * i : 2 * i + 2] += 3.0 / second.shape[2]
        third[i, i] += 1.0 / third.shape[2]
    for name, weight in model.named_parameters():
        if weight.dim() == 2 and "conv" not in name:
            nn.init.xavier_uniform_(weight)


def _train(model: nn.Module, spoken: list[tuple[np.ndarray, int]], rng: np.random.Generator) -> None:
    steps = _EPOCHS * math.ceil(len(spoken) / _BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _PEAK_RATE, total_steps=steps, pct_start=0.15)
    model.train()
    for epoch in range(_EPOCHS):
        started, right, loss_sum = time.perf_counter(), 0, 0.0
        for batch in _batches(spoken, rng):
            signals, mask, truth = _collated([spoken[i] for i in batch], rng)
            logits = model(signals, mask)
            loss = nn.functional.cross_entropy(logits, truth, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            right, loss_sum = right + int((logits.argmax(1) == truth).sum()), loss_sum + loss.item() * len(batch)
        print(f"  epoch {epoch + 1}: loss {loss_sum / len(spoken):.3f}, accuracy {right / len(spoken):.3f} "
              f"({time.perf_counter() - started:.0f} s)", flush=True)  # fmt: skip


def _batches(spoken: list[tuple[np.ndarray, int]], rng: np.random.Generator) -> list[np.ndarray]:
    """Indices in batches of like length, in random order."""
    lengths = np.array([signal.size for signal, _ in spoken]) * rng.uniform(0.85, 1.15, len(spoken))
    batches = np.array_split(np.argsort(lengths), math.ceil(len(spoken) / _BATCH))
    return [batches[i] for i in rng.permutation(len(batches))]


def _collated(items: list[tuple[np.ndarray, int]], rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    signals = [normalised(with_margins(_part(signal, rng), rng)) for signal, _ in items]
    padded = np.zeros((len(signals), max(signal.size for signal in signals)), np.float32)
    mask = np.zeros(padded.shape, np.int64)
    for row, signal in enumerate(signals):
        padded[row, : signal.size], mask[row, : signal.size] = signal, 1
    return torch.from_numpy(padded), torch.from_numpy(mask), torch.tensor([label for _, label in items])


def _part(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = round(rng.uniform(_SHORTEST, _LONGEST) * SAMPLING_RATE)
    start = rng.integers(0, max(signal.size - size, 0) + 1)
    return signal[start : start + size]


def _save(folder: Path, model: nn.Module, config: Wav2Vec2Config) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(folder)
    weights = {key: value.detach().half().contiguous() for key, value in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    preprocessor = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1, "sampling_rate": SAMPLING_RATE,
        "do_normalize": True, "return_attention_mask": True, "padding_side": "right", "padding_value": 0.0,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n", encoding="utf-8")
