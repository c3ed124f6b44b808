"""Tokenisers: read from local files only, checked against the embedding, refused when damaged."""

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer as Plain

from actors.checkpoints import identify, load_text
from actors.checkpoints.tokens import Tokens, read_tokenizer
from infra.errors import CheckpointError
from tests.support.checkpoints import edit_config
from tests.support.text_checkpoints import TEXTS, write_text

FAMILIES = pytest.mark.parametrize("model_type", ["roberta", "electra"])


def vocabulary(folder: Path) -> int:
    return int(json.loads((folder / "config.json").read_text())["vocab_size"])


@FAMILIES
@pytest.mark.parametrize("old_files", [False, True], ids=["tokenizer.json", "vocabulary"])
def test_tokens_are_those_of_the_vocabulary_itself(tmp_path: Path, model_type: str, old_files: bool) -> None:
    write_text(tmp_path / "plain", model_type)
    write_text(tmp_path / "read", model_type, old_files=old_files)
    plain = Plain.from_file(str(tmp_path / "plain" / "tokenizer.json"))
    short = [TEXTS[0], TEXTS[1], TEXTS[2], TEXTS[4]]

    read = read_tokenizer(Tokens(tmp_path / "read", 64), vocabulary(tmp_path / "read"), "source")

    assert read(short) == [plain.encode(text).ids for text in short]


def test_the_smaller_of_both_limits_holds(tmp_path: Path) -> None:
    write_text(tmp_path)
    rows = vocabulary(tmp_path)

    assert read_tokenizer(Tokens(tmp_path, 20), rows, "source").limit == 20
    assert read_tokenizer(Tokens(tmp_path, 9999), rows, "source").limit == 64


@FAMILIES
def test_an_absent_tokeniser_is_told_before_anything_is_read(tmp_path: Path, model_type: str) -> None:
    (write_text(tmp_path, model_type) / "tokenizer.json").unlink()

    with pytest.raises(CheckpointError, match=r"tokenizer\.json, or vocab\.txt, or vocab\.json with merges\.txt"):
        identify(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": "1.0"}', b"\xff\xfe", b"[]"])
def test_a_damaged_tokeniser_is_refused_by_the_name_of_its_files(tmp_path: Path, content: bytes) -> None:
    (write_text(tmp_path) / "tokenizer.json").write_bytes(content)

    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        load_text(str(tmp_path))


def test_a_vocabulary_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    write_text(tmp_path / "roberta")
    write_text(tmp_path / "electra", "electra")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "roberta" / name).replace(tmp_path / "electra" / name)

    with pytest.raises(CheckpointError, match="different vocabularies"):
        load_text(str(tmp_path / "electra"))


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (127, True), (128, False), (-1, False)])
def test_an_embedding_may_be_padded_to_a_round_number_of_rows(tmp_path: Path, spare: int, fits: bool) -> None:
    write_text(tmp_path)
    rows = vocabulary(tmp_path) + spare

    if fits:
        assert read_tokenizer(Tokens(tmp_path, 64), rows, "source").limit == 64
    else:
        with pytest.raises(CheckpointError, match=f"{rows} rows"):
            read_tokenizer(Tokens(tmp_path, 64), rows, "source")


def test_a_tokeniser_that_adds_no_token_is_refused(tmp_path: Path) -> None:
    write_text(tmp_path, "electra")
    edit_config(tmp_path, "tokenizer.json", post_processor=None)
    edit_config(tmp_path, "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")

    with pytest.raises(CheckpointError, match="puts no token before a text"):
        load_text(str(tmp_path))


@pytest.mark.parametrize(("changes", "message"), [({"model_max_length": 0}, "at most"), ({"unk_token": None}, "UNK")])
def test_settings_under_which_some_text_could_not_be_read_are_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    edit_config(write_text(tmp_path, "electra"), "tokenizer_config.json", **changes)

    with pytest.raises(CheckpointError, match=message):
        load_text(str(tmp_path))


def test_code_beside_a_tokeniser_is_not_run(tmp_path: Path) -> None:
    write_text(tmp_path, "electra")
    expected = load_text(str(tmp_path), dtype="fp32").logits(TEXTS)
    (tmp_path / "code.py").write_text("raise SystemExit('this must not run')")
    edit_config(
        tmp_path, "tokenizer_config.json", tokenizer_class="Own", auto_map={"AutoTokenizer": ["code.Own", "code.Own"]}
    )

    np.testing.assert_array_equal(load_text(str(tmp_path), dtype="fp32").logits(TEXTS), expected)
