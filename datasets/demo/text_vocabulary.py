"""The tokenisers of the text checkpoints: byte-level pairs for English, word pieces for Korean.

Korean is read letter by letter (jamo) before it is pieced together, so that any syllable has tokens. The same texts
give the same files.
"""

import json
from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

_SIZE = 1500  # tokens
_LONGEST_PIECE = 12  # jamo: four syllables or so
_ROBERTA = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}
_ELECTRA = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
            "mask_token": "[MASK]"}  # fmt: skip
_JAMO = [chr(code) for first, last in ((0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2))
         for code in range(first, last + 1)]  # fmt: skip


def write_tokenizer(folder: Path, language: str, texts: list[str], positions: int) -> int:
    """Write a tokeniser of at most `positions` tokens a text, learnt from `texts`; returns the number of its tokens."""
    tokenizer = _byte_pairs(texts) if language == "en" else _word_pieces(texts)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    settings: dict[str, object] = {"model_max_length": positions}
    if language == "en":
        settings |= _ROBERTA | {"tokenizer_class": "RobertaTokenizer", "cls_token": "<s>", "sep_token": "</s>"}
    else:
        # Lower case and no accents: BERT's way to say it, which takes syllables apart into jamo as well.
        settings |= _ELECTRA | {"tokenizer_class": "ElectraTokenizer", "do_lower_case": True, "strip_accents": True,
                                "tokenize_chinese_chars": True}  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return tokenizer.get_vocab_size()


def _byte_pairs(texts: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=_SIZE, special_tokens=list(_ROBERTA.values()), show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    ))  # fmt: skip
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def _word_pieces(texts: list[str]) -> Tokenizer:
    """The pieces of words that save most tokens, chosen here: the trainer's choice differs from run to run."""
    normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    words = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    letters = [*_JAMO, *(chr(code) for code in range(33, 127) if not chr(code).isupper())]
    whole = [*_ELECTRA.values(), *letters, *(f"##{letter}" for letter in letters)]
    pieces = whole + _best_pieces(words, set(whole))[: _SIZE - len(whole)]
    tokenizer = Tokenizer(
        models.WordPiece({piece: row for row, piece in enumerate(pieces)}, unk_token=_ELECTRA["unk_token"])
    )
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def _best_pieces(words: Counter[str], known: set[str]) -> list[str]:
    """Pieces of up to `_LONGEST_PIECE` letters, those that stand for most letters first; ties in code point order."""
    saved: Counter[str] = Counter()
    for word, count in words.items():
        for start in range(len(word)):
            for end in range(start + 2, min(len(word), start + _LONGEST_PIECE) + 1):
                saved[("##" if start else "") + word[start:end]] += count * (end - start - 1)
    return sorted(saved.keys() - known, key=lambda piece: (-saved[piece], piece))
