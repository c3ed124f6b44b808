"""datasets/demo/text_vocabulary.py: tokenisers that come out the same each time."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from tests.support.demo import demo_module

vocabulary = demo_module("text_vocabulary")
TEXTS = ["I am so happy.", "I was happy when we won.", "정말 행복해요.", "정말 행복했어요. 너무 좋아요!"] * 3


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_same_texts_give_the_same_files(language: str, tmp_path: Path) -> None:
    written = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        size = vocabulary.write_tokenizer(tmp_path / name, language, TEXTS, 64)
        written.append((size, [path.read_bytes() for path in sorted((tmp_path / name).iterdir())]))
    assert written[0] == written[1]


@pytest.mark.parametrize(("language", "first", "last"), [("en", "<s>", "</s>"), ("ko", "[CLS]", "[SEP]")])
def test_words_that_were_often_seen_are_one_token(language: str, first: str, last: str, tmp_path: Path) -> None:
    vocabulary.write_tokenizer(tmp_path, language, TEXTS, 64)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tokens = tokenizer.convert_ids_to_tokens(tokenizer({"en": "happy", "ko": "정말"}[language])["input_ids"])
    assert (tokens[0], tokens[-1]) == (first, last)
    assert len(tokens) <= 4  # in letters there would be seven and eight


def test_a_long_text_is_cut_to_the_positions_of_the_network(tmp_path: Path) -> None:
    vocabulary.write_tokenizer(tmp_path, "ko", TEXTS, 64)
    tokens = AutoTokenizer.from_pretrained(tmp_path)("쀍" * 30 + " 가" * 100, truncation=True)["input_ids"]
    assert len(tokens) == 64
