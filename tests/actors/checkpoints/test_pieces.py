"""SentencePiece models, read without the package."""

from pathlib import Path

import pytest

from actors.checkpoints.pieces import read_pieces
from infra.errors import CheckpointError
from tests.support.funasr_checkpoints import PIECES, sentencepiece_model


def test_pieces_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.bpe.model"
    path.write_bytes(sentencepiece_model(PIECES))

    assert read_pieces(path) == PIECES


def test_a_piece_longer_than_one_byte_can_say(tmp_path: Path) -> None:
    text = ("긴" * 60).encode()  # 180 bytes: the length takes two, 0b1_0110100 as 0xb4 0x01
    content = b"\x0a\xb4\x01" + text
    (tmp_path / "a").write_bytes(b"\x0a\xb7\x01" + content)

    assert read_pieces(tmp_path / "a") == ("긴" * 60,)


@pytest.mark.parametrize(
    "content", [b"\x0a", b"\x0a\xff", b"\x0a\x05\x0a\x09ab", b"\x0b\x01", b"\xff" * 20, b"\x0a\x04\x0a\x02\xff\xff"]
)
def test_a_damaged_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)

    with pytest.raises(CheckpointError, match="no SentencePiece model"):
        read_pieces(tmp_path / "a")


def test_an_absent_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="absent"):
        read_pieces(tmp_path / "a")
