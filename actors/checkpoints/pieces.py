"""The pieces of a SentencePiece model file, in the order of their numbers. Reads nothing else of it; needs no package.

The file is a protocol buffer: https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto, where
field 1 of the model is a piece, and field 1 of a piece its text.
"""

from collections.abc import Iterator
from pathlib import Path

from infra.errors import CheckpointError

MAX_BYTES = 64 << 20
_VARINT, _WIDE, _BYTES, _NARROW = 0, 1, 2, 5
"""Wire types: a number of variable length, 8 bytes, a length with so many bytes, 4 bytes."""


def read_pieces(path: Path) -> tuple[str, ...]:
    """The pieces of a model.

    Raises:
        CheckpointError: The file is absent, too large or damaged.
    """
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise CheckpointError(f"{path} is absent, or has more than {MAX_BYTES} bytes. Fetch it again.")
    try:
        return tuple(_text(piece) for number, piece in _fields(path.read_bytes()) if number == 1)
    except (IndexError, ValueError) as error:  # ValueError covers bad UTF-8
        raise CheckpointError(f"{path} is damaged: no SentencePiece model ({error}). Fetch it again.") from error


def _text(piece: bytes) -> str:
    return next((content for number, content in _fields(piece) if number == 1), b"").decode()


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each field; numbers without a length have none."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        wire = tag & 7
        if wire == _VARINT:
            _, at = _varint(message, at)
            yield tag >> 3, b""
            continue
        if wire not in (_WIDE, _BYTES, _NARROW):
            raise ValueError(f"a field of the unknown wire type {wire}")
        size, at = _varint(message, at) if wire == _BYTES else (8 if wire == _WIDE else 4, at)
        if at + size > len(message):
            raise ValueError("a field reaches beyond the end")
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
