"""Small text classifiers with random weights, in the published layouts, with tiny vocabularies made on the spot."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from tests.support.checkpoints import stirred, write_config, write_tensors

ENGLISH = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
TEXTS = (
    "I am so happy to see you again!",
    "",
    "No.",
    "   ",
    "오늘은 정말 슬픈 하루였어요. 아무것도 하고 싶지 않아.",
    "Why would you do that? " * 40,
    "[MASK] <s> </s> [PAD]",
    "half a character: \ud83d",
)
"""Short, long, empty, Korean, with special tokens in them, and with half a character."""

_CLASSES: dict[str, Any] = {
    "roberta": (RobertaConfig, RobertaForSequenceClassification),
    "xlm-roberta": (XLMRobertaConfig, XLMRobertaForSequenceClassification),
    "electra": (ElectraConfig, ElectraForSequenceClassification),
    "bert": (BertConfig, BertForSequenceClassification),
    "distilbert": (DistilBertConfig, DistilBertForSequenceClassification),
}
_BYTE_LEVEL = ("roberta", "xlm-roberta")


def write_text(
    folder: Path,
    model_type: str = "roberta",
    *,
    labels: Sequence[str] = ENGLISH,
    seed: int = 0,
    hidden: int = 32,
    layers: int = 2,
    heads: int = 4,
    positions: int = 64,
    problem_type: str | None = None,
    file: str = "model.safetensors",
    old_files: bool = False,
    **architecture: Any,
) -> Path:
    """Write a checkpoint as transformers' `…ForSequenceClassification` stores it, with its tokeniser.

    Args:
        folder: Where to; made if needed.
        model_type: `roberta`, `xlm-roberta`, `electra`, `bert` or `distilbert`.
        labels: In the order of the outputs.
        seed: Of the weights.
        hidden, layers, heads, architecture: The encoder.
        positions: Tokens that it can read.
        problem_type: As config.json says it; None: it does not.
        file: Name of the weight file.
        old_files: The tokeniser as vocab.txt, or as vocab.json and merges.txt, instead of tokenizer.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    size = _write_tokenizer(folder, model_type in _BYTE_LEVEL, positions, old_files=old_files)
    config_class, model_class = _CLASSES[model_type]
    padding = 1 if model_type in _BYTE_LEVEL else 0
    config = config_class(
        vocab_size=size,
        max_position_embeddings=positions + (2 if model_type in _BYTE_LEVEL else 0),
        pad_token_id=padding,
        num_labels=len(labels),
        **(_sizes(model_type, hidden, layers, heads) | architecture),
    )
    generator = torch.Generator().manual_seed(seed)
    state = model_class(config).state_dict()
    write_tensors(folder, {key: stirred(key, tensor, generator) for key, tensor in state.items()}, file)
    settings = {} if problem_type is None else {"problem_type": problem_type}
    return write_config(folder, config, labels, vocab_size=size, pad_token_id=padding, **settings)


def _sizes(model_type: str, hidden: int, layers: int, heads: int) -> dict[str, Any]:
    if model_type == "distilbert":
        return {"dim": hidden, "n_layers": layers, "n_heads": heads, "hidden_dim": 2 * hidden}
    sizes = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    return sizes | {"intermediate_size": 2 * hidden, "type_vocab_size": 1 if model_type in _BYTE_LEVEL else 2}


def _write_tokenizer(folder: Path, byte_level: bool, positions: int, *, old_files: bool) -> int:
    """Train a tiny vocabulary on the texts above; returns its size."""
    tokenizer, special, name = _byte_pairs() if byte_level else _word_pieces()
    if old_files:
        tokenizer.model.save(str(folder))
    else:
        tokenizer.save(str(folder / "tokenizer.json"))
    settings = special | {"tokenizer_class": name, "model_max_length": positions}
    if not byte_level:
        settings |= {"do_lower_case": False, "strip_accents": None, "tokenize_chinese_chars": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return int(tokenizer.get_vocab_size())


def _byte_pairs() -> tuple[Tokenizer, dict[str, str], str]:
    special = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[*special.values(), "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_words(), trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer, special | {"mask_token": "<mask>", "cls_token": "<s>", "sep_token": "</s>"}, "RobertaTokenizer"


def _word_pieces() -> tuple[Tokenizer, dict[str, str], str]:
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    letters = sorted({letter for text in _words() for letter in text if not letter.isspace()})
    pieces = [*special.values(), "[MASK]", *letters, *(f"##{letter}" for letter in letters), "happy", "##ould", "정말"]
    # By hand: the trainer numbers pieces that are equally frequent in another order each time.
    tokenizer = Tokenizer(models.WordPiece({piece: row for row, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer, special | {"mask_token": "[MASK]"}, "BertTokenizer"


def _words() -> list[str]:
    return [text.encode("utf-8", "ignore").decode() for text in TEXTS]
