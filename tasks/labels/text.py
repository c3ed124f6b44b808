"""Bytes of a label file → UTF-8, and the lines in it. Owns encodings and sizes, not what the lines mean."""

import codecs
import io

from infra.errors import InputError

MAX_BYTES = 1_000_000_000
"""A label file may be this large, and its records unpacked."""

_WIDE = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""UTF-32 first: its little-endian mark begins with that of UTF-16."""


def check_size(size: int, name: str, most: int = MAX_BYTES) -> None:
    """Refuse what is too large.

    Raises:
        InputError: More than `most` bytes.
    """
    if size > most:
        raise InputError(f"{name} has {size:,} bytes, label files may have {most:,}: split it into several files.")


def to_utf8(data: bytes, name: str) -> bytes:
    """The same text as UTF-8 without a byte order mark; UTF-16 and UTF-32 are known by theirs.

    What is no UTF-8 in it is found line by line, later.

    Raises:
        InputError: The mark lies, or the file is full of null bytes.
    """
    wide = next((encoding for mark, encoding in _WIDE.items() if data.startswith(mark)), None)
    if wide is not None:
        try:
            return data.decode(wide).encode("utf-8")
        except UnicodeError as error:
            raise InputError(f"{name} is no {wide.upper()} text, as its first bytes say: {error}") from error
    if b"\x00" in data[:1000]:
        raise InputError(f"{name} is no UTF-8 text: it has null bytes. Save it as UTF-8 (or as CSV, JSON or Parquet).")
    return data.removeprefix(codecs.BOM_UTF8)


def lines_of(data: bytes, newline: str) -> io.TextIOWrapper:
    """The lines of a UTF-8 text with their ends; bytes that are none come as lone surrogates (see `is_clean`).

    Args:
        data: UTF-8.
        newline: As for `open`: what ends a line.
    """
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="surrogateescape", newline=newline)


def is_clean(text: str) -> bool:
    """Whether a text can be stored and shown: no null character, no half of a surrogate pair."""
    if "\x00" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
