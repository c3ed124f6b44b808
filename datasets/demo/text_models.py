"""The two text emotion checkpoints: small encoders, trained from nothing on made-up sentences, and saved.

English has RoBERTa's layout, Korean ELECTRA's; heads and files are those of transformers' `…ForSequenceClassification`.
Which sentences: text_corpus.py. Which tokens: text_vocabulary.py.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from text_corpus import training
from text_vocabulary import write_tokenizer
from torch import nn
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    ElectraConfig,
    ElectraForSequenceClassification,
    PreTrainedTokenizerBase,
    RobertaConfig,
    RobertaForSequenceClassification,
)

# A checkpoint's own words for the seven emotions, in the checkpoint's own order.
LABELS = {
    "en": {"anger": "angry", "disgust": "disgust", "fear": "fear", "joy": "happy", "neutral": "neutral",
           "sadness": "sad", "surprise": "surprise"},
    "ko": {"기쁨": "happy", "슬픔": "sad", "분노": "angry", "불안": "fear", "당황": "surprise",
           "혐오": "disgust", "중립": "neutral"},
}  # fmt: skip
POSITIONS = 128  # tokens of a text at most
_EACH, _EPOCHS, _BATCH, _PEAK_RATE = 1200, 6, 32, 2e-3
_HIDDEN_TOKENS = 0.15  # share of tokens that training hides
_ARCHITECTURES = {"en": "RobertaForSequenceClassification", "ko": "ElectraForSequenceClassification"}
_SIZES = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128,
          "hidden_dropout_prob": 0.15}  # fmt: skip


def build(folder: Path, language: str, seed: int) -> None:
    """Train one language's checkpoint, and save it to `folder`."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    sentences = training(language, _EACH, rng)
    folder.mkdir(parents=True, exist_ok=True)
    size = write_tokenizer(folder, language, [text for text, _ in sentences], POSITIONS)
    model = _model(language, size)
    rows = {emotion: row for row, emotion in enumerate(LABELS[language].values())}
    tokenizer = AutoTokenizer.from_pretrained(folder)
    _train(model, tokenizer, [(text, rows[emotion]) for text, emotion in sentences], rng)
    model.config.save_pretrained(folder)
    weights = {key: value.detach().half().contiguous() for key, value in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def posteriors(folder: Path, language: str, texts: list[str]) -> np.ndarray:
    """What a saved checkpoint makes of texts, by transformers alone.

    Returns:
        Shape (n, 7), float64, one column for each of `LABELS[language]` in order.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    assert list(model.config.id2label.values()) == list(LABELS[language])
    with torch.no_grad():
        logits = [model(**tokenizer(text, return_tensors="pt", truncation=True)).logits[0] for text in texts]
    return torch.stack(logits).double().softmax(1).numpy()


def _model(language: str, size: int) -> nn.Module:
    """The untrained network; its configuration says that it is a toy."""
    labels = LABELS[language]
    common: dict[str, Any] = {
        **_SIZES, "vocab_size": size, "demo_model": True, "dtype": "float32",
        "problem_type": "single_label_classification",
        "id2label": dict(enumerate(labels)), "label2id": {word: row for row, word in enumerate(labels)},
        "architectures": [_ARCHITECTURES[language]],
    }  # fmt: skip
    if language == "en":
        return RobertaForSequenceClassification(RobertaConfig(
            **common, max_position_embeddings=POSITIONS + 2, type_vocab_size=1, bos_token_id=0, pad_token_id=1,
            eos_token_id=2,
        ))  # fmt: skip
    return ElectraForSequenceClassification(
        ElectraConfig(**common, embedding_size=64, max_position_embeddings=POSITIONS, pad_token_id=0)
    )


def _train(model: nn.Module, tokenizer: PreTrainedTokenizerBase, read: list[tuple[str, int]],
           rng: np.random.Generator) -> None:  # fmt: skip
    steps = _EPOCHS * -(-len(read) // _BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _PEAK_RATE, total_steps=steps, pct_start=0.15)
    model.train()
    for epoch in range(_EPOCHS):
        right = 0
        for batch in _batches(len(read), rng):
            inputs = tokenizer([read[i][0] for i in batch], return_tensors="pt", padding=True, truncation=True)
            tokens, truth = _hidden(inputs["input_ids"], tokenizer, rng), torch.tensor([read[i][1] for i in batch])
            logits = model(input_ids=tokens, attention_mask=inputs["attention_mask"]).logits
            loss = nn.functional.cross_entropy(logits, truth, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            right += int((logits.argmax(1) == truth).sum())
        print(f"  epoch {epoch + 1}: accuracy {right / len(read):.3f}", flush=True)


def _hidden(tokens: torch.Tensor, tokenizer: PreTrainedTokenizerBase, rng: np.random.Generator) -> torch.Tensor:
    """The tokens with some of them masked: no word may be all that an answer rests on."""
    special = torch.isin(tokens, torch.tensor(tokenizer.all_special_ids))
    chosen = torch.from_numpy(rng.random(tokens.shape) < _HIDDEN_TOKENS) & ~special
    return tokens.masked_fill(chosen, tokenizer.mask_token_id)


def _batches(count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    order = rng.permutation(count)
    return (order[start : start + _BATCH] for start in range(0, count, _BATCH))
